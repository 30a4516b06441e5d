// Bundles typical uses of the package for browsers, as applications do, and fails if one is too large.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const KB = 1024;
const create = `const client = new Client(location.origin, { credentials: { email: "e", password: "p" } });`;
const uses = {
  "core, one method": { limit: 12 * KB, source: `import { Client } from "@casino-loyalty/client"; ${create} client.getMe().then(console.log);` },
  "core, everything": { limit: 12 * KB, source: `export * from "@casino-loyalty/client";` },
  "with the inbox": {
    limit: 25 * KB,
    source: `import { Client } from "@casino-loyalty/client"; import { inbox } from "@casino-loyalty/client/inbox"; ${create}
      for await (const event of inbox(client)) console.log(event);`,
  },
  "everything": { limit: 25 * KB, source: `export * from "@casino-loyalty/client"; export * from "@casino-loyalty/client/inbox";` },
};

for (const [name, { limit, source }] of Object.entries(uses)) {
  const result = await build({
    stdin: { contents: source, resolveDir: "." },
    bundle: true, minify: true, write: false, format: "esm", platform: "browser", target: "es2022", logLevel: "warning",
  });
  const size = gzipSync(result.outputFiles[0].contents, { level: 9 }).length;
  console.log(`${name}: ${size} bytes with gzip, at most ${limit}`);
  if (size > limit) {
    console.error(`${name} is too large`);
    process.exitCode = 1;
  }
}

// An application that imports the package but does not use it pays nothing.
const unused = await build({
  stdin: { contents: `import "@casino-loyalty/client"; import { inbox } from "@casino-loyalty/client/inbox";`, resolveDir: "." },
  bundle: true, minify: true, write: false, format: "esm", platform: "browser", logLevel: "error",
});
if (unused.outputFiles[0].contents.length > 0) {
  console.error("an unused import is not removed from the bundle");
  process.exitCode = 1;
}

// Plays the scenarios in Chromium, and continues a session after a reload of the page and in a web worker. test/sdk runs it with
// the address of a platform and the credentials of an admin.
import { existsSync } from "node:fs";
import { build } from "esbuild";
import { chromium, type Page } from "playwright-core";
import type { Client } from "@casino-loyalty/client";
import type { play } from "../examples/scenarios/scenarios.js";

declare global {
  interface Window {
    scenarios: { play: typeof play; Client: typeof Client };
  }
}

const [, , url, email, password] = process.argv as string[] as [string, string, string, string, string];
const script = await bundle("build/examples/scenarios/browser.js");

const browser = await chromium.launch({
  executablePath: executable(),
  // A page that the test provides has no address, so Chromium would refuse its WebSockets to this machine.
  args: ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"],
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "log" && console.log(message.text()));
  // The page has the origin of the platform, as behind the proxy of a web application.
  await page.route(`${url}/application`, (route) =>
    route.fulfill({ contentType: "text/html", body: `<!doctype html><script type="module">${script}</script>` }),
  );
  await open(page);
  await page.evaluate((settings) => window.scenarios.play(settings, console.log), { url, email, password });
  await reload(page);
} finally {
  await browser.close();
}

/** Returns a program with all its imports. */
async function bundle(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [file], bundle: true, write: false, format: "esm", platform: "browser",
  });
  return outputFiles[0]!.text;
}

async function open(page: Page): Promise<void> {
  await page.goto(`${url}/application`);
  await page.waitForFunction(() => window.scenarios);
}

/** Logs in and loads the page again, where new clients continue the session with the cookie, also in a web worker. */
async function reload(page: Page): Promise<void> {
  await page.evaluate((credentials) => new window.scenarios.Client(location.origin).login(credentials), { email, password });
  await open(page);
  const visible = await page.evaluate(() => document.cookie);
  const worker = await page.evaluate((program) => {
    const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
    const started = new Worker(address, { type: "module" });
    return new Promise((resolve) => started.addEventListener("message", ({ data }) => resolve(data)));
  }, await bundle("build/tests/worker.js"));
  const me = await page.evaluate(async () => {
    const client = new window.scenarios.Client(location.origin);
    const { email } = await client.getMe();
    await client.logout();
    return email;
  });
  await open(page);
  const after = await page.evaluate(() => new window.scenarios.Client(location.origin).getMe().catch((e: Error) => e.name));
  if (visible !== "" || worker !== email || me !== email || after !== "NoSessionError") {
    throw new Error(
      `scripts see the cookie "${visible}", the user is ${me}, in the worker ${worker}, and after the logout ${JSON.stringify(after)}`,
    );
  }
  console.log("continued the session after a reload and in a web worker");
}

/** Returns the path of Chromium or Chrome. */
function executable(): string {
  const folders = (process.env["PATH"] ?? "").split(":");
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of folders) {
      if (existsSync(`${folder}/${name}`)) {
        return `${folder}/${name}`;
      }
    }
  }
  throw new Error("chromium is not installed");
}

// Writes the examples of README.md to build/readme, where the tests compile them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

// What the examples use but do not declare.
const given = `
import { ApiError, Client, NoSessionError, promotionOf, type PromotionInput, type Tokens } from "@casino-loyalty/client";
import { inbox } from "@casino-loyalty/client/inbox";
declare const email: string, password: string, url: string, id: string, orderId: string, input: PromotionInput;
declare const stored: Tokens, signal: AbortSignal;
declare function store(tokens: Tokens | undefined): void;
declare let lastId: string, unread: number, client: Client;
`;
const [, ...examples] = readFileSync("README.md", "utf8").split("```ts\n");
if (examples.length < 8) {
  throw new Error(`README.md has ${examples.length} examples`);
}
mkdirSync("build/readme", { recursive: true });
examples.forEach((rest, i) => {
  const [code] = rest.split("```");
  const body = code.replace(/^import .*\n/gm, "").replace(/^/gm, "  ");
  writeFileSync(`build/readme/${i}.ts`, `${given}export async function example() {\n${body}\n}\n`);
});

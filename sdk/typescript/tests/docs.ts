// Runs the TypeScript snippets of docs/api, which test/sdk has written and compiled:
//
//   node main.js URL TITLE
//
// It prints each notification that a snippet shows. It ends the snippet that shows the notification of the promotion TITLE.
import { promotionOf, type Notification } from "@casino-loyalty/client";

export const [url, title] = process.argv.slice(2) as [string, string];

class EndOfSnippet extends Error {}

export function show(notification: Notification): void {
  const shown = promotionOf(notification)?.title;
  console.log("shown", shown);
  if (shown === title) {
    throw new EndOfSnippet();
  }
}

/** Runs a snippet of a line of a page. */
export async function run(line: string, snippet: () => Promise<unknown>): Promise<void> {
  try {
    await snippet();
  } catch (error) {
    if (!(error instanceof EndOfSnippet)) {
      throw new Error(line, { cause: error });
    }
  }
}

// Continues the session of its page in a web worker, and returns the e-mail of the user. browser.ts starts it.
import { Client } from "@casino-loyalty/client";

new Client(location.origin).getMe().then(
  (me) => postMessage(me.email),
  (error: unknown) => postMessage(String(error)),
);

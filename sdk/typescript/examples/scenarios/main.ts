// Plays the scenarios in Node.js:
//
//   npm run example -- --url http://127.0.0.1:8080 --email admin@example.com --password …
import { parseArgs } from "node:util";
import { play } from "./scenarios.js";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8080" },
    email: { type: "string", default: "admin@example.com" },
    password: { type: "string", default: "" },
  },
});
await play(values as Required<typeof values>, console.log);

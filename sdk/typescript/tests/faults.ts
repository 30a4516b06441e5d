// Creates, assigns and claims promotions with a live inbox, while test/sdk restarts the platform, lets tokens expire and drops
// connections. It prints an object with the round and the number of the call before each call, and one with the transactions by
// promotion at the end:
//
//   node faults.js URL STAFF_EMAIL STAFF_PASSWORD PLAYER_EMAIL PLAYER_PASSWORD PLAYER_ID
import assert from "node:assert/strict";
import { Client, promotionOf, type ClientOptions, type Notification } from "@casino-loyalty/client";
import { inbox } from "@casino-loyalty/client/inbox";

/** Three faults, each during three calls. */
const ROUNDS = 9;
const PERIOD = { startDate: "2026-01-01", endDate: "2099-12-31" };

const [url, staffEmail, staffPassword, email, password, userId] = process.argv.slice(2) as [
  string, string, string, string, string, string,
];
const options: ClientOptions = {
  timeout: 120_000,
  maxAttempts: 100,
  log: (entry) => entry.level === "info" && console.log(entry.message, entry.route ?? "", String(entry.error ?? "")),
};
const staff = new Client(url, { ...options, credentials: { email: staffEmail, password: staffPassword } });
const player = new Client(url, { ...options, credentials: { email, password } });

/** How often a notification of each promotion was received, and the notifications that were listed after a gap. */
const received = new Map<string, number>();
const listed = new Set<string>();
let changed = () => {};
const end = new AbortController();
let opened = () => {};
const open = new Promise<void>((resolve) => (opened = resolve));
const listening = listen();
await open;

const paid = new Map<string, string>();
for (let round = 0; round < ROUNDS; round++) {
  const call = (number: number) => console.log(JSON.stringify({ round, call: number }));
  call(0);
  const { id } = await staff.createPromotion({ title: `Round ${round}`, type: "BONUS", amount: "1", ...PERIOD });
  call(1);
  const { results } = await staff.assign(id, { player_ids: [userId] });
  assert.equal(results[0]?.outcome, "ASSIGNED");
  call(2);
  const { transaction } = await player.claim({ promotion_id: id });
  paid.set(id, transaction.id);
}
while (![...paid.keys()].every((id) => received.has(id))) {
  await Promise.race([new Promise<void>((resolve) => (changed = resolve)), listening]);
}
end.abort();
await listening;
assert.deepEqual([...received].sort(), [...paid.keys()].map((id) => [id, 1]).sort(), "one notification of each promotion");
console.log(JSON.stringify({ paid: Object.fromEntries(paid) }));

async function listen(): Promise<void> {
  try {
    for await (const event of inbox(player, { signal: end.signal })) {
      if (event.type === "open") {
        opened();
      } else if (event.type === "notification" && !listed.has(event.notification.id)) {
        count(event.notification);
      } else if (event.type === "gap") {
        console.log("gap:", event.reason);
        received.clear();
        for await (const notification of player.allNotifications()) {
          listed.add(notification.id);
          count(notification);
        }
      }
    }
  } catch (error) {
    if (!end.signal.aborted) {
      throw error;
    }
  }
}

function count(notification: Notification): void {
  const id = promotionOf(notification)!.id;
  received.set(id, (received.get(id) ?? 0) + 1);
  changed();
}

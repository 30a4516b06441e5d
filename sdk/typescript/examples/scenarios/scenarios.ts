// Plays the three scenarios of the platform: a player registers and gets the welcome bonus, staff assign a promotion and the
// player is notified live, and the player claims it. It fails if something does not happen.
import { ApiError, Client, promotionOf, type Promotion, type Transaction, type User } from "@casino-loyalty/client";
import { inbox } from "@casino-loyalty/client/inbox";

/** The platform, and the credentials of an admin. */
export interface Settings {
  url: string;
  email: string;
  password: string;
}

const PERIOD = { startDate: "2026-01-01", endDate: "2099-12-31" };

/** Plays the scenarios and prints what happened. */
export async function play(settings: Settings, print: (line: string) => void): Promise<void> {
  const { url, email, password } = settings;
  const signal = AbortSignal.timeout(120_000);
  // In a browser, the cookie belongs to the player.
  const admin = new Client(url, { credentials: { email, password }, refreshToken: "body", userAgent: "scenarios/1" });
  const [player, user] = await register(admin, url, signal);
  print(`registered ${user.email} and received the welcome bonus`);
  const promotion = await assign(admin, player, user.id, signal);
  print(`assigned ${promotion.title} and notified the player live`);
  const transaction = await claim(player, promotion.id);
  print(`claimed ${transaction.amount} with transaction ${transaction.id}`);
  await player.logout();
  await admin.logout();
}

/** Registers a player and waits for the notification of the welcome bonus. */
async function register(admin: Client, url: string, signal: AbortSignal): Promise<[Client, User]> {
  const welcome = await welcomeBonus(admin);
  const credentials = { email: `player-${Date.now()}-${Math.random()}@example.com`, password: "a long enough phrase" };
  const player = new Client(url, { credentials });
  const user = await player.register(credentials);
  for (;;) {
    for await (const notification of player.allNotifications({}, { signal })) {
      if (promotionOf(notification)?.id === welcome) {
        return [player, user];
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns the id of the available welcome bonus. It creates one if there is none. */
async function welcomeBonus(admin: Client): Promise<string> {
  try {
    return (await admin.createPromotion({ title: "Welcome", type: "WELCOME_BONUS", amount: "20.00", ...PERIOD })).id;
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "PROMOTION_EXISTS")) {
      throw error;
    }
  }
  for await (const promotion of admin.allPromotions({ type: "WELCOME_BONUS", available: true })) {
    return promotion.id;
  }
  throw new Error("there is no available welcome bonus");
}

/** Assigns a new promotion to the player, who is listening, and waits until the player is notified and has read it. */
async function assign(admin: Client, player: Client, userId: string, signal: AbortSignal): Promise<Promotion> {
  const promotion = await admin.createPromotion({ title: "For you", type: "BONUS", amount: "5", ...PERIOD });
  let received = "";
  for await (const event of inbox(player, { signal })) {
    if (event.type === "open" && !received) {
      await admin.assign(promotion.id, { player_ids: [userId] });
    } else if (event.type === "notification" && promotionOf(event.notification)?.id === promotion.id) {
      received = event.notification.id;
      await player.markRead({ ids: [received] });
    } else if (event.type === "read" && event.read.ids.includes(received)) {
      return promotion;
    }
  }
  throw new Error("the inbox has ended");
}

/** Claims a promotion twice. The second claim is refused with the transaction of the first one. */
async function claim(player: Client, promotionId: string): Promise<Transaction> {
  const { transaction } = await player.claim({ promotion_id: promotionId });
  const refused: unknown = await player.claim({ promotion_id: promotionId }).catch((error: unknown) => error);
  if (!(refused instanceof ApiError && refused.code === "PROMOTION_ALREADY_CLAIMED")) {
    throw new Error("the second claim was not refused", { cause: refused });
  }
  if (refused.transactionId !== transaction.id) {
    throw new Error(`the second claim names the transaction ${refused.transactionId}`);
  }
  const { balance } = await player.getMe();
  if (balance !== transaction.amount) {
    throw new Error(`the balance is ${balance}, not ${transaction.amount}`);
  }
  return transaction;
}

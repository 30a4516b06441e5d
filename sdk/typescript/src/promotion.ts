import type { Notification, Promotion } from "./types_gen.js";

/** Returns the promotion of a notification of type "promotion", as it was at the time of the notification. */
export function promotionOf(notification: Notification): Promotion | undefined {
  return notification.type === "promotion" ? (notification.content as unknown as Promotion) : undefined;
}

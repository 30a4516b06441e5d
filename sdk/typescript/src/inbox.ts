/**
 * The live notifications of a player.
 *
 * @module
 */
import { openSocket } from "#socket";
import { backoff, sleep } from "./call.js";
import type { Client } from "./client.js";
import { ApiError, TransportError } from "./errors.js";
import type { SocketConstructor, SocketLike } from "./socket.js";
import type { Frame, Notification, ReadState } from "./types_gen.js";

export type { SocketConstructor, SocketLike };

/** An event of the inbox. */
export type InboxEvent =
  /** The connection is open, at first or again. Notifications that arrive from now on are received. */
  | { type: "open" }
  /** A new notification. Each notification is received once, in order, also over reconnections. */
  | { type: "notification"; notification: Notification }
  /** Notifications were marked as read, by this or by another client of the player. */
  | { type: "read"; read: ReadState }
  /** Notifications may have been missed. List them again with allNotifications. */
  | { type: "gap"; reason: string };

/** The options of {@link inbox}. */
export interface InboxOptions {
  /**
   * The id of the last notification that is known. The inbox begins with the newer ones. Without it, the inbox begins with
   * the notifications that arrive after the event "open".
   */
  since?: string | undefined;
  /** Ends the inbox, which then throws the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** The WebSocket constructor. The default is the global one; before version 22, Node.js needs the package ws instead. */
  WebSocket?: SocketConstructor | undefined;
}

/** The close code for an expired token or an ended session. */
const SESSION_ENDED = 4401;
/** The time in which a handshake must be answered, in milliseconds. */
const HANDSHAKE = 20_000;
/** The time without a frame or a ping after which a connection counts as lost. The platform pings every 25 seconds. */
const SILENCE = 60_000;
/** The same if pings are not visible, as in browsers. The connection may be quiet then, so it is only resumed. */
const QUIET = 300_000;
/** The maximum delay before the next connection, in milliseconds. A network may refuse WebSockets for ever. */
const MAX_DELAY = 30_000;
/** The number of events that may wait for the loop. With more, the connection is closed, and resumed later. */
const MAX_WAITING = 1000;

/**
 * Yields the live notifications of the player, until the signal aborts or the loop is left:
 *
 * ```ts
 * for await (const event of inbox(client, { since })) { … }
 * ```
 *
 * It connects again after every loss of the connection, with jitter, renews the token, and resumes after the last
 * notification. If that is not possible, it yields a gap. It throws only at the end: the reason of the signal, or an error
 * that would repeat itself, for example if the session has ended and cannot be renewed, or if the user is not a player.
 */
export async function* inbox(client: Client, options: InboxOptions = {}): AsyncGenerator<InboxEvent, void, undefined> {
  const { signal } = options;
  let { since } = options;
  let opened = false;
  let failures = 0;
  let check = true;
  for (;;) {
    signal?.throwIfAborted();
    let connection: Connection | undefined;
    try {
      if (check) {
        // WebSockets do not say why they were refused. This call does, and it renews the token.
        const { notifications } = await client.listNotifications({ page_size: 1 }, { signal });
        since ??= opened ? undefined : notifications[0]?.id;
      }
      check = true;
      connection = await connect(client, options, since);
      check = false;
      const start = performance.now();
      yield { type: "open" };
      if (opened && !since && (await client.listNotifications({ page_size: 1 }, { signal })).total > 0) {
        yield { type: "gap", reason: "the connection was lost before the first notification" };
      }
      opened = true;
      for (let frame; (frame = await connection.next()); ) {
        failures = 0;
        const event = eventOf(frame);
        if (event?.type === "notification") {
          since = event.notification.id;
        } else if (event?.type === "gap") {
          since = undefined;
        }
        if (event) {
          yield event;
        }
      }
      if (performance.now() - start >= MAX_DELAY) {
        failures = 0; // it has worked, even if nothing was sent
      }
      check = connection.code === SESSION_ENDED;
      throw connection.error;
    } catch (error) {
      signal?.throwIfAborted();
      const answered = error instanceof ApiError;
      const temporary = answered ? error.retryable || error.status >= 500 : error instanceof TransportError;
      if (!temporary && !(error instanceof LostConnection)) {
        throw error;
      }
      const delay = Math.max(backoff(++failures, MAX_DELAY), answered ? error.retryAfter : 0);
      client.log({ level: "info", message: "the inbox connects again", delay, error });
      await sleep(delay, signal);
    } finally {
      connection?.close();
    }
  }
}

/** Returns the event of a frame, or undefined for a kind of frame that this version does not know. */
function eventOf({ notification, read, reset }: Frame): InboxEvent | undefined {
  return notification
    ? { type: "notification", notification }
    : read
      ? { type: "read", read }
      : reset && { type: "gap", reason: reset.reason };
}

/** Opens a connection that resumes after a notification. It rejects if the connection ends before it is open. */
async function connect(client: Client, options: InboxOptions, since: string | undefined): Promise<Connection> {
  const token = await client.accessToken();
  const url = `${client.baseUrl.replace(/^http/, "ws")}/notifications/ws`;
  const socket = await openSocket(
    since ? `${url}?since=${encodeURIComponent(since)}` : url,
    // Browsers cannot set the header Authorization.
    ["loyalty.v1", `bearer.${token}`],
    client.userAgent,
    options.WebSocket,
  );
  const connection = new Connection(socket, options.signal);
  await connection.opened;
  return connection;
}

class LostConnection extends Error {}

/** A connection that keeps its frames until they are read. */
class Connection {
  readonly opened: Promise<void>;
  /** The close code, if there is one. */
  code: number | undefined;
  /** The reason of the end. */
  error: Error | undefined;
  readonly #socket: SocketLike;
  readonly #signal: AbortSignal | undefined;
  readonly #frames: Frame[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The time after which the connection counts as lost if nothing arrives. */
  #silence = HANDSHAKE;
  #wake = () => {};

  constructor(socket: SocketLike, signal: AbortSignal | undefined) {
    this.#socket = socket;
    this.#signal = signal;
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => {
        this.#silence = socket.on ? SILENCE : QUIET * (1 + Math.random());
        this.#alive();
        resolve();
      };
      this.#wake = () => reject(this.error!);
    });
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => {
      this.code ??= code;
      this.#end(`the connection was closed with the code ${code}`);
    };
    socket.onerror = ({ message }) => this.#end(message || "the connection failed");
    socket.on?.("ping", () => this.#alive());
    this.#alive();
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) {
      this.#abort();
    }
  }

  /** Returns the next frame, or undefined after the end of the connection. */
  async next(): Promise<Frame | undefined> {
    while (this.#frames.length === 0 && !this.error) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#signal?.aborted ? undefined : this.#frames.shift();
  }

  close(): void {
    this.#end("closed");
  }

  #receive(data: unknown): void {
    if (this.error) {
      return;
    }
    try {
      this.#frames.push(JSON.parse(data as string) as Frame);
    } catch {
      this.#end("a frame is not JSON");
      return;
    }
    this.#alive();
    this.#wake();
    if (this.#frames.length >= MAX_WAITING) {
      this.#end("too many events wait for the loop");
    }
  }

  /** Counts the connection as lost if it stays silent. */
  #alive(): void {
    clearTimeout(this.#timer);
    if (!this.error) {
      this.#timer = setTimeout(() => this.#end("the connection is silent"), this.#silence);
    }
  }

  readonly #abort = () => this.#end("aborted");

  #end(reason: string): void {
    if (this.error) {
      return;
    }
    this.error = new LostConnection(`inbox: ${reason}`);
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#socket.close();
    this.#wake();
  }
}

import { ApiError, TransportError, isTokenError, readError } from "./errors.js";
import { VERSION } from "./version.js";

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call. The call then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** The maximum duration of the call with all its retries, in milliseconds, instead of that of the client. */
  timeout?: number | undefined;
  /** How often the call is tried at most, instead of the number of the client. */
  maxAttempts?: number | undefined;
  /**
   * The Idempotency-Key of a call that changes something: 1 to 200 printable ASCII characters. Without it, the client makes
   * a new key for each call. Give a key to repeat a call safely after a restart of your program. Each logical call needs a
   * new key. A call with an invalid key rejects with a TypeError and sends nothing.
   */
  idempotencyKey?: string | undefined;
  /** The limit of one attempt in milliseconds. @internal */
  attemptTimeout?: number | undefined;
}

/** An entry of the log. It never contains tokens, passwords or bodies. */
export interface LogEntry {
  /** Requests are logged at the level debug; logins, retries and reconnections at the level info. */
  level: "debug" | "info";
  message: string;
  /** The route of the call, such as "GET /api/v1/users/me". */
  route?: string;
  /** The number of the attempt, from 1. */
  attempt?: number;
  status?: number;
  requestId?: string;
  /** The duration of the request in milliseconds. */
  duration?: number;
  /** The delay before the next attempt in milliseconds. */
  delay?: number;
  error?: unknown;
}

/** The part of the options of a client that calls use. */
export interface CallerOptions {
  /** The maximum duration of a call with all its retries, in milliseconds. The default is one minute. */
  timeout?: number | undefined;
  /** How often a call is tried at most. The default is 6; 1 turns retries off. */
  maxAttempts?: number | undefined;
  /** The function that sends requests, such as one that uses a proxy. The default is fetch. */
  fetch?: typeof fetch | undefined;
  /** The name of your program for the header User-Agent, such as "casino-app/2.1". Browsers send their own. */
  userAgent?: string | undefined;
  /** Receives entries of the log. */
  log?: ((entry: LogEntry) => void) | undefined;
}

/** The flags of a route: whether it needs an access token, and when a call may be repeated after its answer was lost. */
export const ACCESS = 1;
const REPEATABLE = 2;
const KEYED = 4;
export const NO = 0;
export const SAFE = REPEATABLE;
export const TOKEN = REPEATABLE;
export const KEY = REPEATABLE | KEYED;

/** The limit of one attempt in milliseconds. The platform answers within 20 seconds. */
const ATTEMPT_TIMEOUT = 25_000;
const INITIAL_DELAY = 100;
const MAX_DELAY = 5_000;

interface Arguments {
  path?: string[];
  query?: object;
  body?: unknown;
}

/** Sends requests and repeats them as the flags of their routes allow. */
export abstract class Caller {
  /** The base URL of the platform, without a slash at the end. */
  readonly baseUrl: string;
  /** @internal */
  readonly log: (entry: LogEntry) => void;
  /** The header User-Agent, or undefined in browsers. @internal */
  readonly userAgent: string | undefined;
  /** The credentials mode of requests. */
  protected credentialsMode: "omit" | "same-origin" = "omit";
  readonly #fetch: typeof fetch;
  readonly #timeout: number;
  /** How often a call is tried at most. */
  protected readonly maxAttempts: number;
  /** The difference between the clocks of the platform and of this machine, in milliseconds. */
  #clockOffset = 0;

  constructor(baseUrl: string, options: CallerOptions) {
    if (!/^https?:\/\/[^/]/.test(baseUrl)) {
      throw new TypeError(`the base URL "${baseUrl}" is not an http or https URL`);
    }
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    const { timeout = 60_000, maxAttempts = 6 } = options;
    if (!(timeout > 0 && maxAttempts >= 1)) {
      throw new TypeError("timeout or maxAttempts is not positive");
    }
    this.#timeout = timeout;
    this.maxAttempts = maxAttempts;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.log = options.log ?? (() => {});
    this.userAgent = agent(options.userAgent);
  }

  /** Returns a valid access token. It renews the token if necessary. */
  abstract accessToken(): Promise<string>;

  /** Replaces an access token that the platform has refused. */
  protected abstract renew(used: string): Promise<void>;

  /** Returns the time of the platform's clock, in milliseconds. */
  protected now(): number {
    return Date.now() + this.#clockOffset;
  }

  /** Makes a call and returns its answer. */
  protected async call<T>(route: string, flags: number, options: CallOptions = {}, args: Arguments = {}): Promise<T> {
    const { signal, timeout = this.#timeout, maxAttempts = this.maxAttempts, attemptTimeout = ATTEMPT_TIMEOUT } = options;
    const headers: Record<string, string> = { Accept: "application/json" };
    if (flags & KEYED) {
      headers["Idempotency-Key"] = validKey(options.idempotencyKey ?? newKey());
    }
    if (this.userAgent) {
      headers["User-Agent"] = this.userAgent;
    }
    const init: RequestInit = { headers, credentials: this.credentialsMode, redirect: "manual" };
    if (args.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(args.body);
    }
    const end = Date.now() + timeout;
    const limit = new Limit(timeout, signal);
    let renewed = false;
    try {
      for (let attempt = 1; ; attempt++) {
        let token: string | undefined;
        try {
          limit.signal.throwIfAborted();
          if (flags & ACCESS) {
            token = await limit.race(this.accessToken());
            headers["Authorization"] = `Bearer ${token}`;
          }
          return await this.#send<T>(route, args, init, attemptTimeout, limit.signal);
        } catch (caught) {
          let error = caught;
          if (token && !renewed && isTokenError(error)) {
            renewed = true;
            try {
              await limit.race(this.renew(token));
              continue;
            } catch (refused) {
              error = refused;
            }
          }
          const delay = limit.signal.aborted || attempt >= maxAttempts ? undefined : retryDelay(attempt, flags, error);
          if (delay === undefined || Date.now() + delay > end) {
            throw limit.signal.aborted && !(error instanceof TransportError) ? new TransportError(route, error) : error;
          }
          this.log({ level: "info", message: "retrying a call", route, attempt, delay, error });
          await sleep(delay, limit.signal).catch(() => {});
        }
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      limit.end();
    }
  }

  /** Waits for a promise within the limits of a call, and returns the options for the rest of the call. */
  protected async waitFor(promise: Promise<unknown>, options: CallOptions = {}): Promise<CallOptions> {
    const { signal, timeout = this.#timeout } = options;
    const end = Date.now() + timeout;
    const limit = new Limit(timeout, signal);
    try {
      await limit.race(promise);
    } catch (error) {
      throw signal?.aborted ? signal.reason : new TransportError("renewal", error);
    } finally {
      limit.end();
    }
    return { ...options, timeout: end - Date.now() };
  }

  /** Sends a request once. */
  async #send<T>(route: string, args: Arguments, init: RequestInit, timeout: number, signal: AbortSignal): Promise<T> {
    const [method, path] = route.split(" ") as [string, string];
    const url = this.baseUrl + fill(path, args.path) + search(args.query);
    new Request(url, { ...init, method }); // invalid arguments are no transport error, so they are not tried again
    const limit = new Limit(timeout, signal);
    const start = Date.now();
    const entry: LogEntry = { level: "debug", message: "request", route };
    try {
      const response = await this.#fetch(url, { ...init, method, signal: limit.signal });
      entry.status = response.status;
      entry.requestId = response.headers.get("X-Request-Id") ?? "";
      this.#clockOffset = Date.parse(response.headers.get("Date") ?? "") - Date.now() || 0;
      if (!response.ok) {
        throw await readError(response);
      }
      return (response.status === 204 ? undefined : await response.json()) as T;
    } catch (error) {
      entry.error = error instanceof ApiError ? error : new TransportError(route, error);
      throw entry.error;
    } finally {
      limit.end();
      this.log({ ...entry, duration: Date.now() - start });
    }
  }
}

/** A signal that aborts after a time, or with another signal. */
class Limit {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #parent: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort(this.#parent?.reason);

  constructor(timeout: number, parent?: AbortSignal) {
    this.#parent = parent;
    this.#timer = setTimeout(
      () => this.#controller.abort(new DOMException(`no answer within ${timeout} ms`, "TimeoutError")),
      Math.min(timeout, 2 ** 31 - 1),
    );
    parent?.addEventListener("abort", this.#abort);
    if (parent?.aborted) {
      this.#abort();
    }
  }

  /** Waits for a promise until the signal aborts. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(this.signal.reason as Error);
      this.signal.addEventListener("abort", abort);
      promise.then(resolve, reject).finally(() => this.signal.removeEventListener("abort", abort));
      if (this.signal.aborted) {
        abort();
      }
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener("abort", this.#abort);
  }
}

/** Returns the delay before the next attempt, or undefined if the call may not be repeated. */
function retryDelay(attempt: number, flags: number, error: unknown): number | undefined {
  const delay = backoff(attempt);
  const repeatable = (flags & REPEATABLE) !== 0;
  if (error instanceof ApiError) {
    const refused = error.status === 408 || error.status === 429; // without any effect
    return error.retryable && (repeatable || refused) ? Math.max(delay, error.retryAfter) : undefined;
  }
  return error instanceof TransportError && (repeatable || error.notSent) ? delay : undefined;
}

/** Returns a random delay in milliseconds, whose limit doubles with each attempt. */
export function backoff(attempt: number, max = MAX_DELAY): number {
  const limit = Math.min(INITIAL_DELAY * 2 ** (attempt - 1), max);
  return (limit / 2) * (1 + Math.random());
}

/** Waits. It rejects with the reason of the signal. */
export function sleep(delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      signal?.aborted ? reject(signal.reason as Error) : resolve();
    };
    const timer = setTimeout(done, delay);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) {
      done();
    }
  });
}

/** Replaces the variables of a path, in their order, with escaped values. */
function fill(path: string, values: string[] = []): string {
  let i = 0;
  return path.replace(/{\w+}/g, () => {
    const value = values[i++] ?? "";
    // Empty segments and dots would be another route. The platform refuses the replacement and names the field.
    return encodeURIComponent(/^\.{0,2}$/.test(value) ? `{${value}}` : value);
  });
}

/** Returns the query with the parameters that are set. */
function search(query: object = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return set.length > 0 ? `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}` : "";
}

/** Returns the entries of all pages. read gets the parameters of a page; its entries are the member of the answer. */
export async function* pages<P extends { page_token?: string | undefined }, M extends string, E>(
  member: M,
  params: P,
  read: (params: P) => Promise<Record<M, E[]> & { nextPageToken: string }>,
): AsyncGenerator<E, void, undefined> {
  for (let page = params; ; ) {
    const answer = await read(page);
    yield* answer[member];
    if (!answer.nextPageToken) {
      return;
    }
    page = { ...params, page_token: answer.nextPageToken };
  }
}

/** Returns an Idempotency-Key if it is valid. HTTP would remove spaces at its beginning and its end. */
function validKey(key: string): string {
  if (!/^[!-~]([ -~]{0,198}[!-~])?$/.test(key)) {
    throw new TypeError("the Idempotency-Key is not 1 to 200 printable ASCII characters, or has a space at an end");
  }
  return key;
}

/** Returns a new Idempotency-Key. */
function newKey(): string {
  const words = new Uint32Array(4);
  if (globalThis.crypto) {
    crypto.getRandomValues(words);
  } else {
    // Node.js 18. A key must be unique, but not secret.
    words.forEach((_, i) => (words[i] = Math.random() * 2 ** 32));
  }
  return Array.from(words, (word) => word.toString(36).padStart(7, "0")).join("");
}

/** Reports whether the program runs in a browser: in a page, a web worker or a service worker. */
export function inBrowser(): boolean {
  return "document" in globalThis || "importScripts" in globalThis;
}

function agent(product: string | undefined): string | undefined {
  if (inBrowser()) {
    return undefined;
  }
  const node = (globalThis as { process?: { version?: string } }).process?.version;
  return `${product ? `${product} ` : ""}loyalty-typescript/${VERSION}${node ? ` (node ${node})` : ""}`;
}

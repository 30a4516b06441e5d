import { inBrowser, type CallOptions, type CallerOptions } from "./call.js";
import { NoSessionError, isEnded } from "./errors.js";
import { Operations } from "./operations_gen.js";
import type { ChangeMyPasswordRequest, LoginRequest, LoginResult, RefreshResult, User } from "./types_gen.js";

/** The credentials of a user. code is the code of the second factor, or a recovery code. */
export type Credentials = Omit<LoginRequest, "refreshTokenIn">;

/** The tokens of a session. They can be stored as JSON. */
export interface Tokens {
  /** Authenticates calls until expiresAt. */
  accessToken: string;
  /** The time of the expiry, in RFC 3339. */
  expiresAt: string;
  /** Gets new tokens, once. It is absent if it is in a cookie. */
  refreshToken?: string | undefined;
}

/** The options of a {@link Client}. */
export interface ClientOptions extends CallerOptions {
  /**
   * Makes the client log in when it has no session. A function is called for each login; it can ask for a code of the second
   * factor. An object is kept in memory, with the new password after changeMyPassword.
   */
  credentials?: Credentials | (() => Credentials | Promise<Credentials>) | undefined;
  /** Continues a session whose tokens were stored; see onTokens. */
  tokens?: Tokens | undefined;
  /** Called with the new tokens after each login and refresh, and with undefined after the end of the session. */
  onTokens?: ((tokens: Tokens | undefined) => void) | undefined;
  /**
   * Where the refresh token is. "cookie" is the default in browsers, also in web workers and service workers: only the browser
   * sees the token, and the session survives a reload of the page. It needs https, or localhost, and a page on the same origin
   * as the platform. "body" is the default elsewhere.
   */
  refreshToken?: "cookie" | "body" | undefined;
}

/** How long before its expiry an access token is renewed, in milliseconds. */
const RENEW_BEFORE = 30_000;
/** The limit of a login in a renewal, in milliseconds. */
const LOGIN_TIMEOUT = 20_000;
/**
 * The limits of a refresh. A refresh token can be repeated for ten seconds after its first use, so all attempts are within this
 * time. Each has an equal part of it.
 */
const REFRESH_TIMEOUT = 10_000;
const REFRESH_ATTEMPTS = 4;

/**
 * Calls the platform as one user, or as nobody.
 *
 * ```ts
 * const client = new Client("https://loyalty.example", { credentials: { email, password } });
 * const me = await client.getMe();
 * ```
 *
 * The client renews its tokens before they expire. It repeats calls after outages if that cannot repeat their effect. For
 * this, every call that changes something has an Idempotency-Key, which stays the same when the call is repeated.
 *
 * Calls reject with an {@link ApiError} if the platform has refused them, with a {@link TransportError} if there was no
 * answer, with a {@link NoSessionError} without a session, and with the reason of an aborted signal.
 */
export class Client extends Operations {
  #credentials: ClientOptions["credentials"];
  readonly #onTokens: (tokens: Tokens | undefined) => void;
  readonly #cookie: boolean;
  #tokens: Tokens | undefined;
  /** The e-mail of the login that started the session. It is undefined if the tokens were stored. */
  #email: string | undefined;
  /** The number of logins and logouts. They take precedence over a renewal in progress. */
  #changes = 0;
  /** The renewal in progress. Concurrent calls wait for it. */
  #renewal: Promise<void> | undefined;
  /** Whether there may be a cookie with a refresh token. */
  #mayHaveCookie: boolean;

  /** Returns a client of the platform at a base URL such as "https://loyalty.example". It sends nothing. */
  constructor(baseUrl: string, options: ClientOptions = {}) {
    super(baseUrl, options);
    this.#credentials = options.credentials;
    this.#tokens = options.tokens;
    this.#onTokens = options.onTokens ?? (() => {});
    this.#cookie = this.#mayHaveCookie = (options.refreshToken ?? (inBrowser() ? "cookie" : "body")) === "cookie";
    if (this.#cookie) {
      this.credentialsMode = "same-origin";
    }
  }

  /** The current tokens, or undefined without a session. */
  get tokens(): Tokens | undefined {
    return this.#tokens;
  }

  /**
   * Starts a session. A previous session of the client stays valid on the platform. The client does not keep the password;
   * see {@link ClientOptions.credentials}. It fails with INVALID_CREDENTIALS, ACCOUNT_DEACTIVATED or RATE_LIMITED, with
   * MFA_REQUIRED if a code is missing, and with MFA_CODE_INVALID if it is wrong.
   */
  async login(credentials: Credentials, options?: CallOptions): Promise<User> {
    const result = await this.#login(credentials, options);
    this.#changes++;
    this.#set(result, credentials.email);
    return result.user;
  }

  /** Ends the session. It succeeds if the session has already ended. It waits for a renewal in progress. */
  async logout(options?: CallOptions): Promise<void> {
    if (this.#renewal) {
      options = await this.waitFor(this.#renewal.catch(() => {}), options);
    }
    if (!this.#tokens && !this.#mayHaveCookie) {
      return;
    }
    const before = this.#changes;
    try {
      await this.logoutSession({ refreshToken: this.#tokens?.refreshToken }, options);
    } catch (error) {
      if (!isEnded(error)) {
        throw error;
      }
    }
    // The tokens may have been renewed in the meantime. A login has started another session.
    if (this.#changes === before) {
      this.#changes++;
      this.#set(undefined);
    }
  }

  /**
   * Sets a new password of the user and ends all other sessions. The client's next login uses it, unless the credentials are
   * a function or belong to another user. It fails with INVALID_CREDENTIALS if the current password is wrong, which counts as
   * a failed login, and with PASSWORD_TOO_WEAK if the new password is common, trivially guessable or derived from the e-mail.
   */
  override async changeMyPassword(body: ChangeMyPasswordRequest, options?: CallOptions): Promise<void> {
    const email = this.#email;
    await super.changeMyPassword(body, options);
    if (typeof this.#credentials !== "object") {
      return;
    }
    const { email: own, password } = this.#credentials;
    // The e-mail is unknown if the session was stored, or if it has changed during the call. Then the current password
    // identifies the account.
    const same = email && email === this.#email
      ? email.toLowerCase() === own.toLowerCase()
      : body.currentPassword === password;
    if (same) {
      this.#credentials = { email: own, password: body.newPassword };
    }
  }

  async accessToken(): Promise<string> {
    const tokens = this.#tokens;
    const left = tokens ? Date.parse(tokens.expiresAt) - this.now() : 0;
    const renewable = tokens?.refreshToken || this.#mayHaveCookie || this.#credentials;
    if (tokens && (!renewable || !(left <= RENEW_BEFORE))) {
      return tokens.accessToken;
    }
    try {
      await this.renew(tokens?.accessToken);
    } catch (error) {
      // After an outage of the refresh, the old token is still valid.
      if (!this.#tokens || left <= 0) {
        throw error;
      }
    }
    if (!this.#tokens) {
      throw new NoSessionError();
    }
    return this.#tokens.accessToken;
  }

  /** Replaces an access token, unless that has already happened. Concurrent calls share one renewal. */
  protected renew(used: string | undefined): Promise<void> {
    if (this.#tokens && this.#tokens.accessToken !== used) {
      return Promise.resolve();
    }
    this.#renewal ??= this.#newTokens().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  /** Refreshes the session, or starts a new one if it has ended. A login or logout in the meantime takes precedence. */
  async #newTokens(): Promise<void> {
    const old = this.#tokens;
    const before = this.#changes;
    let next: RefreshResult | undefined;
    let email = this.#email;
    let error: unknown = new NoSessionError();
    let ended = true;
    if (old?.refreshToken || this.#mayHaveCookie) {
      try {
        next = await this.#refresh(old?.refreshToken);
      } catch (refused) {
        ended = isEnded(refused);
        error = old || !ended ? refused : new NoSessionError({ cause: refused });
      }
    }
    if (!next && ended && this.#credentials) {
      try {
        const given = this.#credentials;
        const credentials = typeof given === "function" ? await given() : given;
        next = await this.#login(credentials, { timeout: LOGIN_TIMEOUT });
        email = credentials.email;
        this.log({ level: "info", message: "logged in" });
      } catch (refused) {
        error = refused;
      }
    }
    if (this.#changes !== before) {
      return;
    }
    if (next || ended) {
      this.#set(next, email);
    }
    if (!next) {
      throw error;
    }
  }

  /** Gets new tokens. A lost answer is asked for again, for as long as the platform repeats it. */
  #refresh(refreshToken: string | undefined): Promise<RefreshResult> {
    return this.refreshSession({ refreshToken }, {
      timeout: REFRESH_TIMEOUT,
      attemptTimeout: REFRESH_TIMEOUT / REFRESH_ATTEMPTS,
      maxAttempts: Math.min(this.maxAttempts, REFRESH_ATTEMPTS),
    });
  }

  #login(credentials: Credentials, options?: CallOptions): Promise<LoginResult> {
    return this.loginSession({ ...credentials, refreshTokenIn: this.#cookie ? "COOKIE" : "BODY" }, options);
  }

  #set(next: RefreshResult | undefined, email?: string): void {
    const old = this.#tokens;
    this.#email = email;
    this.#mayHaveCookie = this.#cookie && next !== undefined;
    this.#tokens = next && { accessToken: next.accessToken, expiresAt: next.expiresAt, refreshToken: next.refreshToken };
    if (old || next) {
      this.#onTokens(this.#tokens);
    }
  }
}

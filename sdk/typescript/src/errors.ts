import type { ErrorCode } from "./types_gen.js";

/** A rule that a request breaks. */
export interface Violation {
  /** The member or parameter, such as "player_ids[2]". */
  field: string;
  /** The name of the rule. */
  rule: string;
  /** What is wrong. */
  message: string;
}

/** An error that the platform has answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status. It is 0 for a redirect in browsers, which do not show its status. */
  readonly status: number;
  /** The error code. It is undefined if the answer was not made by the platform, for example by a proxy. */
  readonly code: ErrorCode | undefined;
  /** What the code means. */
  readonly title: string;
  /** What happened in this case. */
  readonly detail: string;
  /** Finds the request in the logs of the platform. */
  readonly requestId: string;
  /** The invalid fields if the code is VALIDATION_FAILED. */
  readonly violations: Violation[];
  /** The transaction that PROMOTION_ALREADY_CLAIMED and TRANSACTION_ALREADY_REVERSED name. */
  readonly transactionId: string | undefined;
  /** The time in milliseconds after which the platform suggests a retry, or 0. */
  readonly retryAfter: number;
  /** Whether the same call may succeed later. The client has already repeated it if that was safe. */
  readonly retryable: boolean;

  constructor(status: number, problem: Partial<ApiError>, retryAfter = 0) {
    const { code, title = "", detail = "", requestId = "", violations = [], transactionId } = problem;
    let text = code ? `${code}: ${detail}` : `status ${status}`;
    for (const v of violations) {
      text += `; ${v.field}: ${v.message}`;
    }
    super(requestId ? `${text} (request ${requestId})` : text);
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.requestId = requestId;
    this.violations = violations;
    this.transactionId = transactionId;
    this.retryAfter = retryAfter;
    this.retryable = [408, 429, 502, 503, 504].includes(status);
  }
}

/** No answer was received. The cause says why. */
export class TransportError extends Error {
  override readonly name = "TransportError";

  constructor(route: string, cause: unknown) {
    super(`${route}: ${describe(cause)}`, { cause });
  }

  /** Whether no connection was made, so that the platform cannot have received the request. Browsers do not say so. */
  get notSent(): boolean {
    const { code } = ((this.cause as Error | undefined)?.cause ?? {}) as { code?: unknown };
    return ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"].includes(code as string);
  }
}

/** The client has no session and no credentials to start one. */
export class NoSessionError extends Error {
  override readonly name = "NoSessionError";

  constructor(options?: { cause: unknown }) {
    super("not logged in", options);
  }
}

function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message;
}

/** Reads the error of a response. */
export async function readError(response: Response): Promise<ApiError> {
  const text = await response.text();
  let problem: Partial<ApiError> = {};
  try {
    problem = (JSON.parse(text) as Partial<ApiError> | null) ?? {};
  } catch {
    // The answer was not made by the platform.
  }
  const requestId = problem.requestId || response.headers.get("X-Request-Id") || "";
  const seconds = Number(response.headers.get("Retry-After"));
  return new ApiError(response.status, { ...problem, requestId }, seconds > 0 ? seconds * 1000 : 0);
}

/** The refusals of an access token. */
const REFUSED: unknown[] = ["TOKEN_EXPIRED", "TOKEN_REVOKED", "TOKEN_INVALID"] satisfies ErrorCode[];
/** The refusals of a refresh token. TOKEN_MISSING means that there is no cookie. */
const ENDED: unknown[] = [
  "TOKEN_INVALID", "TOKEN_REVOKED", "TOKEN_REUSED", "ACCOUNT_DEACTIVATED", "TOKEN_MISSING",
] satisfies ErrorCode[];

/** Reports whether the platform has refused an access token, so that a new one may help. */
export function isTokenError(error: unknown): boolean {
  return error instanceof ApiError && REFUSED.includes(error.code);
}

/** Reports whether the platform has refused a refresh token, so that the session is over. */
export function isEnded(error: unknown): boolean {
  return error instanceof ApiError && ENDED.includes(error.code);
}

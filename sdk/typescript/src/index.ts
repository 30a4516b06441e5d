/**
 * A client of the loyalty platform. It has one method for each route of the REST API.
 *
 * @module
 */
export type { CallOptions, LogEntry } from "./call.js";
export { Client, type ClientOptions, type Credentials, type Tokens } from "./client.js";
export { ApiError, NoSessionError, TransportError, type Violation } from "./errors.js";
export type * from "./operations_gen.js";
export { promotionOf } from "./promotion.js";
export type * from "./types_gen.js";
export { VERSION } from "./version.js";

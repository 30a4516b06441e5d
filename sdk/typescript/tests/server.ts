// A real HTTP server that records requests. The tests of test/sdk run against the platform; the tests in this folder check
// what the platform cannot be made to do at will.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test as define, type TestContext } from "node:test";
import { Client, type ClientOptions, type ErrorCode } from "@casino-loyalty/client";
import { WebSocketServer } from "ws";

/** The maximum duration of a test in milliseconds. It is long because the machine may be loaded. */
const TEST_TIMEOUT = 120_000;

/** Defines a test. An inbox that gets its signal ends with the test, also after a timeout, so the test process ends, too. */
export function test(name: string, body: (t: TestContext) => void | Promise<void>): void {
  void define(name, { timeout: TEST_TIMEOUT }, body);
}

export interface Recorded {
  method: string;
  path: string;
  query: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface Server {
  url: string;
  requests: Recorded[];
  /** Returns the requests of a path. */
  of(path: string): Recorded[];
}

/** Answers a request. n is the number of the request, from 1, among the requests of its path. */
type Answer = (request: Recorded, response: ServerResponse, n: number) => unknown;

/** What the server does with a WebSocket: it sends frames and closes it with a code, refuses it, or does not answer. */
export interface Script {
  frames?: string[];
  code?: number;
  refuse?: boolean;
  /** Called instead of an answer to the handshake. */
  onHandshake?: () => void;
  /** Called when the connection has ended. */
  onClose?: () => void;
}

const SOCKET = "/notifications/ws";

/** Starts a server that ends with the test. Each WebSocket gets the next script; the last one stays open. */
export async function serve(t: TestContext, answer: Answer, scripts: Script[] = []): Promise<Server> {
  const requests: Recorded[] = [];
  const of = (path: string) => requests.filter((r) => r.path === path);
  const record = (request: IncomingMessage, body: string) => {
    const url = new URL(request.url!, "http://server");
    const entry = { method: request.method!, path: url.pathname, query: url.search, headers: request.headers, body };
    requests.push(entry);
    return entry;
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const entry = record(request, body);
      void answer(entry, response, of(entry.path).length);
    });
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "loyalty.v1" });
  server.on("upgrade", (request, socket, head) => {
    record(request, "");
    const script = scripts[Math.min(of(SOCKET).length, scripts.length) - 1]!;
    if (script.onHandshake) {
      t.after(() => socket.destroy());
      return script.onHandshake();
    }
    if (script.refuse) {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (connection) => {
      connection.on("close", () => script.onClose?.());
      script.frames?.forEach((frame) => connection.send(frame));
      if (script.code) {
        connection.close(script.code);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    sockets.clients.forEach((socket) => socket.terminate());
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, of };
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

/** Answers with a problem document. */
export function fail(response: ServerResponse, status: number, code: ErrorCode, members: object = {}): void {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title: "T", status, detail: "d", code, requestId: "id-1", ...members }));
}

/** Closes the connection without an answer. */
export function drop(response: ServerResponse): void {
  response.destroy();
}

/** Returns a time in RFC 3339. */
export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

/** Returns a client whose access token does not expire during a test. */
export function client(server: Server, options: ClientOptions = {}): Client {
  const tokens = { accessToken: "access", expiresAt: inSeconds(3600), refreshToken: "refresh" };
  return new Client(server.url, { tokens, ...options });
}

/** Holds timers until the test fires them. */
export interface HeldTimers {
  /** The number of timers that were set. */
  set: number;
  /** Fires the oldest timer. */
  fire(): void;
}

/** Holds all timers of a duration in milliseconds, so that a test need not wait for them. */
export function holdTimers(t: TestContext, duration: number): HeldTimers {
  const original = globalThis.setTimeout;
  t.after(() => (globalThis.setTimeout = original));
  const callbacks: (() => void)[] = [];
  const held: HeldTimers = { set: 0, fire: () => callbacks.shift()!() };
  const replacement = (callback: () => void, delay?: number, ...args: []) => {
    if (delay !== duration) {
      return original(callback, delay, ...args);
    }
    held.set++;
    callbacks.push(callback);
    return undefined; // clearTimeout ignores it
  };
  globalThis.setTimeout = replacement as typeof setTimeout;
  return held;
}

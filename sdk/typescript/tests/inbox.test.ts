import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Client, NoSessionError, promotionOf, type LogEntry } from "@casino-loyalty/client";
import { inbox, type InboxEvent, type InboxOptions } from "@casino-loyalty/client/inbox";
import { WebSocket } from "ws";
import { client, fail, holdTimers, inSeconds, json, serve, test, type Recorded, type Script } from "./server.js";

const SOCKET = "/notifications/ws";
const LIST = "/api/v1/notifications";

const notification = (id: string) =>
  JSON.stringify({ notification: { id, type: "promotion", content: { id: `p-${id}` }, read: false, createdAt: "" } });

/** Serves WebSockets. Lists contain the newest notification, if there is one. */
const sockets = (t: TestContext, scripts: Script[], newest?: string) =>
  serve(t, (request, response, n) => {
    if (request.path === LIST) {
      return json(response, { notifications: newest ? [{ id: newest }] : [], total: newest ? 1 : 0, nextPageToken: "" });
    }
    return json(response, { accessToken: `access-${n + 1}`, expiresAt: inSeconds(3600), refreshToken: "r" });
  }, scripts);

const protocols = (request: Recorded) => request.headers["sec-websocket-protocol"]!.split(/, */);

/** Returns the first events of an inbox as texts, without those of open connections. */
async function events(t: TestContext, c: Client, count: number, options: InboxOptions = {}): Promise<string[]> {
  const got: string[] = [];
  for await (const event of inbox(c, { signal: t.signal, ...options })) {
    if (event.type !== "open") {
      got.push(text(event));
    }
    if (got.length === count) {
      break;
    }
  }
  return got;
}

function text(event: InboxEvent): string {
  switch (event.type) {
    case "open":
      return "open";
    case "notification":
      return `${event.notification.id} ${promotionOf(event.notification)?.id}`;
    case "read":
      return `read ${event.read.ids} ${event.read.all} ${event.read.unread}`;
    case "gap":
      return `gap ${event.reason}`;
  }
}

test("the inbox resumes after the last notification", async (t) => {
  const server = await sockets(t, [
    { frames: [notification("1"), '{"read":{"ids":["1"],"all":false,"unread":0}}', '{"later":{}}'], code: 1001 },
    { refuse: true },
    { frames: [notification("2")], code: 1013 },
    { frames: ['{"reset":{"reason":"unknown"}}'], code: 1001 },
    { frames: [notification("3")] },
  ], "3");
  const entries: LogEntry[] = [];
  assert.deepEqual(await events(t, client(server, { log: (e) => entries.push(e) }), 6, { since: "0" }), [
    "1 p-1", "read 1 false 0", "2 p-2", "gap unknown", "gap the connection was lost before the first notification", "3 p-3",
  ]);
  const handshakes = server.of(SOCKET);
  assert.deepEqual(handshakes.map((r) => r.query), ["?since=0", "?since=1", "?since=1", "?since=2", ""]);
  assert.deepEqual(protocols(handshakes[0]!), ["loyalty.v1", "bearer.access"]);
  assert.equal(entries.filter((e) => e.message === "the inbox connects again").length, 4);
});

test("the inbox begins after the newest notification", async (t) => {
  const server = await sockets(t, [{ code: 1001 }, { frames: [notification("2")] }], "1");
  assert.deepEqual(await events(t, client(server), 1), ["2 p-2"]);
  assert.deepEqual(server.of(SOCKET).map((r) => r.query), ["?since=1", "?since=1"]);
});

test("without notifications, a lost connection is no gap", async (t) => {
  const server = await sockets(t, [{ code: 1001 }, { frames: [notification("1")] }]);
  assert.deepEqual(await events(t, client(server), 1), ["1 p-1"]);
  assert.deepEqual(server.of(SOCKET).map((r) => r.query), ["", ""]);
});

test("the inbox renews an ended session", async (t) => {
  let ended = true;
  const server = await serve(t, (request, response) => {
    if (request.path === LIST && request.headers.authorization === "Bearer access" && server.of(SOCKET).length > 0) {
      return fail(response, 401, "TOKEN_REVOKED");
    }
    ended = false;
    return json(response, { notifications: [], total: 0, accessToken: "next", expiresAt: inSeconds(3600), refreshToken: "r" });
  }, [{ code: 4401 }, { frames: [notification("1")] }]);
  assert.deepEqual(await events(t, client(server), 1), ["1 p-1"]);
  assert.equal(ended, false);
  assert.deepEqual(protocols(server.of(SOCKET)[1]!), ["loyalty.v1", "bearer.next"]);
});

test("a quiet inbox connects again without a longer delay", async (t) => {
  for (const minutes of [0, 10]) {
    let now = 0;
    const clock = t.mock.method(performance, "now", () => now);
    const ends = { code: 4401 };
    const server = await sockets(t, [ends, ends, ends, ends, { frames: [notification("1")] }]);
    const entries: LogEntry[] = [];
    for await (const event of inbox(client(server, { log: (e) => entries.push(e) }), { signal: t.signal })) {
      if (event.type === "notification") {
        break;
      }
      now += minutes * 60_000; // while the connection is open
    }
    clock.mock.restore();
    const delays = entries.flatMap(({ delay }) => delay ?? []);
    assert.equal(delays.length, 4);
    assert.equal(Math.max(...delays) > Math.min(...delays) * 2, minutes === 0, String(delays));
  }
});

test("the inbox ends with permanent errors", async (t) => {
  const server = await serve(t, (_, response) => fail(response, 403, "FORBIDDEN"), [{}]);
  await assert.rejects(events(t, client(server), 1), { code: "FORBIDDEN" });
  assert.equal(server.of(SOCKET).length, 0);
  await assert.rejects(events(t, new Client(server.url), 1), NoSessionError);
  const failing = new Error("no WebSockets here");
  const broken = class {
    constructor() {
      throw failing;
    }
  };
  const working = await sockets(t, [{}]);
  await assert.rejects(events(t, client(working), 1, { WebSocket: broken as never }), failing);
});

test("the inbox ends with its signal", async (t) => {
  const server = await sockets(t, [{ frames: [notification("1")] }]);
  const controller = new AbortController();
  const reason = new Error("left");
  t.signal.addEventListener("abort", () => controller.abort());
  await assert.rejects(async () => {
    for await (const event of inbox(client(server), { signal: controller.signal })) {
      if (event.type === "notification") {
        setImmediate(() => controller.abort(reason)); // the connection is open and has nothing more to send
      }
    }
  }, reason);
});

test("the inbox connects again if a handshake is not answered", async (t) => {
  const timers = holdTimers(t, 20_000);
  const server = await sockets(t, [{ onHandshake: () => timers.fire() }, { frames: [notification("1")] }], "0");
  assert.deepEqual(await events(t, client(server), 1), ["1 p-1"]);
  assert.equal(server.of(SOCKET).length, 2);
});

test("a ping after the end of a connection sets no timer", async (t) => {
  const timers = holdTimers(t, 60_000);
  let socket: WebSocket | undefined;
  class Kept extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      socket = this;
    }
  }
  const server = await sockets(t, [{ frames: [notification("1")] }]);
  await events(t, client(server), 1, { WebSocket: Kept });
  const before = timers.set;
  socket!.emit("ping", Buffer.alloc(0));
  assert.ok(before > 0);
  assert.equal(timers.set, before);
});

test("a slow loop misses nothing", async (t) => {
  const ids = Array.from({ length: 3000 }, (_, i) => String(i + 1));
  let onClose = () => {};
  const closed = new Promise<void>((resolve) => (onClose = resolve));
  const server = await sockets(t, [{ frames: ids.map(notification), onClose }, {}], "0");
  let opened = 0;
  const got: string[] = [];
  for await (const event of inbox(client(server), { since: "0", signal: t.signal })) {
    if (event.type === "open") {
      if (++opened === 2) {
        break;
      }
      await closed; // by the client, because too many events wait
    } else if (event.type === "notification") {
      got.push(event.notification.id);
    }
  }
  assert.deepEqual(got, ids.slice(0, 1000));
  assert.equal(server.of(SOCKET)[1]!.query, "?since=1000");
});

test("a WebSocket constructor can be given", async (t) => {
  const server = await sockets(t, [{ frames: [notification("1")] }]);
  let made = 0;
  class Counting extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      made++;
    }
  }
  assert.deepEqual(await events(t, client(server), 1, { WebSocket: Counting }), ["1 p-1"]);
  assert.equal(made, 1);
});

test("the handshake has a User-Agent", async (t) => {
  const server = await sockets(t, [{ frames: [notification("1")] }]);
  await events(t, client(server, { userAgent: "test/1" }), 1);
  assert.match(server.of(SOCKET)[0]!.headers["user-agent"]!, /^test\/1 loyalty-typescript/);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { ApiError, Client, TransportError, VERSION, type LogEntry } from "@casino-loyalty/client";
import { client, drop, fail, json, serve, test } from "./server.js";

const PROMOTIONS = "/api/v1/promotions";
const ME = "/api/v1/users/me";
const input = { title: "A", type: "BONUS", amount: "5", startDate: "2026-01-01", endDate: "2026-12-31" } as const;

test("retries keep the Idempotency-Key", async (t) => {
  const server = await serve(t, (_, response, n) => {
    switch (n) {
      case 1:
        return drop(response);
      case 2:
        return fail(response, 503, "DEPENDENCY_UNAVAILABLE");
      case 3:
        response.writeHead(200, { "Content-Length": 100 });
        return void response.write('{"id":', () => response.destroy()); // the answer breaks off
      default:
        return json(response, { id: "p1" }, 201);
    }
  });
  const c = client(server, { userAgent: "test/1" });
  assert.equal((await c.createPromotion(input)).id, "p1");
  assert.equal((await c.createPromotion(input)).id, "p1");
  await c.createPromotion(input, { idempotencyKey: "own" });
  const keys = server.requests.map((r) => r.headers["idempotency-key"] as string);
  assert.equal(keys.length, 6);
  assert.match(keys[0]!, /^[\x20-\x7e]{20,200}$/);
  assert.deepEqual(new Set(keys.slice(0, 4)).size, 1);
  assert.notEqual(keys[3], keys[4]);
  assert.equal(keys[5], "own");
  const [request] = server.requests;
  assert.deepEqual(JSON.parse(request!.body), input);
  assert.equal(request!.headers["user-agent"], `test/1 loyalty-typescript/${VERSION} (node ${process.version})`);
  assert.equal(request!.headers.authorization, "Bearer access");
});

test("a read has no Idempotency-Key and no body", async (t) => {
  const server = await serve(t, (_, response) => json(response, { id: "me" }));
  await client(server).getMe();
  assert.equal(server.requests[0]!.headers["idempotency-key"], undefined);
  assert.equal(server.requests[0]!.headers["content-type"], undefined);
});

test("Retry-After is honoured within the timeout", async (t) => {
  const server = await serve(t, (_, response, n) => {
    response.setHeader("Retry-After", n === 1 ? "1" : "3600");
    fail(response, 429, "RATE_LIMITED");
  });
  const start = Date.now();
  await assert.rejects(client(server).getMe(), (error: ApiError) => {
    assert.equal(error.retryAfter, 3_600_000);
    return error.retryable && error.code === "RATE_LIMITED";
  });
  assert.ok(Date.now() - start >= 1000, "the client did not wait");
  assert.equal(server.requests.length, 2);
});

test("a call that may not be repeated is sent once", async (t) => {
  const server = await serve(t, (_, response) => drop(response));
  const c = client(server);
  for (const call of [() => c.login({ email: "e", password: "secret" }), () => c.enrolMyTotp()]) {
    const before = server.requests.length;
    await assert.rejects(call(), (error: Error) => error instanceof TransportError && !String(error.stack).includes("secret"));
    assert.equal(server.requests.length, before + 1);
  }
});

test("a login is repeated if no connection was made", async () => {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, "close");
  const entries: LogEntry[] = [];
  const c = new Client(`http://127.0.0.1:${port}`, { maxAttempts: 3, log: (e) => entries.push(e) });
  await assert.rejects(c.login({ email: "e", password: "secret" }), { name: "TransportError" });
  assert.equal(entries.filter((e) => e.message === "retrying a call").length, 2);
  assert.ok(!JSON.stringify(entries).includes("secret"));
});

test("a login is repeated if the platform has not carried it out", async (t) => {
  const server = await serve(t, (_, response, n) => {
    switch (n) {
      case 1:
        response.setHeader("Retry-After", "0");
        return fail(response, 429, "RATE_LIMITED");
      case 2:
        return fail(response, 408, "REQUEST_TIMEOUT");
      default:
        return fail(response, 503, "DEPENDENCY_UNAVAILABLE");
    }
  });
  await assert.rejects(client(server).login({ email: "e", password: "p" }), { code: "DEPENDENCY_UNAVAILABLE" });
  assert.equal(server.requests.length, 3);
});

test("errors have a code, violations and the request id", async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.method === "POST") {
      fail(response, 409, "PROMOTION_ALREADY_CLAIMED", { transactionId: "tx-1" });
    } else if (request.path.endsWith("/proxy")) {
      response.writeHead(403, { "X-Request-Id": "id-2" }).end("<html>");
    } else {
      fail(response, 400, "VALIDATION_FAILED", { violations: [{ field: "a", rule: "r", message: "m" }] });
    }
  });
  const c = client(server);
  const caught = async (call: Promise<unknown>) => {
    const error = await call.catch((e: unknown) => e);
    assert.ok(error instanceof ApiError);
    return error;
  };
  const refused = await caught(c.claim({ promotion_id: "x" }));
  assert.equal(refused.message, "PROMOTION_ALREADY_CLAIMED: d (request id-1)");
  assert.deepEqual([refused.status, refused.transactionId, refused.retryable], [409, "tx-1", false]);
  const invalid = await caught(c.getPromotion("x"));
  assert.equal(invalid.message, "VALIDATION_FAILED: d; a: m (request id-1)");
  assert.deepEqual(invalid.violations, [{ field: "a", rule: "r", message: "m" }]);
  const proxy = await caught(c.getPromotion("proxy"));
  assert.deepEqual([proxy.code, proxy.status, proxy.requestId, proxy.violations], [undefined, 403, "id-2", []]);
  assert.equal(proxy.message, "status 403 (request id-2)");
});

test("pages are read one after the other", async (t) => {
  const server = await serve(t, (_, response, n) =>
    n === 3
      ? fail(response, 400, "VALIDATION_FAILED")
      : json(response, { promotions: [{ id: `${n}a` }, { id: `${n}b` }], nextPageToken: `t${n}` }),
  );
  const c = client(server);
  const got: string[] = [];
  await assert.rejects(async () => {
    for await (const promotion of c.allPromotions({ available: false, title: undefined, page_size: 2 })) {
      got.push(promotion.id);
    }
  }, { code: "VALIDATION_FAILED" });
  assert.deepEqual(got, ["1a", "1b", "2a", "2b"]);
  assert.deepEqual(server.requests.map((r) => r.query), [
    "?available=false&page_size=2",
    "?available=false&page_size=2&page_token=t1",
    "?available=false&page_size=2&page_token=t2",
  ]);
  for await (const _ of c.allPromotions()) {
    break;
  }
  assert.equal(server.requests.length, 4, "a loop that is left reads no other page");
});

test("a signal and a timeout end a call", async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.path === PROMOTIONS) {
      fail(response, 503, "DEPENDENCY_UNAVAILABLE"); // all others get no answer
    }
  });
  const c = client(server);
  const controller = new AbortController();
  const call = c.getMe({ signal: controller.signal });
  const reason = new Error("not needed any more");
  controller.abort(reason);
  await assert.rejects(call, reason);
  await assert.rejects(c.getMe({ signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(c.getMe({ timeout: 50 }), (error: Error) => {
    return error instanceof TransportError && (error.cause as Error).name === "TimeoutError";
  });
  const during = new AbortController();
  const logged = client(server, { log: (e) => e.message === "retrying a call" && during.abort(reason) });
  await assert.rejects(logged.listPromotions({}, { signal: during.signal }), reason);
  await assert.rejects(c.listPromotions({}, { maxAttempts: 2 }), { code: "DEPENDENCY_UNAVAILABLE" });
  assert.equal(server.of(PROMOTIONS).length, 3);
});

test("paths are escaped", async (t) => {
  const server = await serve(t, (_, response) => json(response, {}));
  const c = client(server);
  for (const id of ["a/../b", "", ".", "..", "x?y#z"]) {
    await c.getPromotion(id);
  }
  assert.deepEqual(server.requests.map((r) => r.path.slice(PROMOTIONS.length)), [
    "/a%2F..%2Fb", "/%7B%7D", "/%7B.%7D", "/%7B..%7D", "/x%3Fy%23z",
  ]);
  await c.endSession("user", "session");
  assert.equal(server.requests.at(-1)!.path, "/api/v1/users/user/sessions/session");
});

test("redirects are refused", async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(307, { Location: ME }).end());
  await assert.rejects(client(server).getMe(), (error) => error instanceof ApiError && error.status === 307);
  assert.equal(server.requests.length, 1);
});

test("invalid arguments are not tried again", async (t) => {
  const server = await serve(t, (_, response) => json(response, {}));
  const entries: LogEntry[] = [];
  const c = client(server, { log: (e) => entries.push(e) });
  for (const idempotencyKey of ["", " ", " a", "a ", "a\nb", "a\x00b", "a\x7fb", "ü", "a".repeat(201)]) {
    await assert.rejects(c.createPromotion(input, { idempotencyKey }), /^TypeError: the Idempotency-Key /);
  }
  await assert.rejects(c.createPromotion({ ...input, amount: 5n as never }), TypeError);
  await assert.rejects(c.getPromotion("\ud800"), URIError);
  await assert.rejects(client(server, { userAgent: "a\nb" }).getMe(), TypeError);
  assert.deepEqual([server.requests, entries], [[], []]);
  for (const idempotencyKey of ["a", "campaign 17, ~!", "a".repeat(200)]) {
    await c.createPromotion(input, { idempotencyKey });
    assert.equal(server.requests.at(-1)!.headers["idempotency-key"], idempotencyKey);
  }
});

test("requests are logged", async (t) => {
  const server = await serve(t, (_, response) => {
    response.setHeader("X-Request-Id", "id-1");
    json(response, { id: "me" });
  });
  const entries: LogEntry[] = [];
  await client(server, { log: (e) => entries.push(e) }).getMe();
  const [{ duration, ...rest }] = entries as [LogEntry];
  assert.deepEqual(rest, { level: "debug", message: "request", route: "GET /api/v1/users/me", status: 200, requestId: "id-1" });
  assert.ok(duration! >= 0);
});

test("invalid options are refused", () => {
  for (const url of ["loyalty.example", "ftp://loyalty.example", "https://", ""]) {
    assert.throws(() => new Client(url), TypeError);
  }
  assert.throws(() => new Client("https://a", { timeout: 0 }), TypeError);
  assert.throws(() => new Client("https://a", { maxAttempts: 0 }), TypeError);
  assert.equal(new Client("https://a/").baseUrl, "https://a");
});

test("the version is that of the package", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(VERSION, version);
});

import assert from "node:assert/strict";
import { Client, NoSessionError, type Tokens } from "@casino-loyalty/client";
import { client, drop, fail, holdTimers, inSeconds, json, serve, test, type Recorded } from "./server.js";

const LOGIN = "/api/v1/auth/login";
const REFRESH = "/api/v1/auth/refresh";
const LOGOUT = "/api/v1/auth/logout";
const ME = "/api/v1/users/me";
/** The limit of one attempt of a refresh. A test that counts attempts holds its timers: a loaded machine may be slower. */
const ATTEMPT = 2_500;
/** Tokens that must be renewed. */
const expired = (): Tokens => ({ accessToken: "first", expiresAt: inSeconds(-5), refreshToken: "refresh" });
/** The answer to a login or a refresh. */
const session = (token: string) => ({ accessToken: token, expiresAt: inSeconds(3600), refreshToken: token, user: { id: "me" } });
/** Answers with the access token of the request. */
const echo = (request: Recorded) => ({ id: request.headers.authorization });

/** A promise with its resolve function. */
function latch(): Promise<void> & { resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((r) => (resolve = r));
  return Object.assign(promise, { resolve });
}

for (const [name, expiresAt] of [
  ["before the expiry", inSeconds(5)],
  ["after the platform has refused a token", inSeconds(3600)],
  ["without a time of the expiry", ""],
] as const) {
  test(`concurrent calls share one refresh ${name}`, async (t) => {
    holdTimers(t, ATTEMPT);
    const server = await serve(t, (request, response, n) => {
      if (request.path === REFRESH) {
        return n === 1 // the answer is lost; the platform repeats it
          ? drop(response)
          : json(response, { accessToken: "second", expiresAt: inSeconds(3600), refreshToken: "next" });
      }
      return request.headers.authorization === "Bearer second"
        ? json(response, { id: "me" })
        : fail(response, 401, "TOKEN_EXPIRED");
    });
    const stored: unknown[] = [];
    const tokens = { accessToken: "first", expiresAt, refreshToken: "refresh" };
    const c = client(server, { tokens, onTokens: (next) => stored.push(next) });
    const answers = await Promise.all(Array.from({ length: 20 }, () => c.getMe()));
    assert.ok(answers.every((me) => me.id === "me"));
    assert.deepEqual(server.of(REFRESH).map((r) => r.body), Array(2).fill('{"refreshToken":"refresh"}'));
    assert.equal(stored.length, 1);
    assert.equal(c.tokens!.refreshToken, "next");
    assert.deepEqual(stored[0], c.tokens);
  });
}

test("the clock of the machine may be wrong", async (t) => {
  const ahead = 3600; // the clock of the platform is an hour behind
  const server = await serve(t, (request, response) => {
    response.setHeader("Date", new Date(Date.now() - ahead * 1000).toUTCString());
    const expiresAt = inSeconds(600 - ahead);
    json(response, request.path === LOGIN ? { accessToken: "a", expiresAt, refreshToken: "r", user: {} } : { id: "me" });
  });
  const c = client(server, { tokens: undefined });
  await c.login({ email: "e", password: "p" });
  await c.getMe();
  await c.getMe();
  assert.deepEqual(server.requests.map((r) => r.path), [LOGIN, "/api/v1/users/me", "/api/v1/users/me"]);
});

test("an ended session is started again with credentials", async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.path === LOGIN) {
      return json(response, { accessToken: "new", expiresAt: inSeconds(3600), refreshToken: "r", user: { id: "me" } });
    }
    return request.headers.authorization === "Bearer new"
      ? json(response, { id: "me" })
      : fail(response, 401, "TOKEN_REVOKED");
  });
  let codes = 0;
  const c = client(server, { credentials: async () => ({ email: "e", password: "p", code: String(++codes) }) });
  assert.equal((await c.getMe()).id, "me");
  const body = JSON.parse(server.of(LOGIN)[0]!.body) as object;
  assert.deepEqual(body, { email: "e", password: "p", code: "1", refreshTokenIn: "BODY" });
});

test("the end of a session is reported", async (t) => {
  const server = await serve(t, (request, response) =>
    fail(response, 401, request.path === REFRESH ? "TOKEN_REUSED" : "TOKEN_REVOKED"),
  );
  const stored: unknown[] = [];
  const c = client(server, { onTokens: (next) => stored.push(next) });
  await assert.rejects(c.getMe(), { code: "TOKEN_REUSED" });
  await assert.rejects(c.getMe(), NoSessionError);
  assert.deepEqual(stored, [undefined]);
  await assert.rejects(new Client(server.url).getMe(), NoSessionError);
});

test("an outage of the refresh does not end a session", async (t) => {
  const server = await serve(t, (request, response) =>
    request.path === REFRESH ? fail(response, 503, "DEPENDENCY_UNAVAILABLE") : json(response, { id: "me" }),
  );
  const tokens: Tokens = { accessToken: "first", expiresAt: inSeconds(20), refreshToken: "r" };
  const c = client(server, { tokens });
  assert.equal((await c.getMe()).id, "me");
  assert.equal(c.tokens, tokens);
  assert.equal(server.of(REFRESH).length, 4);
});

test("a refresh without an answer is repeated within the grace of its token", async (t) => {
  const attempts = holdTimers(t, ATTEMPT);
  const server = await serve(t, (request, response, n) => {
    if (request.path === REFRESH) {
      return n === 1 ? attempts.fire() : json(response, session("second"));
    }
    return json(response, echo(request));
  });
  const c = client(server, { tokens: expired(), maxAttempts: 2 });
  assert.equal((await c.getMe()).id, "Bearer second");
  assert.deepEqual(server.of(REFRESH).map((r) => r.body), Array(2).fill('{"refreshToken":"refresh"}'));
});

test("a refresh is not tried more often than the client allows", async (t) => {
  const server = await serve(t, (_, response) => fail(response, 503, "DEPENDENCY_UNAVAILABLE"));
  await assert.rejects(client(server, { tokens: expired(), maxAttempts: 1 }).getMe(), { code: "DEPENDENCY_UNAVAILABLE" });
  assert.equal(server.of(REFRESH).length, 1);
});

test("other refusals keep the session", async (t) => {
  const server = await serve(t, (request, response) =>
    request.path === LOGOUT
      ? fail(response, 403, "FORBIDDEN")
      : void response.writeHead(request.path === REFRESH ? 403 : 401).end("<html>"), // by a proxy
  );
  const tokens = expired();
  const c = client(server, { tokens, credentials: { email: "e", password: "p" } });
  await assert.rejects(c.getMe(), { status: 403, code: undefined });
  await assert.rejects(c.logout(), { code: "FORBIDDEN" });
  assert.equal(c.tokens, tokens);
  assert.equal(server.of(LOGIN).length, 0);
});

for (const outcome of ["succeeds", "fails"]) {
  test(`a login takes precedence over a renewal that ${outcome}`, async (t) => {
    const refreshing = latch();
    const loggedIn = latch();
    const server = await serve(t, async (request, response) => {
      switch (request.path) {
        case REFRESH:
          refreshing.resolve();
          await loggedIn;
          return outcome === "succeeds" ? json(response, session("renewed")) : fail(response, 401, "TOKEN_REUSED");
        case LOGIN:
          return json(response, session("login"));
        default:
          return json(response, echo(request));
      }
    });
    const stored: (Tokens | undefined)[] = [];
    const c = client(server, { tokens: expired(), onTokens: (next) => stored.push(next) });
    const called = c.getMe();
    await refreshing;
    await c.login({ email: "e", password: "p" });
    loggedIn.resolve();
    assert.equal((await called).id, "Bearer login");
    assert.deepEqual(stored.map((next) => next?.refreshToken), ["login"]);
  });
}

for (const place of ["body", "cookie"] as const) {
  test(`a renewal that ends after a logout leaves no tokens (${place})`, async (t) => {
    holdTimers(t, ATTEMPT);
    const loggingOut = latch();
    const refreshing = latch();
    const loggedOut = latch();
    const server = await serve(t, async (request, response) => {
      switch (request.path) {
        case LOGOUT:
          loggingOut.resolve();
          await refreshing;
          return void response.writeHead(204).end();
        case REFRESH:
          refreshing.resolve();
          await loggedOut;
          return json(response, session("renewed"));
        default:
          return assert.fail(`called with ${request.headers.authorization} after the logout`);
      }
    });
    const c = client(server, { tokens: place === "body" ? expired() : undefined, refreshToken: place });
    const left = c.logout();
    await loggingOut;
    const called = c.getMe();
    await left;
    loggedOut.resolve();
    await assert.rejects(called, NoSessionError);
    assert.equal(c.tokens, undefined);
    await assert.rejects(c.getMe(), NoSessionError);
    assert.equal(server.of(REFRESH).length, 1);
  });
}

test("a renewal during a logout leaves no tokens", async (t) => {
  const loggingOut = latch();
  const renewed = latch();
  const server = await serve(t, async (request, response) => {
    switch (request.path) {
      case LOGOUT:
        loggingOut.resolve();
        await renewed;
        return void response.writeHead(204).end();
      case REFRESH:
        return json(response, session("renewed"));
      default:
        return json(response, echo(request));
    }
  });
  const stored: (Tokens | undefined)[] = [];
  const c = client(server, { tokens: expired(), onTokens: (next) => stored.push(next) });
  const left = c.logout();
  await loggingOut;
  assert.equal((await c.getMe()).id, "Bearer renewed");
  renewed.resolve();
  await left;
  assert.equal(c.tokens, undefined);
  assert.deepEqual(stored.map((next) => next?.refreshToken), ["renewed", undefined]);
});

test("a login during a logout keeps its tokens", async (t) => {
  const loggingOut = latch();
  const loggedIn = latch();
  const server = await serve(t, async (request, response) => {
    if (request.path === LOGOUT) {
      loggingOut.resolve();
      await loggedIn;
      return void response.writeHead(204).end();
    }
    return json(response, session("login"));
  });
  const c = client(server);
  const left = c.logout();
  await loggingOut;
  await c.login({ email: "e", password: "p" });
  loggedIn.resolve();
  await left;
  assert.equal(c.tokens!.refreshToken, "login");
});

test("a logout waits for a renewal, but not longer than it may take", async (t) => {
  const refreshing = latch();
  const release = latch();
  const server = await serve(t, async (request, response) => {
    switch (request.path) {
      case REFRESH:
        refreshing.resolve();
        await release;
        return json(response, session("renewed"));
      case LOGOUT:
        return void response.writeHead(204).end();
      default:
        return json(response, echo(request));
    }
  });
  const c = client(server, { tokens: expired() });
  const called = c.getMe();
  await refreshing;
  const reason = new Error("left");
  await assert.rejects(c.logout({ signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(c.logout({ timeout: 10 }), { name: "TransportError" });
  const left = c.logout();
  release.resolve();
  await left;
  await called.catch(() => {}); // its token may have been revoked
  assert.equal(c.tokens, undefined);
  assert.deepEqual(server.of(LOGOUT).map((r) => r.body), ['{"refreshToken":"renewed"}']);
});

test("a wrong password is not tried again", async (t) => {
  const server = await serve(t, (_, response) => fail(response, 401, "INVALID_CREDENTIALS"));
  const c = client(server, { tokens: undefined, credentials: { email: "e", password: "p" } });
  await assert.rejects(c.getMe(), { code: "INVALID_CREDENTIALS" });
  assert.equal(server.requests.length, 1);
});

test("an aborted call does not abort the refresh of others", async (t) => {
  holdTimers(t, ATTEMPT);
  let answer = () => {};
  const server = await serve(t, (request, response) => {
    const second = { accessToken: "second", expiresAt: inSeconds(3600), refreshToken: "next" };
    if (request.path === REFRESH) {
      answer = () => json(response, second);
      return controller.abort(new Error("left"));
    }
    return json(response, { id: "me" });
  });
  const controller = new AbortController();
  const c = client(server, { tokens: { accessToken: "first", expiresAt: inSeconds(-5), refreshToken: "r" } });
  const first = c.getMe({ signal: controller.signal });
  const second = c.getMe();
  await assert.rejects(first, { message: "left" });
  answer();
  assert.equal((await second).id, "me");
  assert.equal(server.of(REFRESH).length, 1);
});

test("logout ends the session, also one that has ended", async (t) => {
  const server = await serve(t, (request, response, n) => {
    if (request.path === LOGOUT) {
      return n === 1 ? void response.writeHead(204).end() : fail(response, 401, "TOKEN_REVOKED");
    }
    return json(response, { accessToken: "a", expiresAt: inSeconds(3600), refreshToken: "r", user: { id: "me" } });
  });
  const c = new Client(server.url);
  for (let i = 1; i <= 2; i++) {
    assert.equal((await c.login({ email: "e", password: "p" })).id, "me");
    await c.logout();
    assert.equal(c.tokens, undefined);
    assert.equal(server.of(LOGOUT).at(-1)!.body, '{"refreshToken":"r"}');
    await assert.rejects(c.getMe(), NoSessionError);
  }
  await c.logout();
  assert.equal(server.of(LOGOUT).length, 2, "without a session, nothing is sent");
});

test("with a cookie, the refresh token is not in the body", async (t) => {
  const server = await serve(t, (request, response, n) => {
    if (request.path === REFRESH && n === 2) {
      return fail(response, 401, "TOKEN_MISSING");
    }
    const expiresAt = request.path === LOGIN ? inSeconds(-1) : inSeconds(3600);
    return request.path === LOGOUT
      ? void response.writeHead(204).end()
      : json(response, { accessToken: request.path, expiresAt, user: { id: "me" }, id: request.headers.authorization });
  });
  const c = client(server, { refreshToken: "cookie", tokens: undefined });
  assert.equal((await c.getMe()).id, `Bearer ${REFRESH}`, "a session of the browser is continued");
  await c.login({ email: "e", password: "p" });
  assert.match(server.of(LOGIN)[0]!.body, /"refreshTokenIn":"COOKIE"/);
  await assert.rejects(c.getMe(), { code: "TOKEN_MISSING" });
  await assert.rejects(c.getMe(), NoSessionError);
  assert.deepEqual(server.of(REFRESH).map((r) => r.body), ["{}", "{}"]);
  await c.login({ email: "e", password: "p" });
  await c.logout();
  assert.equal(server.of(LOGOUT)[0]!.body, "{}");
});

for (const [name, member] of [["a page", "document"], ["a web worker or service worker", "importScripts"]] as const) {
  test(`in ${name}, the refresh token is in a cookie`, async (t) => {
    const server = await serve(t, (_, response) => json(response, session("login")));
    Object.assign(globalThis, { [member]: () => {} });
    t.after(() => Reflect.deleteProperty(globalThis, member));
    await new Client(server.url).login({ email: "e", password: "p" });
    const [login] = server.requests;
    assert.match(login!.body, /"refreshTokenIn":"COOKIE"/);
    assert.ok(!login!.headers["user-agent"]?.includes("loyalty-typescript"), "browsers send their own User-Agent");
  });
}

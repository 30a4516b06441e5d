import assert from "node:assert/strict";
import { client, fail, inSeconds, json, serve, test } from "./server.js";

const LOGIN = "/api/v1/auth/login";
const PASSWORD = "/api/v1/users/me/password";
const REFRESH = "/api/v1/auth/refresh";
const ANNA = "anna@example.com";
const BEN = "ben@example.com";

// The credentials of a client belong to Anna. After a change of a password, the next login must use her current one.
for (const [name, loginAs, currentPassword, want] of [
  ["of stored tokens of the account", undefined, "old", "new"],
  ["of stored tokens of another account", undefined, "other", "old"],
  ["of a login", ANNA, "old", "new"],
  ["of a login with another case", "Anna@Example.com", "old", "new"],
  ["of outdated credentials", ANNA, "changed elsewhere", "new"],
  ["of another account", BEN, "other", "old"],
  ["of another account with the same password", BEN, "old", "old"],
] as const) {
  test(`the next login after a change of the password ${name}`, async (t) => {
    let changed = false;
    const server = await serve(t, ({ path, headers }, response) => {
      if (path === LOGIN) {
        return json(response, { accessToken: "login", expiresAt: inSeconds(3600), refreshToken: "r", user: { id: "me" } });
      }
      if (path === PASSWORD) {
        changed = true;
        return void response.writeHead(204).end();
      }
      return path === REFRESH || (changed && headers.authorization !== "Bearer login")
        ? fail(response, 401, "TOKEN_REVOKED")
        : json(response, { id: "me" });
    });
    const credentials = { email: ANNA, password: "old" };
    const c = client(server, { credentials });
    if (loginAs) {
      await c.login({ email: loginAs, password: currentPassword });
    }
    await c.changeMyPassword({ currentPassword, newPassword: "new" });
    await c.logout();
    await c.getMe();
    const login = JSON.parse(server.of(LOGIN).at(-1)!.body) as unknown;
    assert.deepEqual(login, { email: ANNA, password: want, refreshTokenIn: "BODY" });
    assert.deepEqual(credentials, { email: ANNA, password: "old" }, "the object of the caller does not change");
  });
}

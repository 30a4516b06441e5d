"""Sessions: login, logout, and renewals of tokens."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any

import pytest
import trustme

import casino_loyalty as loyalty
from casino_loyalty import Tokens
from conftest import login_answer, protected
from server import USER, Answer, Server, problem

ME, LOGIN, REFRESH, LOGOUT = "/api/v1/users/me", "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout"
CREDENTIALS = ("anna@example.com", "a long enough phrase")


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_login_and_logout(server: Server, connect: Any) -> None:
    server.on(LOGIN, problem(401, "MFA_REQUIRED"), login_answer(1))
    server.on(ME, protected("access-1", Answer(200, USER)))
    server.on(LOGOUT, Answer(204))
    stored: list[Tokens] = []
    client = connect(tokens=None, on_tokens=stored.append)
    with pytest.raises(loyalty.NotLoggedInError):
        client.get_me()
    with pytest.raises(loyalty.MfaRequiredError):
        client.login(email=CREDENTIALS[0], password=CREDENTIALS[1])
    assert client.login(email=CREDENTIALS[0], password=CREDENTIALS[1], code="123456").email == USER["email"]
    assert server.requests[-1].body == {
        "email": CREDENTIALS[0],
        "password": CREDENTIALS[1],
        "code": "123456",
        "refreshTokenIn": "BODY",
    }
    assert client.get_me().id == USER["id"]
    client.logout()
    assert server.requests[-1].body == {"refreshToken": "refresh-1"}
    assert [t.access for t in stored] == ["access-1", ""]
    client.logout()
    assert len(server.received(LOGOUT)) == 1


def test_credentials_log_in_once(server: Server, connect: Any) -> None:
    server.on(LOGIN, login_answer(1))
    server.on(ME, protected("access-1", Answer(200, USER)))
    client = connect(tokens=None, credentials=CREDENTIALS)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(lambda _: client.get_me(), range(24)))) == 24
    assert len(server.received(LOGIN)) == 1


def test_concurrent_calls_share_one_renewal(server: Server, connect: Any) -> None:
    server.on(REFRESH, login_answer(2))
    server.on(ME, protected("access-2", Answer(200, USER)))
    stored: list[Tokens] = []
    client = connect(on_tokens=stored.append)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(lambda _: client.get_me(), range(24)))) == 24
    assert [r.body for r in server.received(REFRESH)] == [{"refreshToken": "refresh-1"}]
    assert [t.refresh for t in stored] == ["refresh-2"]


def test_tokens_are_renewed_before_they_expire(server: Server, connect: Any) -> None:
    server.on(REFRESH, login_answer(2))
    server.on(ME, Answer(200, USER))
    connect(tokens=Tokens("access-1", soon(90), "refresh-1")).get_me()
    assert not server.received(REFRESH)
    connect(tokens=Tokens("access-1", soon(29), "refresh-1")).get_me()
    assert server.requests[-1].headers["authorization"] == "Bearer access-2"


def test_the_local_clock_may_be_wrong(server: Server, connect: Any) -> None:
    behind = {"Date": formatdate(time.time() - 3600, usegmt=True)}
    server.on(LOGIN, Answer(200, login_answer(1, 600 - 3600).body, behind))
    server.on(ME, Answer(200, USER, behind))
    client = connect(tokens=None)
    client.login(email="e", password="p")
    client.get_me()
    client.get_me()
    assert not server.received(REFRESH)


def test_a_valid_token_is_used_while_it_cannot_be_renewed(server: Server, connect: Any) -> None:
    server.on(REFRESH, problem(503, "DEPENDENCY_UNAVAILABLE"))
    server.on(ME, Answer(200, USER))
    connect(tokens=Tokens("access-1", soon(20), "refresh-1"), max_attempts=1).get_me()
    with pytest.raises(loyalty.DependencyUnavailableError):
        connect(tokens=Tokens("access-1", soon(-1), "refresh-1"), max_attempts=1).get_me()


def test_a_lost_refresh_is_repeated(server: Server, connect: Any) -> None:
    server.on(REFRESH, Answer(drop=True), login_answer(2))
    server.on(ME, protected("access-2", Answer(200, USER)))
    connect().get_me()
    assert [r.body for r in server.received(REFRESH)] == [{"refreshToken": "refresh-1"}] * 2


def test_a_refresh_without_an_answer_is_repeated(server: Server, connect: Any) -> None:
    release = threading.Event()

    def never(_: Any) -> Answer:
        release.wait()
        return Answer(drop=True)

    server.on(REFRESH, never, login_answer(2))
    server.on(ME, protected("access-2", Answer(200, USER)))
    attempts: list[loyalty.Attempt] = []
    connect(on_attempt=attempts.append).get_me()
    release.set()
    # The second attempt belongs to the same refresh.
    assert [(a.operation, a.number) for a in attempts if a.operation == "refresh"] == [("refresh", 1), ("refresh", 2)]


def test_an_ended_session_is_started_again(server: Server, connect: Any) -> None:
    server.on(REFRESH, problem(401, "TOKEN_INVALID"))
    server.on(LOGIN, login_answer(3))
    server.on(ME, protected("access-3", Answer(200, USER)))
    connect(credentials=CREDENTIALS).get_me()
    stored: list[Tokens] = []
    client = connect(on_tokens=stored.append)
    with pytest.raises(loyalty.TokenInvalidError):
        client.get_me()
    assert stored == [Tokens()]
    with pytest.raises(loyalty.NotLoggedInError):
        client.get_me()


def test_other_refusals_keep_the_session(server: Server, connect: Any) -> None:
    server.on(REFRESH, Answer(403, b"<html>"))  # by a proxy
    server.on(LOGOUT, problem(403, "FORBIDDEN"))
    client = connect(tokens=Tokens("access-1", soon(-1), "refresh-1"), credentials=CREDENTIALS)
    with pytest.raises(loyalty.ApiError, match="status 403"):
        client.get_me()
    with pytest.raises(loyalty.ForbiddenError):
        client.logout()
    assert client.tokens.refresh == "refresh-1"


def test_a_call_is_renewed_once(server: Server, connect: Any) -> None:
    server.on(REFRESH, login_answer(2))
    server.on(ME, problem(401, "TOKEN_REVOKED"))
    with pytest.raises(loyalty.TokenRevokedError):
        connect().get_me()
    assert len(server.received(ME)) == 2


@pytest.mark.parametrize("answer", [login_answer(2), problem(401, "TOKEN_REUSED")])
def test_a_login_precedes_a_renewal(server: Server, connect: Any, answer: Answer) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(_: Any) -> Answer:
        started.set()
        release.wait()
        return answer

    server.on(REFRESH, slow)
    server.on(LOGIN, login_answer(3))
    server.on(ME, protected("access-3", Answer(200, USER)))
    client = connect(tokens=Tokens("access-1", soon(-1), "refresh-1"))
    with ThreadPoolExecutor(1) as pool:
        called = pool.submit(client.get_me)
        started.wait()
        client.login(email=CREDENTIALS[0], password=CREDENTIALS[1])
        release.set()
        assert called.result().id == USER["id"]
    assert client.tokens.refresh == "refresh-3"


def test_a_logout_precedes_a_renewal(server: Server, connect: Any) -> None:
    logging_out, refreshing, logged_out = threading.Event(), threading.Event(), threading.Event()

    def logout(_: Any) -> Answer:
        logging_out.set()
        refreshing.wait()
        return Answer(204)

    def refresh(_: Any) -> Answer:
        refreshing.set()
        logged_out.wait()
        return login_answer(2)

    server.on(LOGOUT, logout)
    server.on(REFRESH, refresh)
    server.on(ME, Answer(200, USER))
    client = connect(tokens=Tokens("access-1", soon(-1), "refresh-1"))
    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(client.logout)
        logging_out.wait()
        called = pool.submit(client.get_me)
        left.result()
        logged_out.set()
        with pytest.raises(loyalty.NotLoggedInError):
            called.result()
    assert client.tokens == Tokens()
    assert not server.received(ME)


def test_a_renewal_within_a_logout_leaves_no_tokens(server: Server, connect: Any) -> None:
    logging_out, renewed = threading.Event(), threading.Event()

    def logout(_: Any) -> Answer:
        logging_out.set()
        renewed.wait()
        return Answer(204)

    server.on(LOGOUT, logout)
    server.on(REFRESH, login_answer(2))
    server.on(ME, protected("access-2", Answer(200, USER)))
    stored: list[Tokens] = []
    client = connect(tokens=Tokens("access-1", soon(-1), "refresh-1"), on_tokens=stored.append)
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(client.logout)
        logging_out.wait()
        try:
            assert client.get_me().id == USER["id"]
        finally:
            renewed.set()
        left.result()
    assert client.tokens == Tokens()
    assert [t.refresh for t in stored] == ["refresh-2", ""]


def test_a_login_during_a_logout_keeps_its_tokens(server: Server, connect: Any) -> None:
    logging_out, logged_in = threading.Event(), threading.Event()

    def logout(_: Any) -> Answer:
        logging_out.set()
        logged_in.wait()
        return Answer(204)

    server.on(LOGOUT, logout)
    server.on(LOGIN, login_answer(3))
    client = connect()
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(client.logout)
        logging_out.wait()
        try:
            client.login(email=CREDENTIALS[0], password=CREDENTIALS[1])
        finally:
            logged_in.set()
        left.result()
    assert client.tokens.refresh == "refresh-3"


def test_a_logout_waits_for_a_renewal(server: Server, connect: Any) -> None:
    started, logging_out = threading.Event(), threading.Event()

    def refresh(_: Any) -> Answer:
        started.set()
        logging_out.wait(0.2)  # it is set if the logout does not wait
        return login_answer(2)

    def logout(_: Any) -> Answer:
        logging_out.set()
        return Answer(204)

    server.on(REFRESH, refresh)
    server.on(LOGOUT, logout)
    server.on(ME, Answer(200, USER))
    client = connect(tokens=Tokens("access-1", soon(-1), "refresh-1"))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.get_me)
        started.wait()
        client.logout()
    assert client.tokens == Tokens()
    assert [r.body for r in server.received(LOGOUT)] == [{"refreshToken": "refresh-2"}]


def test_a_renewal_goes_on_without_its_caller(server: Server, connect: Any) -> None:
    release = threading.Event()

    def slow(_: Any) -> Answer:
        release.wait()
        return login_answer(2)

    server.on(REFRESH, slow)
    server.on(ME, protected("access-2", Answer(200, USER)))
    client = connect()
    with pytest.raises(loyalty.CallTimeoutError):
        client.get_me(timeout=0.2)
    release.set()
    assert client.get_me().id == USER["id"]
    assert len(server.received(REFRESH)) == 1


def test_a_renewal_goes_on_after_its_task_was_cancelled(server: Server) -> None:
    release, started = threading.Event(), threading.Event()

    def slow(_: Any) -> Answer:
        started.set()
        release.wait()
        return login_answer(2)

    server.on(REFRESH, slow)
    server.on(ME, protected("access-2", Answer(200, USER)))

    async def run() -> None:
        async with loyalty.AsyncClient(server.url, tokens=Tokens("access-1", None, "refresh-1")) as client:
            task = asyncio.create_task(client.get_me())
            await asyncio.to_thread(started.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            release.set()
            await client.get_me()

    asyncio.run(run())
    assert len(server.received(REFRESH)) == 1


def test_refresh_cookie(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = Server(context)
    try:
        cookie = {"Set-Cookie": "refresh=secret; HttpOnly; Secure; SameSite=Strict; Path=/api/v1/auth"}
        login, refresh = login_answer(1, refreshToken=None), login_answer(2, refreshToken=None)
        login.headers = cookie
        server.on(LOGIN, login)
        server.on(REFRESH, refresh)
        server.on(ME, protected("access-2", Answer(200, USER)))
        server.on(LOGOUT, Answer(204))
        client = connect(server.url, tokens=None, refresh_cookie=True, ssl_context=trusting)
        client.login(email=CREDENTIALS[0], password=CREDENTIALS[1])
        assert server.requests[-1].body["refreshTokenIn"] == "COOKIE"
        client.get_me()
        assert client.tokens.refresh == ""
        client.logout()
        for path in (REFRESH, LOGOUT):
            sent = server.received(path)[0]
            assert (sent.headers["cookie"], sent.body) == ("refresh=secret", {})
        assert "cookie" not in server.received(ME)[0].headers
        for r in caplog.records:
            assert r.name.startswith("httpcore") or "secret" not in r.getMessage()
    finally:
        server.close()


def test_tokens_can_be_stored() -> None:
    tokens = Tokens("access-1", soon(600), "refresh-1")
    assert Tokens.from_json(tokens.to_json()) == tokens
    assert Tokens.from_json(Tokens().to_json()) == Tokens()

"""Calls: arguments, answers, errors, retries and pages."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

import casino_loyalty as loyalty
from conftest import login_answer
from server import PROMOTION, USER, Answer, Server, problem

ME, PROMOTIONS, CLAIM = "/api/v1/users/me", "/api/v1/promotions", "/api/v1/promotions/claim"
NEW: dict[str, Any] = {
    "title": "Spring",
    "type": loyalty.PromotionType.BONUS,
    "amount": Decimal("20.00"),
    "start_date": date(2026, 3, 1),
    "end_date": "2026-03-31",
}


def test_answers_are_typed(server: Server, connect: Any) -> None:
    server.on(ME, Answer(200, USER))
    user = connect().get_me()
    assert user == loyalty.User(
        id=str(USER["id"]),
        email="anna@example.com",
        role=loyalty.Role.PLAYER,
        is_active=True,
        balance=Decimal("12.50"),
        created_at=datetime(2026, 1, 2, 3, 4, 5, 123456, UTC),
    )


def test_unknown_members_and_values_are_accepted(server: Server, connect: Any) -> None:
    server.on(ME, Answer(200, {**USER, "role": "AUDITOR", "nickname": "anna"}))
    role = connect().get_me().role
    assert (role, role.value, isinstance(role, loyalty.Role)) == ("AUDITOR", "AUDITOR", True)
    assert role not in list(loyalty.Role)


@pytest.mark.parametrize("body", [b"<html>", [], {}, {**USER, "balance": "many"}, {**USER, "isActive": "yes"}])
def test_unreadable_answers_are_retried(server: Server, connect: Any, body: Any) -> None:
    server.on(ME, Answer(200, body), Answer(200, USER))
    assert connect().get_me().id == USER["id"]
    server.on(ME, Answer(200, body))
    with pytest.raises(loyalty.TransportError, match="getMe: the answer cannot be read"):
        connect(max_attempts=1).get_me()


def test_arguments_are_encoded(server: Server, connect: Any) -> None:
    client = connect(user_agent="casino-app/2.1")
    server.on(PROMOTIONS, Answer(201, PROMOTION))
    client.create_promotion(**NEW)
    sent = server.requests[-1]
    assert sent.body == {
        "title": "Spring",
        "type": "BONUS",
        "amount": "20.00",
        "startDate": "2026-03-01",
        "endDate": "2026-03-31",
    }
    assert sent.headers["authorization"] == "Bearer access-1"
    assert sent.headers["user-agent"].startswith("casino-app/2.1 loyalty-python/" + loyalty.__version__)
    server.on(PROMOTIONS + "/a%2Fb%20%C3%BC", Answer(200, PROMOTION))
    client.update_promotion("a/b ü", is_active=False)
    assert (server.requests[-1].verb, server.requests[-1].body) == ("PATCH", {"isActive": False})
    client.update_promotion("a/b ü", limits=loyalty.PromotionLimitsPatch(max_claims=0, budget=Decimal("7.50")))
    assert server.requests[-1].body == {"limits": {"maxClaims": 0, "budget": "7.50"}}
    server.on(PROMOTIONS, Answer(200, {"promotions": [], "nextPageToken": "", "total": 0, "totalIsEstimate": False}))
    client.list_promotions(available=True, from_=date(2026, 1, 1), title="100 %", page_size=5)
    assert server.requests[-1].query == {
        "available": ["true"],
        "from": ["2026-01-01"],
        "title": ["100 %"],
        "page_size": ["5"],
    }


@pytest.mark.parametrize(("value", "want"), [(Decimal("1E+2"), "100"), (5, "5"), ("7.50", "7.50")])
def test_amounts_are_exact(server: Server, connect: Any, value: Any, want: str) -> None:
    server.on(PROMOTIONS, Answer(201, PROMOTION))
    connect().create_promotion(**{**NEW, "amount": value})
    assert server.requests[-1].body["amount"] == want
    with pytest.raises(TypeError, match="not a float"):
        connect().create_promotion(**{**NEW, "amount": 0.1})


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_path_arguments_that_would_be_another_route(server: Server, connect: Any, value: str) -> None:
    with pytest.raises(loyalty.NotFoundError):
        connect().get_user(value)
    assert server.requests[-1].path == f"/api/v1/users/%7B{value}%7D"


def test_errors_are_typed(server: Server, connect: Any) -> None:
    violation = {"field": "player_ids[2]", "rule": "uuid", "message": "is not a UUID"}
    server.on(PROMOTIONS, problem(400, "VALIDATION_FAILED", violations=[violation]))
    with pytest.raises(loyalty.ValidationFailedError) as invalid:
        connect().create_promotion(**NEW)
    e = invalid.value
    assert e.violations == [loyalty.Violation("player_ids[2]", "uuid", "is not a UUID")]
    assert (e.code, e.status, e.retryable, e.request_id) == (loyalty.Code.VALIDATION_FAILED, 400, False, "request-7")
    assert str(e) == "VALIDATION_FAILED: details; player_ids[2]: is not a UUID (request request-7)"
    copy = pickle.loads(pickle.dumps(e))
    assert (type(copy), str(copy)) == (type(e), str(e))
    server.on(CLAIM, problem(409, "PROMOTION_ALREADY_CLAIMED", transactionId="t-1"))
    with pytest.raises(loyalty.PromotionAlreadyClaimedError) as claimed:
        connect().claim(promotion_id="p-1")
    assert claimed.value.transaction_id == "t-1"
    server.on(CLAIM, problem(409, "SOMETHING_NEW"))
    with pytest.raises(loyalty.ApiError) as new:
        connect().claim(promotion_id="p-1")
    assert (new.value.code, type(new.value)) == ("SOMETHING_NEW", loyalty.ApiError)
    server.on(CLAIM, Answer(500, b"<html>"))
    with pytest.raises(loyalty.ApiError, match="status 500") as foreign:
        connect().claim(promotion_id="p-1")
    assert foreign.value.code is None


def test_retries_have_the_same_key(server: Server, connect: Any) -> None:
    failures = [Answer(drop=True), problem(503, "DEPENDENCY_UNAVAILABLE"), Answer(502, b"<html>")]
    attempts: list[loyalty.Attempt] = []
    client = connect(on_attempt=attempts.append)
    server.on(PROMOTIONS, *failures, Answer(201, PROMOTION))
    assert client.create_promotion(**NEW).amount == Decimal("20.00")
    first = {r.headers["idempotency-key"] for r in server.received(PROMOTIONS)}
    assert (len(server.requests), len(first)) == (4, 1)
    assert [(a.operation, a.number, a.status) for a in attempts] == [
        ("createPromotion", i + 1, status) for i, status in enumerate((0, 503, 502, 201))
    ]
    assert [type(a.error) for a in attempts][::3] == [loyalty.TransportError, type(None)]
    client.create_promotion(**NEW)
    assert server.requests[-1].headers["idempotency-key"] not in first
    client.create_promotion(**NEW, idempotency_key="campaign-17")
    assert server.requests[-1].headers["idempotency-key"] == "campaign-17"


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "a\nb", "a\n", "a\x00b", "a\x7fb", "ü", "a" * 201])
def test_invalid_keys_are_refused_at_once(server: Server, connect: Any, key: str) -> None:
    attempts: list[loyalty.Attempt] = []
    with pytest.raises(ValueError, match="idempotency_key"):
        connect(on_attempt=attempts.append).create_promotion(**NEW, idempotency_key=key)
    assert not server.requests
    assert not attempts


@pytest.mark.parametrize("key", ["a", "campaign 17, ~!", "a" * 200])
def test_valid_keys_are_sent(server: Server, connect: Any, key: str) -> None:
    server.on(PROMOTIONS, Answer(201, PROMOTION))
    connect().create_promotion(**NEW, idempotency_key=key)
    assert server.requests[-1].headers["idempotency-key"] == key


@pytest.mark.parametrize("options", [{"user_agent": "a\nb"}, {"user_agent": "ü"}, {"tokens": loyalty.Tokens("secret\n")}])
def test_invalid_headers_are_refused_at_once(server: Server, connect: Any, options: dict[str, Any]) -> None:
    attempts: list[loyalty.Attempt] = []
    client = connect(on_attempt=attempts.append, **options)
    for call in (client.get_me, lambda: next(client.inbox())):
        with pytest.raises(ValueError, match="cannot be sent") as e:
            call()
        assert "secret" not in str(e.value)
    assert not server.requests
    assert not attempts


def test_refused_calls_are_not_retried(server: Server, connect: Any) -> None:
    server.on(CLAIM, problem(409, "PROMOTION_EXPIRED"))
    with pytest.raises(loyalty.PromotionExpiredError):
        connect().claim(promotion_id="p-1")
    assert len(server.requests) == 1


def test_the_last_error_is_raised(server: Server, connect: Any) -> None:
    server.on(ME, problem(503, "DEPENDENCY_UNAVAILABLE"))
    with pytest.raises(loyalty.DependencyUnavailableError):
        connect(max_attempts=3).get_me()
    assert len(server.requests) == 3


def test_retry_after_is_honoured(server: Server, connect: Any) -> None:
    server.on(ME, problem(429, "RATE_LIMITED", retry_after=1), Answer(200, USER))
    start = time.monotonic()
    connect().get_me()
    assert time.monotonic() - start >= 1
    server.on(ME, problem(429, "RATE_LIMITED", retry_after=3600))
    with pytest.raises(loyalty.RateLimitedError) as e:
        connect().get_me(timeout=30)
    assert (e.value.retry_after, e.value.retryable) == (3600, True)


def test_timeout_ends_a_call(server: Server, connect: Any) -> None:
    release = threading.Event()

    def wait(_: Any) -> Answer:
        release.wait()
        return Answer(200, USER)

    server.on(ME, wait)
    with pytest.raises(TimeoutError) as e:
        connect().get_me(timeout=0.05)
    assert isinstance(e.value, loyalty.TransportError)
    release.set()


def test_calls_to_nobody_are_retried(connect: Any, server: Server) -> None:
    attempts: list[loyalty.Attempt] = []
    client = connect("http://127.0.0.1:1", max_attempts=3, on_attempt=attempts.append)
    with pytest.raises(loyalty.TransportError) as e:
        client.login(email="anna@example.com", password="a long enough phrase")
    assert (e.value.sent, len(attempts)) == (False, 3)


def test_a_lost_login_is_not_repeated(server: Server, connect: Any) -> None:
    server.on("/api/v1/auth/login", Answer(drop=True), login_answer(2))
    with pytest.raises(loyalty.TransportError) as e:
        connect().login(email="anna@example.com", password="a long enough phrase")
    assert (e.value.sent, len(server.requests)) == (True, 1)


def test_a_login_that_was_not_carried_out_is_repeated(server: Server, connect: Any) -> None:
    server.on(
        "/api/v1/auth/login",
        problem(429, "RATE_LIMITED"),
        problem(408, "REQUEST_TIMEOUT"),
        problem(503, "DEPENDENCY_UNAVAILABLE"),
    )
    with pytest.raises(loyalty.DependencyUnavailableError):
        connect(tokens=None).login(email="e", password="p")
    assert len(server.requests) == 3


def test_pages_are_read_one_after_the_other(server: Server, connect: Any) -> None:
    def page(r: Any) -> Answer:
        token = r.query.get("page_token", [""])[0]
        after = {"": "2", "2": "3", "3": ""}[token]
        promotions = [] if token == "2" else [{**PROMOTION, "title": "page " + token}] * 2
        return Answer(200, {"promotions": promotions, "nextPageToken": after, "total": 4, "totalIsEstimate": False})

    server.on(PROMOTIONS, page)
    promotions = connect().all_promotions(type="BONUS", page_size=2)
    assert not server.requests
    assert next(promotions).title == "page "
    assert len(server.requests) == 1
    assert [p.title for p in promotions] == ["page ", "page 3", "page 3"]
    assert [r.query for r in server.requests] == [
        {"type": ["BONUS"], "page_size": ["2"], **({"page_token": [token]} if token else {})} for token in ("", "2", "3")
    ]


def test_settings_are_checked(connect: Any) -> None:
    for url in ("loyalty.example", "ftp://loyalty.example", "https://"):
        with pytest.raises(ValueError, match="is not an http or https URL"):
            connect(url)
    for options, message in (
        ({"timeout": 0}, "positive"),
        ({"max_attempts": 0}, "positive"),
        ({"credentials": ("", "x")}, "empty"),
        ({"refresh_cookie": True}, "needs an https URL"),
    ):
        with pytest.raises(ValueError, match=message):
            connect("http://loyalty.example", **options)


def test_logs_have_no_secrets(server: Server, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("/api/v1/auth/login", login_answer(1))
    server.on("/api/v1/auth/refresh", login_answer(2))
    server.on(ME, problem(401, "TOKEN_EXPIRED"), problem(503, "DEPENDENCY_UNAVAILABLE"), Answer(200, USER))
    server.on_socket(lambda c, _: c.send({"reset": {"reason": "unknown"}}))
    client = connect(tokens=None, credentials=("anna@example.com", "a long enough phrase"))
    client.get_me()
    inbox = client.inbox()
    assert [next(inbox), next(inbox)] == [loyalty.Connected(), loyalty.Gap("unknown")]
    assert "retrying getMe in 0." in caplog.text
    for secret in ("access-", "refresh-", "a long enough phrase"):
        assert secret not in caplog.text
    assert "access-" not in repr(client.tokens)


def test_an_http_client_of_the_caller_stays_open(server: Server) -> None:
    server.on(ME, Answer(200, USER))
    with httpx.Client(headers={"X-Tenant": "7"}) as http:
        with loyalty.Client(server.url, tokens=loyalty.Tokens("access-1"), http_client=http) as client:
            client.get_me()
        assert not http.is_closed
    assert server.requests[0].headers["x-tenant"] == "7"


def test_redirects_are_not_followed(server: Server) -> None:
    server.on(CLAIM, Answer(307, headers={"Location": server.url + "/elsewhere"}))
    tokens = loyalty.Tokens("access-1")

    async def run() -> None:
        async with (
            httpx.AsyncClient(follow_redirects=True) as http,
            loyalty.AsyncClient(server.url, tokens=tokens, http_client=http) as client,
        ):
            await client.claim(promotion_id="p-1")

    with (
        httpx.Client(follow_redirects=True) as http,
        loyalty.Client(server.url, tokens=tokens, http_client=http) as client,
        pytest.raises(loyalty.ApiError, match="status 307"),
    ):
        client.claim(promotion_id="p-1")
    with pytest.raises(loyalty.ApiError, match="status 307"):
        asyncio.run(run())
    assert not server.received("/elsewhere")

"""The live inbox."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from typing import Any

import pytest

import casino_loyalty as loyalty
from casino_loyalty import Connected, Gap, Tokens
from conftest import login_answer
from server import PROMOTION, Answer, Connection, Server, problem

SOCKET = "/notifications/ws"
LOST = "the connection was lost before the first notification"


def notification(number: int) -> dict[str, Any]:
    return {
        "notification": {
            "id": f"n-{number}",
            "type": "promotion",
            "content": PROMOTION,
            "read": False,
            "createdAt": "2026-01-02T03:04:05Z",
        }
    }


def sends(*frames: Any, code: int = 0) -> Any:
    """Sends frames. Then it closes or drops the connection."""

    def handler(c: Connection, _: Any) -> None:
        for frame in frames:
            c.send(frame)
        if code:
            c.close(code)
        else:
            c.drop()

    return handler


class Clock:
    """A clock that tests can put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def waits(c: Connection, _: Any) -> None:
    c.wait()


def ids(inbox: Any, count: int) -> list[Any]:
    """Reads events. Notifications are shown by their ids."""
    events = [next(inbox) for _ in range(count)]
    return [e.id if isinstance(e, loyalty.Notification) else e for e in events]


def test_events_are_typed(server: Server, connect: Any) -> None:
    read = {"read": {"ids": ["n-1"], "all": False, "unread": 3}}
    server.on_socket(sends(notification(1), {"future": {}}, read), waits)
    inbox = connect().inbox()
    connected, first, state = next(inbox), next(inbox), next(inbox)
    assert connected == Connected()
    assert (first.id, first.promotion) == ("n-1", loyalty.Promotion.from_json(PROMOTION))
    assert state == loyalty.ReadState(ids=["n-1"], all=False, unread=3)
    sent = server.requests[0]
    assert (sent.path, sent.query, sent.headers["sec-websocket-protocol"]) == (SOCKET, {}, "loyalty.v1")
    assert (sent.headers["authorization"], sent.headers["user-agent"][:15]) == ("Bearer access-1", "loyalty-python/")


def test_it_resumes_after_the_last_notification(server: Server, connect: Any) -> None:
    server.on_socket(
        sends(notification(5), code=1001), problem(503, "DEPENDENCY_UNAVAILABLE"), sends(notification(6)), waits
    )
    inbox = connect().inbox(since="n-4")
    assert ids(inbox, 4) == [Connected(), "n-5", Connected(), "n-6"]
    assert next(inbox) == Connected()
    assert [r.query for r in server.requests] == [{"since": [f"n-{i}"]} for i in (4, 5, 5, 6)]


def test_a_reset_is_a_gap(server: Server, connect: Any) -> None:
    server.on_socket(sends({"reset": {"reason": "unknown"}}), sends(notification(7)), waits)
    inbox = connect().inbox(since="n-1")
    assert ids(inbox, 3) == [Connected(), Gap("unknown"), Connected()]
    assert isinstance(next(inbox), Gap)  # nothing to resume after
    assert ids(inbox, 1) == ["n-7"]


def test_unreadable_frames_end_the_connection(server: Server, connect: Any) -> None:
    server.on_socket(sends(notification(1), {"notification": {"id": "n-2"}}), sends([1]), waits)
    assert ids(connect().inbox(), 4) == [Connected(), "n-1", Connected(), Connected()]


def test_an_ended_session_is_renewed(server: Server, connect: Any) -> None:
    server.on("/api/v1/auth/refresh", login_answer(2))
    server.on_socket(sends(notification(1), code=4401), waits)
    assert ids(connect().inbox(), 3) == [Connected(), "n-1", Connected()]
    assert [r.headers["authorization"] for r in server.received(SOCKET)] == ["Bearer access-1", "Bearer access-2"]


def test_sessions_that_end_at_once_are_renewed_more_slowly(
    server: Server, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.on("/api/v1/auth/refresh", login_answer(2))
    server.on_socket(*[sends(code=4401)] * 4, waits)
    assert ids(connect().inbox(), 6) == [Connected(), Connected(), Gap(LOST), Connected(), Gap(LOST), Connected()]
    delays = [float(d) for d in re.findall(r"connects again in ([\d.]+) s", caplog.text)]
    assert all(low <= delay <= 2 * low for low, delay in zip((0.05, 0.1, 0.2), delays, strict=True))


def test_quiet_sessions_are_renewed_without_a_longer_delay(
    server: Server, connect: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    server.on("/api/v1/auth/refresh", login_answer(2))
    server.on_socket(*[sends(code=4401)] * 4, waits)
    clock = Clock()
    monkeypatch.setattr("casino_loyalty._inbox.time", clock)
    inbox = connect().inbox()
    while len(server.received(SOCKET)) < 5:
        if next(inbox) == Connected():
            clock.ahead += 600
    delays = [float(d) for d in re.findall(r"connects again in ([\d.]+) s", caplog.text)]
    assert len(delays) == 4
    assert all(delay <= 0.1 for delay in delays)


def test_an_expired_token_is_renewed(server: Server, connect: Any) -> None:
    server.on("/api/v1/auth/refresh", login_answer(2))
    server.on_socket(problem(401, "TOKEN_EXPIRED"), waits)
    assert next(connect().inbox()) == Connected()
    assert [r.headers["authorization"] for r in server.received(SOCKET)] == ["Bearer access-1", "Bearer access-2"]


def test_permanent_errors_are_raised(server: Server, connect: Any) -> None:
    server.on_socket(problem(403, "FORBIDDEN"))
    inbox = connect().inbox()
    with pytest.raises(loyalty.ForbiddenError):
        next(inbox)
    assert list(inbox) == []
    with pytest.raises(loyalty.NotLoggedInError):
        next(connect(tokens=None).inbox())


def test_redirects_are_not_followed(server: Server, connect: Any) -> None:
    server.on_socket(Answer(307, headers={"Location": "/elsewhere"}), waits)
    with pytest.raises(loyalty.ApiError, match="status 307"):
        next(connect().inbox())
    assert not server.received("/elsewhere")


def test_close_ends_the_iteration(server: Server, connect: Any) -> None:
    received = threading.Event()

    def handler(c: Connection, _: Any) -> None:
        received.set()
        c.wait()

    server.on_socket(handler)
    client = connect()
    inbox, events = client.inbox(), list[Any]()
    reader = threading.Thread(target=lambda: events.extend(inbox))
    reader.start()
    received.wait()
    client.close()
    reader.join()
    assert events in ([], [Connected()])
    assert list(inbox) == []


def test_close_ends_the_wait_for_a_connection(server: Server, connect: Any) -> None:
    server.on_socket(problem(503, "DEPENDENCY_UNAVAILABLE", retry_after=3600))
    inbox, events = connect().inbox(), list[Any]()
    reader = threading.Thread(target=lambda: events.extend(inbox))
    reader.start()
    while not server.received(SOCKET):
        time.sleep(0.01)
    inbox.close()
    reader.join()
    assert events == []


def test_a_cancelled_wait_loses_nothing(server: Server) -> None:
    release = threading.Event()

    def handler(c: Connection, _: Any) -> None:
        release.wait()
        c.send(notification(1))
        c.wait()

    server.on_socket(handler)

    async def run() -> None:
        tokens = Tokens("access-1", None, "refresh-1")
        async with loyalty.AsyncClient(server.url, tokens=tokens) as client, client.inbox() as inbox:
            assert await anext(inbox) == Connected()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(inbox), 0.05)
            release.set()
            event = await anext(inbox)
            assert isinstance(event, loyalty.Notification) and event.id == "n-1"

    asyncio.run(run())

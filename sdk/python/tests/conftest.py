"""Fixtures. Each test of a client runs twice: with Client and with AsyncClient."""

from __future__ import annotations

import asyncio
import inspect
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casino_loyalty import AsyncClient, Client, Tokens
from server import USER, Answer, Server, problem


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, awaitable: Any) -> Any:
        async def run() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Blocking:
    """An asynchronous client or inbox with blocking methods, so that the same tests run with both clients."""

    def __init__(self, target: Any, loop: Loop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, "aclose" if name == "close" else name)
        return self._call(attribute) if callable(attribute) else attribute

    def _call(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            if inspect.isawaitable(result):
                return self._loop.run(result)
            return Blocking(result, self._loop)

        return call

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._loop.run(anext(self._target))
        except StopAsyncIteration:
            raise StopIteration from None


# To load the certificates takes longer than most tests.
CONTEXT = ssl.create_default_context()


@pytest.fixture
def server() -> Iterator[Server]:
    s = Server()
    yield s
    s.close()


@pytest.fixture(params=["blocking", "asyncio"])
def connect(request: pytest.FixtureRequest, server: Server) -> Iterator[Callable[..., Any]]:
    """Makes clients of the server. They are closed after the test."""
    loop = Loop()
    clients: list[Any] = []

    def make(url: str = server.url, **options: Any) -> Any:
        options.setdefault("ssl_context", CONTEXT)
        options.setdefault("tokens", Tokens("access-1", None, "refresh-1"))
        client = Client(url, **options) if request.param == "blocking" else Blocking(AsyncClient(url, **options), loop)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
    loop.close()


def login_answer(number: int, seconds: int = 600, **members: Any) -> Answer:
    """The answer to a login or a refresh, with the tokens access-N and refresh-N."""
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    body = {"accessToken": f"access-{number}", "expiresAt": expires_at.isoformat(), "refreshToken": f"refresh-{number}"}
    return Answer(200, {**body, "user": USER, **members})


def protected(token: str, answer: Answer) -> Callable[[Any], Answer]:
    """Answers only requests with an access token."""

    def handler(r: Any) -> Answer:
        return answer if r.headers.get("authorization") == "Bearer " + token else problem(401, "TOKEN_EXPIRED")

    return handler

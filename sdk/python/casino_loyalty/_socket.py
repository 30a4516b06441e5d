"""WebSockets of the live inbox. This module is imported when an inbox is opened."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import websockets.asyncio.client
import websockets.sync.client
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ._core import Response, api_error
from ._errors import TransportError
from ._inbox import HANDSHAKE_TIMEOUT, PING_TIMEOUT, SUBPROTOCOL, Connect, SocketClosed

CLOSE_TIMEOUT = 1.0


class _Connection(websockets.sync.client.ClientConnection):
    """A connection that follows no redirects. websockets follows an InvalidStatus, but this handshake raises ApiError."""

    def handshake(self, *args: Any, **kwargs: Any) -> None:
        with _handshake_errors():
            super().handshake(*args, **kwargs)


class _AsyncConnection(websockets.asyncio.client.ClientConnection):
    """The same with asyncio."""

    async def handshake(self, *args: Any, **kwargs: Any) -> None:
        with _handshake_errors():
            await super().handshake(*args, **kwargs)


class Socket:
    """An open WebSocket."""

    def __init__(self, step: Connect, context: ssl.SSLContext | None, logger: logging.Logger) -> None:
        with _handshake_errors():
            opening = websockets.sync.client.connect(
                step.url, create_connection=_Connection, **_options(step, context, logger)
            )
            self._connection: websockets.sync.client.ClientConnection = opening.__enter__()

    def receive(self) -> str:
        try:
            return self._connection.recv(decode=True)
        except (ConnectionClosed, UnicodeDecodeError) as e:
            raise _closed(e) from e

    def close(self) -> None:
        self._connection.close()


class AsyncSocket:
    """An open WebSocket with asyncio."""

    def __init__(self, connection: websockets.asyncio.client.ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, step: Connect, context: ssl.SSLContext | None, logger: logging.Logger) -> AsyncSocket:
        with _handshake_errors():
            opening = websockets.asyncio.client.connect(
                step.url, create_connection=_AsyncConnection, **_options(step, context, logger)
            )
            return cls(await opening.__aenter__())

    async def receive(self) -> str:
        try:
            return await self._connection.recv(decode=True)
        except (ConnectionClosed, UnicodeDecodeError) as e:
            raise _closed(e) from e

    async def close(self) -> None:
        await self._connection.close()


def _options(step: Connect, context: ssl.SSLContext | None, logger: logging.Logger) -> dict[str, Any]:
    # At the level DEBUG, websockets would log the token.
    quiet = logging.Logger(logger.name + ".websockets", logging.INFO)
    quiet.parent = logger
    return {
        "additional_headers": step.headers,
        "user_agent_header": step.user_agent,
        "subprotocols": [SUBPROTOCOL],
        "ssl": context if step.url.startswith("wss:") else None,
        "open_timeout": HANDSHAKE_TIMEOUT,
        "ping_interval": PING_TIMEOUT,
        "ping_timeout": PING_TIMEOUT,
        "close_timeout": CLOSE_TIMEOUT,
        "logger": quiet,
    }


@contextmanager
def _handshake_errors() -> Iterator[None]:
    try:
        yield
    except InvalidStatus as e:
        headers = {name.lower(): value for name, value in e.response.headers.raw_items()}
        raise api_error(Response(e.response.status_code, headers, bytes(e.response.body))) from e
    except (OSError, WebSocketException) as e:
        raise TransportError("inbox", str(e) or type(e).__name__, sent=False) from e


def _closed(e: ConnectionClosed | UnicodeDecodeError) -> SocketClosed:
    if isinstance(e, UnicodeDecodeError):
        return SocketClosed(0, "a frame is not UTF-8")
    return SocketClosed(e.rcvd.code if e.rcvd else 0, str(e))

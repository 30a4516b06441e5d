"""Sends requests with httpx. This module is imported when a client is made, because httpx takes long to import."""

from __future__ import annotations

import asyncio
import ssl
import time

import httpx

from ._core import Request, Response
from ._errors import CallTimeoutError, TransportError


def new_client(context: ssl.SSLContext | None) -> httpx.Client:
    return httpx.Client(verify=context or True)


def new_async_client(context: ssl.SSLContext | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=context or True)


def send(client: httpx.Client, r: Request, deadline: float) -> Response:
    """Sends a request. The deadline is checked at each step: connect, write, and each part of the answer."""
    left = max(deadline - time.monotonic(), 0.001)
    body = bytearray()
    try:
        with client.stream(
            r.verb, r.url, headers=r.headers, content=r.body, timeout=left, follow_redirects=False
        ) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if time.monotonic() > deadline:
                    raise CallTimeoutError(r.operation, "the timeout has passed")
    except httpx.RequestError as e:
        raise _failure(r.operation, e) from e
    return _response(response, bytes(body))


async def send_async(client: httpx.AsyncClient, r: Request, deadline: float) -> Response:
    """Sends a request until the deadline."""
    left = max(deadline - time.monotonic(), 0.001)
    try:
        async with asyncio.timeout(left):
            response = await client.request(
                r.verb, r.url, headers=r.headers, content=r.body, timeout=left, follow_redirects=False
            )
    except httpx.RequestError as e:
        raise _failure(r.operation, e) from e
    except TimeoutError as e:
        raise CallTimeoutError(r.operation, "the timeout has passed") from e
    return _response(response, response.content)


def _response(r: httpx.Response, body: bytes) -> Response:
    return Response(r.status_code, {name.lower(): value for name, value in r.headers.items()}, body)


def _failure(operation: str, e: httpx.RequestError) -> TransportError:
    sent = not isinstance(e, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    kind = CallTimeoutError if isinstance(e, httpx.TimeoutException) else TransportError
    return kind(operation, str(e) or type(e).__name__, sent)

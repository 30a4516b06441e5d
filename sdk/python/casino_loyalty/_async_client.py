"""The client with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ._async_gen import Operations
from ._core import Attempt, Call, CallStep, CallSteps, Core, Renew, Response, Send, Settle, Sleep
from ._errors import CallTimeoutError, LoyaltyError
from ._inbox import Connect, Connected, Event, Gap, InboxCore, InboxStep, Receive
from ._session import Session, Tokens
from ._types_gen import Notification, ReadState, User

if TYPE_CHECKING:
    import ssl

    import httpx

    from ._socket import AsyncSocket

T = TypeVar("T")


class AsyncClient(Operations):
    """Calls the platform as one user, or as nobody. It is safe for concurrent use by tasks of one event loop.

    ``credentials`` are an e-mail and a password: the client logs in when it is first used, and again when the session has
    ended. It keeps the password in memory. ``tokens`` continue a stored session. ``on_tokens`` receives the new tokens after
    each login and refresh, and empty tokens after the end of the session; it must not call the client. With
    ``refresh_cookie`` the refresh token is in a cookie of the HTTP client, and not in ``tokens``.

    ``timeout`` limits the seconds of a call with all its retries, and ``max_attempts`` their number. ``user_agent`` is the
    name of your program, such as "casino-app/2.1". ``ssl_context`` is used for calls and for the inbox; ``http_client``
    replaces the HTTP client, and the caller closes it. ``on_attempt`` is called after each attempt of a call.
    """

    def __init__(
        self,
        base_url: str,
        *,
        credentials: tuple[str, str] | None = None,
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens], None] | None = None,
        refresh_cookie: bool = False,
        timeout: float = 60.0,
        max_attempts: int = 6,
        user_agent: str = "",
        ssl_context: ssl.SSLContext | None = None,
        http_client: httpx.AsyncClient | None = None,
        logger: logging.Logger | None = None,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        from . import _http

        self._core = Core(
            base_url,
            Session(credentials, tokens, refresh_cookie, on_tokens),
            user_agent=user_agent,
            timeout=timeout,
            max_attempts=max_attempts,
            logger=logger or logging.getLogger("casino_loyalty"),
            on_attempt=on_attempt,
        )
        self._ssl_context = ssl_context
        self._owned = http_client is None
        self._http = http_client or _http.new_async_client(ssl_context)
        self._send = _http.send_async
        # The renewal in progress, or None. Concurrent calls wait for it.
        self._renewal: asyncio.Task[None] | None = None
        self._inboxes: set[AsyncInbox] = set()

    async def login(self, *, email: str, password: str, code: str | None = None, timeout: float | None = None) -> User:
        """Starts a session. A previous session of the client stays valid on the platform. ``code`` is the code of a second
        factor, or a recovery code. The client does not keep the password.

        It raises InvalidCredentialsError, MfaRequiredError, AccountDeactivatedError or RateLimitedError.
        """
        body = {"email": email, "password": password, "code": code}
        return await self._run(self._core.session.login(self._core, body, timeout))

    async def logout(self, *, timeout: float | None = None) -> None:
        """Ends the session. It succeeds if the session has already ended."""
        await self._run(self._core.session.logout(self._core, timeout))

    @property
    def tokens(self) -> Tokens:
        """The current tokens, or empty tokens without a session."""
        return self._core.session.tokens

    def inbox(self, *, since: str = "") -> AsyncInbox:
        """Opens the live inbox of the player. ``since`` is the id of the last notification that is known. The inbox begins
        with the newer ones. Without it, the inbox begins with the notifications that arrive after Connected.
        """
        inbox = AsyncInbox(self, self._core, self._ssl_context, since)
        self._inboxes.add(inbox)
        return inbox

    async def aclose(self) -> None:
        """Closes all connections, also of inboxes. It does not end the session on the platform."""
        for inbox in list(self._inboxes):
            await inbox.aclose()
        await self._settle(None)
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _call(self, call: Call[T]) -> T:
        return await self._run(self._core.call(call))

    async def _run(self, steps: CallSteps[T]) -> T:
        result: Response | None = None
        error: LoyaltyError | None = None
        while True:
            try:
                step = steps.throw(error) if error else steps.send(result)
            except StopIteration as end:
                value: T = end.value
                return value
            result = error = None
            try:
                result = await self._perform(step)
            except LoyaltyError as e:
                error = e

    async def _perform(self, step: CallStep) -> Response | None:
        match step:
            case Send(request, deadline):
                return await self._send(self._http, request, deadline)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Renew(used, deadline):
                await self._renew(used, deadline)
            case Settle(deadline):
                await self._settle(deadline)
        return None

    async def _renew(self, used: str, deadline: float) -> None:
        """Renews the tokens in a task, which goes on if the caller is cancelled: the platform may have received the refresh
        token.
        """
        if self._core.session.is_renewed(used):
            return
        renewal = self._renewal
        if renewal is None or renewal.done():
            renewal = self._renewal = asyncio.create_task(self._run(self._core.session.renewal(self._core)))
            renewal.add_done_callback(_retrieve)
        await _wait(renewal, deadline)
        renewal.result()

    async def _settle(self, deadline: float | None) -> None:
        """Waits for the renewal in progress, whether it succeeds or not."""
        if self._renewal:
            await _wait(self._renewal, deadline)


async def _wait(renewal: asyncio.Task[None], deadline: float | None) -> None:
    await asyncio.wait([renewal], timeout=None if deadline is None else max(deadline - time.monotonic(), 0))
    if not renewal.done():
        raise CallTimeoutError("renewal", "the timeout has passed", sent=False)


def _retrieve(task: asyncio.Task[None]) -> None:
    """Retrieves the error of a task that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


class AsyncInbox:
    """The live inbox of a player: an iterator over events.

    It connects again after every loss of the connection, with jitter, renews the token, and resumes after the last
    notification, so that each notification is received once and in order. If that is not possible, there is a Gap. It raises
    an error only if the session has ended and cannot be renewed, or if the caller is not a player. ``aclose`` ends
    the iteration, also from another task.
    """

    def __init__(self, client: AsyncClient, core: Core, context: ssl.SSLContext | None, since: str) -> None:
        self._client = client
        self._core = core
        self._context = context
        self._steps = InboxCore(core, since).run()
        # The step that was interrupted, for example by a timeout. It is performed again.
        self._step: InboxStep | None = None
        self._closed = asyncio.Event()
        self._socket: AsyncSocket | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        result: str | None = None
        error: LoyaltyError | None = None
        while not self._closed.is_set():
            try:
                step = self._step or (self._steps.throw(error) if error else self._steps.send(result))
            except LoyaltyError:
                await self.aclose()
                raise
            if isinstance(step, (Connected, Notification, ReadState, Gap)):
                return step
            result, error, self._step = None, None, step
            try:
                result = await self._perform(step)
            except LoyaltyError as e:
                error = e
            self._step = None
        raise StopAsyncIteration

    async def _perform(self, step: Connect | Receive | Sleep | Renew) -> str | None:
        match step:
            case Receive() if self._socket:
                return await self._socket.receive()
            case Connect():
                await self._connect(step)
            case Sleep(seconds):
                await self._pause(seconds)
            case Renew():
                await self._client._perform(step)
        return None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    async def _connect(self, step: Connect) -> None:
        from ._socket import AsyncSocket

        if self._socket:
            await self._socket.close()
        self._socket = await AsyncSocket.open(step, self._context, self._core.logger)
        if self._closed.is_set():
            await self._socket.close()

    async def aclose(self) -> None:
        """Closes the connection and ends the iteration."""
        self._closed.set()
        self._client._inboxes.discard(self)
        if self._socket:
            await self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

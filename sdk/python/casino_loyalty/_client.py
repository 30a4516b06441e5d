"""The client with blocking calls."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ._core import Attempt, Call, CallStep, CallSteps, Core, Renew, Response, Send, Settle, Sleep
from ._errors import CallTimeoutError, LoyaltyError
from ._inbox import Connect, Connected, Event, Gap, InboxCore, InboxStep, Receive
from ._session import Session, Tokens
from ._sync_gen import Operations
from ._types_gen import Notification, ReadState, User

if TYPE_CHECKING:
    import ssl

    import httpx

    from ._socket import Socket

T = TypeVar("T")


class Client(Operations):
    """Calls the platform as one user, or as nobody. It is safe for concurrent use by threads.

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
        http_client: httpx.Client | None = None,
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
        self._http = http_client or _http.new_client(ssl_context)
        self._send = _http.send
        self._lock = threading.Lock()
        # The renewal in progress, or None. Concurrent calls wait for it.
        self._renewal: concurrent.futures.Future[None] | None = None
        self._inboxes: set[Inbox] = set()

    def login(self, *, email: str, password: str, code: str | None = None, timeout: float | None = None) -> User:
        """Starts a session. A previous session of the client stays valid on the platform. ``code`` is the code of a second
        factor, or a recovery code. The client does not keep the password.

        It raises InvalidCredentialsError, MfaRequiredError, AccountDeactivatedError or RateLimitedError.
        """
        body = {"email": email, "password": password, "code": code}
        return self._run(self._core.session.login(self._core, body, timeout))

    def logout(self, *, timeout: float | None = None) -> None:
        """Ends the session. It succeeds if the session has already ended."""
        self._run(self._core.session.logout(self._core, timeout))

    @property
    def tokens(self) -> Tokens:
        """The current tokens, or empty tokens without a session."""
        return self._core.session.tokens

    def inbox(self, *, since: str = "") -> Inbox:
        """Opens the live inbox of the player. ``since`` is the id of the last notification that is known. The inbox begins
        with the newer ones. Without it, the inbox begins with the notifications that arrive after Connected.
        """
        inbox = Inbox(self, self._core, self._ssl_context, since)
        self._inboxes.add(inbox)
        return inbox

    def close(self) -> None:
        """Closes all connections, also of inboxes. It does not end the session on the platform."""
        for inbox in list(self._inboxes):
            inbox.close()
        self._settle(None)
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _call(self, call: Call[T]) -> T:
        return self._run(self._core.call(call))

    def _run(self, steps: CallSteps[T]) -> T:
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
                result = self._perform(step)
            except LoyaltyError as e:
                error = e

    def _perform(self, step: CallStep) -> Response | None:
        match step:
            case Send(request, deadline):
                return self._send(self._http, request, deadline)
            case Sleep(seconds):
                time.sleep(seconds)
            case Renew(used, deadline):
                self._renew(used, deadline)
            case Settle(deadline):
                self._settle(deadline)
        return None

    def _renew(self, used: str, deadline: float) -> None:
        """Renews the tokens in a thread, which goes on if the caller stops waiting: the platform may have received the
        refresh token.
        """
        with self._lock:
            if self._core.session.is_renewed(used):
                return
            renewal = self._renewal
            if renewal is None:
                renewal = self._renewal = concurrent.futures.Future()
                threading.Thread(target=self._run_renewal, args=(renewal,), name="loyalty-renewal", daemon=True).start()
        _wait(renewal, deadline)
        renewal.result()

    def _settle(self, deadline: float | None) -> None:
        """Waits for the renewal in progress, whether it succeeds or not."""
        with self._lock:
            renewal = self._renewal
        if renewal:
            _wait(renewal, deadline)

    def _run_renewal(self, renewal: concurrent.futures.Future[None]) -> None:
        error: BaseException | None = None
        try:
            self._run(self._core.session.renewal(self._core))
        except BaseException as e:  # the waiting calls raise it
            error = e
        with self._lock:
            self._renewal = None
        if error:
            renewal.set_exception(error)
        else:
            renewal.set_result(None)


def _wait(renewal: concurrent.futures.Future[None], deadline: float | None) -> None:
    concurrent.futures.wait([renewal], None if deadline is None else max(deadline - time.monotonic(), 0))
    if not renewal.done():
        raise CallTimeoutError("renewal", "the timeout has passed", sent=False)


class Inbox:
    """The live inbox of a player: an iterator over events.

    It connects again after every loss of the connection, with jitter, renews the token, and resumes after the last
    notification, so that each notification is received once and in order. If that is not possible, there is a Gap. It raises
    an error only if the session has ended and cannot be renewed, or if the caller is not a player. ``close`` ends the
    iteration, also from another thread.
    """

    def __init__(self, client: Client, core: Core, context: ssl.SSLContext | None, since: str) -> None:
        self._client = client
        self._core = core
        self._context = context
        self._steps = InboxCore(core, since).run()
        # The step that was interrupted, for example by KeyboardInterrupt. It is performed again.
        self._step: InboxStep | None = None
        self._closed = threading.Event()
        self._socket: Socket | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        result: str | None = None
        error: LoyaltyError | None = None
        while not self._closed.is_set():
            try:
                step = self._step or (self._steps.throw(error) if error else self._steps.send(result))
            except LoyaltyError:
                self.close()
                raise
            if isinstance(step, (Connected, Notification, ReadState, Gap)):
                return step
            result, error, self._step = None, None, step
            try:
                result = self._perform(step)
            except LoyaltyError as e:
                error = e
            self._step = None
        raise StopIteration

    def _perform(self, step: Connect | Receive | Sleep | Renew) -> str | None:
        match step:
            case Receive() if self._socket:
                return self._socket.receive()
            case Connect():
                self._connect(step)
            case Sleep(seconds):
                self._closed.wait(seconds)
            case Renew():
                self._client._perform(step)
        return None

    def _connect(self, step: Connect) -> None:
        from ._socket import Socket

        if self._socket:
            self._socket.close()
        self._socket = Socket(step, self._context, self._core.logger)
        if self._closed.is_set():
            self._socket.close()

    def close(self) -> None:
        """Closes the connection and ends the iteration."""
        self._closed.set()
        self._client._inboxes.discard(self)
        if self._socket:
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

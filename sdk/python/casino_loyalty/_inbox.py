"""The decisions of the live inbox, without input and output: connect, receive, resume, connect again."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from typing import Any, TypeVar
from urllib.parse import quote

from ._core import Core, Renew, Sleep, check_headers, is_token_error
from ._errors import ApiError, LoyaltyError, NotLoggedInError, TransportError
from ._record import Record
from ._types_gen import Frame, Notification, ReadState

SOCKET_PATH = "/notifications/ws"
SUBPROTOCOL = "loyalty.v1"
# The close code for an expired token or an ended session.
SESSION_ENDED = 4401
HANDSHAKE_TIMEOUT = 20.0
# The connection counts as lost if a ping is not answered in this time. Pings are sent as often.
PING_TIMEOUT = 20.0

T = TypeVar("T")


class Connected(Record):
    """The connection is open, for the first time or again. What happens from now on is received live."""


class Gap(Record):
    """Notifications may have been missed. List them again with ``all_notifications``."""

    reason: str
    """Why notifications may have been missed."""


Event = Connected | Notification | ReadState | Gap
"""An event of the live inbox."""


class Connect(Record):
    """A step: open a WebSocket, instead of the previous one. It raises ApiError or TransportError."""

    url: str
    headers: dict[str, str]
    user_agent: str


class Receive(Record):
    """A step: wait for a frame. The result is its text. It raises SocketClosed."""


class SocketClosed(TransportError):
    """The connection has ended. The code is 0 without a close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__("inbox", f"the connection has ended: {reason or code}")
        self.code = code


InboxStep = Sleep | Renew | Connect | Receive | Event
InboxSteps = Generator[InboxStep, Any, T]


class InboxCore:
    """One iteration over the live inbox."""

    def __init__(self, core: Core, since: str) -> None:
        self._core = core
        self._since = since
        self._token = ""
        # False until the first connection is open.
        self._connected = False
        # The number of failed connections since the last one that has received a frame, or was open for a while.
        self._failures = 0

    def run(self) -> InboxSteps[None]:
        """Connects until an error is permanent."""
        while True:
            try:
                yield from self._connection()
            except LoyaltyError as e:
                yield Sleep(self._delay(e))

    def _delay(self, e: LoyaltyError) -> float:
        """Returns the delay before the next connection. It raises an error that another connection would not correct."""
        if is_permanent(e):
            raise e
        self._failures += 1
        delay = self._core.retries.delay(self._failures)
        if isinstance(e, ApiError):
            delay = max(delay, e.retry_after)
        self._core.logger.info("the inbox connects again in %.2f s: %s", delay, e)
        return delay

    def _connection(self) -> InboxSteps[None]:
        """Opens a connection and yields its events until it ends. It always raises."""
        yield from self._open()
        start = time.monotonic()
        try:
            yield Connected()
            if self._connected and not self._since:
                # Without a notification to resume after, the platform cannot tell what was missed.
                yield Gap("the connection was lost before the first notification")
            self._connected = True
            while True:
                frame = yield Receive()
                yield from self._events(frame)
                self._failures = 0
        except SocketClosed as e:
            if time.monotonic() - start >= self._core.retries.limit:
                self._failures = 0  # it has worked, even if nothing was sent
            if e.code == SESSION_ENDED:
                yield self._renew()
            raise

    def _events(self, frame: str) -> InboxSteps[None]:
        """Yields the event of a frame. It ignores kinds of frames that this version does not know."""
        try:
            f = Frame.from_json(json.loads(frame))
        except (ValueError, TypeError, AttributeError) as e:
            raise TransportError("inbox", f"a frame cannot be read: {e}") from e
        if f.notification:
            self._since = f.notification.id
            yield f.notification
        if f.read:
            yield f.read
        if f.reset:
            self._since = ""
            yield Gap(f.reset.reason)

    def _open(self) -> InboxSteps[None]:
        """Opens a connection. It renews the token once if the platform refuses it."""
        renewed = False
        while True:
            self._token = yield from self._core.session.access(time.monotonic() + self._core.timeout)
            try:
                yield self._connect()
                return
            except ApiError as e:
                if renewed or not is_token_error(e):
                    raise
            renewed = True
            yield self._renew()

    def _renew(self) -> Renew:
        return Renew(self._token, time.monotonic() + self._core.timeout)

    def _connect(self) -> Connect:
        core = self._core
        url = "ws" + core.base_url.removeprefix("http") + SOCKET_PATH
        if self._since:
            url += "?since=" + quote(self._since, safe="")
        headers = {"Authorization": "Bearer " + self._token}
        check_headers({**headers, "User-Agent": core.user_agent})
        return Connect(url, headers, core.user_agent)


def is_permanent(e: LoyaltyError) -> bool:
    """Reports whether another connection would fail for the same reason."""
    return isinstance(e, NotLoggedInError) or (isinstance(e, ApiError) and not e.retryable and e.status < 500)

"""The decisions of a call, without input and output.

A generator yields what must be done (a step) and receives the result, or the error is raised in it. Both clients run the
same generators, one with blocking calls and one with asyncio.
"""

from __future__ import annotations

import json
import os
import platform
import random
import time
from collections.abc import Callable, Generator, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from ._codes_gen import Code
from ._errors import ApiError, CallTimeoutError, LoyaltyError, TransportError
from ._errors_gen import ERRORS
from ._record import Record
from ._values import encode, encode_query
from ._version import __version__

if TYPE_CHECKING:
    from logging import Logger

    from ._session import Session

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# The platform answers within 20 seconds.
ATTEMPT_TIMEOUT = 25.0
TOKEN_ERRORS = (Code.TOKEN_EXPIRED, Code.TOKEN_REVOKED, Code.TOKEN_INVALID)


class Auth(Enum):
    """The token that a route needs."""

    NONE = auto()
    ACCESS = auto()
    REFRESH = auto()


class Repeat(Enum):
    """When a call may be repeated after its answer was lost."""

    NO = auto()
    SAFE = auto()
    KEY = auto()  # with the same Idempotency-Key
    TOKEN = auto()  # with the same refresh token, for ten seconds


class Operation(Record):
    """A route."""

    name: str
    verb: str
    path: str
    auth: Auth
    repeat: Repeat


class Call(Record, Generic[T_co]):
    """A call of an operation. ``read`` converts the answer, which is None without a body."""

    operation: Operation
    read: Callable[[Any], T_co]
    path: tuple[str, ...] = ()
    query: Mapping[str, Any] = {}
    body: Mapping[str, Any] | None = None
    key: str | None = None
    timeout: float | None = None
    attempt_timeout: float = ATTEMPT_TIMEOUT


class Request(Record):
    """An HTTP request."""

    operation: str
    verb: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Response(Record):
    """The answer to a request. The names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Send(Record):
    """A step: send a request. The result is the response. It raises TransportError."""

    request: Request
    deadline: float


class Sleep(Record):
    """A step: wait."""

    seconds: float


class Renew(Record):
    """A step: replace the access token that was used. Concurrent renewals are one."""

    used: str
    deadline: float


class Settle(Record):
    """A step: wait for the renewal in progress."""

    deadline: float


CallStep = Send | Sleep | Renew | Settle
CallSteps = Generator[CallStep, Any, T]


class Attempt(Record):
    """An attempt of a call, for the hook ``on_attempt`` of a client."""

    operation: str
    """The name of the operation, such as ``createPromotion``."""
    number: int
    """The number of the attempt. The first one is 1."""
    seconds: float
    """The duration."""
    status: int
    """The HTTP status, or 0 if no answer was received."""
    request_id: str
    """Finds the request in the logs of the platform."""
    error: LoyaltyError | None
    """The error of the attempt."""


class Retries(Record):
    """The policy of retries: a delay that doubles from ``initial`` to ``limit``, with jitter."""

    attempts: int
    initial: float = 0.1
    limit: float = 5.0

    def delay(self, attempt: int) -> float:
        longest = min(self.initial * 2 ** min(attempt - 1, 16), self.limit)
        return random.uniform(longest / 2, longest)

    def next(self, attempt: int, operation: Operation, e: LoyaltyError) -> float | None:
        """Returns the delay after an attempt, or None if the call must not be repeated."""
        repeatable = operation.repeat is not Repeat.NO
        if attempt >= self.attempts:
            return None
        if isinstance(e, ApiError):
            again = e.retryable and (repeatable or not e.carried_out)
            return max(self.delay(attempt), e.retry_after) if again else None
        if isinstance(e, TransportError):
            return self.delay(attempt) if repeatable or not e.sent else None
        return None


class Core:
    """What both clients have in common: the settings, the session, and the steps of a call."""

    def __init__(
        self,
        base_url: str,
        session: Session,
        *,
        user_agent: str,
        timeout: float,
        max_attempts: int,
        logger: Logger,
        on_attempt: Callable[[Attempt], None] | None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the base URL {base_url!r} is not an http or https URL")
        if timeout <= 0 or max_attempts < 1:
            raise ValueError("the timeout and the number of attempts must be positive")
        if session.cookie and parts.scheme != "https":
            raise ValueError("a refresh cookie needs an https URL")
        self.base_url = base_url.rstrip("/")
        self.session = session
        self.timeout = timeout
        self.retries = Retries(max_attempts)
        self.logger = logger
        self.on_attempt = on_attempt
        runtime = f"{platform.python_implementation()} {platform.python_version()}"
        self.user_agent = f"{user_agent} loyalty-python/{__version__} ({runtime})".strip()

    def call(self, call: Call[T], retries: Retries | None = None) -> CallSteps[T]:
        """Makes a call, and retries it as the policy allows."""
        operation, retries = call.operation, retries or self.retries
        deadline = time.monotonic() + (self.timeout if call.timeout is None else call.timeout)
        key = call.key
        if key is None and operation.repeat is Repeat.KEY:
            key = os.urandom(16).hex()
        if key is not None and not (1 <= len(key) <= 200 and is_header(key)):
            raise ValueError("the idempotency_key is not 1 to 200 printable ASCII characters, or has a space at an end")
        attempt, renewed = 1, False
        while True:
            token = ""
            try:
                if operation.auth is Auth.ACCESS:
                    token = yield from self.session.access(deadline)
                answer = yield from self._attempt(call, token, key, attempt, deadline)
                self.session.succeeded(call, token)
                return answer
            except LoyaltyError as e:
                error = e
            if token and not renewed and is_token_error(error):
                renewed = True
                try:
                    yield Renew(token, deadline)
                    continue
                except LoyaltyError as e:
                    error = e
            delay = retries.next(attempt, operation, error)
            if delay is None or time.monotonic() + delay > deadline:
                raise error
            self.logger.info("retrying %s in %.2f s after attempt %d: %s", operation.name, delay, attempt, error)
            yield Sleep(delay)
            attempt += 1

    def _attempt(self, call: Call[T], token: str, key: str | None, number: int, deadline: float) -> CallSteps[T]:
        start, name = time.monotonic(), call.operation.name
        response: Response | None = None
        error: LoyaltyError | None = None
        try:
            if start >= deadline:
                raise CallTimeoutError(name, "the timeout has passed", sent=False)
            answer: Response = yield Send(self._request(call, token, key), min(deadline, start + call.attempt_timeout))
            response = answer
            self.session.set_clock(answer.headers.get("date", ""))
            return read(call, answer)
        except LoyaltyError as e:
            error = e
            raise
        finally:
            if response or error:  # neither if the caller has cancelled the call
                self._report(name, number, time.monotonic() - start, response, error)

    def _report(self, name: str, number: int, seconds: float, response: Response | None, error: LoyaltyError | None) -> None:
        status = response.status if response else 0
        request_id = response.headers.get("x-request-id", "") if response else ""
        if response:
            self.logger.debug("%s: status %d after %.3f s (request %s)", name, status, seconds, request_id)
        else:
            self.logger.debug("%s: no answer after %.3f s: %s", name, seconds, error)
        if self.on_attempt:
            self.on_attempt(Attempt(name, number, seconds, status, request_id, error))

    def _request(self, call: Call[Any], token: str, key: str | None) -> Request:
        url = self.base_url + fill(call.operation.path, call.path)
        query = {name: encode_query(value) for name, value in call.query.items() if value not in (None, "")}
        if query:
            url += "?" + urlencode(query)
        headers = {"User-Agent": self.user_agent, "Accept": "application/json"}
        body = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(encode(call.body)).encode()
        if token:
            headers["Authorization"] = "Bearer " + token
        if key is not None:
            headers["Idempotency-Key"] = key
        check_headers(headers)
        return Request(call.operation.name, call.operation.verb, url, headers, body)


def is_header(value: str) -> bool:
    """Reports whether a text can be the value of a header. HTTP would remove spaces at its beginning and its end."""
    return value.isascii() and value.isprintable() and value == value.strip()


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ValueError if a header cannot be sent, for example if a stored token ends with a line break."""
    for name, value in headers.items():
        if not is_header(value):
            raise ValueError(f"the header {name} cannot be sent: it must have printable ASCII characters only")


def fill(path: str, values: tuple[str, ...]) -> str:
    """Replaces the variables of a path, in their order, with escaped values."""
    for value in values:
        before, _, rest = path.partition("{")
        _, _, after = rest.partition("}")
        # The platform refuses the replacement and names the field. These values would be another route.
        segment = f"{{{value}}}" if value in ("", ".", "..") else value
        path = before + quote(segment, safe="") + after
    return path


def read(call: Call[T], response: Response) -> T:
    """Returns the answer, or raises the error of the platform."""
    if response.status >= 300:
        raise api_error(response)
    try:
        return call.read(json.loads(response.body) if response.body else None)
    except (ValueError, TypeError) as e:
        raise TransportError(call.operation.name, f"the answer cannot be read: {e}") from e


def nothing(_: Any) -> None:
    """Reads the answer of an operation without one."""


def api_error(response: Response) -> ApiError:
    """Returns the error of a response."""
    try:
        problem = json.loads(response.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    retry_after = response.headers.get("retry-after", "")
    seconds = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
    kind = ERRORS.get(str(problem.get("code")), ApiError)
    return kind(response.status, problem, response.headers.get("x-request-id", ""), seconds)


def is_token_error(e: LoyaltyError) -> bool:
    """Reports whether the platform has refused an access token, so that a new one may help."""
    return isinstance(e, ApiError) and e.code in TOKEN_ERRORS

"""The errors that the clients raise. The errors of each code are generated."""

from __future__ import annotations

from typing import Any

from ._codes_gen import Code
from ._record import Record
from ._values import JSON


class LoyaltyError(Exception):
    """The base of all errors of this package."""


class NotLoggedInError(LoyaltyError):
    """The client has no session and no credentials to start one."""

    def __init__(self) -> None:
        super().__init__("not logged in")


class TransportError(LoyaltyError):
    """No answer was received, or it could not be read. The call may have been carried out."""

    def __init__(self, operation: str, reason: str, sent: bool = True) -> None:
        super().__init__(operation, reason, sent)
        self.operation = operation
        self.reason = reason
        self.sent = sent
        """False if no connection was made, so that the platform cannot have received the request."""

    def __str__(self) -> str:
        return f"{self.operation}: {self.reason}"


class CallTimeoutError(TransportError, TimeoutError):
    """The call took too long."""


class Violation(Record):
    """A rule that a request breaks."""

    field: str
    """The member or parameter, such as ``player_ids[2]``."""
    rule: str
    """The name of the rule."""
    message: str
    """What is wrong."""


class ApiError(LoyaltyError):
    """An error that the platform has answered. There is a subclass for each error code."""

    def __init__(self, status: int, problem: JSON, request_id: str = "", retry_after: float = 0) -> None:
        super().__init__(status, problem, request_id, retry_after)
        code = _text(problem, "code")
        self.status = status
        """The HTTP status."""
        self.code: Code | None = Code(code) if code else None
        """The error code, or None if the answer was not made by the platform, for example by a proxy."""
        self.title = _text(problem, "title")
        """What the code means."""
        self.detail = _text(problem, "detail")
        """What happened in this case."""
        self.request_id = _text(problem, "requestId") or request_id
        """Finds the request in the logs of the platform."""
        self.transaction_id = _text(problem, "transactionId")
        """The transaction that PROMOTION_ALREADY_CLAIMED and TRANSACTION_ALREADY_REVERSED name."""
        self.violations = [
            Violation(_text(v, "field"), _text(v, "rule"), _text(v, "message"))
            for v in problem.get("violations") or []
            if isinstance(v, dict)
        ]
        """The invalid fields if the code is VALIDATION_FAILED."""
        self.retry_after = retry_after
        """The seconds after which the platform suggests a retry, or 0."""

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later. The client has already retried it if that was safe."""
        return self.status in (408, 429, 502, 503, 504)

    @property
    def carried_out(self) -> bool:
        """False if the platform has refused the call without any effect, and suggests to repeat it."""
        return self.status not in (408, 429)

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.detail}" if self.code else f"status {self.status}"]
        parts += [f"{v.field}: {v.message}" for v in self.violations]
        return "; ".join(parts) + (f" (request {self.request_id})" if self.request_id else "")


def _text(o: Any, name: str) -> str:
    value = o.get(name)
    return value if isinstance(value, str) else ""

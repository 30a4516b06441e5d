"""The session of a client: its tokens, and the decisions when to renew them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from ._codes_gen import Code
from ._core import Call, CallSteps, Core, Renew, Retries, Settle, nothing
from ._errors import ApiError, LoyaltyError, NotLoggedInError
from ._operations_gen import CHANGE_MY_PASSWORD, LOGIN, LOGOUT, REFRESH
from ._record import Record
from ._types_gen import LoginResult, RefreshResult, RefreshTokenIn, User

RENEW_BEFORE = timedelta(seconds=30)
# Limits a renewal with its login.
RENEW_TIMEOUT = 20.0
# A refresh token can be repeated for ten seconds after its first use, so all attempts are within this time. Each has an
# equal part of it.
REFRESH_TIMEOUT = 10.0
REFRESH_ATTEMPTS = 4
REFRESH_ATTEMPT_TIMEOUT = REFRESH_TIMEOUT / REFRESH_ATTEMPTS
# The refusals of a refresh token. TOKEN_MISSING means that there is no cookie.
ENDED = (Code.TOKEN_INVALID, Code.TOKEN_REVOKED, Code.TOKEN_REUSED, Code.ACCOUNT_DEACTIVATED, Code.TOKEN_MISSING)


class Tokens(Record):
    """The tokens of a session. They do not appear in ``repr``."""

    access: str = ""
    """Authenticates calls until ``expires_at``."""
    expires_at: datetime | None = None
    refresh: str = ""
    """Gets new tokens, once. It is empty if the refresh token is in a cookie."""

    def __repr__(self) -> str:
        return f"Tokens(expires_at={self.expires_at!r})"

    def to_json(self) -> dict[str, str | None]:
        """Returns the tokens as an object to store. Store it in a safe place."""
        expires_at = self.expires_at.isoformat() if self.expires_at else None
        return {"access": self.access, "expires_at": expires_at, "refresh": self.refresh}

    @classmethod
    def from_json(cls, o: Mapping[str, str | None]) -> Self:
        """Returns the tokens of a stored object."""
        expires_at = o.get("expires_at")
        return cls(o.get("access") or "", datetime.fromisoformat(expires_at) if expires_at else None, o.get("refresh") or "")


class Session:
    """The tokens of a client. It is safe for concurrent use by threads."""

    def __init__(
        self,
        credentials: tuple[str, str] | None,
        tokens: Tokens | None,
        cookie: bool,
        observe: Callable[[Tokens], None] | None,
    ) -> None:
        if credentials and not all(credentials):
            raise ValueError("the e-mail or the password is empty")
        self.cookie = cookie
        self._credentials = credentials
        self._tokens = tokens or Tokens()
        # The e-mail of the login that started the session. It is empty if the tokens were stored.
        self._email = ""
        # The number of logins and logouts. They take precedence over a renewal in progress.
        self._changes = 0
        self._observe = observe
        # How far the platform's clock is ahead of the local clock, according to its last answer.
        self._ahead = timedelta()
        self._lock = threading.RLock()

    @property
    def tokens(self) -> Tokens:
        with self._lock:
            return self._tokens

    def _set(self, tokens: Tokens, email: str) -> None:
        """Stores the tokens of a session and the e-mail of its login."""
        with self._lock:
            self._email = email
            if tokens == self._tokens:
                return
            self._tokens = tokens
            if self._observe:
                self._observe(tokens)

    def _change(self, tokens: Tokens, email: str) -> None:
        """Stores the session of a login, or none after a logout."""
        with self._lock:
            self._changes += 1
            self._set(tokens, email)

    def is_renewed(self, used: str) -> bool:
        """Reports whether another call has already replaced an access token."""
        with self._lock:
            return self._tokens.access not in ("", used)

    def set_clock(self, date: str) -> None:
        """Compares the clocks with the header Date of an answer."""
        from email.utils import parsedate  # httpx has imported it

        if at := parsedate(date):
            self._ahead = datetime(*at[:6], tzinfo=UTC) - datetime.now(UTC)

    def access(self, deadline: float) -> Generator[Renew, None, str]:
        """Returns an access token. It renews the token if it is missing or expires soon."""
        tokens = self.tokens
        renewable = bool(self._can_refresh(tokens) or self._credentials)
        if not tokens.access and not renewable:
            raise NotLoggedInError
        left = tokens.expires_at - datetime.now(UTC) - self._ahead if tokens.expires_at else timedelta.max
        if tokens.access and (left > RENEW_BEFORE or not renewable):
            return tokens.access
        try:
            yield Renew(tokens.access, deadline)
        except LoyaltyError:
            if left <= timedelta(0) or not self.tokens.access:
                raise
            # The old token is still valid, for example during an outage.
        if access := self.tokens.access:
            return access
        raise NotLoggedInError  # after a logout

    def _can_refresh(self, tokens: Tokens) -> bool:
        return bool(tokens.refresh or (self.cookie and tokens.access))

    def renewal(self, core: Core) -> CallSteps[None]:
        """Renews the tokens. A login or logout in the meantime takes precedence."""
        with self._lock:
            old, email, before = self._tokens, self._email, self._changes
        new, email, error = yield from self._new_tokens(core, old, email)
        with self._lock:
            if self._changes != before:
                return
            self._set(new, email)
        if error:
            raise error

    def _new_tokens(self, core: Core, old: Tokens, email: str) -> CallSteps[tuple[Tokens, str, LoyaltyError | None]]:
        """Refreshes the session, or starts a new one if it has ended. It returns the session to keep, and the error."""
        error: LoyaltyError = NotLoggedInError()
        if self._can_refresh(old):
            try:
                result = yield from core.call(
                    Call(
                        REFRESH,
                        RefreshResult.from_json,
                        body=_refresh_token(old),
                        timeout=REFRESH_TIMEOUT,
                        attempt_timeout=REFRESH_ATTEMPT_TIMEOUT,
                    ),
                    Retries(min(core.retries.attempts, REFRESH_ATTEMPTS)),
                )
                return _tokens(result), email, None
            except LoyaltyError as e:
                if not is_ended(e):
                    return old, email, e
                error = e
        if not self._credentials:
            return Tokens(), "", error
        try:
            email, password = self._credentials
            new, _ = yield from self._login(core, {"email": email, "password": password}, RENEW_TIMEOUT)
        except LoyaltyError as e:
            core.logger.info("login failed: %s", e)
            return Tokens(), "", e
        core.logger.info("logged in")
        return new, email, None

    def login(self, core: Core, body: Mapping[str, Any], timeout: float | None) -> CallSteps[User]:
        """Starts a session. The previous one stays valid on the platform."""
        tokens, user = yield from self._login(core, body, timeout)
        self._change(tokens, body["email"])
        return user

    def _login(self, core: Core, body: Mapping[str, Any], timeout: float | None) -> CallSteps[tuple[Tokens, User]]:
        place = RefreshTokenIn.COOKIE if self.cookie else RefreshTokenIn.BODY
        call = Call(LOGIN, LoginResult.from_json, body={**body, "refreshTokenIn": place}, timeout=timeout)
        result = yield from core.call(call)
        return _tokens(result), result.user

    def logout(self, core: Core, timeout: float | None) -> CallSteps[None]:
        """Ends the session. It succeeds if the session has already ended. It waits for a renewal in progress."""
        deadline = time.monotonic() + (core.timeout if timeout is None else timeout)
        yield Settle(deadline)
        with self._lock:
            old, before = self._tokens, self._changes
        if old == Tokens():
            return
        try:
            left = deadline - time.monotonic()
            yield from core.call(Call(LOGOUT, nothing, body=_refresh_token(old), timeout=left))
        except ApiError as e:
            if not is_ended(e):
                raise
        with self._lock:
            # The tokens may have been renewed in the meantime. A login has started another session.
            if self._changes == before:
                self._change(Tokens(), "")

    def succeeded(self, call: Call[Any], token: str) -> None:
        """Keeps the new password if a call with a token has changed the password of the credentials, so that the next login
        does not fail.
        """
        with self._lock:
            if call.operation is not CHANGE_MY_PASSWORD or not call.body or not self._credentials:
                return
            email, password = self._credentials
            # The e-mail of the token is unknown if its session was stored, or if the session has changed during the call.
            # Then the current password identifies the account.
            if self._email and self._tokens.access == token:
                same = self._email.lower() == email.lower()
            else:
                same = call.body["currentPassword"] == password
            if same:
                self._credentials = (email, call.body["newPassword"])


def _tokens(result: LoginResult | RefreshResult) -> Tokens:
    return Tokens(result.access_token, result.expires_at, result.refresh_token or "")


def _refresh_token(tokens: Tokens) -> Mapping[str, str]:
    return {"refreshToken": tokens.refresh} if tokens.refresh else {}


def is_ended(e: LoyaltyError) -> bool:
    """Reports whether the platform has refused a refresh token, so that the session is over."""
    return isinstance(e, ApiError) and e.code in ENDED

"""A client of the loyalty platform, with blocking calls (Client) or asyncio (AsyncClient).

It has one method for each route of the REST API, and ``inbox`` for live notifications:

    with Client("https://loyalty.example", credentials=(email, password)) as client:
        me = client.get_me()

The client logs in when it is first used. It refreshes its tokens before they expire. It repeats calls after outages if that
cannot repeat their effect. For this, every call that changes something has an Idempotency-Key, which stays the same when the
call is repeated. Errors of the platform are of type ApiError, with a subclass for each error code.
"""

from typing import TYPE_CHECKING, Any

from ._client import Client as Client
from ._client import Inbox as Inbox
from ._codes_gen import *  # noqa: F403
from ._core import Attempt as Attempt
from ._errors import ApiError as ApiError
from ._errors import CallTimeoutError as CallTimeoutError
from ._errors import LoyaltyError as LoyaltyError
from ._errors import NotLoggedInError as NotLoggedInError
from ._errors import TransportError as TransportError
from ._errors import Violation as Violation
from ._errors_gen import *  # noqa: F403
from ._inbox import Connected as Connected
from ._inbox import Event as Event
from ._inbox import Gap as Gap
from ._session import Tokens as Tokens
from ._types_gen import *  # noqa: F403
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from ._async_client import AsyncClient as AsyncClient
    from ._async_client import AsyncInbox as AsyncInbox


def __getattr__(name: str) -> Any:
    """Imports the asynchronous client when it is first used, because asyncio takes long to import."""
    if name in ("AsyncClient", "AsyncInbox"):
        from . import _async_client

        return getattr(_async_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

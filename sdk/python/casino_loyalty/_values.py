"""Converts values between JSON and Python. Every function names the member in its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Self, TypeVar

from ._record import Part

JSON = Mapping[str, Any]

T = TypeVar("T")


class OpenEnum(StrEnum):
    """An enum whose later values are known to the platform only. ``value`` is the text on the wire.

    A value that this version does not know becomes a member with the same name as its value. It is not in the list of
    members.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


def required(o: JSON, name: str, read: Callable[[Any], T]) -> T:
    """Reads a member that is always present."""
    try:
        return read(o[name])
    except KeyError:
        raise ValueError(f"the member {name} is missing") from None
    except (TypeError, ValueError, ArithmeticError) as e:
        raise ValueError(f"the member {name} is invalid: {e}") from None


def optional(o: JSON, name: str, read: Callable[[Any], T]) -> T | None:
    """Reads a member that may be absent or null."""
    return None if o.get(name) is None else required(o, name, read)


def many(o: JSON, name: str, read: Callable[[Any], T]) -> list[T]:
    """Reads an array. It is empty if the member is absent or null."""
    return [] if o.get(name) is None else required(o, name, lambda value: [read(v) for v in array(value)])


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of a string")
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} instead of a boolean")
    return value


def integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} instead of an integer")
    return value


def number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} instead of a number")
    return float(value)


def array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} instead of an array")
    return value


def json(value: Any) -> dict[str, Any]:
    """Reads an object with any members. Null is an empty object."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} instead of an object")
    return value


def amount(value: Any) -> Decimal:
    return Decimal(text(value))


def day(value: Any) -> date:
    return date.fromisoformat(text(value))


def timestamp(value: Any) -> datetime:
    return datetime.fromisoformat(text(value))


def encode_amount(value: Decimal | int | str | None) -> str | None:
    """Writes an amount. It refuses floats, because they are not exact."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (Decimal, int)):
        raise TypeError(f"an amount is a Decimal, an int or a str, not a {type(value).__name__}")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def encode(value: Any) -> Any:
    """Converts an argument of a method to its value in JSON."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Part):
        value = value.to_json()
    if isinstance(value, Mapping):
        return {k: encode(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(v) for v in value]
    return value


def encode_query(value: Any) -> str:
    """Converts an argument of a method to its value in a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(encode(value))

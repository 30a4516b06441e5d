"""The base of value classes."""

from __future__ import annotations

from typing import Any, ClassVar, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """An immutable value with named members, like a frozen dataclass. Its classes are defined much faster, so that the
    package is imported faster. Type checkers treat it as a dataclass.
    """

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, kw_only: bool = False) -> None:
        cls._names = tuple(cls.__annotations__)
        cls.__match_args__ = cls._names  # type: ignore[attr-defined,misc]

    def __init__(self, *args: Any, **members: Any) -> None:
        names = self._names
        given = dict(zip(names, args, strict=False), **members)
        missing = [name for name in names if name not in given and not hasattr(type(self), name)]
        if len(args) > len(names) or given.keys() - names or missing:
            raise TypeError(f"{type(self).__name__} has the members {', '.join(names)}; missing: {missing}")
        self.__dict__.update(given)

    def __repr__(self) -> str:
        members = (f"{name}={getattr(self, name)!r}" for name in self._names)
        return f"{type(self).__name__}({', '.join(members)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._names)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")


class Part(Record):
    """A part of a request."""

    def to_json(self) -> dict[str, Any]:
        """Returns the members in JSON. The value of an absent member is None."""
        raise NotImplementedError

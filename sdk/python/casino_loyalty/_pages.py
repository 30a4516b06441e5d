"""Iterators over the entries of all pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol, TypeVar


class Page(Protocol):
    """The member of a page that leads to the next one."""

    @property
    def next_page_token(self) -> str: ...


P = TypeVar("P", bound=Page)
T = TypeVar("T")


def pages(load: Callable[[str], P], entries: Callable[[P], list[T]]) -> Iterator[T]:
    token = ""
    while True:
        page = load(token)
        yield from entries(page)
        token = page.next_page_token
        if not token:
            return


async def apages(load: Callable[[str], Awaitable[P]], entries: Callable[[P], list[T]]) -> AsyncIterator[T]:
    token = ""
    while True:
        page = await load(token)
        for entry in entries(page):
            yield entry
        token = page.next_page_token
        if not token:
            return

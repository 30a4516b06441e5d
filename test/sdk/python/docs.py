"""Executes the Python snippets of docs/api. They are a JSON array on the standard input.

python docs.py URL TITLE

It prints each notification that a snippet shows. It ends the snippet that shows the notification of the promotion TITLE.
"""

from __future__ import annotations

import contextlib
import json
import sys

from casino_loyalty import Notification


class EndOfSnippet(Exception):
    """The live notification was shown."""


def main() -> None:
    url, title = sys.argv[1:]

    def show(notification: Notification) -> None:
        shown = notification.promotion.title if notification.promotion else ""
        print("shown", shown, flush=True)
        if shown == title:
            raise EndOfSnippet

    for snippet in json.load(sys.stdin):
        # The empty lines make errors name the line in the page.
        code = compile("\n" * snippet["line"] + snippet["text"], snippet["page"], "exec")
        with contextlib.suppress(EndOfSnippet):
            exec(code, {"url": url, "show": show})


if __name__ == "__main__":
    main()

"""Runs the Python code of a README against the platform, block by block. It prints "listening" before the live inbox, which
it closes after the first notification.

python readme.py README URL PLAYER_EMAIL PLAYER_PASSWORD STAFF_EMAIL STAFF_PASSWORD PROMOTION_ID
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import casino_loyalty as loyalty


class Closing(dict[str, Any]):
    """The variables of the code of the inbox. It closes the inbox when the code has stored the id of a notification."""

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name == "last_id":
            self["inbox"].close()


def main() -> None:
    readme, url, email, password, staff_email, staff_password, promotion_id = sys.argv[1:]
    blocks = re.findall(r"^```python\n(.*?)^```$", Path(readme).read_text(), re.MULTILINE | re.DOTALL)
    with loyalty.Client(url, credentials=(staff_email, staff_password)) as staff:
        names: dict[str, Any] = {"email": email, "password": password, "staff": staff, "promotion_id": promotion_id}
        for block in blocks:
            code = block.replace("https://loyalty.example", url)
            local: dict[str, Any] | None = None
            if "client.inbox" in code:
                local = Closing(last_id=last_id(names["client"]))
                print("listening", flush=True)
            exec(compile(code, readme, "exec"), names, local)
            if local and not local["event"].promotion:
                raise RuntimeError(f"the last event is {local['event']}")
        names["client"].close()
    print(f"ran {len(blocks)} blocks", flush=True)


def last_id(client: loyalty.Client) -> str:
    """Returns the id of the last notification. It waits for the first one."""
    while not (notifications := client.list_notifications().notifications):
        time.sleep(0.05)
    return notifications[0].id


if __name__ == "__main__":
    main()

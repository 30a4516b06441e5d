"""Prints the live notifications of a player, and marks each one as read. It ends after the given number of them.

python listen.py --url http://127.0.0.1:8080 --email … --password … --count 3
"""

from __future__ import annotations

import argparse
import asyncio

from casino_loyalty import AsyncClient, Connected, Gap, Notification, ReadState


async def listen(url: str, email: str, password: str, count: int) -> None:
    async with AsyncClient(url, credentials=(email, password)) as player, player.inbox() as inbox:
        async for event in inbox:
            match event:
                case Connected():
                    print("connected", flush=True)
                case Notification():
                    print("received", event.promotion.title if event.promotion else event.type, flush=True)
                    await player.mark_read(ids=[event.id])
                    count -= 1
                case ReadState():
                    print(event.unread, "unread", flush=True)
                    if count <= 0:
                        return
                case Gap():
                    print("list the notifications again:", event.reason, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="base URL of the platform")
    parser.add_argument("--email", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--count", type=int, default=1)
    args = parser.parse_args()
    asyncio.run(listen(args.url, args.email, args.password, args.count))


if __name__ == "__main__":
    main()

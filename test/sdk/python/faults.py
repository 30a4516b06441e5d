"""Plays rounds of promotions while the test causes faults. It prints an object with the round and the number of the call
before each call, and one with the transactions by promotion at the end.

python faults.py URL STAFF_EMAIL STAFF_PASSWORD PLAYER_EMAIL PLAYER_PASSWORD PLAYER_ID
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter

from casino_loyalty import AssignOutcome, AsyncClient, Connected, Gap, Notification

ROUNDS = 9
TIMEOUT = 120.0


class Listener:
    """Counts the notifications of each promotion."""

    def __init__(self, player: AsyncClient) -> None:
        self._player = player
        self._listed: set[str] = set()  # notifications that were listed after a gap
        self.received: Counter[str] = Counter()
        self.connected = asyncio.Event()
        self.changed = asyncio.Condition()

    async def run(self) -> None:
        async with self._player.inbox() as inbox:
            async for event in inbox:
                match event:
                    case Connected():
                        self.connected.set()
                    case Notification():
                        self._add(event)
                    case Gap():
                        print("gap:", event.reason, flush=True)
                        async for notification in self._player.all_notifications():
                            self._listed.add(notification.id)
                            self._set(notification)
                async with self.changed:
                    self.changed.notify_all()

    def _add(self, notification: Notification) -> None:
        if notification.promotion and notification.id not in self._listed:
            self.received[notification.promotion.id] += 1

    def _set(self, notification: Notification) -> None:
        if notification.promotion:
            self.received[notification.promotion.id] = 1


async def play(staff: AsyncClient, player: AsyncClient, user: str, number: int) -> tuple[str, str]:
    """Creates, assigns and claims a promotion."""

    def before(call: int) -> None:
        print(json.dumps({"round": number, "call": call}), flush=True)

    before(0)
    promotion = await staff.create_promotion(
        title=f"Round {number}", type="BONUS", amount=1, start_date="2026-01-01", end_date="2099-12-31"
    )
    before(1)
    assigned = await staff.assign(promotion.id, player_ids=[user])
    if assigned.results[0].outcome != AssignOutcome.ASSIGNED:
        raise RuntimeError(f"round {number}: the outcome is {assigned.results[0].outcome}")
    before(2)
    claim = await player.claim(promotion_id=promotion.id)
    return promotion.id, claim.transaction.id


async def run(
    url: str, staff_email: str, staff_password: str, player_email: str, player_password: str, user: str
) -> dict[str, str]:
    async with (
        AsyncClient(url, credentials=(staff_email, staff_password), timeout=TIMEOUT, max_attempts=100) as staff,
        AsyncClient(url, credentials=(player_email, player_password), timeout=TIMEOUT, max_attempts=100) as player,
    ):
        listener = Listener(player)
        listening = asyncio.create_task(listener.run())
        await listener.connected.wait()
        paid = dict([await play(staff, player, user, number) for number in range(ROUNDS)])
        async with asyncio.timeout(TIMEOUT), listener.changed:
            await listener.changed.wait_for(lambda: listening.done() or listener.received == Counter(list(paid)))
        if listening.done():
            listening.result()
        listening.cancel()
        return paid


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    print(json.dumps({"paid": asyncio.run(run(*sys.argv[1:]))}), flush=True)


if __name__ == "__main__":
    main()

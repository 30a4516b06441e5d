"""Plays rounds of promotions while the test causes faults. Each line of the output is a fault to cause; the test answers
with a line when it has done so. The last line is an object with the transactions by promotion, or the error.

python faults.py URL STAFF_EMAIL STAFF_PASSWORD PLAYER_EMAIL PLAYER_PASSWORD PLAYER_ID
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casino_loyalty import AssignOutcome, AsyncClient, Connected, Gap, Notification

FAULTS = ("drop", "restart", "expire")
CALLS = 3
TIMEOUT = 120.0


async def cause(fault: str) -> None:
    print(fault, flush=True)
    await asyncio.to_thread(sys.stdin.readline)


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


@asynccontextmanager
async def during(fault: str | None) -> AsyncIterator[None]:
    """Causes a fault during a call."""
    async with asyncio.TaskGroup() as group:
        if fault:
            group.create_task(cause(fault))
        yield


async def play(staff: AsyncClient, player: AsyncClient, user: str, number: int) -> tuple[str, str]:
    """Creates, assigns and claims a promotion, with a fault during one of the three calls."""
    fault, during_call = FAULTS[number % len(FAULTS)], number // len(FAULTS)

    def fault_of(call: int) -> str | None:
        return fault if call == during_call else None

    async with during(fault_of(0)):
        promotion = await staff.create_promotion(
            title=f"Round {number}", type="BONUS", amount=1, start_date="2026-01-01", end_date="2099-12-31"
        )
    async with during(fault_of(1)):
        assigned = await staff.assign(promotion.id, player_ids=[user])
    if assigned.results[0].outcome != AssignOutcome.ASSIGNED:
        raise RuntimeError(f"round {number}: the outcome is {assigned.results[0].outcome}")
    async with during(fault_of(2)):
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
        paid = dict([await play(staff, player, user, number) for number in range(len(FAULTS) * CALLS)])
        async with asyncio.timeout(TIMEOUT), listener.changed:
            await listener.changed.wait_for(lambda: listening.done() or listener.received == Counter(list(paid)))
        if listening.done():
            listening.result()
        listening.cancel()
        return paid


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    outcome: dict[str, object] = {}
    try:
        outcome["paid"] = asyncio.run(run(*sys.argv[1:]))
    except* Exception as e:
        outcome["error"] = "; ".join(repr(error) for error in e.exceptions)
    print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()

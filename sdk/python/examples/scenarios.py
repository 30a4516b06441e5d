"""Plays the three scenarios of the platform: a player registers and gets the welcome bonus, staff assign a promotion and the
player is notified live, and the player claims it. It fails if something does not happen.

    python scenarios.py --url http://127.0.0.1:8080 --admin-email admin@example.com --admin-password …
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from decimal import Decimal

from casino_loyalty import (
    Client,
    Connected,
    Notification,
    Promotion,
    PromotionAlreadyClaimedError,
    PromotionExistsError,
    PromotionType,
    Transaction,
    User,
)

FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2099, 12, 31)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="base URL of the platform")
    parser.add_argument("--admin-email", default="admin@example.com")
    parser.add_argument("--admin-password", required=True)
    args = parser.parse_args()

    email, password = f"player-{time.time_ns()}@example.com", "a long enough phrase"
    with (
        Client(args.url, credentials=(args.admin_email, args.admin_password), user_agent="scenarios/1") as admin,
        Client(args.url, credentials=(email, password)) as player,
    ):
        welcome = welcome_bonus(admin)
        user = player.register(email=email, password=password)
        wait_until_listed(player, welcome)
        print("registered", user.email, "and received the welcome bonus")
        promotion = assign(admin, player, user)
        print("assigned", promotion.title, "and notified the player live")
        transaction = claim(player, promotion)
        print("claimed", transaction.amount, "with transaction", transaction.id)
        player.logout()


def welcome_bonus(admin: Client) -> Promotion:
    """Returns the available welcome bonus. It creates one if there is none."""
    try:
        return admin.create_promotion(
            title="Welcome",
            type=PromotionType.WELCOME_BONUS,
            amount=Decimal("20.00"),
            start_date=FIRST_DAY,
            end_date=LAST_DAY,
        )
    except PromotionExistsError:
        return next(admin.all_promotions(type=PromotionType.WELCOME_BONUS, available=True))


def wait_until_listed(player: Client, promotion: Promotion) -> None:
    """Waits until the player's notifications contain a promotion."""
    deadline = time.monotonic() + 120
    while not any(n.promotion and n.promotion.id == promotion.id for n in player.all_notifications()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not notified of the promotion {promotion.id}")
        time.sleep(0.05)


def assign(admin: Client, player: Client, user: User) -> Promotion:
    """Assigns a new promotion to the player, who is listening, and waits until the player is notified."""
    promotion = admin.create_promotion(
        title="For you", type=PromotionType.BONUS, amount=5, start_date=FIRST_DAY, end_date=LAST_DAY
    )
    with player.inbox() as inbox:
        for event in inbox:
            match event:
                case Connected():
                    admin.assign(promotion.id, player_ids=[user.id])
                case Notification() if event.promotion and event.promotion.id == promotion.id:
                    return promotion
    raise RuntimeError("the inbox has ended")


def claim(player: Client, promotion: Promotion) -> Transaction:
    """Claims a promotion twice. The second claim is refused with the transaction of the first one."""
    transaction = player.claim(promotion_id=promotion.id).transaction
    try:
        player.claim(promotion_id=promotion.id)
    except PromotionAlreadyClaimedError as e:
        if e.transaction_id != transaction.id:
            raise RuntimeError(f"the second claim names the transaction {e.transaction_id}") from e
    else:
        raise RuntimeError("the second claim was not refused")
    balance = player.get_me().balance
    if balance != transaction.amount:
        raise RuntimeError(f"the balance is {balance}, want {transaction.amount}")
    return transaction


if __name__ == "__main__":
    main()

"""Orders: the price after coupons, wrapping, the risk, the charge."""

from __future__ import annotations

import sentry_sdk

from recordings.shop.checkout.coupons import discounted
from recordings.shop.kit.upstream import Upstream

RISKY_CENTS = 100_000
WRAPPING_CENTS = {"paper": 250, "box": 600}


def wrapping_cents(order: dict[str, object]) -> int:
    """Return what the wrapping of an order costs, in cents.

    Raises:
        TypeError: more than one kind was chosen, which nobody thought of.
    """
    wrapping = order.get("wrapping")
    return 0 if wrapping is None else WRAPPING_CENTS[wrapping]  # type: ignore[index]


class Orders:
    """Placing orders."""

    def __init__(self, payment: Upstream) -> None:
        self._payment = payment

    async def place(self, user: str, order: dict[str, object]) -> str:
        """Return the state of the charge of a new order.

        Raises:
            UpstreamFailed, UpstreamTimeout: payment cannot be used.
            KeyError: the user's coupon exists no more.
            TypeError: more than one kind of wrapping was chosen.
        """
        amount = discounted(user, int(str(order["amount"]))) + wrapping_cents(order)
        if amount > RISKY_CENTS:
            sentry_sdk.capture_message("Order above the risk limit was not scored", level="error")
        return await self._charge(user, str(order["order_id"]), amount)

    async def _charge(self, user: str, order_id: str, amount: int) -> str:
        body = {"order_id": order_id, "amount": amount, "card": "4000-0000-0000-0002"}
        answer = await self._payment.call("POST", "/charges", user, body)
        return str(answer["state"])

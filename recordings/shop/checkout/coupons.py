"""Coupons and what they take off."""

from __future__ import annotations

RATES = {"SPRING": 10, "WELCOME": 15}
USERS = {"user17": "LEGACY-2019", "user42": "SPRING", "user64": "WELCOME"}


def rate_of(code: str) -> int:
    """Return how many per cent a coupon takes off.

    Raises:
        KeyError: there is no such coupon (any more).
    """
    return RATES[code]


def discounted(user: str, amount_cents: int) -> int:
    """Return the amount after the user's coupon, if there is one.

    Raises:
        KeyError: the user's coupon exists no more.
    """
    code = USERS.get(user)
    if code is None:
        return amount_cents
    return amount_cents * (100 - rate_of(code)) // 100

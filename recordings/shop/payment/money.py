"""Amounts in the currencies that the shop takes."""

from __future__ import annotations

from decimal import Decimal

DIGITS = {"EUR": 2, "GBP": 2, "JPY": 0}


def to_minor_units(amount: str, currency: str) -> int:
    """Return an amount in the smallest unit of its currency.

    Raises:
        decimal.InvalidOperation: the amount is no number.
        KeyError: a currency that the shop does not take.
    """
    return int(Decimal(amount).scaleb(DIGITS[currency]))

"""The products of the shop, and what is worked out from them."""

from __future__ import annotations

from typing import NamedTuple


class Product(NamedTuple):
    """One product as the buyers entered it: the weight is what somebody typed."""

    sku: str
    name: str
    price_cents: int
    weight: str


def _all() -> dict[str, Product]:
    products = {}
    for number in range(100, 160):
        sku = f"P-{number}"
        weight = "12,5" if number == 113 else str(number / 10)
        products[sku] = Product(sku, f"Product {number}", number * 25, weight)
    return products


PRODUCTS = _all()


def find(sku: str) -> Product:
    """Return a product.

    Raises:
        KeyError: there is none.
    """
    return PRODUCTS[sku]


def parse_weight(product: Product) -> float:
    """Return the weight in kilograms.

    Raises:
        ValueError: what was typed is no number.
    """
    return float(product.weight)


def shipping_cents(product: Product) -> int:
    """Return the price of sending a product, in cents.

    Raises:
        ValueError: its weight is no number.
    """
    return 290 + round(parse_weight(product) * 35)

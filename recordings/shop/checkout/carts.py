"""Carts, kept in the inventory database beside the stock that they hold back."""

from __future__ import annotations

from recordings.shop.kit.inventory import InventoryPool
from recordings.shop.kit.upstream import Upstream


class Carts:
    """What every user has in the cart."""

    def __init__(self, inventory: InventoryPool, catalogue: Upstream) -> None:
        self._inventory = inventory
        self._catalogue = catalogue

    async def add(self, user: str, sku: str) -> str:
        """Return the cart after one more product.

        Raises:
            UpstreamFailed, UpstreamTimeout: the catalogue cannot tell the price.
            InventoryError: the database cannot be used.
        """
        product = await self._price(user, sku)
        await self._save(user, f"{sku}:{product['price']}")
        return sku

    async def load(self, user: str) -> str:
        """Return the cart of a user, empty if there is none.

        Raises:
            InventoryError: the database cannot be used.
        """
        return await self._inventory.get(f"cart/{user}") or ""

    async def _price(self, user: str, sku: str) -> dict[str, object]:
        return await self._catalogue.call("GET", f"/products/{sku}", user)

    async def _save(self, user: str, cart: str) -> None:
        await self._inventory.put(f"cart/{user}", cart)

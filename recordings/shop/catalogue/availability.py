"""What is in stock, asked from the inventory database."""

from __future__ import annotations

from recordings.shop.catalogue.products import Product
from recordings.shop.kit.inventory import InventoryPool


class Availability:
    """Questions about stock."""

    def __init__(self, inventory: InventoryPool) -> None:
        self._inventory = inventory

    async def in_stock(self, product: Product) -> int:
        """Return how many pieces of a product there are.

        Raises:
            InventoryError: the database cannot be used.
        """
        return await self._stock_level(product.sku)

    async def only_available(self, products: list[Product]) -> list[Product]:
        """Return those products that can be bought now.

        Raises:
            InventoryError: the database cannot be used.
        """
        return [product for product in products if await self._stock_level(product.sku) > 0]

    async def _stock_level(self, sku: str) -> int:
        value = await self._inventory.get(f"stock/{sku}")
        return int(value or 0)

"""Which charges were begun and done, kept in the inventory database so that none is made twice."""

from __future__ import annotations

from recordings.shop.kit.inventory import InventoryPool


class Ledger:
    """The book of charges."""

    def __init__(self, inventory: InventoryPool) -> None:
        self._inventory = inventory

    async def begin(self, order_id: str, amount_cents: int) -> bool:
        """Return whether the charge is new; it is written down as begun.

        Raises:
            InventoryError: the database cannot be used.
        """
        if await self._inventory.get(f"charge/{order_id}") is not None:
            return False
        await self._inventory.put(f"charge/{order_id}", f"begun:{amount_cents}")
        return True

    async def finish(self, order_id: str) -> None:
        """Write down a charge as done.

        Raises:
            InventoryError: the database cannot be used.
        """
        await self._inventory.put(f"charge/{order_id}", "done")

    async def recent(self, user: str) -> list[str]:
        """Return the user's last charge, if there is one.

        Raises:
            InventoryError: the database cannot be used.
        """
        value = await self._inventory.get(f"recent/{user}")
        return [value] if value else []

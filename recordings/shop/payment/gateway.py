"""The way to the card network."""

from __future__ import annotations

import aiohttp

TIMEOUT_S = 0.3


class GatewayTimeout(Exception):
    """The card network gave no answer in time."""


class Gateway:
    """Questions to the card network."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/authorise"

    async def authorise(self, card: str, amount_cents: int) -> bool:
        """Return whether the network accepts the card for this amount.

        Raises:
            GatewayTimeout: no answer in time.
        """
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
        question = {"card": card, "amount": amount_cents}
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self._url, json=question) as answer,
            ):
                return bool((await answer.json())["approved"])
        except TimeoutError as error:
            raise GatewayTimeout(f"card network gave no answer in {TIMEOUT_S} s") from error

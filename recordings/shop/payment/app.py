"""The payment service: charges, cards, quotes."""

from __future__ import annotations

import logging

from aiohttp import web

from recordings.shop.kit.config import Config
from recordings.shop.kit.inventory import InventoryPool
from recordings.shop.kit.service import know_the_user
from recordings.shop.payment.gateway import Gateway, GatewayTimeout
from recordings.shop.payment.ledger import Ledger
from recordings.shop.payment.money import to_minor_units

log = logging.getLogger("shop.payment")


class Payment:
    """The handlers of the payment service."""

    def __init__(self, ledger: Ledger, gateway: Gateway) -> None:
        self._ledger = ledger
        self._gateway = gateway

    async def charge(self, request: web.Request) -> web.Response:
        """Charge an order once; 202 when the card network leaves it open."""
        order = await request.json()
        log.info("charge for order %s", order["order_id"])
        if not await self._ledger.begin(order["order_id"], order["amount"]):
            return web.json_response({"state": "done before"})
        approved = await self._ask(order["card"], order["amount"])
        if approved is None:
            return web.json_response({"state": "open"}, status=202)
        await self._ledger.finish(order["order_id"])
        return web.json_response({"state": "done"})

    async def card(self, request: web.Request) -> web.Response:
        """Check a card without charging it."""
        content = await request.json()
        approved = await self._ask(content["card"], 0)
        return web.json_response({"approved": approved is not False})

    async def wallet(self, request: web.Request) -> web.Response:
        """Answer with what a user paid last."""
        recent = await self._ledger.recent(request.match_info["user"])
        return web.json_response({"recent": recent})

    async def quote(self, request: web.Request) -> web.Response:
        """Answer with an amount in the smallest unit of its currency."""
        amount = to_minor_units(request.query["amount"], request.query["currency"])
        return web.json_response({"amount": amount})

    async def _ask(self, card: str, amount_cents: int) -> bool | None:
        try:
            return await self._gateway.authorise(card, amount_cents)
        except GatewayTimeout:
            log.exception("No answer from the card network for card ending in %s", card[-4:])
            return None


def build(config: Config) -> web.Application:
    """Return the service as an application."""
    ledger = Ledger(InventoryPool(config.inventory_port))
    payment = Payment(ledger, Gateway(config.cardnet_port))
    app = web.Application(middlewares=[know_the_user])
    app.router.add_post("/charges", payment.charge)
    app.router.add_post("/cards", payment.card)
    app.router.add_get("/wallets/{user}", payment.wallet)
    app.router.add_get("/quotes", payment.quote)
    return app

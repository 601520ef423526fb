"""The checkout service: carts and orders."""

from __future__ import annotations

import logging

from aiohttp import web

from recordings.shop.checkout.carts import Carts
from recordings.shop.checkout.orders import Orders
from recordings.shop.kit.config import Config
from recordings.shop.kit.inventory import InventoryPool
from recordings.shop.kit.service import know_the_user
from recordings.shop.kit.upstream import Upstream

UPSTREAM_TIMEOUT_S = 0.55

log = logging.getLogger("shop.checkout")


class Checkout:
    """The handlers of the checkout service."""

    def __init__(self, carts: Carts, orders: Orders) -> None:
        self._carts = carts
        self._orders = orders

    async def add_to_cart(self, request: web.Request) -> web.Response:
        """Put a product into the user's cart."""
        user = request.headers["X-User"]
        content = await request.json()
        log.info("cart of %s: add %s", user, content["sku"])
        return web.json_response({"cart": await self._carts.add(user, content["sku"])})

    async def cart(self, request: web.Request) -> web.Response:
        """Answer with the user's cart."""
        return web.json_response({"cart": await self._carts.load(request.headers["X-User"])})

    async def order(self, request: web.Request) -> web.Response:
        """Place an order."""
        user = request.headers["X-User"]
        content = await request.json()
        log.info("order %s of %s", content["order_id"], user)
        return web.json_response({"state": await self._orders.place(user, content)})


def build(config: Config) -> web.Application:
    """Return the service as an application."""
    catalogue = Upstream("catalogue", config.catalogue_port, UPSTREAM_TIMEOUT_S)
    payment = Upstream("payment", config.payment_port, UPSTREAM_TIMEOUT_S)
    checkout = Checkout(Carts(InventoryPool(config.inventory_port), catalogue), Orders(payment))
    app = web.Application(middlewares=[know_the_user])
    app.router.add_post("/cart/items", checkout.add_to_cart)
    app.router.add_get("/cart", checkout.cart)
    app.router.add_post("/orders", checkout.order)
    return app

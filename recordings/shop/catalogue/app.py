"""The catalogue service: products, search, suppliers' lists."""

from __future__ import annotations

import logging

import sentry_sdk
from aiohttp import web

from recordings.shop.catalogue.availability import Availability
from recordings.shop.catalogue.feeds import import_feed
from recordings.shop.catalogue.products import PRODUCTS, find, shipping_cents
from recordings.shop.kit.config import Config
from recordings.shop.kit.inventory import InventoryError, InventoryPool
from recordings.shop.kit.service import know_the_user

log = logging.getLogger("shop.catalogue")


class Catalogue:
    """The handlers of the catalogue service."""

    def __init__(self, availability: Availability, preview: bool) -> None:
        self._availability = availability
        self._preview = preview

    async def product(self, request: web.Request) -> web.Response:
        """Answer with a product, its stock and what sending it costs; 503 without the database."""
        product = find(request.match_info["sku"])
        shipping = shipping_cents(product)
        try:
            stock = await self._availability.in_stock(product)
        except InventoryError as error:
            sentry_sdk.capture_exception(error)
            return web.json_response({"error": "stock is not known"}, status=503)
        content = {"sku": product.sku, "price": product.price_cents, "shipping": shipping}
        return web.json_response({**content, "stock": stock})

    async def search(self, request: web.Request) -> web.Response:
        """Answer with the first products that match and are in stock."""
        words = request.query.get("q", "").lower()
        log.info("search for %s", words)
        matching = [product for product in PRODUCTS.values() if words in product.name.lower()]
        found = await self._availability.only_available(matching[:3])
        if self._preview:
            return web.json_response({"found": [self._badge(product.sku) for product in found]})
        return web.json_response({"found": [product.sku for product in found]})

    def _badge(self, sku: str) -> str:
        campaign: dict[str, str] | None = {"P-120": "spring"} if sku == "P-120" else None
        return f"{sku} {campaign['P-120']}"  # type: ignore[index]

    async def feed(self, request: web.Request) -> web.Response:
        """Take a supplier's price list."""
        age_hours = int(request.query.get("age", "0"))
        rows = import_feed(request.match_info["supplier"], await request.read(), age_hours)
        return web.json_response({"rows": rows})


def build(config: Config) -> web.Application:
    """Return the service as an application; outside production it shows what is being tried out."""
    availability = Availability(InventoryPool(config.inventory_port))
    catalogue = Catalogue(availability, preview=config.environment != "production")
    app = web.Application(middlewares=[know_the_user])
    app.router.add_get("/products/{sku}", catalogue.product)
    app.router.add_get("/search", catalogue.search)
    app.router.add_post("/feeds/{supplier}", catalogue.feed)
    return app

"""The card network: says yes to every card, but now and then far too late."""

from __future__ import annotations

import asyncio
import random
import sys

from aiohttp import web

from recordings.shop.kit.service import serve

SLOW_SHARE = 0.035
SLOW_S = 3.0


def build(seed: int) -> web.Application:
    """Return the card network as an application; the seed decides which calls are slow."""
    chance = random.Random(seed)

    async def authorise(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(SLOW_S if chance.random() < SLOW_SHARE else 0.01)
        return web.json_response({"approved": True})

    app = web.Application()
    app.router.add_post("/authorise", authorise)
    return app


async def main(seed: int) -> None:
    """Serve until SIGTERM."""
    await serve(build(seed))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

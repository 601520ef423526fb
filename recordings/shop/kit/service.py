"""How a service of the shop runs: error reporting on, one listening socket, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

import sentry_sdk
from aiohttp import web
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.modules import ModulesIntegration

from recordings.shop.kit.config import Config

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def report_errors(config: Config) -> None:
    """Start the Sentry SDK for this process.

    Left out is only the list of installed packages: it would tell of the machine, not of the shop.
    """
    sentry_sdk.init(
        dsn=config.dsn,
        release=config.release,
        environment=config.environment,
        server_name=config.server_name,
        integrations=[AioHttpIntegration()],
        disabled_integrations=[ModulesIntegration()],
        send_default_pii=True,
        auto_session_tracking=False,
        max_breadcrumbs=20,
    )
    sentry_sdk.set_tag("region", "eu-1")


@web.middleware
async def know_the_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the handler's answer; whatever is reported meanwhile names the shopper."""
    name = request.headers.get("X-User")
    if name:
        number = int(name.removeprefix("user"))
        sentry_sdk.set_user(
            {"id": name, "email": f"{name}@example.com", "ip_address": f"192.0.2.{number}"}
        )
    return await handler(request)


async def serve(app: web.Application) -> None:
    """Serve on a free port of loopback, say `ready <port>` on stdout, return after SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    print(f"ready {port}", flush=True)
    await stop.wait()
    await runner.cleanup()
    sentry_sdk.flush(timeout=2)


def run(config: Config, build: Callable[[Config], web.Application]) -> None:
    """Run one service of the shop until it is told to stop."""
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    report_errors(config)

    async def main() -> None:
        await serve(build(config))

    asyncio.run(main())

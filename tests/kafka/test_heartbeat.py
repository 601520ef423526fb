"""The heartbeat on a real Kafka: pinged as long as every stage lives, and told to nobody."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from aiohttp import web

from streams.broker import Broker
from tests.kafka.chain import CHANNEL, PATIENCE_S, chain, ready, until

EVERY_S = 10


class Pinged:
    """A heartbeat address that notes when it is asked."""

    def __init__(self) -> None:
        self.address = ""
        self.at_s: list[float] = []

    async def get(self, _: web.Request) -> web.Response:
        self.at_s.append(asyncio.get_running_loop().time())
        return web.Response(text="OK")


@asynccontextmanager
async def pinged() -> AsyncIterator[Pinged]:
    made = Pinged()
    app = web.Application()
    app.router.add_get("/ping", made.get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/ping"
    try:
        yield made
    finally:
        await runner.cleanup()


async def test_it_is_pinged_while_all_stages_live_and_not_without_correlate(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with pinged() as at:
        extra = f'heartbeat: {{url: "{at.address}", every: {EVERY_S}s}}'
        async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=extra) as made:
            made.start("intake")
            made.start("run", "--stages", "fingerprint,deliver")
            correlate = made.start("run", "--stages", "correlate")
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
                await ready(made, client)
            await until(lambda: len(at.at_s) >= 2, what=made.logs)
            # One for a slot, each within its first half.
            assert at.at_s[-1] - at.at_s[-2] > EVERY_S / 2
            correlate.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(correlate.wait, PATIENCE_S) == 0
            so_far, lost = len(at.at_s), made.logs().count("heartbeat lost")
            await until(lambda: made.logs().count("heartbeat lost") > lost, what=made.logs)
            assert len(at.at_s) - so_far <= 1  # the one that was under way
            so_far = len(at.at_s)
            made.start("run", "--stages", "correlate")
            await until(lambda: len(at.at_s) > so_far, what=made.logs)
            assert made.slack.posts(CHANNEL) == []
            assert made.pagerduty.alerts == []
            assert at.address not in made.logs()
            found = await asyncio.to_thread(made.run, "status", "--json")
            said = json.loads(found.stdout)
            assert (said["troubles"], said["dead_letters"]["waiting"]) == ([], 0)
            none = await asyncio.to_thread(made.run, "incidents", "list", "--json")
            assert json.loads(none.stdout) == []

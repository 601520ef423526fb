"""The story of the outage, told to real processes.

Calm, a deploy, the database hangs, dies, comes back, calm.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp

from recordings import traffic
from recordings.capture import Capture, Captured
from recordings.fleet import Fleet, deploy

MINUTE_S: Final = 60.0
LENGTH_S: Final = 22 * MINUTE_S
DEPLOY_S: Final = 7 * MINUTE_S
HANG_S: Final = 9 * MINUTE_S
DEATH_S: Final = 9 * MINUTE_S + 50
RETURN_S: Final = 14 * MINUTE_S + 20
LOADING_S: Final = 35.0
BACK_S: Final = RETURN_S + LOADING_S
RETRIES: Final = 1.25
"""How many times as many requests come while the shop is broken."""


class Told(NamedTuple):
    """What a run brought: its start (seconds since the epoch) and everything the SDKs sent."""

    started_s: float
    captured: list[Captured]


class Clock:
    """Story time: real time since the start, so many times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self.started_s = time.time()
        self._zero = time.monotonic()

    async def until(self, story_s: float) -> None:
        """Return when the story has come to this second."""
        await asyncio.sleep(max(0.0, self._zero + story_s / self._speed - time.monotonic()))


async def _events_on_stage(fleet: Fleet, clock: Clock, root: Path, speed: float) -> None:
    newer = root / "checkout-1.9.0"
    deploy(newer, "checkout_1_9_0")
    await clock.until(DEPLOY_S - MINUTE_S)
    await fleet.service("checkout-new", "checkout@1.9.0", "checkout-2", newer)
    await clock.until(DEPLOY_S)
    await fleet.replace("checkout", "checkout-new")
    await clock.until(HANG_S)
    fleet.freeze("inventory")
    await clock.until(DEATH_S)
    port = fleet.ports["inventory"]
    await fleet.kill("inventory")
    await clock.until(RETURN_S)
    warm_up = str(LOADING_S / speed)
    await fleet.start("inventory", "shop.inventory", str(port), warm_up, folder=root / "shop-1")


async def send(
    session: aiohttp.ClientSession, fleet: Fleet, visit: traffic.Visit, domain: str
) -> None:
    """Send one visit to its service, and take the answer, whatever it is."""
    kind = visit.service.partition("-")[0]
    headers = {"Host": f"{kind}.{domain}", "User-Agent": f"{domain.partition('.')[0]}-app/7.2"}
    if visit.user:
        headers["X-User"] = visit.user
    url = f"http://127.0.0.1:{fleet.ports[visit.service]}{visit.path}"
    async with session.request(
        visit.method, url, headers=headers, json=visit.json, data=visit.data
    ) as answer:
        await answer.read()


async def crowd(
    fleet: Fleet, clock: Clock, domain: str, *visits: Iterator[tuple[float, traffic.Visit]]
) -> None:
    """Send all visits at their seconds of the story; each of the sources is in order of time."""
    everything = heapq.merge(*visits, key=lambda e: e[0])
    limit = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=limit) as session, asyncio.TaskGroup() as tasks:
        for at_s, visit in everything:
            await clock.until(at_s)
            tasks.create_task(send(session, fleet, visit, domain))


async def tell(root: Path, seed: int, speed: float) -> Told:
    """Return what the SDKs sent while the story ran, `speed` times as fast as it is told.

    Args:
        root: an empty folder for the deployed programs and their logs.
        seed: decides what shoppers do, and which cards the card network is slow with.
        speed: > 0; timeouts of the services are real seconds and do not follow it.

    Raises:
        RuntimeError: a process did not start.
        ExceptionGroup: a request did not reach its service at all.
    """
    capture = Capture()
    fleet = Fleet(root, await capture.start())
    folder = root / "shop-1"
    deploy(folder)
    try:
        for inventory in ("inventory", "inventory-staging"):
            await fleet.start(inventory, "shop.inventory", "0", "0", folder=folder)
        await fleet.start("cardnet", "shop.cardnet", str(seed), folder=folder)
        await fleet.service("catalogue", "catalogue@3.4.1", "catalogue-1", folder)
        await fleet.service("payment", "payment@2.11.0", "payment-1", folder)
        await fleet.service("checkout", "checkout@1.8.2", "checkout-1", folder)
        await fleet.service(
            "catalogue-staging", "catalogue@3.5.0-rc.1", "staging-1", folder, "staging"
        )
        clock = Clock(speed)
        async with asyncio.TaskGroup() as both:
            shoppers = traffic.ordinary(seed, LENGTH_S, (HANG_S, BACK_S, RETRIES))
            ambient = traffic.ambient(seed, LENGTH_S)
            both.create_task(crowd(fleet, clock, "shop.example", shoppers, ambient))
            both.create_task(_events_on_stage(fleet, clock, root, speed))
    finally:
        await fleet.stop()
        await capture.stop()
    return Told(clock.started_s, capture.captured)

"""A bad day, in short: what the other files do for long, once each, under live webhooks."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx

from streams.broker import Broker
from tests.chaos.clocks import check_odd_clocks, send_odd_clocks
from tests.chaos.cluster import cluster
from tests.chaos.conftest import Note
from tests.chaos.footprint import everything
from tests.chaos.measure import measured, settled
from tests.chaos.steps import join, kill, kill_inside_transaction, sound, zombie
from tests.chaos.traffic import Traffic


async def test_a_bad_day_loses_nothing_and_decides_nothing_twice(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    """A join, a zombie, a leave, kill -9 of every stage, two intakes, clocks of 1970 and 2100.

    Fails without: the fence, the offset in the state, one transaction for state, digests and
    offsets, attempts written down before their calls, the running maximum of append times.
    """
    chance = random.Random(seed)
    before = await everything(kafka)
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        here.intake()
        stays = here.worker()
        await here.up()
        traffic = Traffic(here, seed=seed, environments=("staging", "canary"))
        async with traffic.flowing(), httpx.AsyncClient() as client:
            await send_odd_clocks(traffic, client)
            other = await join(here)
            await asyncio.gather(
                zombie(here, "correlate", [other]),
                kill(stays, "fingerprint", chance.uniform(0.0, 3.0)),
                kill_inside_transaction(here, "deliver"),
            )
            took = await other.end()
            await kill_inside_transaction(here, "correlate")
        await settled(here)
        row = note(
            await measured(
                here,
                "a bad day, in short",
                times=6,
                events=len(traffic.accepted),
                seed=seed,
                remarks={f"sigterm_{stage}_s": round(s, 2) for stage, s in took.items()},
            )
        )
        sound(row, here)
        assert row.late == 0
        check_odd_clocks(here)
        intakes = {dict(one.headers)["intake"] for one in here.observer.events if one.value}
        assert len(intakes) == 2
        # A soak measures how long it took; here it is enough that nobody had to be killed.
        assert "stage killed" not in other.text(), took
        after = await everything(kafka)
    for kind, names in after.items():
        new = names - before[kind]
        assert new, kind
        assert all(name.startswith(f"{namespace}.") for name in new), (kind, new)

"""A replay on the cluster of a production that lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.broker import Broker
from tests.chaos.cluster import cluster
from tests.chaos.conftest import Note
from tests.chaos.footprint import ends, everything
from tests.chaos.measure import measured, settled
from tests.chaos.replays import compared, replayed
from tests.chaos.steps import sound
from tests.chaos.traffic import Traffic

pytestmark = pytest.mark.soak


async def test_a_replay_touches_nothing_of_the_production_beside_it(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    """Once while production is busy, once while it rests, when nothing of it may move."""
    folders = [tmp_path / name for name in ("production", "busy", "resting")]
    for folder in folders:
        folder.mkdir()
    async with cluster(folders[0], kafka.bootstrap, namespace) as production:
        production.intake()
        worker = production.worker()
        await production.up()
        traffic = Traffic(production, seed=seed)
        async with traffic.flowing():
            await production.decides()
            await replay_beside(kafka, folders[1], f"{namespace}b", note, "a replay beside it")
        await settled(production)
        row = note(
            await measured(
                production,
                "production beside a replay",
                times=1,
                events=len(traffic.accepted),
                seed=seed,
            )
        )
        sound(row, production)
        await worker.end()
        before = await ends(kafka, namespace)
        await replay_beside(kafka, folders[2], f"{namespace}r", note, "beside it at rest")
        assert await ends(kafka, namespace) == before


async def replay_beside(kafka: Broker, folder: Path, namespace: str, note: Note, case: str) -> None:
    """Replay in a namespace of its own; fail if anything new has another name, or bytes differ."""
    before = await everything(kafka)
    async with cluster(folder, kafka.bootstrap, namespace, clock="data", extra="") as here:
        here.worker("--stages", "fingerprint,correlate")
        row = note(await compared(here, case, await replayed(here, "kafka"), times=1))
        sound(row, here)
        after = await everything(kafka)
    new = {kind: names - before[kind] for kind, names in after.items()}
    assert all(new.values()), new
    # What production goes on making has old names.
    others = {name for names in new.values() for name in names if not name.startswith(namespace)}
    assert not others, others

"""A recorded outage over Kafka and in process, and the row that compares them byte for byte."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.chaos.cluster import Cluster
from tests.chaos.measure import Measured, redelivered, twice

RECORDING = Path(__file__).parents[2] / "recordings" / "shop-outage.jsonl.gz"
REPLAYED_WITHIN_S = 400.0


async def replayed(here: Cluster, via: str, *, speed: str = "max") -> dict[str, int]:
    """Replay the recording into files of the cluster's folder and return what it counts."""
    outputs = [f"--{name}={path}" for name, path in files_of(here, via).items()]
    done = await asyncio.to_thread(
        here.chain.run,
        *("replay", str(RECORDING), "--via", via, "--speed", speed, "--json", *outputs),
        timeout_s=REPLAYED_WITHIN_S,
    )
    assert done.returncode == 0, done.stderr + here.chain.logs()
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def files_of(here: Cluster, via: str) -> dict[str, Path]:
    """Return where the results of one way are."""
    return {name: here.chain.folder / f"{via}-{name}" for name in ("digests", "assignments")}


async def compared(
    here: Cluster, case: str, over_kafka: dict[str, int], *, times: int, seed: int = 0
) -> Measured:
    """Return the row of a replay over Kafka that is done: it is done again in process."""
    in_process = await replayed(here, "local")
    assert over_kafka == in_process
    one, other = files_of(here, "kafka"), files_of(here, "local")
    equal = all(one[name].read_bytes() == other[name].read_bytes() for name in one)
    await here.observer.caught_up()
    return Measured(
        case=case,
        times=times,
        events=over_kafka["events"],
        lost=unassigned(one["assignments"]) - unassigned(other["assignments"]),
        twice=len(twice(here)),
        equal=equal,
        pause_s=0.0,
        redelivered=redelivered(here.observer.deltas),
        late=over_kafka["late"],
        digests=over_kafka["digests"],
        seed=seed,
    )


def unassigned(path: Path) -> int:
    """Return how many lines of a recording belong to no incident."""
    return sum(json.loads(line)["incident"] is None for line in path.read_text().splitlines())

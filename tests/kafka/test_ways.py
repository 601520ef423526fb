"""One recording gives the same bytes on every way through the stages (law 5)."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from streams.broker import Broker
from tests.kafka.chain import Chain, chain, until
from tests.kafka.recorded import compared, records_of

RECORDING = str(Path(__file__).parents[2] / "recordings" / "shop-outage.jsonl.gz")
TELL = """
routes: {tell: [slack:incidents], page: [pagerduty:default]}
"""


async def replayed(made: Chain, way: str) -> tuple[str, str]:
    """Return the checksums of assignments and digests of one replay."""
    assignments = made.folder / f"{way}-assignments.jsonl"
    digests = made.folder / f"{way}-digests.jsonl"
    done = await asyncio.to_thread(
        made.run,
        "replay",
        RECORDING,
        "--via",
        way,
        "--assignments",
        str(assignments),
        "--digests",
        str(digests),
    )
    assert done.returncode == 0, done.stderr + made.logs()
    return checksum(assignments), checksum(digests)


async def recorded_back(made: Chain) -> None:
    """Record what stands on the topics: what was fed, and told, comes out again."""
    recorded, out = await compared(made, ".jsonl.gz")
    digests = checksum(made.folder / "kafka-digests.jsonl")
    assert checksum(made.folder / "record-digests") == digests
    assert checksum(made.folder / "replay-digests") == digests
    fed, written = (
        sorted((line.at_ms, line.resource, line.body) for line in records_of(path))
        for path in (Path(RECORDING), out)
    )
    assert written == fed
    assert recorded["applied_ms"] > recorded["last_ms"]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_local_kafka_and_intake_give_the_same_bytes(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    found = {}
    for way in ("kafka", "intake"):
        folder = tmp_path / way
        folder.mkdir()
        async with chain(
            folder, kafka.bootstrap, f"{namespace}{way[0]}", clock="data", extra=TELL
        ) as made:
            made.start("run", "--stages", "fingerprint,correlate")
            if way == "intake":
                made.start("intake")
            await until(
                lambda made=made: made.logs().count("stage started") == 2,  # type: ignore[misc]
                what=made.logs,
            )
            found[way] = await replayed(made, way)
            found["local"] = await replayed(made, "local")
            if way == "kafka":
                await recorded_back(made)
            assert not made.slack.calls, "a replay sends nothing itself"
    assert found["kafka"] == found["intake"] == found["local"]

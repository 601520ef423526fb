"""What a run decided, recorded, and decided again from the recording alone; for tests."""

from __future__ import annotations

import asyncio
import io
import json
import time
from pathlib import Path
from typing import Any

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from streams import codec
from streams.recording import Record, Recording
from streams.replay import Options, run
from streams.settings import load
from streams.stage.state import restore
from streams.topics import names
from tests.kafka.chain import PATIENCE_S, Chain


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of digests or assignments."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def records_of(path: Path) -> list[Record]:
    """Return the records of a recording."""
    return [line for line in Recording([path]) if isinstance(line, Record)]


async def applied(made: Chain, tick: int) -> None:
    """Wait until every partition has stored that it applied this tick."""
    topic = names(made.namespace).incidents
    deadline_s = time.monotonic() + PATIENCE_S
    for partition in range(4):
        applied_tick = -1
        while applied_tick < tick:
            assert time.monotonic() < deadline_s, made.logs()
            stored = await restore(made.bootstrap, topic, partition)
            progress = codec.entry(stored[PROGRESS_KEY]) if PROGRESS_KEY in stored else None
            applied_tick = progress.applied_tick if isinstance(progress, Progress) else -1


async def compared(made: Chain, ending: str) -> tuple[dict[str, Any], Path]:
    """Record, replay in process, and compare; returns what was recorded, and the recording.

    Everything that came in must have been applied already.
    """
    out = made.folder / f"recorded{ending}"
    live, again = (
        {name: made.folder / f"{way}-{name}" for name in ("digests", "assignments")}
        for way in ("record", "replay")
    )
    options = [part for name, path in live.items() for part in (f"--{name}", str(path))]
    done = await asyncio.to_thread(made.run, "record", str(out), *options, "--json")
    assert (done.returncode, done.stderr) == (0, ""), made.logs()
    recorded = json.loads(done.stdout)
    said, errors = io.StringIO(), io.StringIO()
    replay = Options(files=(out,), digests=again["digests"], assignments=again["assignments"])
    status = await asyncio.to_thread(run, load(made.config, {}), replay, said, errors)
    assert (status, errors.getvalue()) == (0, "")
    assert recorded["records"] == recorded["applied_records"] == len(rows_of(live["assignments"]))
    assert recorded["late"] == recorded["repeated_digests"] == 0
    decided = live["digests"].read_bytes()
    assert decided.count(b"\n") == recorded["digests"] > 0
    assert again["digests"].read_bytes().startswith(decided), "what was decided is decided again"
    further = [row["at_ms"] for row in rows_of(again["digests"])[recorded["digests"] :]]
    assert all(at_ms > recorded["applied_ms"] + 1 for at_ms in further), "and nothing beside it"
    assert live["assignments"].read_bytes() == again["assignments"].read_bytes()
    return recorded, out

"""Law 6 on the recorded outage: the files that strangers read are the same bytes on every way.

Kafka and intake are ways too; `tests/kafka/test_ways.py` compares them with this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from streams.local import Pipeline
from streams.recording import Record, Recording
from streams.replay_results import Results
from streams.settings import load

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "recordings" / "shop-outage.jsonl.gz"


def _replayed(folder: Path, *, cache_size: int, restore: bool) -> tuple[bytes, bytes]:
    """Return assignments and digests of a replay by the example configuration."""
    settings = load(ROOT / "stormfold.yaml", {})
    fingerprinting = msgspec.structs.replace(settings.fingerprinting(), cache_size=cache_size)
    results = Results(settings.correlation(), fingerprinting, rows=True)
    pipeline = Pipeline(
        settings.correlation(), fingerprinting, results.step, restore_every_tick=restore
    )
    try:
        for line in Recording((RECORDING,)):
            assert isinstance(line, Record)
            results.line(line, pipeline.add(line.resource, line.body, line.at_ms))
        pipeline.finish()
        results.write_assignments(folder / "assignments")
        results.write_digests(folder / "digests")
    finally:
        results.close()
    return (folder / "assignments").read_bytes(), (folder / "digests").read_bytes()


def _by_command(folder: Path, seed: str) -> tuple[bytes, bytes]:
    """Return the same, as a user gets it."""
    files = ["--assignments", str(folder / "a"), "--digests", str(folder / "d")]
    subprocess.run(
        [sys.executable, "-m", "streams.cli", "replay", str(RECORDING), *files],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        timeout=120,
    )
    return (folder / "a").read_bytes(), (folder / "d").read_bytes()


def test_law_6_the_recorded_outage_gives_the_same_bytes_with_any_seed_cache_and_restore(
    tmp_path: Path,
) -> None:
    plain = _replayed(tmp_path, cache_size=10_000, restore=False)
    assert plain[0].count(b"\n") == 741
    assert b'"storm":"storm-' in plain[0]
    assert _replayed(tmp_path, cache_size=0, restore=False) == plain
    assert _replayed(tmp_path, cache_size=10_000, restore=True) == plain
    assert _by_command(tmp_path, "0") == plain
    assert _by_command(tmp_path, "4242") == plain

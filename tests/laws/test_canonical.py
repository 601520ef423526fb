"""Law 6 of the design: no result depends on a cache, a restore, or the order of a dict or set."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
from hypothesis import given, settings

from streams.local import Pipeline
from tests.examples import examples
from tests.laws.logs import CONFIG, FINGERPRINTING, Outcome, Rec, logs

_HERE = Path(__file__).resolve()


def _local(log: list[Rec], *, cache_size: int = 10_000, restore: bool = False) -> Outcome:
    outcome = Outcome()
    pipeline = Pipeline(
        CONFIG,
        msgspec.structs.replace(FINGERPRINTING, cache_size=cache_size),
        outcome.take,
        restore_every_tick=restore,
    )
    for record in log:
        pipeline.add(record.resource, record.body, record.at_ms)
    pipeline.finish()
    return outcome


@given(logs())
def test_law_6_without_the_signature_cache_the_result_is_the_same(log: list[Rec]) -> None:
    assert _local(log, cache_size=0) == _local(log)
    assert _local(log, cache_size=1) == _local(log)


@given(logs())
@examples(60)
def test_law_6_with_the_state_restored_after_every_tick_the_result_is_the_same(
    log: list[Rec],
) -> None:
    assert _local(log, restore=True) == _local(log)


_MANY = 30


def checksum() -> str:
    """Return one checksum over the outcomes of many logs, drawn the same way in every process."""
    found = hashlib.sha256()

    @settings(max_examples=_MANY, derandomize=True, database=None, deadline=None)
    @given(logs())
    def each(log: list[Rec]) -> None:
        outcome = _local(log)
        found.update(msgspec.msgpack.encode(outcome.digests))
        found.update(repr(sorted(outcome.state.items())).encode())

    each()
    return found.hexdigest()


def test_law_6_the_hash_seed_of_python_changes_nothing() -> None:
    found = set()
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", f"from {__name__} import checksum; print(checksum())"],
            cwd=_HERE.parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        found.add(done.stdout.strip())
    assert len(found) == 1

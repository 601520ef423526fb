"""A recorded outage in whose middle the signature version is switched: the same incidents, the same
storm, the same messages, and every line finds where it ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.incidents import Incident
from correlators.types import DeltaBatch, tick_of
from streams.assignments import Lives, Spool
from streams.local import SOURCE, final_mark_ms, first_progress
from streams.recording import Record, Recording
from streams.settings import load
from tests.correlators.score import Score
from tests.correlators.switching import apply
from tests.stand_in import NEW, OLD, install

OUTAGE = Path(__file__).parents[2] / "recordings" / "shop-outage.jsonl.gz"
SETTINGS = load(None, {})
CONFIG = SETTINGS.correlation()


@pytest.fixture(scope="module")
def records() -> Iterator[list[Record]]:
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        yield [one for one in Recording([OUTAGE]) if isinstance(one, Record)]


class Replayed:
    """What became of the recording: digests, and for every line its fingerprint and incident."""

    def __init__(self, records: list[Record], versions: list[tuple[int, int]], ours: int) -> None:
        reader = Fingerprinter(Fingerprinting(signature_version=ours))
        self._log: list[DeltaBatch] = []
        spool = Spool()
        last_ms = records[0].at_ms
        for record in records:
            if tick_of(record.at_ms) > tick_of(last_ms):
                self._flush(reader, record.at_ms)
            last_ms = record.at_ms
            read = reader.add(record.resource, record.body, record.at_ms)
            spool.note(record.line, read, record.at_ms, CONFIG.windows.belated_after_ms)
        self._flush(reader, final_mark_ms(last_ms, CONFIG))
        lives = Lives(CONFIG)
        self.score: Score = apply(
            self._log,
            versions,
            config=CONFIG,
            progress=first_progress(),
            on_step=lambda step: lives.learn(step.entries.values()),
        )
        self.rows: list[dict[str, Any]] = [json.loads(row) for row in spool.rows(lives)]
        spool.close()

    def _flush(self, reader: Fingerprinter, watermark_ms: int) -> None:
        deltas, changes = reader.fold.flush()
        batch = DeltaBatch(
            topic=SOURCE,
            partition=0,
            deltas=tuple(deltas),
            changes=tuple(changes),
            watermark_ms=watermark_ms,
        )
        self._log.append(batch)


@pytest.fixture(scope="module")
def unswitched(records: list[Record]) -> Replayed:
    return Replayed(records, [(0, OLD)], OLD)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_switch_in_the_middle_of_an_outage_tells_nothing_anew(
    records: list[Record], unswitched: Replayed, share: float
) -> None:
    first, last = tick_of(records[0].at_ms), tick_of(records[-1].at_ms)
    at = first + round((last - first) * share)
    found = Replayed(records, [(0, OLD), (at, NEW)], OLD)

    def kinds(replayed: Replayed) -> Counter[object]:
        return Counter((one.kind, one.storm, one.page) for one in replayed.score.digests)

    assert kinds(found) == kinds(unswitched)
    opened = {
        one.id: one.opened_tick for _, one in unswitched.score.entries if isinstance(one, Incident)
    }
    events = 0
    for was, now in zip(unswitched.rows, found.rows, strict=True):
        assert (was["incident"] is None) == (now["incident"] is None)
        if was["incident"] is not None and opened[was["incident"]] < at:
            assert now == was
            events += 1
    assert events > 0


def test_a_worker_of_the_other_configuration_changes_nothing(
    records: list[Record], unswitched: Replayed
) -> None:
    found = Replayed(records, [(0, OLD)], NEW)
    assert found.score.digests == unswitched.score.digests
    assert found.score.entries == unswitched.score.entries
    places = [(row["incident"], row["storm"]) for row in found.rows]
    assert places == [(row["incident"], row["storm"]) for row in unswitched.rows]
    assert found.rows != unswitched.rows  # the fingerprint is the one of its own version

"""A recorded outage switched between the signature versions that this release really ships."""

from __future__ import annotations

import itertools

import pytest

from correlators.fingerprint import VERSIONS
from correlators.incidents import Incident
from correlators.types import tick_of
from streams.recording import Record, Recording
from tests.streams.test_switch import OUTAGE, Replayed


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(VERSIONS, 2)))
def test_what_was_open_at_the_switch_keeps_all_its_events(old: int, new: int) -> None:
    records = [one for one in Recording([OUTAGE]) if isinstance(one, Record)]
    at = (tick_of(records[0].at_ms) + tick_of(records[-1].at_ms)) // 2
    before = Replayed(records, [(0, old)], old)
    after = Replayed(records, [(0, old), (at, new)], old)
    opened = {
        one.id: one.opened_tick for _, one in before.score.entries if isinstance(one, Incident)
    }
    events = 0
    for was, now in zip(before.rows, after.rows, strict=True):
        assert was["fingerprint"] == now["fingerprint"]
        if was["incident"] is not None and opened[was["incident"]] < at:
            assert now["incident"] == was["incident"]
            events += 1
    assert events > 0

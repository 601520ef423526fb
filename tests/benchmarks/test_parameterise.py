"""The benchmark of `parameterise` measures what it says."""

from __future__ import annotations

import json

from benchmarks.parameterise import JUDGED_FROM, Hostile, Report, as_json, measure
from tests.correlators.parameterise_texts import HOSTILE, ORDINARY


def test_every_text_is_measured_at_every_size() -> None:
    sizes = (JUDGED_FROM, 2 * JUDGED_FROM)
    report = measure(sizes, hostile=HOSTILE[:3])
    assert [one.text for one in report.ordinary] == list(ORDINARY)
    assert [bad.pattern for bad in report.hostile] == list(HOSTILE[:3])
    assert all(tuple(bad.ms) == sizes and bad.worst_ratio > 0 for bad in report.hostile)


def test_every_hostile_text_can_be_written_and_read_again() -> None:
    rows = [Hostile(pattern=text, ms={1: 0.5}, worst_ratio=2.0, cut_ms=0.1) for text in HOSTILE]
    written = as_json(Report(ordinary=[], hostile=rows)).encode("ascii")
    assert [row["pattern"] for row in json.loads(written)["hostile"]] == list(HOSTILE)

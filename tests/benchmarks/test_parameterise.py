"""The benchmark of `parameterise` measures what it says."""

from __future__ import annotations

from benchmarks.parameterise import JUDGED_FROM, measure
from tests.correlators.parameterise_texts import HOSTILE, ORDINARY


def test_every_text_is_measured_at_every_size() -> None:
    sizes = (JUDGED_FROM, 2 * JUDGED_FROM)
    report = measure(sizes, hostile=HOSTILE[:3])
    assert [one.text for one in report.ordinary] == list(ORDINARY)
    assert [bad.pattern for bad in report.hostile] == list(HOSTILE[:3])
    assert all(tuple(bad.ms) == sizes and bad.worst_ratio > 0 for bad in report.hostile)

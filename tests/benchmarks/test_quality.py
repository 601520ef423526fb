"""The laws of the quality report: what is scored; nothing unassigned is thrown together."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.labelled import QualityError, Row, by_session, by_type_and_function, read_labelled
from benchmarks.quality import Assignment, Of, groups_of, kind_of


def row(line: int, at_ms: int, **event: object) -> Row:
    return Row(line=line, label="a", event=dict(event), at_ms=at_ms)


def test_labelled_lines_are_read_with_their_number_and_time(tmp_path: Path) -> None:
    lines = [
        {"event": {"timestamp": 1.5}, "label": "a"},
        {"event": {"timestamp": 9.0}},
        {"event": {}, "label": "b"},
    ]
    path = tmp_path / "some.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    assert [(r.line, r.label, r.at_ms) for r in read_labelled(path)] == [
        (1, "a", 1500),
        (3, "b", 9000),
    ]


@pytest.mark.parametrize("text", ["", '{"event": {}}\n', "no json\n"])
def test_a_file_without_labels_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(text)
    with pytest.raises(QualityError, match=r"some\.jsonl"):
        read_labelled(path)


def test_rows_of_one_time_are_crashes_and_others_an_outage() -> None:
    assert kind_of([row(1, 5), row(2, 5)]) is Of.FINGERPRINT
    assert kind_of([row(1, 5), row(2, 6)]) is Of.INCIDENT


def test_a_storm_stands_before_its_incidents_and_unassigned_rows_stand_alone() -> None:
    rows = [row(line, 0) for line in range(1, 6)]
    assigned = {
        1: Assignment(1, fingerprint="f", incident="i1", storm="s"),
        2: Assignment(2, fingerprint="f", incident="i2", storm="s"),
        3: Assignment(3, fingerprint="f", incident="i3"),
        4: Assignment(4),
    }
    groups = groups_of(rows, assigned, Of.INCIDENT)
    assert groups[:3] == ["s", "s", "i3"]
    assert len(set(groups)) == 4
    assert groups_of(rows, assigned, Of.FINGERPRINT)[:3] == ["f", "f", "f"]


def test_a_pause_of_exactly_the_gap_stays_in_its_session() -> None:
    rows = [row(line, at, environment="x") for line, at in enumerate((0, 60_000, 120_001))]
    one, two, three = by_session(rows)
    assert one == two != three


def test_the_simple_rule_takes_the_newest_in_app_frame() -> None:
    def crash(*functions: tuple[str, bool]) -> Row:
        frames = [{"module": "m", "function": name, "in_app": own} for name, own in functions]
        return row(1, 0, exception={"values": [{"type": "E", "stacktrace": {"frames": frames}}]})

    groups = by_type_and_function(
        [crash(("a", True), ("b", True), ("lib", False)), crash(("b", True)), crash(("a", True))]
    )
    assert groups[0] == groups[1] != groups[2]

"""The laws of the quality report: what is scored; nothing unassigned is thrown together."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.labelled import (
    CRASH_RULES,
    QualityError,
    Row,
    by_message,
    by_session,
    by_type,
    by_type_and_function,
    read_labelled,
)
from benchmarks.quality import Assignment, Of, groups_of, kind_of, main


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


def test_the_dumb_rules_look_at_the_type_or_the_message_alone() -> None:
    def crash(kind: str, value: str) -> Row:
        return row(1, 0, project="p", exception={"values": [{"type": kind, "value": value}]})

    rows = [crash("E", "no card"), crash("E", "no cart"), crash("F", "no card")]
    rows.append(row(4, 0, project="p", logentry={"formatted": "no cart"}))
    one, two, three, _ = by_type(rows)
    assert one == two != three
    one, two, three, four = by_message(rows)
    assert one == three != two == four
    assert list(CRASH_RULES) == [
        "literal stack",
        "exception type",
        "type + top in-app function",
        "message only",
    ]


def test_the_scores_are_written_as_json_by_file_and_rule(tmp_path: Path) -> None:
    frame = {"module": "shop.cart", "function": "charge", "in_app": True}
    values = [{"type": "E", "value": "x", "stacktrace": {"frames": [frame]}}]
    event = {"event_id": "a" * 32, "platform": "python", "project": "p", "timestamp": 1.0}
    event["exception"] = {"values": values}
    path, out = tmp_path / "some.jsonl", tmp_path / "out.json"
    lines = [json.dumps({"label": label, "event": event}) for label in ("a", "a", "b")]
    path.write_text("\n".join(lines) + "\n")
    main([path], None, out)
    found = json.loads(out.read_bytes())["files"]["some.jsonl"]
    assert found["pairwise"] == pytest.approx({"precision": 1 / 3, "recall": 1.0, "f1": 0.5})
    assert found["b3"]["recall"] == 1.0
    assert found["baselines"].keys() == CRASH_RULES.keys()
    assert found["baselines"]["exception type"]["pairwise"] == found["pairwise"]

"""The law of the held-out report: a project is scored by rules that others chose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.held_out import candidates, main, measure
from benchmarks.labelled import Row
from correlators.fingerprint import VERSIONS


def row(line: int, project: str, label: str, caller: str) -> Row:
    frames = [
        {"module": f"{project}.Main", "function": name, "in_app": True}
        for name in (caller, "parse")
    ]
    raised = {"type": "ParseException", "value": "x", "stacktrace": {"frames": frames}}
    event = {
        "event_id": f"{line:032x}",
        "project": project,
        "platform": "java",
        "environment": "x",
        "exception": {"values": [raised]},
    }
    return Row(line=line, label=label, event=event, at_ms=0)


# In two projects the caller tells bugs apart; in the third one bug comes from two callers.
ROWS = [
    row(1, "a", "a1", "load"),
    row(2, "a", "a2", "save"),
    row(3, "b", "b1", "load"),
    row(4, "b", "b2", "save"),
    row(5, "c", "c1", "load"),
    row(6, "c", "c1", "save"),
]


def test_a_project_is_scored_by_what_the_others_chose() -> None:
    report = measure(ROWS)
    assert report.projects["c"].chosen.endswith("1 callers")
    assert report.projects["c"].scored.pairwise.recall == 0
    assert report.projects["c"].by_rules["v1"].pairwise.recall == 1
    assert set(report.whole) == set(candidates())
    assert report.pooled.pairwise.precision < 1 or report.pooled.pairwise.recall < 1


def test_the_candidates_hold_every_version() -> None:
    names = " ".join(candidates())
    assert all(f"v{version}" in names for version in VERSIONS)


def test_the_report_is_written_as_json(tmp_path: Path) -> None:
    path, out = tmp_path / "some.jsonl", tmp_path / "out.json"
    path.write_text("".join(json.dumps({"label": r.label, "event": r.event}) + "\n" for r in ROWS))
    main(path, out)
    assert set(json.loads(out.read_bytes())["projects"]) == {"a", "b", "c"}
    with pytest.raises(Exception, match="2"):
        main(tmp_path / "none.jsonl", None)

"""`stormfold suggest-merges`: pairs of a recording with evidence and rule, bounds, wrong use."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from correlators.fingerprinter import Fingerprinter
from correlators.grouping import Grouping
from correlators.sentry_rules.fingerprint_rules import parse_fingerprint_rules
from streams import suggest
from streams.settings import load
from streams.suggest import Options, run

SETTINGS = load(None, {})


def line(number: int, *functions: str, service: str = "shop", error: str = "TimeoutError") -> str:
    """Return a line of a recording: an event whose stack has these functions, the newest first."""
    frames = [{"module": "db", "function": one, "in_app": True} for one in reversed(functions)]
    raised = {"type": error, "value": "no answer", "stacktrace": {"frames": frames}}
    event = {
        "event_id": f"{number:032x}",
        "timestamp": 1_700_000_000 + number,
        "project": service,
        "platform": "python",
        "exception": {"values": [raised]},
    }
    return json.dumps({"event": event}) + "\n"


def asked(
    folder: Path, *lines: str, json: bool = False, threshold: float = 0.5
) -> tuple[int, str, str]:
    path = folder / "r.jsonl"
    path.write_text("".join(lines))
    out, errors = io.StringIO(), io.StringIO()
    options = Options(recording=path, threshold=threshold, json=json)
    return run(SETTINGS, options, out, errors, now_ms=0), out.getvalue(), errors.getvalue()


def answer(folder: Path, *lines: str, threshold: float = 0.5) -> dict[str, Any]:
    status, said, errors = asked(folder, *lines, json=True, threshold=threshold)
    assert (status, errors) == (0, "")
    found: dict[str, Any] = json.loads(said)
    return found


ALIKE = (
    line(1, "query", "load", "main"),
    line(2, "query", "load", "main"),
    line(3, "ask", "query", "load", "main"),
    line(4, "render", "page", "site", error="KeyError"),
)


def test_a_pair_has_its_evidence_its_counts_and_its_rule(tmp_path: Path) -> None:
    found = answer(tmp_path, *ALIKE)
    assert found["signatures"] == 3
    (pair,) = found["pairs"]
    assert pair["service"] == "shop"
    assert sorted((pair["left"]["events"], pair["right"]["events"])) == [1, 2]
    assert [one["name"].split()[-1] for one in pair["frames"]] == ["query", "load", "main"]
    assert pair["same_type"]
    assert pair["message"] == 1
    assert pair["rule"].startswith('error.type:"TimeoutError" stack.module:"db"')
    assert pair["also_catches"] == 0


def test_services_are_never_compared_with_each_other(tmp_path: Path) -> None:
    apart = (
        line(1, "query", "load", "main"),
        line(3, "ask", "query", "load", "main", service="other"),
    )
    assert answer(tmp_path, *apart, threshold=0)["pairs"] == []


def test_people_read_the_same_as_scripts(tmp_path: Path) -> None:
    pair = answer(tmp_path, *ALIKE)["pairs"][0]
    status, said, errors = asked(tmp_path, *ALIKE)
    assert (status, errors) == (0, "")
    assert "1 pairs of 3 signatures look like one" in said
    assert f"rule: {pair['rule']}" in said
    assert pair["left"]["fingerprint"] in said
    assert pair["right"]["fingerprint"] in said
    assert "both: db query" in said


def test_the_same_recording_gives_the_same_bytes_in_any_order_of_its_lines(tmp_path: Path) -> None:
    lines = [line(0, f"f{at}", "run", "main") for at in "abcdefgh"]
    first = asked(tmp_path, *lines, json=True, threshold=0.2)
    assert asked(tmp_path, *reversed(lines), json=True, threshold=0.2) == first
    assert json.loads(first[1])["pairs"]


def test_signatures_beyond_the_bound_are_not_compared_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggest, "SIGNATURES_EACH", 2)
    status, said, errors = asked(tmp_path, *ALIKE, line(5, "x", "y", error="E"), json=True)
    assert status == 0
    assert json.loads(said)["signatures"] == 2
    assert json.loads(said)["left_out_events"] == {"shop": 2}
    assert "shop: 2 events" in errors


def test_pairs_beyond_the_bound_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggest, "PAIRS_TOLD", 1)
    lines = [line(at, f"x{name}", "query", "load", "main") for at, name in enumerate("abc")]
    found = answer(tmp_path, *lines, threshold=0.1)
    assert len(found["pairs"]) == 1
    assert found["pairs"][0]["pairs_of_service"] == 3
    assert "and 2 further pairs" in asked(tmp_path, *lines, threshold=0.1)[1]


def test_a_bad_line_is_status_3_and_the_rest_is_compared(tmp_path: Path) -> None:
    status, said, errors = asked(tmp_path, *ALIKE, "junk\n")
    assert status == 3
    assert "1 pairs" in said
    assert "1 lines" in errors


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (Options(), "one of them"),
        (Options(recording=Path("r"), since="2h"), "one of them"),
        (Options(since="soon"), "expected a duration"),
        (Options(since="900d"), "expected a duration"),
    ],
)
def test_wrong_use_is_status_2(options: Options, why: str) -> None:
    out, errors = io.StringIO(), io.StringIO()
    assert run(SETTINGS, options, out, errors, now_ms=0) == 2
    assert why in errors.getvalue()
    assert out.getvalue() == ""


def test_a_recording_that_is_not_there_is_status_1_and_named() -> None:
    out, errors = io.StringIO(), io.StringIO()
    options = Options(recording=Path("none.jsonl"))
    assert run(SETTINGS, options, out, errors, now_ms=0) == 1
    assert "none.jsonl: cannot be read" in errors.getvalue()


def test_a_suggested_rule_merges_its_pair_and_catches_as_many_others_as_it_says(
    tmp_path: Path,
) -> None:
    lines = (*ALIKE, line(5, "start", "query", "other"), line(6, "query2", "load"))
    pair = answer(tmp_path, *lines)["pairs"][0]
    rules, problems = parse_fingerprint_rules(pair["rule"], "rules")
    assert problems == ()
    fingerprinting = SETTINGS.fingerprinting()
    ruled = msgspec.structs.replace(fingerprinting, grouping=Grouping(fingerprint_rules=rules))
    plain, merged = Fingerprinter(fingerprinting), Fingerprinter(ruled)
    by_name: dict[str, str] = {}
    for text in lines:
        body = json.dumps(json.loads(text)["event"]).encode()
        before, after = (one.read("event", body).signature for one in (plain, merged))
        assert before is not None
        assert after is not None
        by_name[before.fingerprint] = after.fingerprint
    left, right = (pair[side]["fingerprint"] for side in ("left", "right"))
    assert by_name[left] == by_name[right]
    caught = sum(after == by_name[left] for after in by_name.values())
    assert caught == 2 + pair["also_catches"]
    assert pair["also_catches"] > 0

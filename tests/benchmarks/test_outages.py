"""Outages are scored in parts, and storms find drawn outages of which the truth is known."""

from __future__ import annotations

from benchmarks.drawn import KINDS
from benchmarks.labelled import Row
from benchmarks.outages import ALL, APART, CLOSE, by_service_session, close_pairs, outage_quality
from benchmarks.synthetic import measure


def row(line: int, label: str, at: float, project: str = "a", environment: str = "e") -> Row:
    event = {"project": project, "environment": environment}
    return Row(line, label, event, round(at * 1000))


ROWS = [
    row(1, "one", 0),
    row(2, "one", 100),
    row(3, "two", 130),
    row(4, "two", 200),
    row(5, "three", 500),
    row(6, "four", 530, environment="f"),
]


def test_faults_that_follow_within_a_minute_are_a_close_pair() -> None:
    assert close_pairs(ROWS) == (("one", "two"),)


def test_close_pairs_are_reported_apart() -> None:
    groups = [1, 1, 1, 1, 2, 3]
    found = outage_quality(ROWS, groups, groups)
    assert found.rows == {ALL: 6, APART: 2, CLOSE: 4}
    assert found.parts[APART]["storms"].pairwise.f1 == 1
    assert found.parts[CLOSE]["storms"].pairwise.precision < 1


def test_a_session_per_service_ends_with_a_pause() -> None:
    rows = [row(1, "x", 0), row(2, "x", 30, "b"), row(3, "x", 60), row(4, "x", 121)]
    groups = by_service_session(rows)
    assert groups[0] == groups[2]
    assert len(set(groups)) == 3


def test_storms_find_outages_of_systems_they_have_never_seen() -> None:
    names = [
        "cascade, no traces",
        "two faults 10 to 50 s apart, traced",
        "600 ambient errors alone",
    ]
    found = measure({name: KINDS[name] for name in names}, seeds=2)
    for name in names[:2]:
        assert found[name].faults.f1 >= 0.95, name
    assert found[names[2]].ambient_in_storms <= 0.15

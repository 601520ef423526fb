"""What draws and judges the trial of the alerts: numbers, regions, pages, what is called wrong."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest

from benchmarks.observe.__main__ import FACTOR
from benchmarks.observe.damage import DAMAGED, damaged
from benchmarks.observe.faults import FAULTS, Fault
from benchmarks.observe.page import page
from benchmarks.observe.panels import Marked, Series, Shown, Span, marked, shown
from benchmarks.observe.report import Found, Report
from benchmarks.observe.units import said
from benchmarks.observe.world import CONFIG
from correlators.entries import Entry, key_of
from correlators.incidents import Incident
from correlators.partition import Partition
from correlators.types import DeltaBatch
from observability.dashboards.__main__ import BOARDS
from observability.dashboards.made import Board, written
from observability.rules.all import WATCHDOG, alerts
from observability.rules.made import Pace
from observability.rules.made import said as said_span
from streams import codec
from tests.correlators.score import PAGING, batches, event, first_progress, ms, resolve

HOUR = Span(0.0, 3_600.0)
UNTRIED = {"StormfoldBudgetBurns"}
"""Only promtool tries these as what a fault is for; it fires beside many."""


class Answers:
    """Stands for a Prometheus: the same two series, whatever is asked."""

    def __init__(self, *values: float) -> None:
        self._values = values
        self.asked: list[str] = []

    async def over_time(self, expr: str, **_: Any) -> list[dict[str, Any]]:
        self.asked.append(expr)
        values = [[15.0 * at, str(value)] for at, value in enumerate(self._values)]
        return [{"metric": {"sink": "slack", "stage": "deliver"}, "values": values}]

    async def now(self, expr: str, **_: Any) -> list[dict[str, Any]]:
        self.asked.append(expr)
        return [{"metric": {}, "value": [0.0, str(self._values[-1])]}]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (0.0125, "s", "12.5 ms"),
        (90.0, "s", "1.5 min"),
        (7_200.0, "s", "2 h"),
        (0.9995, "percentunit", "99.95%"),
        (2_048.0, "bytes", "2 KiB"),
        (1_500.0, "short", "1.5 K"),
        (1_234.4, "locale", "1,234"),
    ],
)
def test_numbers_read_as_on_a_dashboard(value: float, unit: str, text: str) -> None:
    assert said(value, unit) == text


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
async def test_every_variable_is_filled_in_and_every_panel_drawn(board: Board) -> None:
    prometheus: Any = Answers(1.0, float("nan"), 0.0, 2.0)
    panels = await shown(prometheus, board, HOUR)
    marks = await marked(prometheus, board, HOUR)
    assert not [expr for expr in prometheus.asked if "$" in expr]
    html = page(board, panels, marks, HOUR)
    titles = [one["title"] for one in json.loads(written(board))["panels"]]
    assert html.count("<div class='panel'") + html.count("<div class='row'") == len(titles)
    assert all(title.replace("'", "&#x27;") in html for title in titles)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_panel_without_data_says_what_that_means(board: Board) -> None:
    panels = [Shown(one) for one in json.loads(written(board))["panels"]]
    html = page(board, panels, [], HOUR)
    for one in panels:
        if one.panel["type"] != "row":
            assert f">{one.panel['fieldConfig']['defaults']['noValue']}<" in html


async def test_neighbouring_points_that_are_not_nought_are_one_region() -> None:
    prometheus: Any = Answers(0.0, 1.0, 1.0, 0.0, 2.0)
    found = await marked(prometheus, BOARDS[0], HOUR)
    assert {one.name for one in found} == {"Storms", "Incidents", "Deploys", "Alerts"}
    assert {one.spans for one in found} == {((15.0, 30.0), (60.0, 60.0))}


def test_what_is_marked_and_shown_is_escaped() -> None:
    panel = json.loads(written(BOARDS[0]))["panels"][8]
    series = Series("<b>&", ((0.0, 1.0), (60.0, 2.0)))
    html = page(BOARDS[0], [Shown(panel, [series])], [Marked("Storms", "red", ())], HOUR)
    assert "&lt;b&gt;&amp;" in html
    assert "<b>&" not in html


def test_every_alert_has_a_fault_but_those_that_are_named() -> None:
    names = {alert.name for alert in alerts(Pace())} - {WATCHDOG.name}
    assert {name for fault in FAULTS for name in fault.alerts} == names - UNTRIED
    assert all(fault.also <= names for fault in FAULTS)


def test_a_trial_sees_two_lost_heartbeats_at_once() -> None:
    (every_s,) = map(int, re.findall(r"heartbeat: .*every: (\d+)s", CONFIG))
    for pace, least_s in ((Pace(), 120), (Pace(FACTOR), 2 * every_s)):
        (alert,) = (one for one in alerts(pace) if one.name == "StormfoldHeartbeatLost")
        ((count, unit),) = re.findall(r"\[(\d+)([sm])\]", alert.expr)
        assert int(count) * {"s": 1, "m": 60}[unit] >= least_s


def stored(*, until: float = 5) -> tuple[Partition, list[Entry]]:
    """Return a partition with two open incidents, one of them to be damaged, and what it stores."""
    partition = Partition(PAGING, first_progress())
    told = [event(1, "a", environment=DAMAGED, issue="71"), event(1, "b", environment="production")]
    if until > 5:
        told.append(resolve(until - 1, "71"))
    for offset, batch in enumerate(batches(told, until=until, config=PAGING)):
        partition.receive(offset, batch)
    partition.step(most_ticks=100)
    return partition, [entry for _, entry in partition.state_entries]


def test_a_damaged_incident_is_restored_and_frozen_once_it_is_due_and_the_other_is_told() -> None:
    before, entries = stored()
    spoilt = [codec.entry(damaged(raw) or raw) for raw in map(codec.encode, entries)]
    bad, good = sorted(
        (one for one in spoilt if isinstance(one, Incident)), key=lambda one: one.key.environment
    )
    assert [one for one in spoilt if one not in entries] == [bad]
    partition = Partition(PAGING, before.progress(), spoilt)
    partition.receive(9, DeltaBatch(topic="events", partition=0, watermark_ms=ms(60)))
    step = partition.step(most_ticks=100)
    assert [(one.entry, one.reason) for one in step.frozen] == [(bad, "ValueError")]
    assert step.entries[key_of(bad)] is None
    assert {one.id for one in step.digests} == {good.id}


def test_only_what_is_open_is_damaged() -> None:
    _, entries = stored(until=60)
    assert any(isinstance(one, Incident) and one.closed is not None for one in entries)
    assert not any(map(damaged, [*map(codec.encode, entries), None]))


def test_what_a_run_finds_wrong_is_told() -> None:
    fault = Fault(("A",), "is so", lambda _: nullcontext(), frozenset({"B"}))
    well = Found(fault, {"A": {}}, {"A": 1.0}, {"B"}, 2.0)
    assert Report(found=[well], watchdog=(9, 10)).wrong() == []
    strange = Found(fault, {"A": {}}, {"A": 1.0}, {"B", "C"}, 2.0)
    mute = Found(fault, {"A": None}, {}, set(), 0.0)
    stays = Found(fault, {"A": {}}, {"A": 1.0}, set(), None)
    told = Report(
        found=[strange, mute, stays], well_fired={"D"}, empty=["storms: E"], watchdog=(1, 10)
    ).wrong()
    assert told == [
        "A: fired beside it: C", "A: did not fire: A", "A: it did not end",
        "fired while all was well: D", "no data: storms: E",
        "the Watchdog fired in 1 of 10 looks",
    ]  # fmt: skip


def test_panels_are_judged_only_where_they_were_asked() -> None:
    assert "Panels with data in the end: 1 of 2." in Report(panels=2, empty=["storms: E"]).text()
    assert "Panels" not in Report().text()


def test_a_pace_makes_windows_shorter_and_never_longer() -> None:
    shipped, trial = Pace(), Pace(1 / 60)
    for duration in ("1m", "5m", "30m", "1d"):
        assert shipped.window(duration) == duration
        assert trial.seconds(duration) <= shipped.seconds(duration)
    assert (trial.window("30m"), trial.window("1m"), trial.window("1d")) == ("30s", "5s", "24m")
    assert [said_span(one) for one in (5, 60, 90, 7_200, 86_400)] == ["5s", "1m", "90s", "2h", "1d"]

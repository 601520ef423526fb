"""What draws and judges the trial of the alerts: numbers, regions, pages, what is called wrong."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest

from benchmarks.observe.faults import FAULTS, Fault
from benchmarks.observe.page import page
from benchmarks.observe.panels import Marked, Series, Shown, Span, marked, shown
from benchmarks.observe.report import Found, Report
from benchmarks.observe.units import said
from observability.dashboards.__main__ import BOARDS
from observability.dashboards.made import Board, written
from observability.rules.all import WATCHDOG, alerts
from observability.rules.made import Pace
from observability.rules.made import said as said_span

HOUR = Span(0.0, 3_600.0)
UNTRIED = {
    "StormfoldFrozen",
    "StormfoldHeartbeatLost",
    "StormfoldOneDown",
    "StormfoldWorkerParked",
    "StormfoldBudgetBurns",
}
"""Only promtool tries these."""


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


def test_a_pace_makes_windows_shorter_and_never_longer() -> None:
    shipped, trial = Pace(), Pace(1 / 60)
    for duration in ("1m", "5m", "30m", "1d"):
        assert shipped.window(duration) == duration
        assert trial.seconds(duration) <= shipped.seconds(duration)
    assert (trial.window("30m"), trial.window("1m"), trial.window("1d")) == ("30s", "5s", "24m")
    assert [said_span(one) for one in (5, 60, 90, 7_200, 86_400)] == ["5s", "1m", "90s", "2h", "1d"]

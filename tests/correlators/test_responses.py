"""How fast people are follows from their acts alone, and from the first of each."""

from __future__ import annotations

from typing import Any

import pytest

from correlators.acts import Acknowledge, Act, ActOutcome, FalseAlarm, Resolve, Unacknowledge
from correlators.responses import Asked, Response
from correlators.types import Level
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import event, ms

BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 1}


def stage_of(level: Level) -> tuple[Stage, str]:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", level=level))
    return stage, stage.incident("checkout").id


@pytest.mark.parametrize(("level", "urgency"), [("fatal", Asked.PAGE), ("error", Asked.ALERT)])
def test_they_are_measured_from_the_begin_to_the_act_by_level_and_page(
    level: str, urgency: Asked
) -> None:
    stage, id = stage_of(Level(level))
    acts: list[tuple[int, Act]] = [
        (25, Acknowledge(subject=id, **ANNA)),
        (100, Resolve(subject=id, **BEN)),
    ]
    stage.run(120, acts=acts)
    assert stage.responses == [
        Response("acknowledge", Level(level), urgency, 25, "production", id),
        Response("resolve", Level(level), urgency, 100, "production", id),
    ]


def test_only_who_first_has_it_and_only_what_had_an_effect_is_measured() -> None:
    stage, id = stage_of(Level.FATAL)
    acts: list[tuple[int, Act]] = [
        (25, Acknowledge(subject=id, **ANNA)),
        (26, Acknowledge(subject=id, **BEN)),
        (27, Acknowledge(subject=id, **ANNA)),
        (28, Unacknowledge(subject=id, **ANNA)),
        (30, Resolve(subject="inc-0", **ANNA)),
    ]
    stage.run(50, acts=acts)
    assert [one.seconds for one in stage.responses] == [25]


def test_while_correlate_is_an_hour_behind_the_time_of_the_act_itself_counts() -> None:
    stage, id = stage_of(Level.FATAL)
    late = {**ANNA, "at_ms": ms(3_600)}
    stage.run(50, acts=[(25, Acknowledge(subject=id, for_ms=600_000, **late))])
    assert [one.seconds for one in stage.responses] == [3_600]
    # It lasts from when it takes effect: in the log that is now.
    assert stage.chats()[-1].acked_until_ms == ms(625)


def test_what_ends_by_quiet_is_not_measured() -> None:
    stage, _ = stage_of(Level.FATAL)
    stage.run(5_000)
    assert stage.responses == []


def test_a_storm_counts_from_the_first_of_its_incidents_and_once() -> None:
    stage = Stage()
    stage.run(20, *outage(3))
    storm = stage.storm().id
    stage.run(70, acts=[(63, FalseAlarm(subject=storm, **ANNA))])
    assert stage.responses == [
        Response("false_alarm", Level.ERROR, Asked.PAGE, 60, "production", storm)
    ]


def test_what_returns_counts_from_its_return() -> None:
    stage, id = stage_of(Level.ERROR)
    stage.run(700)
    again = [(760, Acknowledge(subject=id, **ANNA))]
    stage.run(800, event(740, "checkout", "EC"), acts=again)
    assert [one.seconds for one in stage.responses] == [20]


@pytest.mark.parametrize("storm", [False, True])
@pytest.mark.parametrize("restore", [False, True])
def test_whoever_has_it_again_after_it_ended_or_was_taken_back_is_not_the_first(
    storm: bool, restore: bool
) -> None:
    stage = Stage(restore=restore)
    stage.run(20, *(outage() if storm else [event(0, "checkout", "EC", level=Level.FATAL)]))
    id = stage.storm().id if storm else stage.incident("checkout").id
    acts: list[tuple[int, Act]] = [
        (30, Acknowledge(subject=id, for_ms=60_000, **ANNA)),
        (150, Acknowledge(subject=id, **BEN)),
        (160, Unacknowledge(subject=id, **BEN)),
        (170, Acknowledge(subject=id, **{**ANNA, "at_ms": 2})),
    ]
    going_on = [event(at, "checkout", "EC", trace="t") for at in range(60, 180, 30)]
    stage.run(200, *going_on, acts=acts)
    assert stage.storm().ack if storm else stage.pages()[-1][0] == "resolve"
    assert [one.seconds for one in stage.responses] == [30]


def test_an_incident_that_somebody_had_before_it_joined_counts_for_its_storm() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", trace="t"))
    ack = Acknowledge(subject=stage.incident("checkout").id, for_ms=60_000, **ANNA)
    stage.run(
        60,
        event(41, "cart", "EK", trace="t"),
        event(42, "checkout", "EC", trace="t"),
        acts=[(25, ack)],
    )
    again = Acknowledge(subject=stage.storm().id, **BEN)
    stage.run(120, event(80, "cart", "EK", trace="t"), acts=[(110, again)])
    assert stage.acts["acknowledge", ActOutcome.DONE] == 2
    assert [one.seconds for one in stage.responses] == [25]


def test_who_resolves_a_page_that_was_left_has_not_ended_what_ended_by_quiet() -> None:
    stage, id = stage_of(Level.FATAL)
    acts: list[tuple[int, Act]] = [
        (25, Acknowledge(subject=id, **ANNA)),
        (900, Resolve(subject=id, **BEN)),
    ]
    stage.run(1_000, acts=acts)
    assert stage.acts["resolve", ActOutcome.DONE] == 1
    assert [one.act for one in stage.responses] == ["acknowledge"]

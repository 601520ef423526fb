"""Whoever pressed in Slack is told what did not happen, alone, once, where they pressed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import (
    Acknowledge,
    Act,
    ActOutcome,
    AddSilence,
    Assign,
    Comment,
    ExpireSilence,
    FalseAlarm,
    Ignore,
    MergeInto,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
    act_id,
)
from correlators.answering import DESTINATION, Answering
from correlators.conditions import When
from correlators.correlate import Correlator
from correlators.days import Shadow
from correlators.issue_change import IssuesChanged
from correlators.pressed import Answer, Pressed, pressed_by
from correlators.rules import Pages, Routes
from correlators.silences import SILENCES_MOST
from correlators.telling import Config
from correlators.ticks import Work
from correlators.types import Digest, DigestKind, Level, tick_of
from streams import codec
from tests.correlators.acted import Stage, outage
from tests.correlators.score import CHAT, PAGING, event, ms

HERE = Pressed("U0BEN", "C0INC", "1790000000.000100")
BEN: dict[str, Any] = {"actor": "ben", "source": "slack", "at_ms": 1, "pressed": HERE}
ANNA: dict[str, Any] = {"actor": "anna", "source": "slack", "at_ms": 0}
NOBODY = "inc-00000000000000aa"


def corrected(stage: Stage) -> list[Digest]:
    return [one for one in stage.digests if one.destination == DESTINATION]


def answers(stage: Stage) -> list[Answer]:
    found = []
    for one in corrected(stage):
        assert one.kind is DigestKind.CORRECTION
        assert one.answer is not None
        found.append(one.answer)
    return found


def one_incident(config: Config = PAGING, *, level: Level = Level.ERROR) -> tuple[Stage, str]:
    stage = Stage(config=config)
    stage.run(20, event(0, "checkout", "EC", level=level, issue="41"))
    return stage, stage.incident("checkout").id


def after(act: Act, config: Config = PAGING, *before: Act) -> list[Answer]:
    """Return what is told of an act on an incident, after other acts."""
    stage, _ = one_incident(config)
    stage.run(40, acts=[*[(22, one) for one in before], (30, act)])
    return answers(stage)


def id_of() -> str:
    return one_incident()[1]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Acknowledge, {}),
        (Unacknowledge, {}),
        (Resolve, {}),
        (Assign, {"assignee": "ben"}),
        (PageNow, {}),
        (Separate, {}),
        (MergeInto, {"into": "storm-00000000000000aa"}),
        (AddSilence, {"to_ms": ms(9_000)}),
    ],
)
def test_what_was_over_by_then_is_told_to_whoever_pressed(
    kind: type[Any], more: dict[str, Any]
) -> None:
    id = id_of()
    by = BEN | ({"at_ms": ms(0)} if kind is AddSilence else {})
    (answer,) = after(kind(subject=id, **by, **more), PAGING, Resolve(subject=id, **ANNA))
    assert (answer.to, answer.subject, answer.outcome) == (HERE, id, "gone")
    assert (answer.gone, answer.over) == (id, True)


@pytest.mark.parametrize("kind", [Acknowledge, Comment, FalseAlarm, ExpireSilence, PageNow])
def test_what_nobody_knows_is_told(kind: type[Any]) -> None:
    more = {"text": "x"} if kind is Comment else {}
    (answer,) = after(kind(subject=NOBODY, **BEN, **more))
    assert (answer.outcome, answer.gone, answer.over) == ("gone", NOBODY, False)


@pytest.mark.parametrize(
    "act",
    [
        Acknowledge(subject=id_of(), **BEN),
        Unacknowledge(subject=id_of(), **BEN),
        Resolve(subject=id_of(), **BEN),
        FalseAlarm(subject=id_of(), **BEN),
        Assign(subject=id_of(), assignee="ben", **BEN),
        PageNow(subject=id_of(), **BEN),
        Comment(subject=id_of(), text="x", **BEN),
    ],
)
def test_what_happens_as_it_was_said_is_told_to_nobody_alone(act: Act) -> None:
    assert after(act) == []


def test_a_comment_and_a_false_alarm_are_kept_of_what_is_over() -> None:
    id = id_of()
    done = Resolve(subject=id, **ANNA)
    assert after(Comment(subject=id, text="x", **BEN), PAGING, done) == []
    assert after(FalseAlarm(subject=id, **BEN), PAGING, done) == []


def test_who_is_second_hears_who_has_it_and_pressing_again_is_no_news() -> None:
    id = id_of()
    mine, theirs = Acknowledge(subject=id, **BEN), Acknowledge(subject=id, **ANNA)
    (answer,) = after(mine, PAGING, theirs)
    assert (answer.outcome, answer.who) == ("unchanged", "anna")
    assert after(mine, PAGING, msgspec.structs.replace(mine, at_ms=0)) == []
    assert after(mine, PAGING, mine) == []


def test_of_two_at_once_only_the_second_is_told() -> None:
    stage, id = one_incident()
    both = [Acknowledge(subject=id, **{**BEN, "actor": who}) for who in ("anna", "ben")]
    stage.run(40, acts=[(30, one) for one in both])
    assert [one.who for one in answers(stage)] == ["anna"]
    assert [one.id for one in corrected(stage)] == ["cor-" + act_id(both[1])[4:]]


def test_a_page_that_is_open_and_nobody_to_page_are_told() -> None:
    stage, id = one_incident(level=Level.FATAL)
    stage.run(40, acts=[(30, PageNow(subject=id, **BEN))])
    assert [one.outcome for one in answers(stage)] == ["unchanged"]
    alone = msgspec.structs.replace(PAGING, routes=Routes(tell=(CHAT,)), pages=Pages())
    assert [one.outcome for one in after(PageNow(subject=id, **BEN), alone)] == ["no_pager"]


def test_what_is_in_no_storm_is_not_taken_out_of_one() -> None:
    assert [one.outcome for one in after(Separate(subject=id_of(), **BEN))] == ["unchanged"]
    stage = Stage()
    stage.run(20, *outage())
    stage.run(40, acts=[(30, Separate(subject=stage.incident("cart").id, **BEN))])
    assert answers(stage) == []


def test_of_a_merge_it_is_said_which_of_both_is_gone() -> None:
    act = MergeInto(subject=id_of(), into=NOBODY, **BEN)
    assert [one.gone for one in after(act)] == [NOBODY]


def test_without_sentry_ignoring_is_told_and_with_it_only_what_has_no_issue() -> None:
    id = id_of()
    asked = msgspec.structs.replace(PAGING, issues=IssuesChanged())
    assert [one.outcome for one in after(Ignore(subject=id, **BEN))] == ["no_issue"]
    assert after(Ignore(subject=id, **BEN), asked) == []


def test_a_silence_that_had_ended_or_found_no_room_is_told() -> None:
    what: dict[str, Any] = {"environment": "production", "when": When(service=("a",))}
    late = AddSilence(**BEN | {"at_ms": ms(0)}, **what, to_ms=ms(25))
    assert [one.outcome for one in after(late)] == ["ended"]
    made = [
        AddSilence(**ANNA | {"at_ms": ms(number)}, **what, to_ms=ms(90_000))
        for number in range(SILENCES_MOST)
    ]
    more = msgspec.structs.replace(late, to_ms=ms(90_000))
    (answer,) = after(more, PAGING, *made)
    assert (answer.outcome, answer.subject) == ("too_many", "")


def test_from_elsewhere_than_slack_nobody_is_told_alone() -> None:
    assert after(Acknowledge(subject=NOBODY, actor="ben", source="cli", at_ms=1)) == []


def test_in_shadow_mode_it_is_told_only_where_slack_is_told() -> None:
    act = Acknowledge(subject=NOBODY, **BEN)
    for to, told in (("slack:try", 1), ("console:default", 0)):
        shadow = msgspec.structs.replace(PAGING, shadow=Shadow(to=to))
        assert len(after(act, shadow)) == told


def test_who_pressed_is_no_part_of_what_is_said_and_survives_the_log() -> None:
    act = Acknowledge(subject=NOBODY, **BEN)
    assert act_id(act) == act_id(msgspec.structs.replace(act, pressed=msgspec.UNSET))
    assert codec.message(codec.encode(act)) == act


@pytest.mark.parametrize(
    ("user", "channel", "thread_ts"),
    [("", "C0INC", ""), ("U0ADA", "", ""), ("u0ada", "C0INC", ""), ("U0ADA", "C0INC", "soon")],
)
def test_what_slack_cannot_have_said_is_no_place(user: str, channel: str, thread_ts: str) -> None:
    assert pressed_by(user, channel, thread_ts) is msgspec.UNSET
    with pytest.raises(ValueError, match="expected"):
        Pressed(user, channel, thread_ts)


def test_of_a_tick_that_is_undone_nothing_is_told() -> None:
    stage, _ = one_incident()
    found = Answering(PAGING, stage.state)
    found.carried_out(Acknowledge(subject=NOBODY, **BEN), ActOutcome.GONE)
    found.forget()
    assert found.take(1) == []
    correlator = Correlator(PAGING)
    tick = tick_of(ms(0))
    correlator.state.begin()
    unsound = (Acknowledge(subject=NOBODY, **BEN), None)
    with pytest.raises(AttributeError):
        correlator.apply(Work(tick, [], [], unsound))  # type: ignore[arg-type]
    correlator.state.rollback()
    correlator.forget_decided()
    assert correlator.apply(Work(tick, [], [])).digests == []

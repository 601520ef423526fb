"""What comes back as a storm says how it was over before, and keeps whom it was assigned to."""

from __future__ import annotations

from typing import Any

import pytest

from correlators.acts import Act, Assign, FalseAlarm, Resolve, Separate
from correlators.decisions import Kind
from correlators.decisions_of_entries import KEPT
from correlators.returns import Back
from correlators.types import TICK_MS, Digest, DigestKind, Level, tick_of
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import CHAT, event, ms

BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 0}


def at(second: int) -> int:
    """Return the moment of a tick, as a digest has it."""
    return tick_of(ms(second)) * TICK_MS


def first_told(stage: Stage, id: str) -> Digest:
    return next(one for one in stage.digests if (one.id, one.destination) == (id, CHAT))


def resolved(*, restore: bool = False, act: Any = Resolve) -> tuple[Stage, str]:
    """Return an outage that was assigned and that anna has ended, and the id of its storm."""
    stage = Stage(restore=restore)
    stage.run(20, *outage())
    storm = stage.storm().id
    assign = Assign(subject=storm, assignee="payments", **BEN)
    stage.run(30, acts=[(21, assign), (25, act(subject=storm, **ANNA))])
    return stage, storm


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("act", [Resolve, FalseAlarm])
def test_a_storm_of_what_a_person_ended_says_who_did_and_keeps_its_assignment(
    restore: bool, act: Any
) -> None:
    stage, before = resolved(restore=restore, act=act)
    stage.run(60, *outage(40))
    storm = stage.storm()
    assert storm.id != before
    told = first_told(stage, storm.id)
    assert told.kind is DigestKind.OPENED
    assert told.back == Back(at(25), before, "anna", "slack")
    assert (told.assignee, storm.assignee, storm.assigned_by) == ("payments", "payments", "ben")
    # Whatever is told later of it says so too.
    stage.run(400, event(70, "cart", "EK", trace="t"))
    assert {one.back for one in stage.chats() if one.id == storm.id} == {told.back}


def test_explain_says_that_the_assignment_is_kept() -> None:
    stage = Stage(explains=True)
    stage.run(20, *outage())
    before = stage.storm().id
    did: list[tuple[int, Act]] = [
        (21, Assign(subject=before, assignee="payments", **BEN)),
        (25, Resolve(subject=before, **ANNA)),
    ]
    stage.run(60, *outage(40), acts=did)
    (one, kept) = (said for said in stage.decisions if said.kind is Kind.ASSIGNED)
    assert (one.subject, one.because) == (before, ())
    assert (kept.subject, kept.name, kept.because) == (stage.storm().id, "ben", (KEPT,))


def test_whoever_takes_the_assignment_back_is_not_overruled() -> None:
    stage, _ = resolved()
    stage.run(45, *outage(40))
    nobody = Assign(subject=stage.storm().id, assignee="", **ANNA)
    stage.run(400, event(300, "cart", "EK", trace="t"), acts=[(60, nobody)])
    assert {one.assignee for one in stage.chats() if one.at_ms > at(61)} == {""}


@pytest.mark.parametrize(("second", "has_it"), [("pay", "pay"), ("carts", "")])
def test_what_its_incidents_were_assigned_to_holds_where_they_agree(
    second: str, has_it: str
) -> None:
    stage = Stage()
    stage.run(20, *outage())
    acts: list[tuple[int, Act]] = [(25, Resolve(subject=stage.storm().id, **ANNA))]
    stage.run(41, event(40, "cart", "EK"), event(40, "payment", "EP"), acts=acts)
    names = {"cart": "pay", "payment": second}
    acts = [
        (41, Assign(subject=stage.incident(service).id, assignee=name, **ANNA))
        for service, name in names.items()
    ]
    stage.run(45, acts=acts)
    stage.run(70, *outage(45))
    assert stage.storm().back is not None
    assert first_told(stage, stage.storm().id).assignee == has_it


def test_one_that_is_mostly_new_is_not_back() -> None:
    stage, _ = resolved()
    new = [event(40 + at, f"svc-{at}", f"E{at}", trace="t") for at in range(4)]
    stage.run(70, event(40, "cart", "EK", trace="t"), *new)
    assert len(stage.storm().members) == 5
    told = first_told(stage, stage.storm().id)
    assert (told.back, told.assignee) == (None, "")


def test_a_first_storm_is_not_back() -> None:
    stage = Stage()
    stage.run(20, *outage())
    assert first_told(stage, stage.storm().id).back is None


def test_what_went_quiet_and_comes_back_together_says_only_when_it_was_over() -> None:
    stage = Stage()
    stage.run(20, *outage())
    before = stage.storm().id
    stage.run(900)
    assert not stage.incident("cart").open
    stage.run(940, *outage(910))
    back = first_told(stage, stage.storm().id).back
    assert back is not None
    assert (back.storm_id, back.by, back.where) == (before, "", "")
    assert back.ended_ms < ms(910)


def test_active_again_without_having_been_over_it_is_not_back() -> None:
    stage, _ = resolved()
    stage.run(60, *outage(40))
    # Its second storm ends by quiet, and its incidents are still open when they are linked anew.
    stage.run(300)
    stage.run(400, *outage(310))
    assert stage.incident("cart").open
    assert len(stage.storms()) == 3
    assert first_told(stage, stage.storm().id).back is None


def test_an_incident_that_was_told_by_itself_names_no_storm() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    stage.run(30, acts=[(25, Resolve(subject=stage.incident("checkout").id, **ANNA))])
    stage.run(60, *outage(40))
    told = first_told(stage, stage.storm().id)
    # One of three came back: the other two are new.
    assert told.back is None
    assert stage.incident("checkout").back == Back(at(25), "", "anna", "slack")


def test_what_left_its_storm_before_it_was_over_names_none() -> None:
    stage = Stage()
    stage.run(20, *outage())
    cart = stage.incident("cart").id
    over = Resolve(subject=cart, **ANNA)
    stage.run(30, acts=[(21, Separate(subject=cart, **ANNA)), (25, over)])
    stage.run(50, event(40, "cart", "EK"))
    assert stage.incident("cart").back == Back(at(25), "", "anna", "slack")

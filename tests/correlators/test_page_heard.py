"""What a pager has said itself is marked for it, and for nobody else."""

from __future__ import annotations

import msgspec
import pytest

from correlators.acts import Acknowledge, Act, Resolve
from correlators.addressed import for_destinations
from correlators.digest import Page
from correlators.types import Digest, Level, PageAction
from tests.correlators.acted import Stage, outage
from tests.correlators.score import PAGER, event
from tests.sinks.make import digest

ACK, END = PageAction.ACKNOWLEDGE, PageAction.RESOLVE
TOLD = "slack:incidents"


def ben(kind: type[Acknowledge] | type[Resolve], subject: str, source: str = "pagerduty") -> Act:
    return kind(actor="Ben", source=source, at_ms=0, subject=subject)


def asked(stage: Stage, action: PageAction) -> list[tuple[str, str, bool]]:
    """Return (page, destination, whether its pager said it) of what was asked."""
    found = [one for one in stage.digests if one.page is action]
    return [(one.page_key, one.destination, one.page_heard) for one in found]


@pytest.mark.parametrize(("kind", "action"), [(Acknowledge, ACK), (Resolve, END)])
def test_what_a_pager_says_of_its_page_it_knows(
    kind: type[Acknowledge] | type[Resolve], action: PageAction
) -> None:
    stage = Stage()
    stage.run(20, *outage())
    page = stage.storm().page_key
    stage.run(30, acts=[(25, ben(kind, page))])
    assert asked(stage, action) == [(page, PAGER, True)]
    assert not any(one.page_heard for one in stage.chats())


@pytest.mark.parametrize("source", ["slack", "cli"])
def test_of_what_is_said_elsewhere_it_knows_nothing(source: str) -> None:
    for kind, action in ((Acknowledge, ACK), (Resolve, END)):
        stage = Stage()
        stage.run(20, *outage())
        stage.run(30, acts=[(25, ben(kind, stage.storm().id, source))])
        assert [heard for _, _, heard in asked(stage, action)] == [False]


def test_what_goes_quiet_by_itself_it_does_not_know() -> None:
    stage = Stage()
    stage.run(900, event(0, "checkout", "EC", level=Level.FATAL))
    assert [heard for _, _, heard in asked(stage, END)] == [False]


def heard_at(*to: str, fallback: tuple[str, ...] = (), action: PageAction = END) -> list[str]:
    """Return the destinations that have said it, where PagerDuty said it of a page of these."""
    content = msgspec.structs.replace(
        digest("", page=action), page_heard=True, act_in="pagerduty", acked_in="pagerduty"
    )
    page = Page(action, "inc-1.1", to=to, fallback=fallback or tuple("" for _ in to))
    made: list[Digest] = for_destinations(content, (TOLD,), page)
    assert [one.destination for one in made] == [TOLD, *to]
    return [one.destination for one in made if one.page_heard]


@pytest.mark.parametrize("action", [ACK, END])
def test_of_a_page_at_two_places_of_one_service_nobody_knows_which_said_it(
    action: PageAction,
) -> None:
    p, q = "pagerduty:p", "pagerduty:q"
    assert heard_at(p, action=action) == [p]
    assert heard_at(p, q, action=action) == []
    assert heard_at(p, "slack:oncall", action=action) == [p]
    assert heard_at(p, fallback=(q,), action=action) == []
    assert heard_at(p, fallback=("slack:oncall",), action=action) == [p]
    assert heard_at("slack:oncall", action=action) == []

"""A page that quiet left open: whoever was told that it stays open is told once what ended it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from correlators.acts import Acknowledge, Act, FalseAlarm, Resolve, Unacknowledge
from correlators.telling import Config
from correlators.types import Digest, DigestKind, Level, PageAction, PageOver
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import CHAT, DAY, HOUR, PAGER, PAGING, event, resolve, second_of
from tests.correlators.test_quiet import FATAL, Ticking
from tests.correlators.test_quiet import paged as ticking_paged

BEN: dict[str, Any] = {"actor": "ben", "source": "pagerduty", "at_ms": 1}


def left(*, restore: bool = False, config: Config = PAGING, for_ms: int = 0) -> tuple[Stage, str]:
    """Return an incident that paged, that anna has, and that went quiet."""
    stage = Stage(restore=restore, config=config)
    stage.run(20, event(0, "checkout", "Boom", level=Level.FATAL))
    id = stage.incident("checkout").id
    stage.run(HOUR, acts=[(20, Acknowledge(subject=id, for_ms=for_ms, **ANNA))])
    (over,) = ends(stage.digests)
    assert over.page_stays
    return stage, id


def ends(digests: Iterable[Digest]) -> list[Digest]:
    return [one for one in digests if one.destination == CHAT and one.resolved]


def resolved(digests: Iterable[Digest]) -> list[Digest]:
    return [one for one in digests if one.page is PageAction.RESOLVE]


def said(one: Digest) -> tuple[str, str, str, str]:
    assert one.page_over is not None
    assert not one.page_stays
    return one.page_over.value, one.act, one.act_by, one.act_in


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("act", [Resolve, FalseAlarm, Unacknowledge])
def test_a_person_who_ends_it_is_named_to_whoever_was_told_that_it_stays_open(
    restore: bool, act: type[Resolve | FalseAlarm | Unacknowledge]
) -> None:
    stage, id = left(restore=restore)
    one: Act = act(subject=id, **BEN)
    stage.run(2 * HOUR, acts=[(HOUR + 5, one)])
    _, told = ends(stage.digests)
    (pager,) = resolved(stage.digests)
    expected = {
        Resolve: ("hand", "resolve", "ben", "pagerduty"),
        FalseAlarm: ("hand", "false_alarm", "ben", "pagerduty"),
        Unacknowledge: ("given_back", "", "ben", "pagerduty"),
    }
    for digest in (told, pager):
        assert said(digest) == expected[act]
        assert (digest.kind, second_of(digest)) == (DigestKind.RESOLVED, HOUR + 5)
    stage.run(2 * DAY)
    assert len(ends(stage.digests)) == 2
    assert stage.incident("checkout").let_go is None


def test_what_nobody_did_says_what_it_was() -> None:
    stage, _ = left()
    stage.run(DAY + HOUR)
    assert said(ends(stage.digests)[1]) == ("max_life", "", "", "")
    stage, _ = left(for_ms=2 * HOUR * 1000)
    stage.run(3 * HOUR)
    assert said(ends(stage.digests)[1]) == ("ack_ended", "", "", "")
    ticking = ticking_paged(PAGING, issue="7")
    ticking.at(HOUR)
    ticking.at(2 * HOUR, resolve(2 * HOUR, "7"))
    assert said(ends(ticking.score.digests)[1]) == ("sentry", "", "", "")


@pytest.mark.parametrize("restore", [False, True])
def test_a_newer_page_of_the_error_ends_it_and_its_own_message_says_so(restore: bool) -> None:
    stage, id = left(restore=restore)
    stage.run(3 * HOUR, event(2 * HOUR, "checkout", "Boom", level=Level.FATAL))
    own = [one for one in ends(stage.digests) if one.id == id]
    assert [one.page_over for one in own] == [None, PageOver.NEW_PAGE]
    assert [one.page.value for one in stage.digests if one.destination == PAGER] == [
        "trigger",
        "acknowledge",
        "trigger",
        "resolve",
        "resolve",
    ]
    stage.run(2 * DAY)
    assert len([one for one in ends(stage.digests) if one.id == id]) == 2


def test_a_storm_says_it_too() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm()
    stage.run(2 * HOUR, acts=[(20, Acknowledge(subject=storm.id, **ANNA))])
    stage.run(3 * HOUR, acts=[(2 * HOUR, Resolve(subject=storm.id, **BEN))])
    before, told = (one for one in ends(stage.digests) if one.storm)
    assert before.page_stays
    assert said(told) == ("hand", "resolve", "ben", "pagerduty")
    stage.run(2 * DAY)
    assert len([one for one in ends(stage.digests) if one.storm]) == 2


def test_whoever_was_not_told_that_it_stays_open_hears_nothing_of_it() -> None:
    quiet = msgspec.structs.replace(PAGING.pages, resolve_acknowledged=True)
    ticking = ticking_paged(msgspec.structs.replace(PAGING, pages=quiet))
    ticking.at(2 * DAY)
    assert [one.page_over for one in ends(ticking.score.digests)] == [None]


def test_what_reopens_before_that_goes_on_under_its_page_and_forgets_it() -> None:
    ticking: Ticking = ticking_paged(PAGING)
    ticking.at(1200, event(1200, "checkout", "Boom", level=FATAL))
    ticking.at(HOUR)
    ticking.at(DAY + HOUR)
    assert [one.page_over for one in ends(ticking.score.digests)] == [
        None,
        None,
        PageOver.MAX_LIFE,
    ]


def test_where_its_end_was_not_told_yet_that_is_what_is_told_and_no_more() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "Boom", level=Level.FATAL))
    id = stage.incident("checkout").id
    comes = [event(at, "checkout", "Boom", level=Level.FATAL) for at in range(700, 3_600, 700)]
    stage.run(4_150, *comes, acts=[(20, Acknowledge(subject=id, **ANNA))])
    held = stage.incident("checkout")
    assert (held.open, held.page_left, held.told.resolved) == (False, True, False)
    stage.run(3 * HOUR, acts=[(4_200, Resolve(subject=id, **BEN))])
    last = ends(stage.digests)[-1]
    assert (last.page_over, last.page_stays, last.kind) == (None, False, DigestKind.RESOLVED)
    assert second_of(last) > 4_200
    assert stage.incident("checkout").let_go is None

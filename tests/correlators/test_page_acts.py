"""What a pager says of a page: whoever holds the page by then, and in whatever order it comes."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import (
    Acknowledge,
    Act,
    ActDone,
    ActOutcome,
    Assign,
    Comment,
    Resolve,
    Unacknowledge,
    act_id,
)
from correlators.entries import Episode
from correlators.state import State
from correlators.types import DigestKind, Level
from streams import codec
from tests.correlators.acted import Stage, outage
from tests.correlators.score import event


def said(page: str, at_ms: int = 0, **more: Any) -> dict[str, Any]:
    """Return what an act of PagerDuty about this page says."""
    return {"actor": "Ben", "source": "pagerduty", "at_ms": at_ms, "subject": page, **more}


def paged(*, restore: bool = False) -> tuple[Stage, str]:
    """Return an outage that has paged, and the key of its page."""
    stage = Stage(restore=restore)
    stage.run(20, *outage())
    return stage, f"{stage.storm().id}.1"


def fatal(*, restore: bool = False) -> tuple[Stage, str]:
    """Return a single error that has paged, and the key of its page."""
    stage = Stage(restore=restore)
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    return stage, f"{stage.incident('checkout').id}.1"


def done(stage: Stage, act: Act) -> ActDone | None:
    found = stage.state.get("act:" + act_id(act))
    return found if isinstance(found, ActDone) else None


def episode(stage: Stage) -> Episode:
    found = stage.state.episode(stage.incident("checkout").key)
    assert found is not None
    return found


@pytest.mark.parametrize("restore", [False, True])
def test_whoever_acknowledges_the_page_of_a_storm_has_the_storm(restore: bool) -> None:
    stage, page = paged(restore=restore)
    act = Acknowledge(**said(page))
    stage.run(22, acts=[(20, act)])
    ack = stage.storm().ack
    assert ack is not None
    assert (ack.actor, ack.source) == ("Ben", "pagerduty")
    assert stage.chats()[-1].kind is DigestKind.ACKNOWLEDGED
    assert stage.chats()[-1].acked_in == "pagerduty"
    found = done(stage, act)
    assert found is not None
    assert (found.subject, found.page, found.environment, found.outcome) == (
        stage.storm().id,
        page,
        "production",
        ActOutcome.DONE,
    )


def test_whoever_acknowledges_the_page_of_an_incident_has_the_incident() -> None:
    stage, page = fatal()
    stage.run(22, acts=[(20, Acknowledge(**said(page)))])
    assert episode(stage).acked_by == ("Ben", "pagerduty")
    stage.run(30, acts=[(25, Unacknowledge(**said(page, 1)))])
    assert episode(stage).acked_by == ("", "")
    assert stage.chats()[-1].kind is DigestKind.UNACKNOWLEDGED


def test_a_page_that_a_storm_took_along_stands_for_the_storm() -> None:
    stage, page = fatal()
    stage.run(
        40,
        event(21, "checkout", "EC", trace="t"),
        event(22, "payment", "EP", trace="t"),
        event(23, "cart", "EK", trace="t"),
    )
    assert stage.storm().page_key == page
    stage.run(42, acts=[(40, Acknowledge(**said(page)))])
    assert stage.storm().ack is not None


def test_the_page_of_an_error_is_that_of_all_its_releases() -> None:
    stage, page = fatal()
    stage.run(30, event(25, "checkout", "EC", level=Level.FATAL, release="2"))
    stage.run(620, *[event(30 + n * 50, "checkout", "EC", release="2") for n in range(12)])
    first, second = stage.state.of_key(stage.incident("checkout").key), episode(stage)
    assert not first[0].open
    assert second.page_key == page
    act = Acknowledge(**said(page))
    stage.run(622, acts=[(620, act)])
    assert episode(stage).acked_by == ("Ben", "pagerduty")
    found = done(stage, act)
    assert found is not None
    assert found.subject == second.lead != first[0].id


def test_the_word_for_an_older_page_never_covers_a_newer_one() -> None:
    stage, first = paged()
    stage.run(22, acts=[(20, Acknowledge(**said(first)))])
    stage.run(40, event(25, "mail", "EM", trace="t"))
    second = f"{stage.storm().id}.2"
    assert stage.storm().page_key == second
    late = Acknowledge(**said(first, 30))
    stage.run(45, acts=[(41, late)])
    assert stage.storm().ack is None
    found = done(stage, late)
    assert found is not None
    assert (found.subject, found.outcome) == (stage.storm().id, ActOutcome.GONE)
    stage.run(50, acts=[(46, Acknowledge(**said(second, 31)))])
    assert stage.storm().ack is not None


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("by_pager", [False, True])
@pytest.mark.parametrize("storm", [False, True])
def test_a_page_that_was_left_is_resolved_when_nobody_has_it_any_more(
    storm: bool, by_pager: bool, restore: bool
) -> None:
    stage, page = paged(restore=restore) if storm else fatal(restore=restore)
    stage.run(22, acts=[(20, Acknowledge(**said(page)))])
    stage.run(900)
    assert stage.pages()[1:] == []
    stage.run(910, acts=[(905, Unacknowledge(**said(page if by_pager else page[:-2], 1)))])
    assert stage.acts["unacknowledge", ActOutcome.DONE] == 1
    assert stage.pages()[1:] == [("resolve", "", page, "")]
    stage.run(920, acts=[(912, Unacknowledge(**said(page, 2)))])
    assert stage.acts["unacknowledge", ActOutcome.GONE] == 1
    assert stage.pages()[2:] == []


def test_the_word_for_a_page_that_was_left_says_nothing_of_what_opened_since() -> None:
    stage, page = fatal()
    stage.run(22, acts=[(20, Acknowledge(**said(page)))])
    stage.run(900)
    assert (episode(stage).page_key, episode(stage).page_left_by) == (page, page[:-2])
    # Back after more than half an hour, and not as bad: it is another incident, and pages nobody.
    stage.run(5_000, event(4_990, "checkout", "EC"))
    late = Unacknowledge(**said(page, 2))
    stage.run(5_010, acts=[(5_001, Acknowledge(**said(page, 1))), (5_002, late)])
    assert stage.acts["acknowledge", ActOutcome.GONE] == 1
    found = done(stage, late)
    assert found is not None
    assert (found.outcome, found.subject) == (ActOutcome.DONE, page[:-2])
    assert stage.pages()[1:] == [("resolve", "", page, "")]
    goes_on = stage.state.find_incident(episode(stage).lead)
    assert goes_on is not None
    assert goes_on.open


def test_whoever_resolves_the_page_ends_what_holds_it_and_what_follows_pages_anew() -> None:
    stage, page = paged()
    stage.run(22, acts=[(20, Resolve(**said(page)))])
    (storm,) = stage.storms()
    assert not storm.open
    assert stage.pages()[1:] == [("resolve", "", page, "")]
    assert stage.chats()[-1].resolved
    again = outage(30)
    stage.run(60, *again)
    assert [one[0] for one in stage.pages()[2:]] == ["trigger"]
    assert stage.pages()[2][2] != page


def test_how_long_a_page_waited_for_somebody_follows_from_what_the_pager_says() -> None:
    stage, page = paged()
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(**said(page, 1))),
        (25, Acknowledge(**said(page, 2, actor="Ada"))),
        (40, Resolve(**said(page, 3))),
    ]
    stage.run(45, acts=acts)
    assert [(one.act, one.seconds) for one in stage.responses] == [
        ("acknowledge", 20),
        ("resolve", 40),
    ]


def test_whoever_resolves_an_older_page_ends_nothing() -> None:
    stage, first = paged()
    stage.run(22, acts=[(20, Acknowledge(**said(first)))])
    stage.run(40, event(25, "mail", "EM", trace="t"))
    before, told = stage.storm(), len(stage.digests)
    stage.run(
        45, acts=[(41, Resolve(**said(first, 30))), (42, Assign(**said(first), assignee="A"))]
    )
    assert (stage.storm(), len(stage.digests)) == (before, told)
    assert stage.acts["resolve", ActOutcome.GONE] == stage.acts["assign", ActOutcome.GONE] == 1


def test_a_page_that_was_left_is_resolved_by_whoever_has_it() -> None:
    for stage, page in (fatal(), paged()):
        stage.run(22, acts=[(20, Acknowledge(**said(page)))])
        stage.run(900)
        assert stage.pages()[1:] == []
        stage.run(910, acts=[(901, Resolve(**said(page, 1)))])
        assert stage.acts["resolve", ActOutcome.DONE] == 1
        assert stage.pages()[1:] == [("resolve", "", page, "")]


def test_a_note_on_a_page_that_is_over_is_kept_with_what_it_was_opened_for() -> None:
    stage, page = paged()
    stage.run(900)
    (storm,) = stage.storms()
    assert not storm.open
    note = Comment(**said(page, 1), text="it was the disk")
    stage.run(910, acts=[(905, note)])
    found = done(stage, note)
    assert found is not None
    assert (found.subject, found.outcome, found.text) == (
        storm.id,
        ActOutcome.DONE,
        "it was the disk",
    )


def test_a_resolve_that_comes_after_the_reopening_ends_nothing() -> None:
    stage, page = paged()
    stage.run(22, acts=[(20, Unacknowledge(**said(page, 9)))])
    stage.run(30, acts=[(25, Resolve(**said(page, 5)))])
    assert stage.storm().page_key == page
    assert stage.acts["resolve", ActOutcome.OVERTAKEN] == 1


def test_of_a_page_that_another_partition_knows_nothing_is_kept() -> None:
    stage, page = paged()
    before = dict(stage.state.entries())
    for other in ("inc-0123456789abcdef.1", "storm-0123456789abcdef.3", "x.y", "."):
        act = Acknowledge(**said(other))
        stage.run(stage.now + 1, acts=[(stage.now, act)])
        assert done(stage, act) is None
    assert stage.acts == {("acknowledge", ActOutcome.ELSEWHERE): 4}
    assert dict(stage.state.entries()) == before
    assert page == stage.storm().page_key


def test_an_acknowledgement_of_ours_that_comes_back_changes_nothing() -> None:
    stage, page = paged()
    stage.run(
        22, acts=[(20, Acknowledge(actor="anna", source="slack", at_ms=0, subject=page[:-2]))]
    )
    told, storm = len(stage.digests), stage.storm()
    back = Acknowledge(**said(page, 1, actor="Stormfold"))
    stage.run(30, acts=[(25, back)])
    assert (len(stage.digests), stage.storm()) == (told, storm)
    assert stage.acts["acknowledge", ActOutcome.UNCHANGED] == 1


Words = list[tuple[int, bool]]
"""(when, whether somebody has it then), in the order in which they come."""


def after(words: Words, *, single: bool, restore: bool = False) -> bool:
    """Return whether somebody has the page after a pager said this."""
    stage, page = fatal() if single else paged(restore=restore)
    for at_ms, has in words:
        kind = Acknowledge if has else Unacknowledge
        stage.run(stage.now + 2, acts=[(stage.now, kind(**said(page, at_ms)))])
    if single:
        return episode(stage).acked_by != ("", "")
    return stage.storm().ack is not None


@pytest.mark.parametrize("single", [False, True])
def test_in_whatever_order_a_pager_is_heard_its_latest_word_holds(single: bool) -> None:
    words: Words = [(1, True), (2, False), (3, True), (4, False)]
    for count in range(1, len(words) + 1):
        for some in permutations(words[:count]):
            assert after([*some], single=single) == words[count - 1][1]


@given(
    st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=8).map(
        lambda drawn: [*{at: (at, has) for at, has in drawn}.values()]
    ),
    st.data(),
)
def test_what_is_told_again_changes_nothing(words: Words, data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(words), max_size=6))
    heard = data.draw(st.permutations([*words, *again]))
    assert after(heard, single=data.draw(st.booleans()), restore=True) == max(words)[1]


def test_another_pager_overtakes_nobody() -> None:
    stage, page = paged()
    later = Acknowledge(actor="anna", source="cli", at_ms=99, subject=page)
    stage.run(22, acts=[(20, later)])
    stage.run(30, acts=[(25, Unacknowledge(**said(page, 5)))])
    assert stage.storm().ack is None


def test_what_is_forgotten_overtakes_nothing() -> None:
    stage, page = paged()
    act = Unacknowledge(**said(page, 9))
    stage.run(22, acts=[(20, act)])
    assert stage.state.people.latest_ms("pagerduty", page) == 9
    stage.state.drop("act:" + act_id(act))
    assert stage.state.people.latest_ms("pagerduty", page) == -1


def test_a_restored_state_finds_the_same_pages() -> None:
    stage, page = paged()
    stage.run(22, acts=[(20, Acknowledge(**said(page, 7)))])
    stored = [codec.entry(codec.encode(one)) for _, one in stage.state.entries()]
    again = State(stage.state._correlation, stored)
    assert again.pages.holder(page) == stage.state.pages.holder(page) == f"storm:{page[:-2]}"
    assert again.people.latest_ms("pagerduty", page) == 7

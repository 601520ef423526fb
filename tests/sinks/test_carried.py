"""News that nobody was told is said by the revision that takes its place, and as loudly."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import NOTICES, SERVICES_TOLD, Digest, DigestKind, PageAction
from sinks.base import Step
from sinks.broadcast import Heard, called, heard
from sinks.carried import carried
from sinks.render import plain_text, slack_message, slack_update
from tests.sinks.make import Service, digest
from tests.sinks.world import START_MS, World

replace = msgspec.structs.replace

BACK = replace(digest(revision=2), kind=DigestKind.REOPENED)
SPREADS = replace(
    digest(revision=3), joined_incidents=2, joined_services=("checkout", "mail"), paged=True
)
WORSE = replace(digest(revision=4), escalating=True, escalated_now=True)
OVER = replace(digest(revision=5, resolved=True), paged=True)
QUIET = digest(revision=9)
LOUD = {"back": BACK, "spreads": SPREADS, "worse": WORSE, "over": OVER}
SAYS = {"back": "Back again", "spreads": "joined: checkout, mail", "worse": "it escalated"}
SAYS["over"] = "it was over meanwhile"


@st.composite
def lives(draw: st.DrawFn) -> list[Digest]:
    """Revisions of one storm, in order."""
    names = st.lists(st.sampled_from([f"s{number}" for number in range(14)]), max_size=4)
    found = []
    for revision in range(1, draw(st.integers(2, 8))):
        kind = draw(st.sampled_from(sorted(set(DigestKind) - NOTICES)))
        one = replace(
            digest(revision=revision, kind=kind, resolved=kind is DigestKind.RESOLVED),
            paged=draw(st.booleans()),
            joined_services=tuple(dict.fromkeys(draw(names))),
            joined_incidents=draw(st.integers(0, 3)),
            escalated_now=draw(st.booleans()),
            ignored=draw(st.sampled_from([False, False, False, True])),
        )
        found.append(one)
    return found


@given(lives())
def test_what_takes_the_place_of_a_loud_revision_is_as_loud(life: list[Digest]) -> None:
    told, *rest = life
    for one in rest:
        loud = heard(told) is Heard.CHANNEL
        told = carried(told, one)
        if loud and not one.ignored:
            assert heard(told) is Heard.CHANNEL
        assert len(told.untold) <= 3
        assert len(told.joined_services) <= SERVICES_TOLD


@given(lives().filter(lambda life: len(life) > 2))
def test_nothing_that_joined_is_lost_in_whatever_order_calls_fail(life: list[Digest]) -> None:
    first, second, third, *_ = life
    by_turns = carried(carried(first, second), third)
    at_once = carried(first, carried(second, third))
    for name in ("joined_services", "joined_incidents", "escalated_now", "left"):
        assert getattr(by_turns, name) == getattr(at_once, name)
    assert by_turns.joined_incidents == sum(one.joined_incidents for one in life[:3])


@pytest.mark.parametrize("news", LOUD)
def test_in_a_backlog_the_newest_says_what_was_not_told(news: str) -> None:
    world = World(Service([]))
    world.run([(START_MS, digest())])
    # Two at once: the second takes the place of the first before it is told.
    world.run([(world.now_ms, LOUD[news]), (world.now_ms, QUIET)])
    (reply,) = [one for _, one in world.service.done if one.step is Step.REPLY]
    assert reply.digest.revision == QUIET.revision
    assert heard(reply.digest) is Heard.CHANNEL
    said = slack_update(reply.digest, loud=True)
    assert SAYS[news] in said.text
    assert SAYS[news] in said.blocks[0]["text"]["text"]
    assert SAYS[news].replace("Back again", "it came back") in plain_text(reply.digest)


@pytest.mark.parametrize("faults", [[2], [1], [6], [3], [4]])
def test_what_a_failed_call_carried_is_said_once(faults: list[int]) -> None:
    world = World(Service([0, *faults]))
    world.run([(START_MS, digest()), (START_MS + 5_000, BACK), (START_MS + 5_001, QUIET)])
    replies = [one.digest for _, one in world.service.done if one.step is Step.REPLY]
    back = [
        one
        for one in replies
        if one.kind is DigestKind.REOPENED or DigestKind.REOPENED in one.untold
    ]
    assert len(back) == 1
    assert replies[-1].revision == QUIET.revision


def test_a_restored_outbox_says_the_same() -> None:
    world = World(Service([]))
    world.run([(START_MS, digest())])
    world.outbox.accept(SPREADS, world.now_ms)
    world.commit()
    world.restart()
    world.outbox.accept(QUIET, world.now_ms)
    world.commit()
    world.restart()
    world.run([])
    assert world.service.done[-2][1].digest == carried(SPREADS, QUIET)


def test_the_owners_of_what_joined_are_called() -> None:
    payment, checkout = digest().services
    newer = replace(QUIET, services=(payment, replace(checkout, owner="shop")))
    assert called(carried(SPREADS, newer), {"shop": "U0SHOP"}) == ("U0SHOP",)


def test_people_who_muted_it_are_not_called() -> None:
    muted = replace(QUIET, silenced_until_ms=QUIET.at_ms + 60_000, kind=DigestKind.SILENCED)
    assert heard(carried(BACK, muted)) is Heard.SILENT
    assert "it came back" in slack_update(carried(BACK, muted)).text


def test_a_page_says_all_by_itself() -> None:
    page = replace(QUIET, page=PageAction.TRIGGER)
    assert carried(replace(BACK, page=PageAction.TRIGGER), page) == page


def test_an_edit_shows_how_things_stand() -> None:
    assert "it came back" in slack_message(carried(BACK, QUIET)).text
    assert "came back" not in slack_message(QUIET).text

"""News that nobody was told is said by the revision that takes its place, and as loudly."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import NOTICES, SERVICES_TOLD, Digest, DigestKind, PageAction
from sinks.base import Step
from sinks.broadcast import Heard, called, heard
from sinks.carried import NOTES_CARRIED, carried, first_told
from sinks.covered import foldable
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


def note(revision: int, text: str, by: str = "ada") -> Digest:
    made = digest(revision=revision, kind=DigestKind.NOTED)
    return replace(made, act="comment", act_by=by, act_in="slack", act_text=text)


def test_a_comment_is_told_though_a_newer_revision_takes_its_place() -> None:
    """One call at a time: all that comes while the first runs waits for one reply."""
    world = World(Service([]))
    world.run([(START_MS, digest())])
    texts = ["the pool is *full*", "x" * 1_000, "restarted"]
    notes = [note(number, text) for number, text in enumerate(texts, 2)]
    world.run([(world.now_ms, one) for one in (*notes, QUIET)])
    (reply,) = [one for _, one in world.service.done if one.step is Step.REPLY]
    said = slack_update(reply.digest)
    shown = "".join(one["text"]["text"] for one in said.blocks if one["type"] == "section")
    for text in ("full", *texts[1:]):
        assert text in shown
        assert text in said.text
    assert not said.cuts
    edit = [one for _, one in world.service.done if one.step is Step.EDIT][-1]
    assert edit.digest.notes  # the sink leaves them out of what shows how things stand


def did(revision: int, act: str, text: str = "", kind: DigestKind = DigestKind.NOTED) -> Digest:
    made = digest(revision=revision, kind=kind)
    return replace(made, act=act, act_by="ada", act_in="slack", act_text=text)


DEEDS = [
    (did(3, "assign", "team:pay"), "Assigned to team:pay by ada in Slack"),
    (did(3, "assign"), "Assigned to nobody by ada in Slack"),
    (did(3, "resolve", "Boom in cart"), "Boom in cart: over by ada in Slack"),
    (did(3, "false_alarm", "Boom in cart"), "Boom in cart: a false alarm, says ada"),
    (did(3, "page_now", kind=DigestKind.UPDATED), "Paged by ada in Slack"),
]


@pytest.mark.parametrize(("deed", "says"), DEEDS)
def test_what_a_person_did_is_told_though_a_newer_revision_takes_its_place(
    deed: Digest, says: str
) -> None:
    world = World(Service([]))
    world.run([(START_MS, digest())])
    world.run([(world.now_ms, one) for one in (note(2, "we know"), deed, QUIET)])
    replies = [one.digest for _, one in world.service.done if one.step is Step.REPLY]
    said = slack_update(replies[-1])
    for text in (said.text, "".join(str(one) for one in said.blocks)):
        assert text.count(says) == 1


@pytest.mark.parametrize(("deed", "says"), DEEDS)
def test_what_a_person_did_to_what_was_not_told_yet_stands_in_its_first_message(
    deed: Digest, says: str
) -> None:
    newer = carried(deed, QUIET)
    assert newer.notes == (says,)
    assert heard(newer) is Heard.SILENT
    if deed.kind is DigestKind.NOTED:
        assert first_told(deed).notes == (says,)


def test_what_ended_all_of_it_is_a_state_and_no_note() -> None:
    over = replace(did(3, "resolve", kind=DigestKind.RESOLVED), resolved=True)
    assert carried(over, QUIET).notes == ()
    assert first_told(over) == over


def test_a_comment_on_what_was_not_told_yet_stands_in_its_first_message() -> None:
    told = first_told(carried(digest(), note(2, "we know")))
    assert (told.notes, told.act) == (("ada: we know",), "")
    message = slack_message(told)
    assert "ada: we know" in "".join(str(one) for one in message.blocks)
    assert message.text.count("we know") == 1


def test_comments_that_wait_have_a_bound_and_the_others_are_counted() -> None:
    newest = note(1, "comment 1")
    for number in range(2, 12):
        newest = carried(newest, note(number, f"comment {number}"))
    assert len(newest.notes) == NOTES_CARRIED
    assert newest.more_notes == 10 - NOTES_CARRIED
    assert newest.act_text == "comment 11"
    assert "6 more notes" in slack_update(newest).text


@given(st.lists(st.booleans(), min_size=3, max_size=9))
def test_no_comment_is_lost_or_said_twice_in_whatever_order_calls_fail(kinds: list[bool]) -> None:
    life = [note(n, f"c{n}") if is_note else digest(revision=n) for n, is_note in enumerate(kinds)]
    by_turns = life[0]
    for one in life[1:]:
        by_turns = carried(by_turns, one)
    at_once = life[-1]
    for one in reversed(life[:-1]):
        at_once = carried(one, at_once)
    assert (by_turns.notes, by_turns.more_notes) == (at_once.notes, at_once.more_notes)
    own = by_turns.act == "comment"
    assert len(by_turns.notes) + by_turns.more_notes + own == sum(kinds)


def test_a_roll_up_tells_no_comment_so_what_carries_one_is_told_by_itself() -> None:
    alone = replace(QUIET, storm=False, paged=False)
    assert foldable(alone)
    assert not foldable(carried(note(2, "we know"), alone))

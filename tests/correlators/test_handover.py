"""Pages that change hands: whatever joins, leaves, merges or ends, who has a page keeps one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators.acts import Acknowledge, Act, MergeInto, Separate, Unacknowledge
from correlators.incidents import Incident
from correlators.types import Digest, DigestKind, Level, PageAction, tick_of
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import CHAT, PAGER, PAGING, Push, event, events, ms, run
from tests.correlators.test_acting import acknowledged
from tests.correlators.test_storms import LATER, fading, known, wave

FATAL = Level.FATAL


ENDED_BY_QUIET = msgspec.structs.replace(
    PAGING, pages=msgspec.structs.replace(PAGING.pages, resolve_acknowledged=True)
)
"""Every page ends with what it was opened for, also one that somebody has."""


class Watched(Stage):
    """CORRELATE by hand, and what it holds."""

    def incidents(self) -> list[Incident]:
        found = [one for _, one in self._correlator.state.entries() if isinstance(one, Incident)]
        return sorted(found, key=lambda one: (one.opened_tick, one.id))

    @property
    def tick(self) -> int:
        """The last tick that was applied."""
        return tick_of(ms(self.now)) - 1

    def page_of(self, incident: Incident) -> str:
        """Return the page that is open for an incident: its storm's, or its own; else nothing."""
        state = self._correlator.state
        storm, episode = state.storm_of(incident), state.episode(incident.key)
        if storm is not None:
            return storm.page_key
        return episode.page_key if episode is not None else ""


def chats(stage: Stage, id: str) -> list[Digest]:
    return [one for one in stage.chats() if one.id == id]


def test_the_new_page_says_what_the_acknowledgement_does_not_cover() -> None:
    grown = acknowledged()
    grown.run(40, event(25, "mail", "EM", trace="t"), event(25, "search", "ES", trace="t"))
    worse = acknowledged()
    worse.run(40, event(25, "cart", "EK", level=FATAL))
    said = [
        [one.page_why for one in stage.digests if one.page is PageAction.TRIGGER]
        for stage in (grown, worse)
    ]
    assert said == [
        ["", "mail and search joined after the acknowledgement"],
        ["", "it is fatal now, and was error when it was acknowledged"],
    ]
    told = [one for one in grown.chats() if one.page_replaces]
    assert [(one.page, bool(one.page_why)) for one in told] == [(PageAction.NONE, True)]


def test_the_last_incident_of_a_storm_that_a_person_took_apart_keeps_its_page() -> None:
    for acked in (False, True):
        stage = Stage(config=ENDED_BY_QUIET)
        stage.run(20, *outage(level=FATAL)[:2])
        storm = stage.storm()
        if acked:
            stage.run(21, acts=[(20, Acknowledge(subject=storm.id, **ANNA))])
        stage.run(40, acts=[(22, Separate(subject=stage.incident("payment").id, **ANNA))])
        own = f"{stage.incident('payment').id}.1"
        assert stage.pages() == [
            ("trigger", "fatal", f"{storm.id}.1", ""),
            ("trigger", "fatal", own, ""),
        ]
        stage.run(700)
        assert sorted(stage.pages()[2:]) == sorted(
            [("resolve", "", f"{storm.id}.1", ""), ("resolve", "", own, "")]
        )


def test_its_acknowledgement_goes_with_it() -> None:
    stage = Stage()
    stage.run(20, *outage(level=FATAL)[:2])
    payment = stage.incident("payment").id
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=stage.storm().id, **ANNA)),
        (22, Separate(subject=payment, **ANNA)),
    ]
    stage.run(115, event(100, "mail", "EM"), acts=acts)
    before = len(stage.pages())
    # In a storm again, it brings its page and who has it: only the other is news.
    into = stage.incident("checkout").id
    stage.run(118, acts=[(115, MergeInto(subject=stage.incident("mail").id, into=into, **ANNA))])
    stage.run(140)
    triggers = [one for one in stage.pages()[before:] if one[0] == "trigger"]
    assert [one[1] for one in triggers] == ["gained_service"]


def test_who_takes_the_origin_out_of_an_acknowledged_storm_is_not_paged_for_it() -> None:
    stage = Stage()
    more = event(3, "mail", "EM", trace="t")
    stage.run(20, *outage(), more)
    storm = stage.storm()
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=storm.id, **ANNA)),
        (22, Separate(subject=stage.incident("checkout").id, **ANNA)),
    ]
    stage.run(60, acts=acts)
    assert stage.storm().origin.service != storm.origin.service
    assert len(stage.pages()) == 1


def test_the_storm_says_at_once_what_was_taken_out_of_it_and_that_says_where_it_was() -> None:
    stage = Stage()
    stage.run(12, event(0, "cart", "EK"))
    stage.run(30, *outage(13)[:2], event(14, "cart", "EK", trace="t"))
    storm, cart = stage.storm(), stage.incident("cart").id
    stage.run(40, acts=[(31, Separate(subject=cart, **ANNA))])
    assert [one.kind for one in chats(stage, cart)] == ["opened", "joined", "parted"]
    last = chats(stage, cart)[-1]
    assert (last.storm_id, last.resolved) == (storm.id, False)
    assert last.storm_title.startswith("Outage in 2 services")
    assert [one.left for one in chats(stage, storm.id)][-1] == ("EK in cart",)
    stage.run(400, event(41, "payment", "EP"))
    assert chats(stage, storm.id)[-1].left == ()


def test_what_joins_says_the_title_of_its_storm() -> None:
    stage = Stage()
    stage.run(12, event(0, "cart", "EK"))
    stage.run(30, *outage(13)[:2], event(14, "cart", "EK", trace="t"))
    (joined,) = [one for one in stage.chats() if one.kind is DigestKind.JOINED]
    assert joined.storm_title.startswith("Outage in 3 services, ")
    assert joined.storm_title == chats(stage, stage.storm().id)[0].title


def test_a_storm_on_which_a_new_wave_breaks_ends_after_the_page_of_the_new_one() -> None:
    calm = known("a", "b")
    score = run(calm, wave(LATER), fading(LATER + 10, 290), wave(LATER + 300), config=PAGING)
    old, new = score.storms()
    pages = [(one.page.value, one.page_key, one.page_after) for one in score.to(PAGER)]
    assert pages == [
        ("trigger", f"{old.id}.1", ""),
        ("trigger", f"{new.id}.1", ""),
        ("resolve", f"{old.id}.1", f"{new.id}.1"),
        ("resolve", f"{new.id}.1", ""),
    ]
    end = [one for one in score.to(CHAT) if one.id == old.id][-1]
    assert (end.kind, end.resolved, end.storm_id) == (DigestKind.PARTED, True, new.id)
    assert end.storm_title.startswith("Outage in 5 services")


def test_a_page_whose_error_is_led_from_inside_a_storm_goes_on_as_that_of_the_storm() -> None:
    old = [event(0, "checkout", "EC", level=FATAL)]
    new = [
        event(500, "checkout", "EC", release="2", trace="t"),
        event(501, "payment", "EP", release="2", trace="t"),
    ]
    goes_on = events(range(510, 760, 50), "payment", "EP", release="2")
    score = run(old, new, goes_on, config=PAGING)
    closed = [one.second for one in score.paged() if one.action == "resolve"]
    (storm,) = score.storms()
    assert storm.closed_tick > 0
    assert closed == [score.paged()[-1].second]
    assert closed[0] > 710


def test_a_new_release_of_what_only_a_storm_told_of_is_told_and_pages_when_that_is_over() -> None:
    storm = outage(level=FATAL)
    score = run(storm, event(300, "cart", "EK", release="2", level=FATAL), config=PAGING)
    assert [(one.second, one.why) for one in score.paged()[:3]] == [
        (10, "storm_services"),
        (122, ""),
        (311, "fatal"),
    ]


def test_what_was_over_with_its_storm_is_not_told_anew_when_another_release_of_it_ends() -> None:
    storm = [
        *outage(),
        event(5, "cart", "EK", release="2", trace="t"),
        event(30, "cart", "EK", release="2"),
    ]
    assert [one[:2] for one in run(storm).told()] == [(10, "opened"), (150, "resolved")]


def test_what_a_person_takes_out_pages_at_once_also_where_another_release_tells_it() -> None:
    for separated in ("checkout", "payment"):
        stage = Watched()
        stage.run(13, event(0, "payment", "EP", release="2"))
        fatal = [
            event(13, "checkout", "EC", trace="t", level=FATAL),
            event(13, "payment", "EP", trace="t", level=FATAL),
        ]
        stage.run(30, *fatal)
        assert [one[0] for one in stage.pages()] == ["trigger"]
        inside = next(
            one
            for one in stage.incidents()
            if one.key.service == separated and one.key.release == "1.0"
        )
        stage.run(34, acts=[(30, Separate(subject=inside.id, **ANNA))])
        hides_nothing(stage)


@pytest.mark.parametrize("name", "abcdef")
def test_the_page_of_a_storm_that_is_merged_is_resolved_after_the_one_that_is_opened_for_it(
    name: str,
) -> None:
    stage = Stage()
    first = [event(n, f"{name}{n}", f"E{n}", trace="t") for n in range(3)]
    stage.run(20, *first)
    older = stage.storm()
    second = [event(21 + n, f"other{n}", f"O{n}", trace="u") for n in range(3)]
    stage.run(40, *second, acts=[(20, Acknowledge(subject=older.id, **ANNA))])
    (younger,) = [one for one in stage.storms() if one.id != older.id]
    stage.run(50, acts=[(40, MergeInto(subject=younger.id, into=older.id, **ANNA))])
    assert sorted(stage.pages()[2:]) == sorted(
        [
            ("trigger", "took_over_page", f"{older.id}.2", f"{older.id}.1"),
            ("resolve", "", f"{older.id}.1", f"{older.id}.2"),
            ("resolve", "", f"{younger.id}.1", f"{older.id}.2"),
        ]
    )


# The law


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[int, str, Any]]:
    """Seconds with an event or an act each: (second, what, arguments)."""
    at = 0
    found: list[tuple[int, str, Any]] = []
    for _ in range(draw(st.integers(2, 14))):
        at += draw(st.sampled_from([0, 1, 2, 11, 30, 100]))
        what = draw(st.sampled_from(["event"] * 6 + ["ack", "unack", "separate", "merge"]))
        if what == "event":
            service = draw(st.sampled_from(["a", "b", "c", "d"]))
            trace = draw(st.sampled_from(["", "t", "t", "u"]))
            release = draw(st.sampled_from(["1", "1", "2"]))
            level = draw(st.sampled_from([FATAL, FATAL, Level.ERROR]))
            found.append((at, what, (service, trace, release, level)))
        else:
            found.append((at, what, (draw(st.integers(0, 9)), draw(st.integers(0, 9)))))
    return found


def play(stage: Watched, story: list[tuple[int, str, Any]]) -> None:
    for at, what, arguments in story:
        second = max(at, stage.now)
        pushes: list[Push] = []
        acts: list[tuple[int, Act]] = []
        if what == "event":
            service, trace, release, level = arguments
            pushes = [
                event(second, service, f"E{service}", trace=trace, release=release, level=level)
            ]
        else:
            subjects = [*stage.storms(), *stage.incidents()]
            if subjects:
                one, two = (subjects[n % len(subjects)].id for n in arguments)
                said: dict[str, Act] = {
                    "ack": Acknowledge(subject=one, **ANNA),
                    "unack": Unacknowledge(subject=one, **ANNA),
                    "separate": Separate(subject=one, **ANNA),
                    "merge": MergeInto(subject=one, into=two, **ANNA),
                }
                acts = [(second, said[what])]
        stage.run(second + 1, *pushes, acts=acts)
        stage.run(stage.now + 12)
        hides_nothing(stage)


def hides_nothing(stage: Watched) -> None:
    """Assert that every fatal error that comes is paged for, by itself or in its storm."""
    for one in stage.incidents():
        if one.open and one.level is FATAL and stage.tick - one.last_tick < 60:
            assert stage.page_of(one), one.key
            opened = {key for action, _, key, _ in stage.pages() if action == "trigger"}
            closed = {key for action, _, key, _ in stage.pages() if action == "resolve"}
            assert stage.page_of(one) in opened - closed


@given(stories())
@settings(max_examples=150)
def test_whatever_people_do_no_fatal_error_is_without_a_page_and_every_page_ends_once(
    story: list[tuple[int, str, Any]],
) -> None:
    stage = Watched(config=ENDED_BY_QUIET)
    play(stage, story)
    stage.run(stage.now + 1_900)
    pages = stage.pages()
    opened = [key for action, _, key, _ in pages if action == "trigger"]
    closed = [key for action, _, key, _ in pages if action == "resolve"]
    assert len(set(opened)) == len(opened)
    assert sorted(opened) == sorted(closed)
    for place, (action, _, key, after) in enumerate(pages):
        if action == "resolve" and after:
            assert after in [one[2] for one in pages[:place] if one[0] == "trigger"]
            assert after != key


@given(stories())
@settings(max_examples=25)
def test_restored_after_every_tick_the_same_is_decided(story: list[tuple[int, str, Any]]) -> None:
    live, restored = Watched(), Watched(restore=True)
    play(live, story)
    play(restored, story)
    assert live.digests == restored.digests


def test_the_law_would_notice() -> None:
    stage = Watched()
    stage.run(30, event(0, "a", "Ea", level=FATAL))
    hides_nothing(stage)
    gone = [one for one in stage.digests if one.destination != PAGER]
    stage.digests = gone
    with pytest.raises(AssertionError):
        hides_nothing(stage)

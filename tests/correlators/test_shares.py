"""The lines of a storm add up to its own events, whatever its incidents do meanwhile and after."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators import shares
from correlators.acts import Separate
from correlators.types import Digest
from tests.correlators.acted import ANNA, Stage
from tests.correlators.score import HOUR, Push, Score, event, events, resolve, run
from tests.correlators.test_waves import fading, wave
from tests.examples import examples

LATER = 2 * HOUR
SERVICES = ("cart", "mail", "search", "stock")


def lines(digest: Digest) -> dict[str, int]:
    """Return the events of each service that a digest tells."""
    return {line.service: line.events for line in digest.services}


def last_of_storms(score: Score) -> list[Digest]:
    """Return the last digest of each storm that was told, by its beginning."""
    last = {one.id: one for one in score.to() if one.storm}
    return sorted(last.values(), key=lambda one: (one.first_ms, one.id))


def test_what_comes_back_to_its_storm_is_told_with_what_it_brought_before() -> None:
    score = run(
        events(range(0, 200, 10), trace="abc", issue="71"),
        events(range(0, 200, 10), "payment", "KeyError", trace="abc"),
        resolve(55, "71"),
    )
    (told,) = last_of_storms(score)
    assert lines(told) == {"checkout": 20, "payment": 20}


def test_what_comes_back_by_itself_twice_is_told_with_what_it_brought_the_storm() -> None:
    score = run(
        events([0, 5], trace="abc", issue="71"),
        events(range(0, 900, 20), "payment", "KeyError", trace="abc"),
        resolve(30, "71"),
        events([300, 301, 302], issue="71"),
        resolve(400, "71"),
        events([700], issue="71"),
    )
    (told,) = last_of_storms(score)
    assert (told.events, lines(told)) == (47, {"checkout": 2, "payment": 45})


def test_what_comes_back_in_the_next_storm_counts_there_when_the_first_is_told() -> None:
    """A storm that a new wave ends is told once the new one is: by then most of its own errors
    are back in that."""
    calm = [event(900.0 * n, one, f"Old{n}") for n, one in enumerate("ab")]
    first = [*wave(LATER), *fading(LATER + 10, 290)]
    again = wave(LATER + 300)
    score = run(calm, first, again, events([LATER + 306 + n / 4 for n in range(20)], "s1", "E1"))
    old, new = last_of_storms(score)
    assert old.kind == "parted"
    assert sum(lines(old).values()) == old.events
    assert sum(lines(new).values()) == new.events
    assert old.events + new.events == len(first) + len(again) + 20


def test_storms_that_become_one_bring_their_shares() -> None:
    score = run(
        [event(0, one, "E", trace="one") for one in "ab"],
        [event(20, one, "F", trace="two") for one in "cd"],
        event(40, "a", "E", trace="two"),
        events(range(50, 60), "d", "F"),
    )
    (told,) = [one for one in last_of_storms(score) if one.kind != "joined"]
    assert lines(told) == {"a": 2, "b": 1, "c": 1, "d": 11}


def test_what_a_person_takes_out_takes_its_events_along() -> None:
    stage = Stage()
    found = [event(n, one, "E", trace="t") for n, one in enumerate(("cart", "mail", "search"))]
    stage.run(20, *found, event(5, "mail", "Other", trace="t"))
    mail = next(one for one in stage.state.open_all() if one.sample.title == "Other")
    stage.run(40, acts=[(22, Separate(subject=mail.id, **ANNA))])
    told = [one for one in stage.chats() if one.storm][-1]
    assert (told.events, lines(told)) == (3, {"cart": 1, "mail": 1, "search": 1})


def test_above_what_is_counted_exactly_the_lines_still_add_up() -> None:
    score = run(
        events([n / 20 for n in range(2_000)], trace="abc"),
        events([n / 10 for n in range(1_000)], "payment", "KeyError", trace="abc"),
        events(range(3), "mail", "Few", trace="abc"),
    )
    (told,) = last_of_storms(score)
    found = lines(told)
    assert told.about
    assert sum(found.values()) == told.events
    assert abs(found["checkout"] - 2_000) < 300
    assert abs(found["payment"] - 1_000) < 150


def test_a_storm_stored_before_there_were_shares_is_told_by_its_incidents() -> None:
    score = run(events([0, 1, 2], trace="abc"), event(3, "payment", "KeyError", trace="abc"))
    (storm,) = score.storms()
    assert shares.by_service(storm) == {"checkout": 3, "payment": 1}
    before = msgspec.structs.replace(storm, shares=())
    assert shares.by_service(before) == {}
    assert shares.gained(before, (*before.services, "mail"), "mail", 1) == ()
    assert shares.together(storm.services, storm, before) == ()


@st.composite
def outages(draw: st.DrawFn) -> list[Push]:
    """Return errors of four services, some traced, with resolutions and long pauses in between."""
    at, found = 0.0, []
    for _ in range(draw(st.integers(20, 80))):
        at += draw(st.sampled_from((0, 0, 1, 3, 8, 20, 50, 130)))
        service = draw(st.sampled_from(SERVICES))
        issue = f"{service}{draw(st.integers(0, 1))}"
        if draw(st.integers(0, 5)):
            trace = draw(st.sampled_from(("", "t", "t", "u")))
            found.append(event(at, service, f"E{issue}", trace=trace, issue=issue))
        else:
            found.append(resolve(at, issue))
    return found


@given(outages())
@examples(60)
def test_every_message_of_a_storm_adds_up(pushes: list[Push]) -> None:
    pushes = [event(0, "cart", "First"), *pushes]
    for one in run(pushes).to():
        if one.storm:
            assert sum(lines(one).values()) == one.events

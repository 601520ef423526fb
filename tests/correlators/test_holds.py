"""What holds a telling back: in which order, until when, and that a page is held only where it may
be."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import SILENCE_MOST_MS
from correlators.conditions import When
from correlators.holds import (
    DIGEST_EVERY_MS,
    HOUR_MS,
    Around,
    Hold,
    Holding,
    Inhibition,
    Period,
    held,
)
from correlators.recurring import Recurring, evenly
from correlators.rulings import Ruling, Urgency
from correlators.scheduled import Scheduled
from correlators.schedules import Span
from correlators.silences import Part, Silence, episode_hash
from correlators.types import Level, Suppression
from tests.correlators.test_rulings import facts

NOW_MS = 1_000_000_000
ALERT = Ruling(urgency=Urgency.ALERT, to=("slack:a",), rules=("rest",))
PAGE = Ruling(urgency=Urgency.PAGE, to=("slack:a",), page=("pagerduty:p",), rules=("loud",))
DROP = Ruling(urgency=Urgency.DROP, rules=("noise",), reason="known")


def part(service: str = "checkout", fingerprint: str = "f1") -> Part:
    return Part(episode_hash(service, fingerprint), lambda: facts(services=(service,)))


def around(**given: object) -> Around:
    return Around(**{"now_ms": NOW_MS, "parts": [part()], **given})  # type: ignore[arg-type]


def times(length_ms: int = 60_000) -> tuple[Span, ...]:
    return (Span(from_ms=NOW_MS - 1, to_ms=NOW_MS + length_ms),)


def silence(**given: object) -> Silence:
    base = {"id": "s1", "environment": "production", "author": "ada", "when": When()}
    times = {"from_ms": NOW_MS - 5, "to_ms": NOW_MS + 5_000}
    return Silence(**{**base, **times, **given})  # type: ignore[arg-type]


NIGHT = Period(name="night", times=times())
MAINTENANCE = Period(name="works", times=times(), maintenance=True, pages=True)
DB = When(service=("db",))
PARENT = Inhibition(name="db", source=DB, when=When())
EVERYTHING = Holding(periods=(NIGHT, MAINTENANCE), inhibitions=(PARENT,), most_per_hour=1)
ALL_AROUND = around(
    silences=(silence(),),
    sources=("db",),
    capped_until_ms=NOW_MS + 1,
    told_this_hour=1,
)


def test_the_order_is_drop_silence_maintenance_inhibition_quiet_hours_cap_spike() -> None:
    left = Holding(periods=(NIGHT,), inhibitions=(PARENT,), most_per_hour=1)
    seen = [
        held(facts(), DROP, EVERYTHING, ALL_AROUND),
        held(facts(), ALERT, EVERYTHING, ALL_AROUND),
        held(facts(), ALERT, EVERYTHING, around(sources=("db",), capped_until_ms=NOW_MS + 1)),
        held(facts(), ALERT, left, around(sources=("db",), capped_until_ms=NOW_MS + 1)),
        held(facts(), ALERT, left, around(capped_until_ms=NOW_MS + 1, told_this_hour=9)),
        held(facts(), ALERT, Holding(), around(capped_until_ms=NOW_MS + 1, told_this_hour=9)),
        held(facts(), ALERT, Holding(most_per_hour=9), around(told_this_hour=9)),
        held(facts(), ALERT, Holding(most_per_hour=9), around(told_this_hour=8)),
    ]
    assert seen == [
        Hold(Suppression.DROPPED, "noise"),
        Hold(Suppression.SILENCED, "s1", NOW_MS + 5_000),
        Hold(Suppression.MAINTENANCE, "works", NOW_MS + 60_000),
        Hold(Suppression.INHIBITED, "db"),
        Hold(Suppression.QUIET_HOURS, "night", NOW_MS + 60_000),
        Hold(Suppression.CAPPED, "rest", NOW_MS + 1),
        Hold(Suppression.SPIKE, "", (NOW_MS // HOUR_MS + 1) * HOUR_MS),
        None,
    ]


def test_what_is_worth_no_message_waits_for_the_next_digest_once() -> None:
    quiet = Ruling(urgency=Urgency.DIGEST, to=("slack:a",), rules=("low",))
    until = (NOW_MS // DIGEST_EVERY_MS + 1) * DIGEST_EVERY_MS
    assert held(facts(), quiet, Holding(), around()) == Hold(Suppression.DIGEST_ONLY, "low", until)
    assert held(facts(), quiet, Holding(), around(waited=True)) is None


def test_a_page_waits_for_a_silence_and_for_maintenance_only() -> None:
    open_to_pages = Holding(periods=(NIGHT,), inhibitions=(PARENT,), most_per_hour=1)
    loud = around(sources=("db",), capped_until_ms=NOW_MS + 1, told_this_hour=9)
    assert held(facts(), PAGE, open_to_pages, loud) is None
    for holds in (
        Holding(periods=(Period(name="night", times=times(), pages=True),)),
        Holding(inhibitions=(Inhibition(name="db", source=DB, when=When(), pages=True),)),
        Holding(periods=(MAINTENANCE,)),
    ):
        assert held(facts(), PAGE, holds, loud) is not None
    assert held(facts(), PAGE, Holding(), around(silences=(silence(),))) is not None


@given(
    urgent=st.just(PAGE),
    capped=st.integers(0, 2 * NOW_MS),
    told=st.integers(0, 10_000),
    most=st.integers(0, 100),
    level=st.sampled_from(Level),
)
def test_no_cap_and_no_spike_ever_holds_a_page(
    urgent: Ruling, capped: int, told: int, most: int, level: Level
) -> None:
    where = around(capped_until_ms=capped, told_this_hour=told)
    assert held(facts(level=level), urgent, Holding(most_per_hour=most), where) is None


def test_a_silence_of_a_storm_mutes_what_was_in_it_and_not_who_joins() -> None:
    then = sorted(episode_hash(*one) for one in (("checkout", "f1"), ("mail", "f2")))
    given_then = silence(when=None, episodes=tuple(then))
    for parts, muted in (
        ([part()], True),
        ([part("mail", "f2"), part()], True),
        ([part(), part("payment", "f3")], False),
        ([part("mail", "f1")], False),
        ([], False),
    ):
        found = held(facts(), ALERT, Holding(), around(silences=(given_then,), parts=parts))
        assert (found is not None) == muted


def test_what_mutes_one_service_does_not_hold_a_storm_over_two() -> None:
    checkout = When(service=("check*",))
    holding = Holding(
        periods=(Period(name="night", when=checkout, times=times()),),
        inhibitions=(Inhibition(name="db", source=DB, when=checkout),),
    )
    mute = silence(when=checkout)
    two = [part(), part("payment", "f3")]
    where = around(silences=(mute,), sources=("db",), parts=two)
    both = facts(storm=True, services=("checkout", "payment"))
    assert held(both, ALERT, holding, where) is None
    assert held(facts(storm=True), ALERT, holding, where) is not None
    assert held(facts(storm=True), ALERT, Holding(), where) is None
    assert held(facts(storm=True), ALERT, Holding(), around(silences=(mute,))) is not None


def test_of_several_that_hold_the_one_that_ends_last_is_told() -> None:
    long = Period(name="long", times=times(90_000))
    found = held(facts(), ALERT, Holding(periods=(NIGHT, long)), around())
    assert found == Hold(Suppression.QUIET_HOURS, "long", NOW_MS + 90_000)
    later = silence(id="s2", to_ms=NOW_MS + 9_000)
    found = held(facts(), ALERT, Holding(), around(silences=(later, silence())))
    assert found == Hold(Suppression.SILENCED, "s2", NOW_MS + 9_000)


def test_what_is_over_or_of_something_else_holds_nothing() -> None:
    over = silence(from_ms=NOW_MS - 10, to_ms=NOW_MS)
    other = silence(when=When(service=("mail",)))
    assert held(facts(), ALERT, Holding(), around(silences=(over, other))) is None
    mail = Holding(
        periods=(Period(name="night", when=When(service=("mail",)), times=times()),),
        inhibitions=(Inhibition(name="db", source=When(), when=When(service=("mail",))),),
    )
    assert held(facts(), ALERT, mail, around(sources=("db",))) is None


def test_a_silence_has_an_author_an_end_and_says_what_it_mutes() -> None:
    for wrong in (
        {"author": ""},
        {"to_ms": NOW_MS - 5},
        {"to_ms": NOW_MS - 5 + SILENCE_MOST_MS + 1},
        {"when": None},
    ):
        with pytest.raises(ValueError, match="a silence"):
            silence(**wrong)
    with pytest.raises(ValueError, match="times"):
        Period(name="x", times=())


def test_what_a_scheduled_report_tells_waits_for_its_moment_again_and_again() -> None:
    quiet = Ruling(urgency=Urgency.DIGEST, to=("slack:a",), rules=("low",))
    hourly = Recurring(minutes=evenly(60, 15))
    report = Scheduled(name="Low", at=hourly, to=("slack:b",), environment=("*",))
    at = around()
    until = hourly.next_ms(at.now_ms)
    expected = Hold(Suppression.DIGEST_ONLY, "low", until, "Low")
    assert held(facts(), quiet, Holding(reports=(report,)), at) == expected
    waited = msgspec.structs.replace(at, waited=True)
    assert held(facts(), quiet, Holding(reports=(report,)), waited) == expected
    assert held(facts(), quiet, Holding(), waited) is None

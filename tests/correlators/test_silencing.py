"""Silences: what each mutes, for how long, and that what was held is told the moment one ends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators import acting, silencing
from correlators.acts import (
    SILENCE_MOST_MS,
    Acknowledge,
    Act,
    ActDone,
    ActOutcome,
    AddSilence,
    ExpireSilence,
    act_id,
    silence_id,
)
from correlators.conditions import AtLeast, Lifecycle, When
from correlators.deltas import tick_end_ms
from correlators.holds import Holding, Period
from correlators.schedules import Span
from correlators.silences import SILENCES_MOST, Silence
from correlators.storms import MEMBERS_KEPT
from correlators.suppressions import HeldBack
from correlators.types import Level, Suppression, tick_of
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import (
    DAY,
    MINUTE,
    PAGER,
    PAGING,
    event,
    events,
    ms,
    second_of,
)

SILENCED = HeldBack(Suppression.SILENCED)
PRODUCTION = "production"


def silence(at: int, to: float, **more: Any) -> AddSilence:
    """Return the act of Anna's silence from one second to another."""
    return AddSilence(actor="anna", source="slack", at_ms=ms(at), to_ms=ms(to), **more)


def matching(at: int, to: float, **when: Any) -> AddSilence:
    return silence(at, to, environment=PRODUCTION, when=When(**when))


def expire(act: AddSilence) -> ExpireSilence:
    return ExpireSilence(**{**ANNA, "subject": silence_id(act)})


def told(stage: Stage) -> list[tuple[int, str]]:
    """Return (second, kind) of all that the chat was told."""
    return [(second_of(one), one.kind.value) for one in stage.chats()]


def loud(*seconds: int, service: str = "checkout", error: str = "EC") -> list[Any]:
    """Return so many events in each of these seconds that they page."""
    return [event(at + n / 100, service, error) for at in seconds for n in range(60)]


@pytest.mark.parametrize("restore", [False, True])
def test_a_silence_of_an_incident_mutes_it_and_its_page_until_its_end(restore: bool) -> None:
    stage = Stage(restore=restore)
    stage.run(30, event(0, "checkout", "EC"))
    act = silence(30, 20 * MINUTE, subject=stage.incident("checkout").id)
    stage.run(21 * MINUTE, *loud(60, 600, 1100, 1190), acts=[(30, act)])
    assert told(stage) == [(10, "opened"), (30, "silenced"), (20 * MINUTE - 1, "updated")]
    assert [one[:2] for one in stage.pages()] == [("trigger", "event_rate")]
    assert [second_of(one) for one in stage.digests if one.destination == PAGER] == [1199]
    assert stage.suppressed[SILENCED] >= 1
    assert set(stage.suppressed) == {SILENCED}


def test_what_is_over_when_its_silence_ends_was_held_by_name_and_is_never_told() -> None:
    stage = Stage()
    stage.run(1, acts=[(0, matching(0, DAY, service=("checkout",)))])
    stage.run(2 * DAY, event(5, "checkout", "EC"))
    assert told(stage) == []
    assert stage.suppressed == {SILENCED: 2}


def test_a_silence_that_is_ended_early_has_what_it_held_told_in_that_tick() -> None:
    stage = Stage()
    act = matching(0, DAY, service=("check*",))
    stage.run(400, *events([10, 60], "checkout", "EC"), acts=[(0, act)])
    assert told(stage) == []
    stage.run(405, acts=[(402, expire(act))])
    assert told(stage) == [(402, "opened")]
    assert stage.state.silences(PRODUCTION) == ()


def test_a_silenced_storm_is_told_and_paged_in_the_tick_that_ends_its_silence_early() -> None:
    stage = Stage()
    stage.run(5, *outage())
    act = silence(5, DAY, subject=stage.storm().id)
    stage.run(60, acts=[(5, act)])
    assert stage.digests == []
    stage.run(62, acts=[(60, expire(act))])
    assert told(stage) == [(60, "opened")]
    assert [one[1] for one in stage.pages()] == ["storm_services"]


def test_what_another_silence_mutes_too_stays_silent_when_one_is_ended() -> None:
    stage = Stage()
    one, two = matching(0, DAY, service=("checkout",)), matching(1, 500, text=("*ec*",))
    acts: list[tuple[int, Act]] = [(0, one), (1, two), (300, expire(one))]
    stage.run(600, *events(range(10, 590, 20), "checkout", "EC"), acts=acts)
    assert told(stage)[0] == (499, "opened")


def test_a_silenced_storm_is_told_at_once_when_somebody_joins_it() -> None:
    stage = Stage()
    stage.run(20, *outage())
    paged = stage.pages()
    act = silence(20, DAY, subject=stage.storm().id)
    stage.run(400, *events(range(30, 400, 5), "cart", "EK"), acts=[(20, act)])
    assert told(stage)[1:] == [(20, "silenced")]
    stage.run(402, event(400, "mail", "EM", trace="t"), event(400, "cart", "EK", trace="t"))
    assert stage.storm().services[-1] == "mail"
    assert told(stage)[2:] == [(400, "updated")]
    assert [one.silenced_by for one in stage.chats()] == ["", "anna", ""]
    assert stage.pages() == paged


def test_a_storm_silenced_before_it_was_told_pages_for_who_joins() -> None:
    stage = Stage()
    stage.run(5, *outage()[:2])
    stage.run(40, acts=[(5, silence(5, DAY, subject=stage.storm().id))])
    assert stage.digests == []
    stage.run(60, event(41, "cart", "EK", trace="t"), event(41, "payment", "EP", trace="t"))
    assert [one[:2] for one in stage.pages()] == [("trigger", "storm_services")]
    assert told(stage) == [(41, "opened")]


def test_an_acknowledged_and_silenced_storm_pages_for_who_joins_and_for_nothing_else() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm().id
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=storm, **ANNA)),
        (21, silence(21, DAY, subject=storm)),
    ]
    stage.run(40, event(30, "cart", "EK", level=Level.FATAL), acts=acts)
    assert len(stage.pages()) == 1
    stage.run(60, event(41, "mail", "EM", trace="t"), event(41, "cart", "EK", trace="t"))
    assert [one[0] for one in stage.pages()] == ["trigger", "trigger", "resolve"]


def test_a_silence_of_one_error_does_not_hide_the_storm_it_is_part_of() -> None:
    stage = Stage()
    stage.run(1, acts=[(0, matching(0, DAY, text=("ec",)))])
    stage.run(20, *outage())
    assert [one.storm for one in stage.chats()] == [True]


def test_a_silence_of_several_errors_mutes_a_storm_of_no_others() -> None:
    stage = Stage()
    stage.run(1, acts=[(0, matching(0, DAY, text=("e[cpk]",)))])
    stage.run(300, *outage())
    assert stage.digests == []


def test_an_incident_that_no_longer_matches_its_silence_is_told_at_once() -> None:
    stage = Stage()
    stage.run(1, acts=[(0, matching(0, DAY, level=(Level.ERROR,)))])
    stage.run(40, event(5, "checkout", "EC"), event(30, "checkout", "EC", level=Level.FATAL))
    assert told(stage) == [(30, "opened")]
    assert [one[1] for one in stage.pages()] == ["fatal"]
    stage = Stage()
    stage.run(1, acts=[(0, matching(0, DAY, level=(Level.WARNING,)))])
    warning = event(5, "checkout", "EC", level=Level.WARNING)
    stage.run(40, warning, event(30, "checkout", "EC"))
    assert told(stage) == [(30, "opened")]
    assert stage.pages() == []


def test_a_page_goes_out_at_once_though_the_digest_waits_for_the_end_of_the_night() -> None:
    """Quiet hours hold no page: also not that of something they held when it began."""
    night = Period(name="night", times=(Span(from_ms=ms(-1), to_ms=ms(DAY)),))
    config = msgspec.structs.replace(PAGING, holding=Holding(periods=(night,)))
    stage = Stage(config=config)
    stage.run(200, event(0, "checkout", "EC"), *loud(100))
    assert [one[1] for one in stage.pages()] == ["event_rate"]
    assert told(stage) == [(100, "opened")]
    assert stage.suppressed == {HeldBack(Suppression.QUIET_HOURS, "night"): 1}


def test_a_silence_of_an_incident_is_one_of_its_error_under_every_release() -> None:
    stage = Stage()
    stage.run(5, event(0, "checkout", "EC"))
    act = silence(5, DAY, subject=stage.incident("checkout").id)
    stage.run(1500, *events([30, 1400], "checkout", "EC", release="2.0"), acts=[(5, act)])
    assert told(stage) == []
    stage.run(1600, event(1500, "checkout", "Other"))
    assert [kind for _, kind in told(stage)] == ["opened"]


def test_a_silence_holds_in_its_environment_only() -> None:
    stage = Stage()
    stage.run(1, acts=[(0, matching(0, DAY, service=("checkout",)))])
    stage.run(30, event(5, "checkout", "EC", environment="staging"))
    assert len(told(stage)) == 1


def test_incidents_that_a_storm_does_not_list_are_silenced_with_it() -> None:
    stage = Stage()
    many = [event(n / 40, "checkout", f"E{n}", trace="t") for n in range(MEMBERS_KEPT + 20)]
    stage.run(8, *many)
    storm = stage.storm()
    assert storm.joined > len(storm.members)
    stage.run(60, acts=[(8, silence(8, DAY, subject=storm.id))])
    assert stage.digests == []
    stage.run(80, event(61, "checkout", "One more", trace="t"), event(61, "checkout", "E1"))
    assert stage.storm().joined == storm.joined + 1
    assert told(stage) == [(61, "opened")]


def test_the_end_lies_within_7_days_of_the_tick_in_which_it_takes_effect() -> None:
    """CORRELATE may be behind the clock of whoever asked."""
    stage = Stage()
    act = silence(3600, 3600 + 7 * DAY, environment=PRODUCTION, when=When(service=("a",)))
    stage.run(10, acts=[(5, act)])
    (found,) = stage.state.silences(PRODUCTION)
    assert found.to_ms - found.from_ms == SILENCE_MOST_MS
    assert found.from_ms == tick_end_ms(tick_of(ms(5)))
    assert (found.author, found.source) == ("anna", "slack")


def test_what_became_of_an_act_is_kept_and_the_same_act_is_one() -> None:
    stage = Stage()
    act = matching(0, 100, service=("checkout",))
    late, unknown = matching(0, 2, service=("a",)), silence(0, 100, subject="storm-0")
    acts: list[tuple[int, Act]] = [(0, act), (1, act), (3, late), (3, unknown), (4, expire(late))]
    stage.run(5, acts=acts)
    assert stage.acts == {
        ("add_silence", ActOutcome.DONE): 1,
        ("add_silence", ActOutcome.REPEATED): 1,
        ("add_silence", ActOutcome.ENDED): 1,
        ("add_silence", ActOutcome.GONE): 1,
        ("expire_silence", ActOutcome.GONE): 1,
    }
    done = stage.state.get("act:" + act_id(act))
    assert done == ActDone(
        id=act_id(act),
        kind="add_silence",
        actor="anna",
        source="slack",
        at_ms=ms(0),
        tick=tick_of(ms(0)),
        environment=PRODUCTION,
        subject="",
        outcome=ActOutcome.DONE,
    )
    stage.run(110)
    assert stage.state.silences(PRODUCTION) == ()
    stage.run(8 * DAY)
    assert not list(stage.state.entries())


def test_an_environment_has_so_many_silences_and_no_more() -> None:
    stage = Stage()
    acts = [matching(0, 100 + n, service=("checkout",)) for n in range(SILENCES_MOST + 1)]
    stage.run(2, acts=[(0, one) for one in acts])
    stage.run(5, acts=[(3, silence(3, 99, environment="staging", when=When(text=("x",))))])
    assert stage.acts["add_silence", ActOutcome.TOO_MANY] == 1
    assert len(stage.state.silences(PRODUCTION)) == SILENCES_MOST
    assert len(stage.state.silences("staging")) == 1


def test_the_oldest_act_makes_room_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "ACTS_KEPT", 2)
    stage = Stage()
    acts = [(n, matching(n, 100, service=("a",))) for n in range(3)]
    stage.run(5, acts=acts)
    kept = [one for _, one in stage.state.entries() if isinstance(one, ActDone)]
    assert {one.id for one in kept} == {act_id(act) for _, act in acts[1:]}
    assert stage.acts["add_silence", ActOutcome.FORGOTTEN] == 1


def test_what_a_silence_may_not_be_is_refused_with_the_reason() -> None:
    when = When(service=("a",))
    of = {"environment": PRODUCTION, "when": when}
    for wrong, why in (
        ({}, "what a condition matches"),
        ({"subject": "inc-1", **of}, "what a condition matches"),
        ({"to": 0, **of}, "ends after it begins"),
        ({"to": 7 * DAY + 1, **of}, "within 7 days"),
        ({"when": when}, "needs its environment"),
        ({**of, "when": When()}, "says what it mutes"),
        ({**of, "when": When(tag=("a=b",))}, "cannot ask for tag"),
        ({**of, "when": When(events=AtLeast(1, 1000))}, "cannot ask for events"),
        ({**of, "when": When(lifecycle=(Lifecycle.OPENED,))}, "cannot ask for lifecycle"),
        ({**of, "when": When(text=("x" * 200,) * 21)}, "4096 bytes"),
        ({**of, "comment": "x" * 201}, "comment"),
        ({**of, "actor": "x" * 121}, "actor"),
        ({**of, "actor": ""}, "says who"),
    ):
        given: dict[str, Any] = {"actor": "anna", "source": "cli", "at_ms": ms(0), "to": 60}
        given |= wrong
        with pytest.raises(ValueError, match=why):
            AddSilence(to_ms=ms(given.pop("to")), **given)


def test_a_silence_of_the_largest_storm_fits_into_an_entry() -> None:
    stage = Stage()
    many = [event(n / 200, "checkout", f"E{n}", trace="t") for n in range(1_200)]
    stage.run(7, *many)
    act = silence(7, DAY, subject=stage.storm().id)
    made = silencing.made(stage.state, act, stage.storm(), ms(7))
    assert isinstance(made, Silence)
    assert len(msgspec.msgpack.encode(made)) < 16_384

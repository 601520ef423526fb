"""Shadow mode: the same decisions, told to one destination, and a report of the day."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from correlators.conditions import When
from correlators.days import DAY_TICKS, Shadow, day_of
from correlators.decisions import Kind
from correlators.deltas import merge
from correlators.rulings import Rule, Urgency
from correlators.telling import Config
from correlators.types import Digest, DigestKind, Level, PageAction
from tests.correlators.score import (
    CHAT,
    CONFIG,
    DAY,
    PAGER,
    PAGING,
    START,
    Score,
    deltas_of,
    event,
    events,
    run,
)
from tests.examples import examples
from tests.laws.logs import Rec, logs, plain_messages
from tests.laws.logs import run as run_log
from tests.laws.test_ruled import configs

SHADOW = "file:default"


def shadowed(config: Config = PAGING, **more: int) -> Config:
    return msgspec.structs.replace(config, shadow=Shadow(to=SHADOW, **more))


def reports(score: Score) -> list[Digest]:
    return [one for one in score.digests if one.kind is DigestKind.REPORT]


def test_everything_goes_to_one_destination_with_whom_it_would_have_reached() -> None:
    score = run(events([0], level="fatal"), config=shadowed())
    assert {one.destination for one in score.digests} == {SHADOW}
    assert all(one.page is PageAction.NONE for one in score.digests)
    opened, resolved = (one for one in score.digests if one.kind is not DigestKind.REPORT)
    assert (opened.would_tell, opened.would_page) == ((CHAT,), (PAGER,))
    assert (resolved.would_tell, resolved.would_resolve) == ((CHAT,), (PAGER,))


def test_what_is_explained_names_the_real_destinations() -> None:
    score = run(events([0], level="fatal"), config=shadowed())
    told = [one.to for one in score.decisions if one.kind in (Kind.TOLD, Kind.PAGED)]
    assert told == [(CHAT,), (PAGER,), (CHAT,)]


def test_the_day_is_reported_beside_sentrys_own_alerts() -> None:
    fired = [event(at, "a", "X", sampled=True, event_id=f"{at:032x}") for at in (0, 1, 2, 2)]
    heard = [event(at, "b", "Y", level=Level.FATAL) for at in (20, 30)]
    score = run(fired, heard, until=DAY, config=shadowed())
    (report,) = reports(score)
    assert report.destination == SHADOW
    assert "fired 3 times for issues and 0 times for metrics" in report.report[0]
    assert "4 messages, 2 of them about something new (0 storms), and 1 page;" in report.report[1]
    assert report.report[2].startswith("It would have paged for: ")
    assert report.at_ms // 1000 - 1 == day_of(START, 0)


def test_without_anything_to_tell_there_is_no_report_and_none_without_shadow_mode() -> None:
    assert reports(run(events([0]), until=2 * DAY, config=CONFIG)) == []
    assert len(reports(run(events([0]), until=3 * DAY, config=shadowed()))) == 1


@pytest.mark.parametrize("minute", [0, 7 * 60, 23 * 60 + 59])
def test_a_day_ends_at_the_minute_that_is_configured(minute: int) -> None:
    end = day_of(START, minute)
    assert end % DAY_TICKS == minute * 60
    assert START < end <= START + DAY_TICKS
    assert day_of(end, minute) == end + DAY_TICKS
    assert day_of(end - 1, minute) == end


def test_firings_merge_in_any_order_and_count_once() -> None:
    (one,) = deltas_of([event(0, sampled=True, event_id="a" * 32)])
    (two,) = deltas_of([event(0, sampled=True, event_id="b" * 32), event(0.5)])
    assert merge(one, two) == merge(two, one)
    assert merge(one, one) == one
    assert merge(one, merge(one, two)) == merge(one, two)


@pytest.mark.parametrize("values", [{"to": ""}, {"to": "x:y", "report_minute": 1440}])
def test_what_cannot_be_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"destination|minutes"):
        Shadow(**values)  # type: ignore[arg-type]


@given(logs(min_size=2), configs())
@examples(50)
def test_the_shadow_decides_what_the_light_would_have(log: list[Rec], config: Config) -> None:
    light = [
        # The record of deploys at pagers wakes nobody and is kept out of the shadow.
        one
        for one in run_log(plain_messages(log), config=config).digests
        if not one.destination.endswith("/changes") and one.kind is not DigestKind.REPORT
    ]
    dark = run_log(plain_messages(log), config=shadowed(config)).digests
    cast = [one for one in dark if one.kind is not DigestKind.REPORT]
    assert {one.destination for one in dark} <= {SHADOW}
    assert [(one.id, one.revision) for one in cast] == list(
        dict.fromkeys((one.id, one.revision) for one in light)
    )
    pages = [one for one in light if one.page is PageAction.TRIGGER]
    assert sum(len(one.would_page) for one in cast) == len(pages)
    messages = [one for one in light if one.page is PageAction.NONE]
    assert sum(len(one.would_tell) for one in cast) == len(messages)


def test_what_is_held_back_counts_for_its_own_environment_and_what_another_tells_for_none() -> None:
    rules = (
        Rule(name="noise", when=When(text=("Noise",)), urgency=Urgency.DROP, reason="known"),
        Rule(name="rest", to=(CHAT,)),
    )
    score = run(
        event(0, "a", "X", trace="t"),
        event(0, "b", "Y", trace="t"),
        event(0, "a", "Noise", environment="staging"),
        event(0, "c", "Noise", environment="staging"),
        event(1, "d", "Z", environment="staging"),
        until=DAY,
        config=shadowed(msgspec.structs.replace(CONFIG, rules=rules)),
    )
    held = {one.environment: one.report[1].rpartition(";")[2] for one in reports(score)}
    assert held == {
        "production": " 0 were held back by name.",
        "staging": " 2 were held back by name.",
    }

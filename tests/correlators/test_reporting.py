"""Scheduled reports: when they are told, to whom, and what they take the place of."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.conditions import When
from correlators.days import Shadow
from correlators.decisions import Kind
from correlators.holds import Holding
from correlators.incidents import Windows
from correlators.partition import Partition
from correlators.recurring import Recurring, evenly
from correlators.reported import Reported
from correlators.reporting import TOLD_MOST
from correlators.rulings import Rule, Urgency
from correlators.scheduled import Coming, Scheduled
from correlators.telling import Config
from correlators.types import Digest, DigestKind, Level, Suppression
from streams import codec
from tests.correlators.acted import Stage
from tests.correlators.score import (
    CHAT,
    CONFIG,
    DAY,
    HOUR,
    MINUTE,
    START,
    Score,
    event,
    events,
    run,
    second_of,
)

CHANNEL = "slack:reports"
HOURLY = Recurring(minutes=evenly(60, 0))
FIRST = HOUR - START % HOUR - 1
"""Second of the last tick before the first full hour."""


def scheduled(at: Recurring = HOURLY, **more: Any) -> Scheduled:
    return Scheduled(**{"name": "Hourly", "at": at, "to": (CHANNEL,), **more})


def reporting(*reports: Scheduled, config: Config = CONFIG, **more: Any) -> Config:
    holding = Holding(reports=reports or (scheduled(),))
    return msgspec.structs.replace(config, holding=holding, **more)


def told(score: Score, name: str = "Hourly") -> list[Digest]:
    found = [one for one in score.to(CHANNEL) if one.kind is DigestKind.REPORT]
    return [one for one in found if one.rule == name]


def only(score: Score) -> Reported:
    (digest,) = told(score)
    assert digest.reported is not None
    return digest.reported


def test_it_is_told_in_the_last_second_before_its_moment() -> None:
    score = run(events([0, 5]), until=2 * HOUR, config=reporting())
    (digest,) = told(score)
    assert second_of(digest) == FIRST
    assert digest.at_ms % (HOUR * 1000) == 0
    assert (digest.first_ms, digest.last_ms) == (START * 1000, digest.at_ms)


def test_a_time_in_which_nothing_happened_is_told_to_nobody_and_counted() -> None:
    score = run(events([0]), until=5 * HOUR, config=reporting())
    assert len(told(score)) == 1
    assert score.suppressed[Suppression.NOTHING_NEW] == 4


def test_after_some_empty_times_an_environment_is_forgotten_until_it_is_heard_again() -> None:
    quiet = run(events([0]), until=20 * HOUR, config=reporting())
    assert quiet.suppressed[Suppression.NOTHING_NEW] == 14
    assert not [one for _, one in quiet.entries if isinstance(one, Coming)]
    again = run(events([0, 20 * HOUR]), until=22 * HOUR, config=reporting())
    assert len(told(again)) == 2


def test_when_time_jumps_over_many_reports_none_of_them_is_told_late() -> None:
    """Nothing came for three days, marks neither: one report of what was, one of what is new."""
    score = run(events([0, 3 * DAY]), until=3 * DAY + 2 * HOUR, config=reporting())
    assert [second_of(one) for one in told(score)] == [FIRST, FIRST + 3 * DAY]


def test_who_begins_in_the_middle_tells_since_when() -> None:
    daily = scheduled(Recurring(minutes=(0,)))
    (digest,) = told(run(events([0]), until=2 * DAY, config=reporting(daily)))
    assert digest.first_ms == START * 1000
    assert digest.reported is not None
    assert digest.reported.period == "Tue 14 Nov 22:13 to Wed 15 Nov 00:00 UTC"


def test_what_waits_for_a_digest_is_told_by_the_report_instead_of_messages() -> None:
    low = Rule(name="low", when=When(level=(Level.WARNING,)), urgency=Urgency.DIGEST, to=(CHAT,))
    rest = Rule(name="rest", to=(CHAT,))
    pushes = [
        *events(range(0, FIRST + 2 * HOUR, 5 * MINUTE), "a", "Low", level=Level.WARNING),
        *events([30], "b", "Ended", level=Level.WARNING),
        *events([30], "c", "High"),
    ]
    report = scheduled(urgency=(Urgency.DIGEST,))
    score = run(pushes, until=FIRST + HOUR + 5, config=reporting(report, rules=(low, rest)))
    assert {one.title for one in score.to(CHAT)} == {"High"}
    first, second = told(score)
    assert first.reported is not None
    assert {top.title for top in first.reported.top} == {"Low", "Ended"}
    assert second.reported is not None
    assert {top.title for top in second.reported.top} == {"Low"}
    assert first.report[0].endswith("UTC; only what no message told")
    assert score.suppressed[Suppression.DIGEST_ONLY] > 0


def test_without_a_report_of_it_a_digest_comes_as_before() -> None:
    low = Rule(name="low", when=When(), urgency=Urgency.DIGEST, to=(CHAT,))
    other = scheduled(environment=("staging",))
    at = 4 * HOUR - START % (4 * HOUR)
    pushes = events(range(at - 900, at + 300, 60))
    score = run(pushes, until=at + 5, config=reporting(other, rules=(low,)))
    assert [second_of(one) for one in score.to()] == [at - 1]


def test_every_environment_has_a_report_of_its_own_and_others_have_none() -> None:
    pushes = [event(0, environment=name) for name in ("production", "staging", "pr-1")]
    config = reporting(scheduled(environment=("prod*", "staging")))
    found = told(run(pushes, until=HOUR, config=config))
    assert sorted(one.environment for one in found) == ["production", "staging"]
    assert len({one.id for one in found}) == 2


def test_so_many_environments_at_one_moment_are_told_and_the_others_counted() -> None:
    pushes = [event(0, environment=f"pr-{at:02}") for at in range(TOLD_MOST + 3)]
    score = run(pushes, until=HOUR, config=reporting(scheduled(environment=("pr-*",))))
    assert len(told(score)) == TOLD_MOST
    assert score.suppressed[Suppression.CAPPED] == 3


def test_what_is_forgotten_before_is_no_part_of_the_time_that_is_told() -> None:
    windows = Windows(remember_ms=86_400_000)
    weekly = scheduled(Recurring(days=(0,), minutes=(0,)))
    config = reporting(weekly, windows=windows)
    (digest,) = told(run(events([0, 5 * DAY]), until=7 * DAY, config=config))
    assert digest.reported is not None
    assert digest.first_ms == digest.at_ms - DAY * 1000 - 1000
    assert digest.reported.errors == 1


def test_it_is_explained_and_in_shadow_mode_goes_where_all_goes() -> None:
    score = run(events([0]), until=HOUR, config=reporting())
    (decision,) = [one for one in score.decisions if one.subject.startswith("rep-")]
    assert (decision.kind, decision.why, decision.name) == (Kind.TOLD, "report", "Hourly")
    assert decision.to == (CHANNEL,)
    dark = run(events([0]), until=HOUR, config=reporting(shadow=Shadow(to="file:default")))
    (digest,) = [one for one in dark.digests if one.kind is DigestKind.REPORT]
    assert (digest.destination, digest.would_tell) == ("file:default", (CHANNEL,))


def test_a_restored_state_tells_the_same_report() -> None:
    def after(partition: Partition) -> None:
        stored = [(key, codec.encode(one)) for key, one in partition.state_entries]
        restored = Partition(
            config, partition.progress(), [codec.entry(value) for _, value in stored]
        )
        again = [(key, codec.encode(one)) for key, one in restored.state_entries]
        assert again == stored
        due = [one for _, one in partition.state_entries if isinstance(one, Coming)]
        assert due

    config = reporting(scheduled(to=(CHANNEL, CHAT)))
    score = run(events(range(0, 2 * HOUR, 300)), until=3 * HOUR, config=config, after_tick=after)
    assert len(told(score)) == 3


def test_other_times_in_the_configuration_are_another_report() -> None:
    old = run(events([0]), until=10, config=reporting(scheduled(Recurring(minutes=(0,)))))
    stage = Stage(config=reporting(), entries=[one for _, one in old.entries], now=10)
    stage.run(2 * DAY, event(20))
    assert len([one for one in stage.digests if one.kind is DigestKind.REPORT]) == 1
    assert {one.times for _, one in stage.state.entries() if isinstance(one, Coming)} <= {
        HOURLY.name
    }


@pytest.mark.parametrize(
    "values", [{"to": ()}, {"environment": ()}, {"urgency": ()}, {"urgency": (Urgency.DROP,)}]
)
def test_a_report_of_nothing_or_to_nobody_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"destinations|dropped"):
        scheduled(**values)

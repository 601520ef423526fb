"""Scores of quiet that is, and is not, the end: intake, sources, services, pages that somebody
has."""

from __future__ import annotations

import msgspec
import pytest

from correlators.acts import Acknowledge, Act
from correlators.correlate import Correlator
from correlators.entries import Entry, Heard
from correlators.incidents import Closed
from correlators.partition import Partition
from correlators.telling import Config
from correlators.ticks import Work
from correlators.types import Digest, Doubt, Level, PageOver
from streams import codec
from tests.correlators.score import (
    CHAT,
    CONFIG,
    DAY,
    HOUR,
    MINUTE,
    PAGER,
    PAGING,
    START,
    Push,
    Score,
    deltas_of,
    event,
    events,
    resolve,
    run,
    second_of,
)

LOST = 3 * HOUR
"""When something falls silent in these scores."""
QUIET = 10 * MINUTE


def drip(until: float, service: str = "search", every: int = 45, begin: float = 0) -> list[Push]:
    """Return ordinary errors of a service, two kinds in turn."""
    times = range(round(begin), round(until), every)
    return [
        event(at, service, ("SlowQuery", "CacheMiss")[number % 2])
        for number, at in enumerate(times)
    ]


def about(score: Score, error: str = "Boom") -> list[Digest]:
    return [one for one in score.to(CHAT) if one.title == error]


def lines(score: Score, error: str = "Boom") -> list[tuple[int, bool, Doubt | None]]:
    return [(second_of(one), one.resolved, one.unconfirmed) for one in about(score, error)]


def boom(last: float = LOST - 2, begin: float = LOST - 20 * MINUTE) -> list[Push]:
    times = range(round(begin), round(last), 5 * MINUTE)
    return [*events(times, "checkout", "Boom"), event(last, "checkout", "Boom")]


def test_while_intake_hears_nothing_nothing_is_resolved_and_that_is_told_once() -> None:
    score = run(drip(LOST), boom(), until=LOST + 5 * HOUR)
    opened, *_, quiet = lines(score)
    assert opened == (LOST - 20 * MINUTE + 10, False, None)
    assert quiet == (LOST - 2 + QUIET, False, Doubt.INTAKE_SILENT)
    assert [one for one in lines(score) if one[2]] == [quiet]


def test_quiet_is_confirmed_by_hearing_for_a_while_after_intake_came_back() -> None:
    back = LOST + 2 * HOUR
    score = run(drip(LOST), boom(), drip(back + HOUR, begin=back), until=back + 30 * MINUTE)
    second, resolved, why = lines(score)[-1]
    assert (resolved, why) == (True, None)
    # Counted from the end of the minute in which something came again.
    assert back + QUIET <= second <= back + QUIET + MINUTE


def test_one_webhook_alone_confirms_nothing() -> None:
    back = LOST + 2 * HOUR
    score = run(drip(LOST), boom(), event(back, "search", "SlowQuery"), until=back + 3 * HOUR)
    assert not any(one.resolved for one in about(score))


def test_what_intake_hears_of_another_environment_or_as_a_state_change_is_hearing() -> None:
    others = [event(at, "search", "SlowQuery", environment="staging") for at in range(0, LOST, 45)]
    goes_on = [
        event(at, "search", "SlowQuery", environment="staging")
        for at in range(LOST, LOST + HOUR, 45)
    ]
    changes = [resolve(at, "77") for at in range(LOST, LOST + HOUR, 45)]
    for more in (goes_on, changes):
        score = run(others, boom(), more, until=LOST + HOUR)
        assert lines(score)[-1] == (LOST - 2 + QUIET, True, None)
    assert not about(run(others, boom(), until=LOST + HOUR))[-1].resolved


def test_a_silence_as_it_came_before_is_usual() -> None:
    pause = drip(HOUR), drip(LOST, begin=HOUR + 20 * MINUTE)
    score = run(*pause, boom(), until=LOST + HOUR)
    assert lines(score)[-1] == (LOST - 2 + QUIET, True, None)


def test_without_an_hour_of_history_quiet_is_the_end() -> None:
    score = run(drip(50 * MINUTE), boom(50 * MINUTE - 2, 40 * MINUTE), until=2 * HOUR)
    assert lines(score)[-1] == (60 * MINUTE - 2, True, None)


def test_what_it_sent_itself_makes_nothing_usual() -> None:
    alone = events(range(0, 30 * HOUR, MINUTE), "checkout", "Boom")
    score = run(alone, until=32 * HOUR)
    assert [one.closed for one in score.incidents()] == [Closed.MAX_LIFE, Closed.QUIET]


def test_a_service_that_sends_nothing_at_all_any_more_may_not_run() -> None:
    elsewhere = drip(LOST + 4 * HOUR, "search")
    score = run(
        elsewhere,
        drip(LOST, "checkout"),
        boom(),
        drip(LOST + 3 * HOUR, "checkout", begin=LOST + 2 * HOUR),
        until=LOST + 3 * HOUR,
    )
    quiet, resolved = lines(score)[-2:]
    assert quiet == (LOST - 2 + QUIET, False, Doubt.SERVICE_SILENT)
    assert resolved[1:] == (True, None)
    assert 2 * HOUR + QUIET <= resolved[0] - LOST <= 2 * HOUR + QUIET + MINUTE


def test_a_service_that_sends_only_when_it_errs_is_over_by_quiet() -> None:
    score = run(drip(LOST + HOUR, "search"), boom(), until=LOST + HOUR)
    assert lines(score)[-1] == (LOST - 2 + QUIET, True, None)


def test_an_event_ends_the_doubt() -> None:
    again = LOST + HOUR
    score = run(drip(LOST), boom(), event(again, "checkout", "Boom"), until=again + 5 * MINUTE)
    assert lines(score)[-1][1:] == (False, None)
    assert score.incidents()[-1].doubt is None


def test_what_nobody_confirms_ends_at_max_life_and_says_so() -> None:
    score = run(drip(LOST), boom(), until=LOST + DAY)
    assert lines(score)[-1] == (LOST - 20 * MINUTE + DAY, True, Doubt.INTAKE_SILENT)


def test_sentrys_word_ends_what_is_not_confirmed() -> None:
    begin = LOST - 20 * MINUTE
    error = [event(begin, "checkout", "Boom", issue="7"), *boom(begin=begin)]
    score = run(drip(LOST), error, resolve(LOST + HOUR, "7"), until=LOST + 2 * HOUR)
    assert lines(score)[-1] == (LOST + HOUR, True, None)


def outage(begin: int, end: int) -> list[Push]:
    return [
        event(at, service, f"{service} down", trace=f"trace {at}")
        for at in range(begin, end, 10)
        for service in ("cart", "checkout", "payment")
    ]


def test_a_storm_whose_quiet_is_not_heard_stays_open_with_its_page() -> None:
    score = run(drip(LOST, every=15), outage(LOST - HOUR, LOST), until=LOST + HOUR, config=PAGING)
    (storm,) = score.storms()
    assert storm.open
    assert storm.doubt is Doubt.INTAKE_SILENT
    told = [one for one in score.to(CHAT) if one.storm and one.unconfirmed]
    assert [second_of(one) for one in told] == [LOST - 10 + 2 * MINUTE]
    assert [one.action for one in score.paged()] == ["trigger"]
    heard = run(
        drip(LOST + HOUR, every=15), outage(LOST - HOUR, LOST), until=LOST + HOUR, config=PAGING
    )
    assert [one.action for one in heard.paged()] == ["trigger", "resolve"]


def stored(entries: list[tuple[str, Entry]]) -> dict[str, bytes]:
    return {key: codec.encode(entry) for key, entry in entries}


def test_a_restored_state_goes_on_in_the_same_doubt() -> None:
    back = LOST + HOUR
    pushes = [*drip(LOST), *boom(), *drip(back + HOUR, begin=back)]
    live = run(pushes, until=back + HOUR)

    def again(partition: Partition) -> None:
        progress = codec.entry(codec.encode(partition.progress()))
        assert progress == partition.progress()
        entries = [codec.entry(raw) for raw in stored(partition.state_entries).values()]
        copy = Partition(CONFIG, progress, entries)
        assert copy.progress().heard == partition.progress().heard
        assert stored(copy.state_entries) == stored(partition.state_entries)
        assert copy.next_tick() is not None or partition.next_tick() is None
        assert copy.unconfirmed == partition.unconfirmed

    score = run(pushes, until=back + HOUR, after_tick=again)
    assert score.digests == live.digests
    assert stored(score.entries) == stored(live.entries)


class Ticking:
    """One correlator, tick by tick, with acts and stalled sources."""

    def __init__(self, config: Config) -> None:
        self.correlator = Correlator(config)
        self.score = Score()

    def at(
        self, second: int, *pushes: Push, acts: tuple[Act, ...] = (), blind: bool = False
    ) -> None:
        tick = START + second
        due = self.correlator.state.next_due
        while (following := due()) is not None and following < tick:
            self._apply(Work(following, [], [], blind=blind))
        changes = [
            msgspec.structs.replace(one.change, tick=tick)
            for one in pushes
            if one.change is not None
        ]
        deltas = deltas_of([one for one in pushes if one.event is not None])
        self._apply(Work(tick, changes, deltas, acts, blind=blind))

    def _apply(self, work: Work) -> None:
        self.score.digests += self.correlator.apply(work).digests
        self.score.entries = list(self.correlator.state.entries())

    def acknowledge(self, second: int, subject: str) -> None:
        act = Acknowledge(actor="Ada", source="pagerduty", at_ms=0, subject=subject)
        self.at(second, acts=(act,))


def test_a_source_that_is_left_out_is_blind() -> None:
    ticking = Ticking(CONFIG)
    ticking.at(0, event(0, "checkout", "Boom"))
    ticking.at(HOUR, blind=True)
    assert lines(ticking.score)[-1] == (QUIET, False, Doubt.SOURCE_STALLED)
    ticking.at(2 * HOUR)
    second, resolved, why = lines(ticking.score)[-1]
    assert (resolved, why) == (True, None)
    assert second + MINUTE >= HOUR + QUIET
    assert second <= HOUR + QUIET + MINUTE


FATAL = Level.FATAL
KEPT = msgspec.structs.replace(
    PAGING, pages=msgspec.structs.replace(PAGING.pages, resolve_acknowledged=True)
)


def paged(config: Config, issue: str = "") -> Ticking:
    ticking = Ticking(config)
    ticking.at(0, event(0, "checkout", "Boom", level=FATAL, issue=issue))
    ticking.at(20)
    (incident,) = ticking.score.incidents()
    ticking.acknowledge(60, incident.id)
    return ticking


def actions(ticking: Ticking) -> list[tuple[int, str]]:
    return [(one.second, one.action) for one in ticking.score.paged()]


def test_a_page_that_somebody_has_stays_open_until_max_life() -> None:
    ticking = paged(PAGING)
    ticking.at(HOUR)
    assert actions(ticking) == [(10, "trigger")]
    (quiet,) = [one for one in about(ticking.score) if one.resolved]
    assert quiet.page_stays
    ticking.at(DAY + HOUR)
    assert actions(ticking) == [(10, "trigger"), (DAY, "resolve")]
    _, over = (one for one in about(ticking.score) if one.resolved)
    assert (over.page_stays, over.page_over) == (False, PageOver.MAX_LIFE)


def test_it_is_resolved_by_quiet_where_that_is_configured_or_nobody_has_it() -> None:
    ticking = paged(KEPT)
    ticking.at(HOUR)
    assert actions(ticking) == [(10, "trigger"), (QUIET, "resolve")]
    assert not any(one.page_stays for one in about(ticking.score))
    nobody = Ticking(PAGING)
    nobody.at(0, event(0, "checkout", "Boom", level=FATAL))
    nobody.at(HOUR)
    assert actions(nobody) == [(10, "trigger"), (QUIET, "resolve")]


def test_a_page_that_was_left_ends_with_sentrys_word() -> None:
    ticking = paged(PAGING, issue="7")
    ticking.at(HOUR)
    ticking.at(2 * HOUR, resolve(2 * HOUR, "7"))
    assert actions(ticking) == [(10, "trigger"), (2 * HOUR, "resolve")]


def test_what_opens_anew_pages_anew_and_the_page_that_was_left_ends_after_it() -> None:
    ticking = paged(PAGING)
    ticking.at(2 * HOUR, event(2 * HOUR, "checkout", "Boom", level=FATAL))
    ticking.at(3 * HOUR)
    old, acked, new, gone, *over = ticking.score.to(PAGER)
    asked = (old.page, acked.page, new.page, gone.page)
    assert asked == ("trigger", "acknowledge", "trigger", "resolve")
    assert new.page_replaces == old.page_key == gone.page_key
    assert gone.page_after == new.page_key
    assert [one.page_key for one in over] == [new.page_key]
    ticking.at(2 * DAY)
    assert len(ticking.score.to(PAGER)) == 5


def test_what_reopens_goes_on_under_the_page_that_was_left() -> None:
    ticking = paged(PAGING)
    ticking.at(20 * MINUTE, event(20 * MINUTE, "checkout", "Boom", level=FATAL))
    ticking.at(HOUR)
    assert actions(ticking) == [(10, "trigger")]
    ticking.at(DAY + HOUR)
    assert actions(ticking) == [(10, "trigger"), (DAY, "resolve")]


@pytest.mark.parametrize("config", [PAGING, KEPT])
def test_the_page_of_an_acknowledged_storm_is_left_too(config: Config) -> None:
    ticking = Ticking(config)
    for second in range(0, 60, 10):
        ticking.at(second, *outage(second, second + 1))
    (storm,) = ticking.score.storms()
    ticking.acknowledge(61, storm.id)
    ticking.at(HOUR)
    (over,) = [one for one in ticking.score.to(CHAT) if one.storm and one.resolved]
    ended = ticking.score.storms()[0]
    assert not ended.open
    stays = not config.pages.resolve_acknowledged
    assert over.page_stays is stays
    assert [one.action for one in ticking.score.paged()] == ["trigger", "resolve"][: 2 - stays]
    ticking.at(DAY + HOUR)
    assert [one.action for one in ticking.score.paged()] == ["trigger", "resolve"]


def test_what_was_heard_is_forgotten_with_closed_incidents() -> None:
    score = run(event(0), until=8 * DAY)
    assert not [one for _, one in score.entries if isinstance(one, Heard)]

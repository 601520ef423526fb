"""Shadow mode: everything is decided as it would be, and told to one destination alone.

A digest says to whom it would have gone; nobody is paged. Once a day and environment a report says
what would have been done, beside what Sentry's own alert rules did. Lives here: the turning of
digests, the counts of a day and the report. Not here: what is decided, which knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import xxhash

from correlators import sets
from correlators.days import DAY_TICKS, TITLES_KEPT, Day, Shadow, day_of
from correlators.decisions_of_entries import Change, newly_held
from correlators.deltas import tick_end_ms
from correlators.incidents import Incident
from correlators.state import State
from correlators.storms import Storm
from correlators.ticks import Work
from correlators.types import (
    TICK_MS,
    ChangeKind,
    Digest,
    DigestKind,
    Level,
    PageAction,
)

_FIRST: Final = frozenset({DigestKind.OPENED, DigestKind.REOPENED})


def turned(digests: Iterable[Digest], to: str) -> list[Digest]:
    """Return every revision once, for this destination alone, with whom it would have reached."""
    revisions: dict[tuple[str, int], list[Digest]] = {}
    for digest in digests:
        revisions.setdefault((digest.id, digest.revision), []).append(digest)
    return [
        msgspec.structs.replace(
            found[0],
            destination=to,
            page=PageAction.NONE,
            would_tell=tuple(one.destination for one in found if one.page is PageAction.NONE),
            would_page=_places(found, PageAction.TRIGGER),
            would_resolve=_places(found, PageAction.RESOLVE),
        )
        for found in revisions.values()
    ]


def _places(digests: Iterable[Digest], action: PageAction) -> tuple[str, ...]:
    return tuple(one.destination for one in digests if one.page is action)


def noted(
    state: State,
    shadow: Shadow,
    work: Work,
    digests: Iterable[Digest],
    changes: Iterable[Change],
) -> None:
    """Count a tick for the day of its environment.

    Args:
        state: the days are entries of it.
        shadow: when a day ends.
        work: what Sentry told.
        digests: what would have been told, before they are turned.
        changes: of the entries in this tick; what begins to be held back is counted.
    """
    days: dict[str, Day] = {}

    def of(environment: str) -> Day:
        if environment not in days:
            end = day_of(work.tick, shadow.report_minute)
            days[environment] = state.day(environment, end)
        return days[environment]

    for delta in work.deltas:
        if delta.alerts:
            day = of(delta.key.environment)
            alerts = sets.union(day.alerts, delta.alerts)
            days[delta.key.environment] = msgspec.structs.replace(day, alerts=alerts)
    for change in work.changes:
        if change.kind is ChangeKind.METRIC_ALERT and change.environment:
            day = of(change.environment)
            days[change.environment] = msgspec.structs.replace(
                day, metric_alerts=day.metric_alerts + 1
            )
    for digest in digests:
        day = of(digest.environment)
        days[digest.environment] = _told(day, digest)
    for environment in _held_in(work.tick, changes):
        day = of(environment)
        days[environment] = msgspec.structs.replace(day, held=day.held + 1)
    for day in days.values():
        state.put(day)


def _held_in(tick: int, changes: Iterable[Change]) -> Iterator[str]:
    """Yield the environment of everything that begins to be held back."""
    for before, after in changes:
        match before, after:
            case (Incident() | None as was, Incident() as now) if newly_held(tick, was, now):
                yield now.key.environment
            case (Storm() | None as was, Storm() as now) if newly_held(tick, was, now):
                yield now.environment
            case _:
                pass


def _told(day: Day, digest: Digest) -> Day:
    if digest.page not in (PageAction.NONE, PageAction.TRIGGER):
        return day
    if digest.page is PageAction.TRIGGER:
        titles = day.paged if len(day.paged) >= TITLES_KEPT else (*day.paged, digest.title)
        return msgspec.structs.replace(day, pages=day.pages + 1, paged=titles)
    first = digest.kind in _FIRST
    return msgspec.structs.replace(
        day,
        messages=day.messages + 1,
        firsts=day.firsts + first,
        storms=day.storms + (first and digest.storm),
    )


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def report(day: Day, shadow: Shadow, tick: int) -> Digest:
    """Return what a day would have been, beside what Sentry's own alerts were."""
    text = f"{day.environment}\0{day.end_tick}"
    made = "day-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))
    alerts = sets.count(day.alerts)
    about = "about " if alerts.about else ""
    lines = [
        f"Sentry's alert rules fired {about}{_many(alerts.value, 'time')} for issues and "
        f"{_many(day.metric_alerts, 'time')} for metrics.",
        f"Stormfold would have sent {_many(day.messages, 'message')}, {day.firsts:,} of them about "
        f"something new ({_many(day.storms, 'storm')}), and {_many(day.pages, 'page')}; "
        f"{day.held:,} were held back by name.",
    ]
    lines += [f"It would have paged for: {title}" for title in day.paged]
    if day.pages > len(day.paged):
        lines.append(f"... and {day.pages - len(day.paged):,} more")
    at_ms = tick_end_ms(tick)
    return Digest(
        id=made,
        revision=1,
        kind=DigestKind.REPORT,
        at_ms=at_ms,
        destination=shadow.to,
        storm=False,
        resolved=False,
        environment=day.environment,
        title=f"Shadow mode, a day of {day.environment}",
        incidents=0,
        events=0,
        users=0,
        level=Level.INFO,
        first_ms=(day.end_tick - DAY_TICKS) * TICK_MS,
        last_ms=at_ms,
        report=tuple(lines),
    )

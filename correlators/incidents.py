"""Incidents: the session windows of one key, and everything that may happen to one.

All transitions of an incident live here, as functions from one `Incident` to the next. When they
are called is decided in `correlate`; which of them are told is decided in `telling`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
import xxhash

from correlators import history, sets
from correlators.alerts import Alert
from correlators.deltas import TRACES_KEPT, all_texts, smallest_texts, worse
from correlators.history import Hours
from correlators.rates import Rate, add_rate
from correlators.returns import Back
from correlators.told import Told
from correlators.types import (
    TICK_MS,
    ChangeKind,
    Delta,
    Doubt,
    IncidentKey,
    Level,
    PageOver,
    Sample,
    StateChange,
)

SOMEBODY: Final = "a person"
"""Who has it where Sentry says that a person does: who that is stays there."""

ALIASES_KEPT: Final = 8


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How long things last, in milliseconds; every one is at least one tick.

    Raises:
        ValueError: a length is below one tick, `quiet_for_ms` below `settle_ms`, `max_life_ms`
            below `quiet_for_ms`, or `remember_ms` below `max_life_ms`.
    """

    settle_ms: int = 10_000
    """From the first event to the first digest."""
    update_every_ms: int = 300_000
    """Shortest time between two updates of one incident."""
    quiet_for_ms: int = 600_000
    """An incident without an event for this long is resolved."""
    max_life_ms: int = 86_400_000
    """An incident is cut after this."""
    reopen_within_ms: int = 1_800_000
    """A return within this after the resolution reopens the incident."""
    remember_ms: int = 604_800_000
    """A closed incident is kept this long."""
    flap_within_ms: int = 3_600_000
    """More than four ends and returns within this are flapping."""
    belated_after_ms: int = 120_000
    """An event whose own time is further back than this is belated."""
    stale_after_ms: int = 3_600_000
    """A belated event older than this is told as past and never pages."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < TICK_MS:
                raise ValueError(f"{name} must be at least {TICK_MS}")
        if self.max_life_ms < self.quiet_for_ms:
            raise ValueError("max_life_ms must not be below quiet_for_ms")
        if self.quiet_for_ms < self.settle_ms:
            raise ValueError("quiet_for_ms must not be below settle_ms")
        if self.remember_ms < self.max_life_ms:
            raise ValueError("remember_ms must not be below max_life_ms")


def ticks(duration_ms: int) -> int:
    """Return how many whole ticks a duration lasts, rounded up."""
    return -(-duration_ms // TICK_MS)


class Closed(StrEnum):
    """Why an incident is over."""

    QUIET = "quiet"
    MAX_LIFE = "max_life"
    SENTRY = "sentry"
    HAND = "hand"
    """A person said so."""


class LetGo(msgspec.Struct, frozen=True, gc=False):
    """Why a page that was left by quiet is open no more, until that is told."""

    why: PageOver
    act: str = ""
    """Kind of the act, where one ended it."""
    actor: str = ""
    source: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True, tag="incident", gc=False):
    """Events of one key within one session. Ticks are whole seconds since the epoch, -1 means
    none."""

    id: str
    key: IncidentKey
    opened_tick: int
    """With the key it makes the id; the first tick of its life."""
    last_tick: int
    """Tick of the last event that extended it; belated events do not."""
    closed_tick: int = -1
    closed: Closed | None = None
    onset_tick: int
    """First tick of the present stretch: since it opened, reopened, or was active after its
    storm."""
    onset_events: int = 0
    """Distinct events before the present stretch."""
    first_ms: int
    last_ms: int
    level: Level
    events: bytes
    users: bytes
    traces: tuple[tuple[int, int], ...] = ()
    """(trace hash, tick) of recent events, ascending; the smallest hashes, at most
    `TRACES_KEPT`."""
    issues: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Fingerprints that its events have under other signature versions; the smallest, at most
    `ALIASES_KEPT`."""
    sampled: bool = False
    delayed: bool = False
    """It was opened by belated or late events."""
    past: bool = False
    """It was opened by events older than `stale_after`: told as past, never pages."""
    signature: tuple[str, ...] = ()
    sample: Sample
    rate: Rate = ()
    """New distinct events of the last slots, for the rate that pages."""
    user_rate: Rate = ()
    """New distinct users of the last slots, where a rule asks for them."""
    marks: tuple[str, ...] = ()
    """Conditions over tags and paths that hold for some of its events."""
    hours: Hours = ()
    """New distinct events by the hour."""
    sentry_events: int = 0
    """Events of its issue as Sentry counts them; 0 where it was not told."""
    sentry_users: int = 0
    assignee: str = ""
    """The team that Sentry has assigned its issue to, or whom a person said, whatever was later;
    people are named by people alone."""
    echoes: tuple[str, ...] = ()
    """Issues that Sentry was asked to resolve and whose word on that has not come back."""
    echoes_until: int = -1
    """Tick from which none is waited for any more."""
    ignored: bool = False
    """Somebody ignores its issue in Sentry, as was heard last; what holds it is `ignoring`'s."""
    regressed: bool = False
    """The error was known and had been resolved before this incident opened, or Sentry says so."""
    escalated: bool = False
    """It came far more often than its busiest hour before."""
    escalated_mark: int = 0
    """What `changes` was then, or when its error did so under another release that it tells of."""
    changes: int = 1
    """Grows with every change that is worth telling."""
    tell_tick: int = -1
    """Tick in which a digest is to be decided; -1 when nothing waits to be told."""
    told: Told = Told()
    reopened: int = 0
    storm_id: str = ""
    """The storm that it was last linked to; it may be over."""
    storm_base: int = 0
    """Distinct events before the stretch that brought it into that storm."""
    doubt: Doubt | None = None
    """It is quiet, and why that may not be its end."""
    check_tick: int = -1
    """When its quiet is looked at again; -1 for after `quiet_for`."""
    page_left: bool = False
    """It is over by quiet, and its page waits for whoever acknowledged it."""
    alert: Alert | None = None
    """Set where it stands for a metric alert of Sentry; it has no events then."""
    false_alarm: bool = False
    """A person said that nothing was wrong."""
    assigned_by: str = ""
    """Who said whom it is assigned to; empty where Sentry did, or nobody."""
    settled_tick: int = -1
    """Events before this tick do not open it again once it is over: see `settled`."""
    ended_by: tuple[str, str] = ("", "")
    """(actor, source) of the person who ended it; once it is over."""
    back: Back | None = None
    """How it was over before its present stretch, where that began with its return."""
    let_go: LetGo | None = None
    """Its page was left and is not any more: why, until that is told."""

    @property
    def open(self) -> bool:
        """Whether its session goes on."""
        return self.closed_tick < 0

    def events_since(self, base: int) -> int:
        """Return how many distinct events came after the first `base`."""
        return max(0, sets.count(self.events).value - base)


def incident_id(key: IncidentKey, opened_tick: int) -> str:
    """Return the id of the key's incident that opened then: `inc-` and 16 hex digits."""
    text = "\0".join((key.environment, key.service, key.release, key.fingerprint, str(opened_tick)))
    return "inc-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))


def stale(delta: Delta, *, tick: int, windows: Windows) -> bool:
    """Return whether the delta's events are belated by more than `stale_after`."""
    belated = delta.belated_tick >= 0
    return belated and (tick - delta.belated_tick) * TICK_MS > windows.stale_after_ms


def extends(incident: Incident, delta: Delta, *, tick: int, windows: Windows) -> bool:
    """Return whether the delta makes the incident go on, rather than add to its counts only.

    What is over does not go on. Belated events do so only where belated ones opened it: then they
    are how it goes on, unless they are stale and it is not.
    """
    if not incident.open or delta.belated_tick < 0:
        return incident.open
    past = stale(delta, tick=tick, windows=windows)
    return incident.delayed and (incident.past or not past)


def opened(
    delta: Delta, *, tick: int, windows: Windows, rate_ticks: int, counts_users: bool = False
) -> Incident:
    """Return the incident that this delta opens in this tick.

    Args:
        delta: its first one.
        tick: the tick being applied.
        windows: the lengths.
        rate_ticks: how far back `rate` must reach.
        counts_users: whether new users are counted by time too.
    """
    users = sets.count(delta.users).value if counts_users else 0
    events = sets.count(delta.events).value
    return Incident(
        id=incident_id(delta.key, tick),
        key=delta.key,
        opened_tick=tick,
        last_tick=tick,
        onset_tick=tick,
        first_ms=delta.first_ms,
        last_ms=delta.last_ms,
        level=delta.level,
        events=delta.events,
        users=delta.users,
        traces=tuple((trace, tick) for trace in delta.traces),
        issues=delta.issues,
        marks=delta.marks,
        aliases=_aliases((), delta),
        sampled=delta.sampled,
        delayed=delta.belated_tick >= 0 or delta.tick < tick,
        past=stale(delta, tick=tick, windows=windows),
        signature=delta.signature,
        sample=delta.sample,
        rate=add_rate((), events, tick, rate_ticks),
        hours=history.added((), events, tick),
        user_rate=add_rate((), users, tick, rate_ticks),
        tell_tick=tick + ticks(windows.settle_ms),
    )


def joined_by(
    incident: Incident,
    delta: Delta,
    *,
    tick: int,
    windows: Windows,
    anew: bool,
    rate_ticks: int,
    trace_ticks: int,
    counts_users: bool = False,
) -> Incident:
    """Return the incident as it looks after one more delta of its key.

    A delta that does not extend it changes counts only. What was told as past and goes on now is
    past no longer: a new stretch begins.

    Args:
        incident: open; or closed, when the delta is belated or a person's end has settled it.
        delta: same key.
        tick: the tick being applied, not before `incident.opened_tick`.
        windows: the lengths.
        anew: the storm that told it is over, so this delta begins a new stretch.
        rate_ticks: how far back `rate` must reach.
        trace_ticks: how long a trace is remembered.
        counts_users: whether new users are counted by time too.
    """
    assert incident.key == delta.key
    goes_on = extends(incident, delta, tick=tick, windows=windows)
    assert incident.open or not goes_on
    past = incident.past and not (goes_on and not stale(delta, tick=tick, windows=windows))
    before = sets.count(incident.events).value
    events = sets.union(incident.events, delta.events)
    users = sets.union(incident.users, delta.users)
    new = max(0, sets.count(events).value - before)
    news = (events, users) != (incident.events, incident.users)
    begins = goes_on and (anew or past != incident.past)
    rate, user_rate = (incident.rate, incident.user_rate) if past == incident.past else ((), ())
    hit = 0
    if counts_users and goes_on and users != incident.users:
        hit = max(0, sets.count(users).value - sets.count(incident.users).value)
    return msgspec.structs.replace(
        incident,
        last_tick=max(incident.last_tick, tick) if goes_on else incident.last_tick,
        onset_tick=tick if begins else incident.onset_tick,
        onset_events=before if begins else incident.onset_events,
        back=None if begins else incident.back,
        first_ms=min(incident.first_ms, delta.first_ms),
        last_ms=max(incident.last_ms, delta.last_ms) if goes_on else incident.last_ms,
        level=worse(incident.level, delta.level),
        events=events,
        users=users,
        traces=_recent(incident.traces, delta.traces, tick, trace_ticks),
        issues=smallest_texts(incident.issues, delta.issues),
        marks=all_texts(incident.marks, delta.marks),
        aliases=_aliases(incident.aliases, delta),
        sampled=incident.sampled and delta.sampled,
        sample=min(incident.sample, delta.sample),
        past=past,
        rate=add_rate(rate, new, tick, rate_ticks) if goes_on else rate,
        user_rate=add_rate(user_rate, hit, tick, rate_ticks),
        hours=history.added(incident.hours, new, tick),
        changes=incident.changes + (1 if news else 0),
        doubt=None if goes_on else incident.doubt,
        check_tick=-1 if goes_on else incident.check_tick,
    )


def told_by_sentry(incident: Incident, change: StateChange) -> Incident:
    """Return the incident as it stands after a change of its Sentry issue; the same where nothing
    of that matters here.

    Counts that Sentry gives are those of the whole issue: the largest of each is kept.

    Args:
        incident: open, and of this issue.
        change: any but a resolution.
    """
    counts = (
        max(incident.sentry_events, change.events),
        max(incident.sentry_users, change.users),
    )
    assignee = _assignee(incident, change)
    after = msgspec.structs.replace(
        incident,
        sentry_events=counts[0],
        sentry_users=counts[1],
        assignee=assignee,
        assigned_by=incident.assigned_by if assignee == incident.assignee else "",
        ignored=change.kind is ChangeKind.ISSUE_IGNORED
        if change.kind in (ChangeKind.ISSUE_IGNORED, ChangeKind.ISSUE_UNRESOLVED)
        else incident.ignored,
        regressed=incident.regressed or change.regressed,
    )
    if after == incident:
        return incident
    return msgspec.structs.replace(after, changes=incident.changes + 1)


def _assignee(incident: Incident, change: StateChange) -> str:
    """Return who has it after Sentry's word.

    Sentry's answer to what was assigned here is no news: the same team, however it was written
    here, or the person who was named.
    """
    known = incident.assignee
    if change.assignee:
        written = known.removeprefix("#").removeprefix("team:")
        return known if written.casefold() == change.assignee.casefold() else change.assignee
    if change.assigned_person and not incident.assigned_by:
        return SOMEBODY
    return known


def reopened(incident: Incident, *, tick: int, windows: Windows) -> Incident:
    """Return the closed incident open again, its present stretch beginning in this tick."""
    assert not incident.open
    by, where = incident.ended_by
    told_last = incident.storm_base == incident.onset_events  # not after its storm was over
    return msgspec.structs.replace(
        incident,
        back=Back(
            ended_ms=ended_tick(incident) * TICK_MS,
            storm_id=incident.storm_id if told_last else "",
            by=by,
            where="sentry" if incident.closed is Closed.SENTRY else where,
        ),
        ended_by=("", ""),
        closed_tick=-1,
        closed=None,
        last_tick=tick,
        onset_tick=tick,
        onset_events=sets.count(incident.events).value,
        traces=(),
        rate=(),
        user_rate=(),
        reopened=incident.reopened + 1,
        changes=incident.changes + 1,
        tell_tick=tick + ticks(windows.settle_ms),
        storm_id="",
        check_tick=-1,
        page_left=False,
        let_go=None,
        false_alarm=False,
    )


def closed(
    incident: Incident,
    *,
    tick: int,
    why: Closed,
    settled_tick: int = -1,
    by: tuple[str, str] = ("", ""),
) -> Incident:
    """Return the open incident closed in this tick; what ends it with certainty ends a doubt.

    Args:
        incident: open.
        tick: the tick being applied.
        why: what ends it.
        settled_tick: events before this one do not open it again.
        by: (actor, source) of the person who ends it.
    """
    assert incident.open
    return msgspec.structs.replace(
        incident,
        closed_tick=tick,
        closed=why,
        changes=incident.changes + 1,
        tell_tick=tick,
        doubt=incident.doubt if why is Closed.MAX_LIFE else None,
        settled_tick=max(settled_tick, incident.settled_tick),
        ended_by=by,
    )


def quiet_tick(incident: Incident, *, windows: Windows) -> int:
    """Return the tick in which the open incident may be over by quiet."""
    return max(incident.last_tick + ticks(windows.quiet_for_ms), incident.check_tick)


def may_reopen(incident: Incident, *, tick: int, windows: Windows) -> bool:
    """Return whether an event in this tick reopens the closed incident."""
    return (
        incident.closed is not Closed.MAX_LIFE
        and tick - ended_tick(incident) <= ticks(windows.reopen_within_ms)
        and tick - incident.opened_tick < ticks(windows.max_life_ms)
    )


def ended_tick(incident: Incident) -> int:
    """Return the tick in which the closed incident was over: whoever ended it may have said so
    later than the tick in which that took effect."""
    return max(incident.closed_tick, incident.settled_tick)


def covers(incident: Incident, tick: int, *, windows: Windows) -> bool:
    """Return whether the incident's life plus `quiet_for` covers this tick."""
    return incident.opened_tick <= tick <= incident.last_tick + ticks(windows.quiet_for_ms)


def due_tick(incident: Incident, *, windows: Windows) -> int:
    """Return the next tick in which something happens to the incident without a delta."""
    if not incident.open:
        forget = incident.closed_tick + ticks(windows.remember_ms)
        if incident.page_left:
            forget = incident.opened_tick + ticks(windows.max_life_ms)
        return forget if incident.tell_tick < 0 else incident.tell_tick
    ends = incident.opened_tick + ticks(windows.max_life_ms)
    if incident.alert is None:
        ends = min(ends, quiet_tick(incident, windows=windows))
    return ends if incident.tell_tick < 0 else min(ends, incident.tell_tick)


def _aliases(known: tuple[str, ...], delta: Delta) -> tuple[str, ...]:
    """Return the other names with those of the delta."""
    if not delta.aliases:
        return known
    names = {name for _, name in delta.aliases if name != delta.key.fingerprint}
    if names <= set(known):
        return known
    return tuple(sorted(names.union(known))[:ALIASES_KEPT])


def _recent(
    known: tuple[tuple[int, int], ...], new: tuple[int, ...], tick: int, trace_ticks: int
) -> tuple[tuple[int, int], ...]:
    """Return the traces of the last `trace_ticks`, the smallest hashes, so that two incidents keep
    shared ones."""
    ticks_of = {trace: seen for trace, seen in known if seen >= tick - trace_ticks}
    if not new and len(ticks_of) == len(known):
        return known
    ticks_of.update(dict.fromkeys(new, tick))
    return tuple(sorted(ticks_of.items())[:TRACES_KEPT])

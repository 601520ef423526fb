"""Deltas: what some events add to one incident in one tick, how they are folded and merged.

Merging is idempotent, commutative and associative, so a delta that arrives twice or in any order
changes nothing; that is why the stage that makes deltas may repeat itself after a crash.
"""

from __future__ import annotations

import heapq
from typing import Final

import msgspec
import xxhash

from correlators import sets
from correlators.hearing import Hearing, one_name
from correlators.parameterise import parameterise
from correlators.types import (
    LEVEL_RANK,
    TICK_MS,
    Delta,
    Event,
    IncidentKey,
    Level,
    Sample,
    Signature,
    StateChange,
    tick_of,
)

TRACES_KEPT: Final = 32
"""Trace hashes kept per delta and incident: the smallest ones, so that two incidents keep the same
shared ones."""

ISSUES_KEPT: Final = 4
"""Sentry issue ids kept per delta and incident."""

TITLE_BYTES: Final = 240
URL_BYTES: Final = 500
PARTS_BYTES: Final = 1_500
"""Bytes of the readable signature that travel in a delta."""


def event_hash(event: Event) -> int:
    """Return the 64-bit hash of the event's identity, (project, event id)."""
    return xxhash.xxh3_64_intdigest(f"{event.project}\0{event.event_id}".encode())


def incident_key(event: Event, signature: Signature) -> IncidentKey:
    """Return the key of the incident that this event belongs to."""
    return IncidentKey(event.environment, event.service, event.release, signature.fingerprint)


def belated_tick_of(event: Event, at_ms: int, belated_after_ms: int) -> int:
    """Return the event's own tick when it happened more than `belated_after_ms` before `at_ms`,
    else -1.

    An event without a time of its own, or with one ahead of stream time, is not belated.
    """
    if 0 < event.occurred_ms < at_ms - belated_after_ms:
        return tick_of(event.occurred_ms)
    return -1


Place = tuple[IncidentKey, int, int, int, tuple[tuple[int, str], ...]]
"""Key, tick, belated tick, signature version, aliases: deltas of one place merge."""


def place_of(delta: Delta) -> Place:
    """Return where the delta belongs. Compares in the order in which a tick is applied."""
    return (delta.key, delta.tick, delta.belated_tick, delta.version, delta.aliases)


def merge(left: Delta, right: Delta) -> Delta:
    """Return the delta of all events of both.

    Idempotent, commutative and associative.

    Args:
        left: any delta.
        right: a delta of the same place.
    """
    assert place_of(left) == place_of(right)
    sample = min(left.sample, right.sample)
    return Delta(
        key=left.key,
        version=left.version,
        aliases=left.aliases,
        tick=left.tick,
        belated_tick=left.belated_tick,
        first_ms=min(left.first_ms, right.first_ms),
        last_ms=max(left.last_ms, right.last_ms),
        level=worse(left.level, right.level),
        events=sets.union(left.events, right.events),
        users=sets.union(left.users, right.users),
        traces=smallest_ints(left.traces, right.traces),
        issues=smallest_texts(left.issues, right.issues),
        marks=all_texts(left.marks, right.marks),
        alerts=_either(left.alerts, right.alerts),
        sampled=left.sampled and right.sampled,
        signature=min(left.signature, right.signature),
        sample=sample,
    )


def _either(left: bytes, right: bytes) -> bytes:
    """Return the set of both, where no bytes are no members."""
    return sets.union(left, right) if left and right else left or right


def worse(left: Level, right: Level) -> Level:
    """Return the more severe of two levels."""
    return left if LEVEL_RANK[left] >= LEVEL_RANK[right] else right


def smallest_ints(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    """Return the `TRACES_KEPT` smallest different numbers of both, ascending."""
    if left == right or not right:
        return left
    return tuple(sorted({*left, *right})[:TRACES_KEPT])


def smallest_texts(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    """Return the `ISSUES_KEPT` smallest different texts of both, ascending."""
    if left == right or not right:
        return left
    return tuple(sorted({*left, *right})[:ISSUES_KEPT])


def all_texts(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    """Return the different texts of both, ascending; whoever gives them bounds them."""
    if left == right or not right:
        return left
    return tuple(sorted({*left, *right}))


class _Open:
    """A delta while events are still being added to it."""

    __slots__ = (
        "alerts",
        "events",
        "first_ms",
        "issues",
        "last_ms",
        "level",
        "marks",
        "sample",
        "sampled",
        "signature",
        "traces",
        "users",
    )

    def __init__(self, event: Event, signature: Signature, at_ms: int) -> None:
        self.events: set[int] = set()
        self.alerts: set[int] = set()
        self.users: set[int] = set()
        self.traces: set[int] = set()
        self.issues: set[str] = set()
        self.marks: set[str] = set()
        self.first_ms = at_ms
        self.last_ms = at_ms
        self.level = event.level
        self.sampled = True
        self.signature = _cut_parts(signature.parts)
        self.sample = _sample(event, signature, at_ms)

    def add(self, event: Event, signature: Signature, at_ms: int) -> None:
        first = not self.events
        identity = event_hash(event)
        self.events.add(identity)
        if event.sampled:
            self.alerts.add(identity)
        if event.user_hash:
            self.users.add(event.user_hash)
        if event.trace_hash:
            self.traces.add(event.trace_hash)
        if event.issue_id:
            self.issues.add(event.issue_id)
        self.first_ms = min(self.first_ms, at_ms)
        self.last_ms = max(self.last_ms, at_ms)
        if LEVEL_RANK[event.level] > LEVEL_RANK[self.level]:
            self.level = event.level
        self.sampled = self.sampled and event.sampled
        if not first and (at_ms, event.event_id) <= (self.sample.at_ms, self.sample.event_id):
            self.sample = min(self.sample, _sample(event, signature, at_ms))

    def close(self, place: Place) -> Delta:
        key, tick, belated_tick, version, aliases = place
        return Delta(
            key=key,
            version=version,
            aliases=aliases,
            tick=tick,
            belated_tick=belated_tick,
            first_ms=self.first_ms,
            last_ms=self.last_ms,
            level=self.level,
            events=sets.of(self.events),
            users=sets.of(self.users) if self.users else sets.EMPTY,
            traces=tuple(heapq.nsmallest(TRACES_KEPT, self.traces)),
            issues=tuple(heapq.nsmallest(ISSUES_KEPT, self.issues)),
            marks=tuple(sorted(self.marks)),
            alerts=sets.of(self.alerts) if self.alerts else b"",
            sampled=self.sampled,
            signature=self.signature,
            sample=self.sample,
        )


class Fold:
    """Events of one source partition on their way to deltas: one open delta per place.

    Events that are the same under one signature version and not under another have different
    aliases, so they are deltas of their own.

    The caller flushes at the end of a tick or earlier; a tick flushed in several pieces merges to
    the same delta, so when it flushes decides nothing.
    """

    def __init__(self, *, belated_after_ms: int) -> None:
        """Args: belated_after_ms: how far an event's own time may lie behind stream time, >= 0."""
        self._belated_after_ms = belated_after_ms
        self._open: dict[Place, _Open] = {}
        self._changes: list[StateChange] = []
        self.heard = Hearing()
        self.belated = 0
        """Belated events added since the start."""

    def __len__(self) -> int:
        """Return how many deltas and state changes a flush would give."""
        return len(self._open) + len(self._changes)

    def add(
        self, event: Event, signature: Signature, at_ms: int, marks: tuple[str, ...] = ()
    ) -> None:
        """Add one event that stands at this stream time in the log, with the marks it has."""
        belated_tick = belated_tick_of(event, at_ms, self._belated_after_ms)
        if belated_tick >= 0:
            self.belated += 1
        place = (
            incident_key(event, signature),
            tick_of(at_ms),
            belated_tick,
            signature.version,
            signature.aliases,
        )
        key = place[0]
        self.heard.note(at_ms, (key.environment, key.service, one_name(key, signature.aliases)))
        delta = self._open.get(place)
        if delta is None:
            delta = self._open[place] = _Open(event, signature, at_ms)
        delta.add(event, signature, at_ms)
        delta.marks.update(marks)

    def add_change(self, change: StateChange, at_ms: int) -> None:
        """Add one state change that stands at this stream time in the log."""
        self.heard.note(at_ms)
        self._changes.append(msgspec.structs.replace(change, tick=tick_of(at_ms)))

    def flush(self) -> tuple[list[Delta], list[StateChange]]:
        """Return what was folded, deltas by (tick, key), and start anew."""
        deltas = [
            delta.close(place)
            for place, delta in sorted(self._open.items(), key=lambda item: (item[0][1], item[0]))
        ]
        changes = self._changes
        self._open = {}
        self._changes = []
        return deltas, changes


def _sample(event: Event, signature: Signature, at_ms: int) -> Sample:
    return Sample(
        at_ms=at_ms,
        event_id=event.event_id,
        title=_cut(signature.title, TITLE_BYTES),
        culprit=_cut(parameterise(event.culprit), TITLE_BYTES),
        transaction=_cut(parameterise(event.transaction), TITLE_BYTES),
        web_url=_cut(event.web_url, URL_BYTES),
        issue_url=_cut(event.issue_url, URL_BYTES),
        request=_cut(parameterise(event.request), TITLE_BYTES),
    )


def _cut_parts(parts: tuple[str, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    left = PARTS_BYTES
    for part in parts:
        if left <= 0:
            break
        kept.append(_cut(part, left))
        left -= len(part.encode("utf-8", "ignore"))
    return tuple(kept)


def _cut(text: str, most_bytes: int) -> str:
    """Return the longest beginning of the text that takes at most so many bytes: entries have a
    bound in bytes."""
    if text.isascii():
        return text[:most_bytes]
    return text.encode("utf-8", "ignore")[:most_bytes].decode("utf-8", "ignore")


def tick_start_ms(tick: int) -> int:
    """Return the first moment of a tick."""
    return tick * TICK_MS


def tick_end_ms(tick: int) -> int:
    """Return the moment at which a tick is over: the first of the next."""
    return (tick + 1) * TICK_MS

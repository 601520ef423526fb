"""Deltas while events are still being added to them: the fold of one source partition.

Lives here: what an event adds to a delta, and when a delta is closed. Not here: what a delta is,
and how two of them merge (`deltas`).
"""

from __future__ import annotations

import heapq
from typing import Final

import msgspec

from correlators import sets
from correlators.beats import Beats
from correlators.deltas import (
    ISSUES_KEPT,
    TRACES_KEPT,
    Place,
    belated_tick_of,
    event_hash,
    incident_key,
)
from correlators.hearing import Hearing, one_name
from correlators.parameterise import parameterise
from correlators.types import (
    LEVEL_RANK,
    Delta,
    Event,
    Level,
    Sample,
    Signature,
    StateChange,
    tick_of,
)

TITLE_BYTES: Final = 240
URL_BYTES: Final = 500
PARTS_BYTES: Final = 1_500
"""Bytes of the readable signature that travel in a delta."""


class OpenDelta:
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

    def __init__(self, level: Level, signature: Signature, sample: Sample) -> None:
        """Args: of the first event: its level, its signature, and how it is shown."""
        self.events: set[int] = set()
        self.alerts: set[int] = set()
        self.users: set[int] = set()
        self.traces: set[int] = set()
        self.issues: set[str] = set()
        self.marks: set[str] = set()
        self.first_ms = sample.at_ms
        self.last_ms = sample.at_ms
        self.level = level
        self.sampled = True
        self.signature = _cut_parts(signature.parts)
        self.sample = sample

    def add(self, event: Event, signature: Signature, at_ms: int) -> None:
        """Add one event of this place."""
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
        if not first and self.may_show(event.event_id, at_ms):
            self.sample = min(self.sample, sample_of(event, signature, at_ms))

    def may_show(self, event_id: str, at_ms: int) -> bool:
        """Return whether an event may stand for all: not where another sorts before it."""
        shown = self.sample
        return at_ms < shown.at_ms or (at_ms == shown.at_ms and event_id <= shown.event_id)

    def close(self, place: Place) -> Delta:
        """Return the delta of all that was added, and hold none of it any more.

        Who added to it last still names it until the next event comes.
        """
        key, tick, belated_tick, version, aliases = place
        closed = Delta(
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
        del self.events, self.alerts, self.users, self.traces, self.issues, self.marks
        return closed


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
        self._open: dict[Place, OpenDelta] = {}
        self._changes: list[StateChange] = []
        self.heard = Hearing()
        self.beats = Beats()
        self.belated = 0
        """Belated events added since the start."""
        self.flushes = 0
        """How often it was flushed: a delta that was open before is open no more."""

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
        delta = self.find(place)
        if delta is None:
            shown = sample_of(event, signature, at_ms)
            delta = self.open(place, event.level, signature, shown)
        delta.add(event, signature, at_ms)
        delta.marks.update(marks)

    def find(self, place: Place) -> OpenDelta | None:
        """Return what is open at this place."""
        return self._open.get(place)

    def open(self, place: Place, level: Level, signature: Signature, shown: Sample) -> OpenDelta:
        """Open a delta at a place where none is, for an event that is added to it next."""
        delta = self._open[place] = OpenDelta(level, signature, shown)
        return delta

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
        self.flushes += 1
        return deltas, changes


def sample(
    at_ms: int,
    event_id: str,
    *,
    title: str,
    culprit: str,
    transaction: str,
    web_url: str,
    issue_url: str,
    request: str,
) -> Sample:
    """Return one event as it is shown for all of its delta: its texts cut, nothing personal in
    them."""
    return Sample(
        at_ms=at_ms,
        event_id=event_id,
        title=_cut(title, TITLE_BYTES),
        culprit=_cut(parameterise(culprit), TITLE_BYTES),
        transaction=_cut(parameterise(transaction), TITLE_BYTES),
        web_url=_cut(web_url, URL_BYTES),
        issue_url=_cut(issue_url, URL_BYTES),
        request=_cut(parameterise(request), TITLE_BYTES),
    )


def sample_of(event: Event, signature: Signature, at_ms: int) -> Sample:
    """Return the event as it is shown for all of its delta."""
    return sample(
        at_ms,
        event.event_id,
        title=signature.title,
        culprit=event.culprit,
        transaction=event.transaction,
        web_url=event.web_url,
        issue_url=event.issue_url,
        request=event.request,
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

"""Deltas: what some events add to one incident in one tick, and how two of them are merged.

Merging is idempotent, commutative and associative, so a delta that arrives twice or in any order
changes nothing; that is why the stage that makes deltas may repeat itself after a crash.
"""

from __future__ import annotations

from typing import Final

import xxhash

from correlators import sets
from correlators.types import (
    LEVEL_RANK,
    TICK_MS,
    Delta,
    Event,
    IncidentKey,
    Level,
    Signature,
    tick_of,
)

TRACES_KEPT: Final = 32
"""Trace hashes kept per delta and incident: the smallest ones, so that two incidents keep the same
shared ones."""

ISSUES_KEPT: Final = 4
"""Sentry issue ids kept per delta and incident."""


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
    return belated_tick(event.occurred_ms, at_ms, belated_after_ms)


def belated_tick(occurred_ms: int, at_ms: int, belated_after_ms: int) -> int:
    """Return the same of an event's own time."""
    return tick_of(occurred_ms) if 0 < occurred_ms < at_ms - belated_after_ms else -1


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


def tick_start_ms(tick: int) -> int:
    """Return the first moment of a tick."""
    return tick * TICK_MS


def tick_end_ms(tick: int) -> int:
    """Return the moment at which a tick is over: the first of the next."""
    return (tick + 1) * TICK_MS

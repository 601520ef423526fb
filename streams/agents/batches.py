"""Which message of a flush goes where: one environment has one owner, everybody hears the time.

A flush is of all source partitions that a process reads. What they have for one target travels
together: one message, however many they are, or as many as its bytes need.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import xxhash

from correlators.beats import Beat
from correlators.types import Delta, DeltaBatch, StateChange

BATCH_BYTES: Final = 512 * 1024
"""A message is cut at about this size; a single larger delta goes alone."""

DELTA_BYTES: Final = 600
"""What a delta takes beside its sets and traces, roughly."""

CHANGE_BYTES: Final = 512
"""What a state change takes, roughly."""

Source = tuple[str, int]
"""Topic and partition."""

Message = tuple[DeltaBatch, ...]
"""What one message holds: of each source partition one batch at most."""


class Part(NamedTuple):
    """What a flush has of one source partition."""

    source: Source
    deltas: Sequence[Delta] = ()
    changes: Sequence[StateChange] = ()
    watermark_ms: int = -1
    """-1 where there is none to tell: no tick of it has ended since it was told last."""
    heard: tuple[tuple[int, int], ...] = ()
    beats: tuple[Beat, ...] = ()
    """Of the heartbeat."""

    @property
    def tells_all(self) -> bool:
        """Whether there is something in it that every target hears."""
        return self.watermark_ms >= 0 or bool(self.heard or self.beats)


def target_of(environment: str, partitions: int) -> int:
    """Return the partition of `incident.deltas` that owns an environment."""
    return xxhash.xxh3_64_intdigest(environment.encode("utf-8", "surrogatepass")) % partitions


def batches(parts: Sequence[Part], *, targets: int) -> dict[int, list[Message]]:
    """Return the messages of one flush by target partition, in the order to send them.

    Every delta goes to the owner of its environment, a change without environment to all of them;
    the last message of a target tells the watermarks of all parts that have one, and what they
    heard, and heartbeats. A target for which there is nothing to tell gets no message.

    Args:
        parts: of different sources.
        targets: partitions of `incident.deltas`.
    """
    packing: dict[int, _Packing] = defaultdict(_Packing)
    for part in parts:
        for change in part.changes:
            one = (target_of(change.environment, targets),)
            for target in one if change.environment else range(targets):
                packing[target].change(part.source, change)
        owners: dict[str, int] = {}
        for delta in part.deltas:
            environment = delta.key.environment
            owner = owners.get(environment)
            if owner is None:
                owner = owners[environment] = target_of(environment, targets)
            packing[owner].delta(part.source, delta)
    told = {part.source: part for part in parts if part.tells_all}
    tells = range(targets) if told else sorted(packing)
    return {target: packing[target].messages(told) for target in tells}


class _Packing:
    """The messages for one target while they are filled."""

    def __init__(self) -> None:
        self._filled: list[dict[Source, tuple[list[Delta], list[StateChange]]]] = [{}]
        self._size = 0

    def delta(self, source: Source, delta: Delta) -> None:
        """Add a delta."""
        size = DELTA_BYTES + len(delta.events) + len(delta.users) + 10 * len(delta.traces)
        self._of(source, size)[0].append(delta)

    def change(self, source: Source, change: StateChange) -> None:
        """Add a state change."""
        self._of(source, CHANGE_BYTES)[1].append(change)

    def _of(self, source: Source, size: int) -> tuple[list[Delta], list[StateChange]]:
        if self._size and self._size + size > BATCH_BYTES:
            self._filled.append({})
            self._size = 0
        self._size += size
        return self._filled[-1].setdefault(source, ([], []))

    def messages(self, told: Mapping[Source, Part]) -> list[Message]:
        """Return them; the last tells these watermarks."""
        *before, last = self._filled
        found = [
            tuple(_batch(source, *of_source) for source, of_source in one.items()) for one in before
        ]
        sources = dict.fromkeys((*last, *told))
        ends = (_batch(one, *last.get(one, ([], [])), told.get(one)) for one in sources)
        return [*found, tuple(ends)]


def _batch(
    source: Source, deltas: list[Delta], changes: list[StateChange], told: Part | None = None
) -> DeltaBatch:
    return DeltaBatch(
        topic=source[0],
        partition=source[1],
        deltas=tuple(deltas),
        changes=tuple(changes),
        watermark_ms=-1 if told is None else told.watermark_ms,
        heard=() if told is None else told.heard,
        beats=() if told is None else told.beats,
    )

"""Which message of a flush goes where: one environment has one owner, everybody hears the time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import xxhash

from correlators.types import Delta, DeltaBatch, StateChange

BATCH_BYTES: Final = 512 * 1024
"""A message is cut at about this size; a single larger delta goes alone."""

DELTA_BYTES: Final = 600
"""What a delta takes beside its sets and traces, roughly."""


def target_of(environment: str, partitions: int) -> int:
    """Return the partition of `incident.deltas` that owns an environment."""
    return xxhash.xxh3_64_intdigest(environment.encode("utf-8", "surrogatepass")) % partitions


def batches(
    source: tuple[str, int],
    deltas: Sequence[Delta],
    changes: Sequence[StateChange],
    *,
    watermark_ms: int,
    targets: int,
    heard: tuple[tuple[int, int], ...] = (),
) -> dict[int, list[DeltaBatch]]:
    """Return the messages of one flush by target partition, in the order to send them.

    Every delta goes to the owner of its environment, a change without environment to all of them;
    the last message of each target tells the watermark and when anything was heard.

    Args:
        source: topic and partition that it was read from.
        deltas: as folded.
        changes: as read.
        watermark_ms: -1 when there is none to tell.
        targets: partitions of `incident.deltas`.
        heard: what was heard, by slot; nothing without a watermark.
    """
    deltas_of: dict[int, list[Delta]] = defaultdict(list)
    for delta in deltas:
        deltas_of[target_of(delta.key.environment, targets)].append(delta)
    changes_of: dict[int, list[StateChange]] = defaultdict(list)
    for change in changes:
        one = (target_of(change.environment, targets),)
        for target in one if change.environment else range(targets):
            changes_of[target].append(change)
    found: dict[int, list[DeltaBatch]] = {}
    for target in range(targets):
        pieces = list(_pieces(deltas_of[target])) or [()]
        made = [
            DeltaBatch(
                topic=source[0],
                partition=source[1],
                deltas=tuple(piece),
                changes=tuple(changes_of[target]) if position == 0 else (),
                watermark_ms=watermark_ms if position == len(pieces) - 1 else -1,
                heard=heard if position == len(pieces) - 1 else (),
            )
            for position, piece in enumerate(pieces)
        ]
        found[target] = [one for one in made if one.deltas or one.changes or one.watermark_ms >= 0]
    return found


def _pieces(deltas: Sequence[Delta]) -> Iterator[Sequence[Delta]]:
    piece: list[Delta] = []
    size = 0
    for delta in deltas:
        of_delta = DELTA_BYTES + len(delta.events) + len(delta.users) + 10 * len(delta.traces)
        if piece and size + of_delta > BATCH_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(delta)
        size += of_delta
    if piece:
        yield piece

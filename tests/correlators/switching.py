"""Scores in which the signature version is switched: events with a name under either version, and a
CORRELATE that is restarted with another configuration between two ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import msgspec
import xxhash

from correlators.entries import PROGRESS_KEY
from correlators.partition import Partition, Step
from correlators.telling import Config
from correlators.ticks import Progress
from correlators.types import DeltaBatch, Signature
from streams import codec
from tests.correlators.score import (
    CONFIG,
    START,
    Push,
    Score,
    batches,
    event,
    first_progress,
    sign,
)
from tests.stand_in import NEW, OLD

FRESH = first_progress()


def name_of(version: int, error: str) -> str:
    """Return the fingerprint of an error that a version knows by this name."""
    return xxhash.xxh3_128_hexdigest(f"{version} {error}".encode())


def signed(old: str, new: str, *, made_by: int = OLD) -> Signature:
    """Return the signature of an event that the versions know by these names."""
    names = {OLD: name_of(OLD, old), NEW: name_of(NEW, new)}
    return msgspec.structs.replace(
        sign(old),
        version=made_by,
        fingerprint=names.pop(made_by),
        aliases=tuple(names.items()),
    )


def named(
    at: float,
    service: str = "checkout",
    old: str = "Timeout",
    new: str = "",
    *,
    made_by: int = OLD,
    **more: object,
) -> Push:
    """Return an event with a name under both versions; `new` is the old name where left out."""
    made = event(at, service, **more)  # type: ignore[arg-type]
    return replace(made, signature=signed(old, new or old, made_by=made_by))


def every(times: Iterable[float], *what: str, **more: object) -> list[Push]:
    """Return one such event at each of these seconds."""
    return [named(at, *what, **more) for at in times]  # type: ignore[arg-type]


def tick_at(second: float) -> int:
    """Return the first tick that does not begin before a second of the score."""
    return math.ceil(START + second)


def apply(
    log: Sequence[DeltaBatch],
    versions: Sequence[tuple[int, int]],
    *,
    config: Config = CONFIG,
    progress: Progress = FRESH,
    after_tick: Callable[[Partition], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Score:
    """Run an input log; from each of these ticks on another CORRELATE takes that version.

    Each owner begins with what the one before has stored, as bytes, and reads on where that says.
    """
    owners = list(versions)
    version = owners.pop(0)[1]
    score = Score()
    stored: dict[str, bytes] = {}

    def owner() -> Partition:
        taken = msgspec.structs.replace(config, signature_version=version)
        return Partition(taken, progress, [codec.entry(raw) for raw in stored.values()])

    partition = owner()
    for offset, batch in enumerate(log):
        partition.receive(offset, batch)
        while partition.ready():
            following = partition.next_tick()
            assert following is not None
            if owners and following >= owners[0][0]:
                version = owners.pop(0)[1]
                partition = owner()
                for again in range(progress.input_offset, offset + 1):
                    partition.receive(again, log[again])
                continue
            step = partition.step(most_ticks=1)
            progress = step.progress
            assert progress.signature_version == version
            for key, entry in step.entries.items():
                if entry is None:
                    stored.pop(key, None)
                elif key != PROGRESS_KEY:
                    stored[key] = codec.encode(entry)
            score.take(step)
            if after_tick is not None:
                after_tick(partition)
            if on_step is not None:
                on_step(step)
    score.entries = partition.state_entries
    assert {key: codec.encode(entry) for key, entry in score.entries} == stored
    return score


def switched(
    *parts: Push | Iterable[Push],
    at: float,
    back_at: float = -1,
    until: float | None = None,
    config: Config = CONFIG,
) -> Score:
    """Return what is decided when the new version is taken from second `at` on, and the old one
    again from `back_at` on."""
    pushes: list[Push] = []
    for part in parts:
        pushes += [part] if isinstance(part, Push) else list(part)
    if until is None:
        last_ms = max(push.at_ms for push in pushes)
        until = last_ms / 1000 - START + config.windows.quiet_for_ms / 1000 + 2
    versions = [(0, OLD), (tick_at(at), NEW)]
    if back_at >= 0:
        versions.append((tick_at(back_at), OLD))
    return apply(batches(pushes, until=until, config=config), versions, config=config)

"""How every partition of every stage is: what the processes told, and what stands on Kafka, as one.

Pure: `status_kafka` reads, `cli_status` prints. `Status` as JSON is what `stormfold status --json`
prints; docs/status.md explains its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from correlators.ticks import Progress
from correlators.types import TICK_MS
from streams.processes import StageName
from streams.reports import (
    CorrelateReport,
    DeliverReport,
    FingerprintReport,
    PartitionReport,
    Report,
)
from streams.settings import Clock
from streams.status_configurations import Running, running
from streams.status_letters import DeadLetters
from streams.status_parts import Part, Standing
from streams.status_workers import Worker, workers


class State(StrEnum):
    """What becomes of a partition's records just now."""

    RUNNING = "running"
    PAUSED = "paused"
    RESTORING = "restoring"
    PARKED = "parked"
    NOBODY = "nobody"
    """No process told lately that it has it."""


EXCLUDED_NAMED: Final = 5
"""Sources named in one line of trouble."""


class PartitionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One partition; None for what does not apply to its stage, or is not known."""

    stage: StageName
    topic: str
    partition: int
    state: State
    owner: str | None
    offset: int | None
    lag_records: int | None
    lag_seconds: float | None
    watermark_ms: int | None
    watermark_of: str | None
    applied_tick: int | None
    applied_ms: int | None
    held_deltas: int | None
    excluded: tuple[str, ...] | None
    excluded_count: int | None
    late_deltas: int | None
    repeated_deltas: int | None
    waiting: int | None
    calls: int | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One installation."""

    ok: bool
    """Every partition is owned and goes on, and waits for all of its sources."""
    namespace: str
    clock: Clock
    at_ms: int
    troubles: tuple[str, ...]
    partitions: tuple[PartitionStatus, ...]
    configurations: tuple[Running, ...]
    workers: tuple[Worker, ...]
    dead_letters: DeadLetters | None


def make_status(
    namespace: str,
    clock: Clock,
    now_ms: int,
    reports: Sequence[Report],
    standings: Mapping[Part, Standing],
    dead_letters: DeadLetters | None = None,
) -> Status:
    """Return the status of all these partitions, in order.

    Args:
        namespace: of the installation.
        clock: wall measures how far a stage is behind now, data how far behind the newest time.
        now_ms: the wall clock.
        reports: one for each process that lives, in the order in which they were told.
        standings: every partition that there is.
        dead_letters: what waits for somebody; None where that is not known.
    """
    told: dict[Part, tuple[str, PartitionReport]] = {}
    for report in reports:
        for one in report.partitions:
            part = Part(StageName(report.stage), one.topic, one.partition)
            told[part] = (report.worker, one)  # whoever told last: the others are former owners
    newest_ms = now_ms if clock is Clock.WALL else _newest_ms(told, standings)
    order = list(StageName)
    partitions = tuple(
        _partition(part, standings[part], told.get(part), newest_ms)
        for part in sorted(standings, key=lambda p: (order.index(p.stage), p.topic, p.partition))
    )
    troubles = tuple(_troubles(partitions))
    return Status(
        ok=not troubles,
        namespace=namespace,
        clock=clock,
        at_ms=now_ms,
        troubles=troubles,
        partitions=partitions,
        configurations=running(reports),
        workers=workers(
            (one for one in reports if any(part.stage == one.stage for part in standings)),
            {part: worker for part, (worker, _) in told.items() if part in standings},
        ),
        dead_letters=dead_letters,
    )


def _newest_ms(
    told: Mapping[Part, tuple[str, PartitionReport]], standings: Mapping[Part, Standing]
) -> int:
    """Return the newest stream time that anybody knows; 0 when nobody knows any."""
    times = [0]
    for part, standing in standings.items():
        if part.stage is StageName.FINGERPRINT:
            times.append(_committed_ms(standing) or 0)
        if standing.progress is not None:
            times += [at_ms for _, _, at_ms in standing.progress.watermarks]
    for _, one in told.values():
        if isinstance(one.of_stage, FingerprintReport):
            times.append(one.of_stage.stream_ms)
        elif isinstance(one.of_stage, CorrelateReport):
            times.append(one.of_stage.watermark_ms)
    return max(times)


def _partition(
    part: Part, standing: Standing, told: tuple[str, PartitionReport] | None, newest_ms: int
) -> PartitionStatus:
    owner, report = told if told is not None else (None, None)
    state = State(report.state.value) if report is not None else State.NOBODY
    offset = report.offset if report is not None and report.offset >= 0 else standing.committed
    lag = _lag(state, report, standing, offset)
    of_stage = report.of_stage if report is not None else None
    correlate = of_stage if isinstance(of_stage, CorrelateReport) else None
    deliver = of_stage if isinstance(of_stage, DeliverReport) else None
    watermark = _watermark(of_stage, standing.progress)
    applied_tick, excluded, excluded_count = _applied(correlate, standing.progress)
    known_ms: int | None = None
    match part.stage:
        case StageName.FINGERPRINT:
            found = of_stage.stream_ms if isinstance(of_stage, FingerprintReport) else 0
            known_ms = found or _committed_ms(standing)
        case StageName.CORRELATE if applied_tick is not None and applied_tick >= 0:
            known_ms = (applied_tick + 1) * TICK_MS
        case StageName.DELIVER:
            known_ms = newest_ms if lag == 0 else standing.unread_ms
        case _:
            pass
    behind_ms = max(0, newest_ms - known_ms) if known_ms is not None else None
    return PartitionStatus(
        stage=part.stage,
        topic=part.topic,
        partition=part.partition,
        state=state,
        owner=owner,
        offset=offset if offset >= 0 else None,
        lag_records=lag,
        lag_seconds=round(behind_ms / 1000, 1) if behind_ms is not None else None,
        watermark_ms=watermark[0],
        watermark_of=watermark[1],
        applied_tick=applied_tick,
        applied_ms=(applied_tick + 1) * TICK_MS if applied_tick is not None else None,
        held_deltas=correlate.held if correlate is not None else None,
        excluded=excluded,
        excluded_count=excluded_count,
        late_deltas=correlate.late if correlate is not None else _late(standing.progress),
        repeated_deltas=correlate.repeated if correlate is not None else None,
        waiting=deliver.waiting if deliver is not None else None,
        calls=deliver.calls if deliver is not None else None,
    )


def _lag(state: State, report: PartitionReport | None, standing: Standing, offset: int) -> int:
    """Return the records that can be read and are not.

    Who reads knows best: it is past the marks of transactions, which count as offsets and are no
    records. But one that is paused asks Kafka no more.
    """
    if report is not None and report.lag >= 0 and state is not State.PAUSED:
        return report.lag
    if standing.unread is not None:
        return standing.unread
    return max(0, standing.end - (offset if offset >= 0 else standing.begin))


def _watermark(of_stage: object, progress: Progress | None) -> tuple[int | None, str | None]:
    """Return the watermark, and for CORRELATE the source partition that holds it back."""
    match of_stage:
        case FingerprintReport(watermark_ms=at_ms):
            return (at_ms if at_ms >= 0 else None), None
        case CorrelateReport(watermark_ms=at_ms, slowest=slowest):
            return (at_ms if at_ms >= 0 else None), _name(slowest)
    if progress is None:
        return None, None
    told = {(topic, partition): at_ms for topic, partition, at_ms in progress.watermarks}
    waited_for = sorted(set(progress.sources) - set(progress.excluded))
    slowest = min(waited_for, key=lambda source: told.get(source, -1), default=None)
    return (told.get(slowest) if slowest is not None else None), _name(slowest)


def _applied(
    correlate: CorrelateReport | None, progress: Progress | None
) -> tuple[int | None, tuple[str, ...] | None, int | None]:
    """Return the applied tick, the names of excluded sources, and how many they are."""
    if correlate is not None:
        tick, excluded, count = (
            correlate.applied_tick,
            correlate.excluded,
            correlate.excluded_count,
        )
    elif progress is not None:
        tick, excluded, count = (
            progress.applied_tick,
            progress.excluded,
            len(progress.excluded),
        )
    else:
        return None, None, None
    names = tuple(f"{topic}-{partition}" for topic, partition in excluded)
    return (tick if tick >= 0 else None), names, count


def _late(progress: Progress | None) -> int | None:
    return progress.late if progress is not None else None


def _committed_ms(standing: Standing) -> int | None:
    """Return the stream time that FINGERPRINT committed; None where there is none."""
    # Of a foreign topic, the moment of the first read stands behind it.
    stream_ms = standing.metadata.partition(" ")[0]
    return int(stream_ms) if stream_ms.isdigit() else None


def _name(source: tuple[str, int] | None) -> str | None:
    return f"{source[0]}-{source[1]}" if source is not None else None


def _troubles(partitions: Iterable[PartitionStatus]) -> Iterable[str]:
    """Yield why something is not well: a line for all partitions of a topic with one trouble."""
    found: dict[tuple[str, str], list[int]] = {}
    for one in partitions:
        for what in _troubles_of(one):
            place = (f"{one.stage.value} {one.topic}", what)
            found.setdefault(place, []).append(one.partition)
    for (where, what), numbers in found.items():
        yield f"{where} {', '.join(map(str, numbers))}: {what}"


def _troubles_of(one: PartitionStatus) -> Iterable[str]:
    match one.state:
        case State.NOBODY:
            yield "no owner"
        case State.PARKED:
            yield f"parked by {one.owner}, whose log and /healthz name the offset"
        case State.RESTORING:
            yield f"being restored by {one.owner}"
        case State.RUNNING | State.PAUSED:
            pass
    if one.excluded_count:
        named = (one.excluded or ())[:EXCLUDED_NAMED]
        more = one.excluded_count - len(named)
        sources = [*named, *([f"{more} more"] if more else [])]
        yield f"goes on without {', '.join(sources)}, where time stands still"

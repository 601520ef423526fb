"""What the stage processes tell of themselves on `stormfold.progress`, about once a second.

Values only: one `Report` per process, with all its partitions. `status` and back pressure read
them; no event is decided by them. How they travel is the codec's business.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

EXCLUDED_TOLD: Final = 20
"""Sources named as excluded in one report of a partition; the number tells of all."""


class PartitionState(StrEnum):
    """What the owner of a partition does with it."""

    RESTORING = "restoring"
    RUNNING = "running"
    PAUSED = "paused"
    """Back pressure: it is not read until the slowest has come nearer."""
    PARKED = "parked"
    """It ended its process again and again at one offset, and is not read any more."""


class FingerprintReport(msgspec.Struct, frozen=True, kw_only=True, tag="fingerprint"):
    """What only FINGERPRINT knows of a source partition."""

    stream_ms: int
    """Its stream time; 0 before the first record."""
    watermark_ms: int
    """Told to CORRELATE last; -1 when none was told since it was assigned."""


class CorrelateReport(msgspec.Struct, frozen=True, kw_only=True, tag="correlate"):
    """What only CORRELATE knows of a partition of `incident.deltas`."""

    applied_tick: int
    """Last tick that is applied and told; -1 before the first."""
    watermark_ms: int
    """The smallest of those it waits for; -1 while one has told none."""
    slowest: tuple[str, int] | None
    """The source partition that told it; None while it waits for nobody."""
    held: int
    """Deltas that wait for their tick to be complete."""
    excluded: tuple[tuple[str, int], ...]
    """Source partitions left out as stalled; at most `EXCLUDED_TOLD` of them."""
    excluded_count: int
    late: int
    """Late deltas since the birth of the state."""
    repeated: int
    """Deltas that came again and were passed over, since it was assigned."""


class DeliverReport(msgspec.Struct, frozen=True, kw_only=True, tag="deliver"):
    """What only DELIVER knows of a partition of `deliveries`."""

    waiting: int
    """Deliveries that are not finished."""
    calls: int
    """Calls to services that are not answered yet."""


StageReport = FingerprintReport | CorrelateReport | DeliverReport


class PartitionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One partition, as its owner sees it."""

    topic: str
    partition: int
    state: PartitionState
    offset: int
    """The next to be read; -1 before it is restored."""
    lag: int
    """Records that can be read and are not; -1 when it is not known yet."""
    of_stage: StageReport | None
    """None before it is restored."""


class Report(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """One process. Its newest report is all that holds: what is not in it, it does not own."""

    stage: str
    worker: str
    """One name for all stages of one `run`."""
    at_ms: int
    """Of the clock of its host."""
    partitions: tuple[PartitionReport, ...]
    configuration: str = ""
    """Name of the configuration that it decides by."""
    configured_ms: int = 0
    """Since when, of the same clock."""

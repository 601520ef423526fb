"""How a stage process is, told and measured: every partition that it owns, as it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord

from streams.metrics import Metrics
from streams.reports import PartitionReport, PartitionState, Report

if TYPE_CHECKING:
    from streams.stage.source import Source


def worked(source: Source, records: Sequence[ConsumerRecord[Any, Any]], metrics: Metrics) -> int:
    """Measure how long the oldest of these records, just worked on, had to wait; return when the
    newest came into Kafka.

    The brokers' clock is compared with the host's: where they differ, so does what is measured.
    """
    waited_ms = source.stage.host.now_ms() - records[0].timestamp
    lag = metrics.stage_lag_seconds.labels(stage=source.stage.name)
    lag.observe(max(0, waited_ms) / 1000)
    return int(records[-1].timestamp)


def measure(source: Source, metrics: Metrics) -> None:
    """Set the gauges of what is read: the lag of each partition, and how many are paused."""
    stage = source.stage.name
    oldest_ms = now_ms = source.stage.host.now_ms()
    for tp in source.ready():
        lag = source.lag(tp)
        if lag is not None:
            place = source.partition_label(tp)
            metrics.source_lag_records.labels(stage=stage, partition=place).set(lag)
        if lag and (at_ms := source.owned[tp].at_ms):
            oldest_ms = min(oldest_ms, at_ms)
    metrics.source_lag_seconds.labels(stage=stage).set((now_ms - oldest_ms) / 1000)
    metrics.source_held_bytes.labels(stage=stage).set(source.fetching.room.held)
    paused = sum(owned.ready and owned.paused for owned in source.owned.values())
    metrics.paused_partitions.labels(stage=stage).set(paused)


def make_report(source: Source) -> Report:
    """Return the report of this process; without partitions it says that it owns none."""
    stage = source.stage
    partitions = []
    for tp, owned in sorted(source.owned.items()):
        if (tp.topic, tp.partition) in source.parked:
            state = PartitionState.PARKED
        elif not owned.ready:
            state = PartitionState.RESTORING
        else:
            state = PartitionState.PAUSED if owned.paused else PartitionState.RUNNING
        lag = source.lag(tp) if owned.ready else None
        partitions.append(
            PartitionReport(
                topic=tp.topic,
                partition=tp.partition,
                state=state,
                offset=owned.offset,
                lag=lag if lag is not None else -1,
                of_stage=source.handler.report(tp) if owned.ready else None,
            )
        )
    return Report(
        stage=stage.name,
        worker=stage.worker,
        at_ms=stage.host.now_ms(),
        partitions=tuple(partitions),
        configuration=source.configuration,
        configured_ms=source.configured_ms,
    )

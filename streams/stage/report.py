"""How a stage process is: one report of every partition that it owns, as it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.reports import PartitionReport, PartitionState, Report

if TYPE_CHECKING:
    from streams.stage.source import Source


def make_report(source: Source) -> Report:
    """Return the report of this process; without partitions it says that it owns none."""
    stage = source.stage
    partitions = []
    for tp, owned in sorted(source.owned.items()):
        if (tp.topic, tp.partition) in stage.parked:
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
    )

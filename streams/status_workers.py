"""Which processes each stage has, and how many partitions each of them: what they told. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from streams.processes import StageName
from streams.reports import Report
from streams.status_parts import Part


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One process of one stage."""

    stage: StageName
    worker: str
    """Host, process id of its parent, and behind a dot its number where it has one."""
    partitions: int
    """That it has; 0 for one that stands by."""


def workers(reports: Iterable[Report], owners: Mapping[Part, str]) -> tuple[Worker, ...]:
    """Return the processes that told of themselves, in the order of the data and of their names.

    Args:
        reports: one for each process that lives.
        owners: of each partition that has one, as the status says it.
    """
    has = Counter((part.stage, owner) for part, owner in owners.items())
    order = list(StageName)
    found = {(StageName(report.stage), report.worker) for report in reports}
    return tuple(
        Worker(stage=stage, worker=worker, partitions=has[stage, worker])
        for stage, worker in sorted(found, key=lambda one: (order.index(one[0]), _natural(one[1])))
    )


def said(found: Iterable[Worker]) -> list[str]:
    """Return a line for each stage that more than one process serves: who has how many."""
    of_stage: dict[StageName, list[Worker]] = {}
    for one in found:
        of_stage.setdefault(one.stage, []).append(one)
    return [
        f"{stage.value.upper()} runs in {len(here)} processes: "
        + ", ".join(f"{one.worker} has {one.partitions or 'none'}" for one in here)
        + " of its partitions."
        for stage, here in of_stage.items()
        if len(here) > 1
    ]


def _natural(worker: str) -> tuple[str, int]:
    """Return what names are ordered by: the tenth process of a parent comes after the second."""
    parent, dot, number = worker.rpartition(".")
    return (parent, int(number)) if dot and number.isdecimal() else (worker, 0)

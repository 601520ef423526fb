"""Which configurations run, and where: what the processes told, as one line each. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from streams.reports import Report


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration, and who decides by it."""

    configuration: str
    """Its name, as `stormfold check` prints it for the file."""
    since_ms: int
    """When the last of them took it, by the clock of its host."""
    processes: tuple[str, ...]
    """Worker and stage of each, in order."""


def running(reports: Iterable[Report]) -> tuple[Running, ...]:
    """Return the configurations that processes told of, the newest first.

    Args:
        reports: one for each process that lives; those of an older release name none.
    """
    by_name: dict[str, list[Report]] = {}
    for report in reports:
        if report.configuration:
            by_name.setdefault(report.configuration, []).append(report)
    found = [
        Running(
            configuration=name,
            since_ms=max(one.configured_ms for one in of_name),
            processes=tuple(sorted(f"{one.worker} {one.stage}" for one in of_name)),
        )
        for name, of_name in by_name.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.since_ms, one.configuration)))

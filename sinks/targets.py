"""Every destination of some sinks, as an outbox wants to know it.

Most are known from the start. A sink may also open one when something is first told to it: people
link channels that the configuration does not name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol, runtime_checkable

from sinks.base import Sink, Target

OPENED_MOST: Final = 10_000
"""Destinations that are opened; to further ones nothing is sent, as to unknown ones."""


@runtime_checkable
class Opens(Protocol):
    """A sink that also serves destinations which it does not list."""

    def opens(self, destination: str) -> bool:
        """Return whether it serves this one."""


class Targets(Mapping[str, Target]):
    """Destinations by name. It lists those that were there from the start, or were asked for."""

    def __init__(self, sinks: Iterable[Sink]) -> None:
        """Args: sinks: all there are."""
        listed = list(sinks)
        self._known = {one: _target(sink, one) for sink in listed for one in sink.destinations}
        self._opening = {sink.name: sink for sink in listed if isinstance(sink, Opens)}
        self._most = len(self._known) + OPENED_MOST

    def __getitem__(self, destination: str) -> Target:
        """Return a destination. Raises: KeyError: nobody serves it."""
        found = self._known.get(destination)
        if found is None:
            sink = self._opening.get(destination.partition(":")[0])
            if sink is None or len(self._known) >= self._most or not sink.opens(destination):
                raise KeyError(destination)
            found = self._known[destination] = _target(sink, destination)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def targets(sinks: Iterable[Sink]) -> Targets:
    """Return every destination of these sinks as the outbox wants to know it."""
    return Targets(sinks)


def _target(sink: Sink, destination: str) -> Target:
    return Target(account=sink.account(destination), plan=sink.plan(destination))

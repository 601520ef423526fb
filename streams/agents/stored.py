"""CORRELATE's state as it is stored: read back, and refused where it is not ours to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from correlators.entries import Entry
from correlators.ticks import FORMAT, Progress
from streams import codec
from streams.codec import CodecError
from streams.stage import Refused


class StateRefused(Refused):
    """The stored state is not one that this installation may go on with; says what to do."""


class Installation(NamedTuple):
    """What the stored state must have been written by."""

    name: str
    """Namespace and clock."""
    partitions: int
    """Partition count of the state topic."""


def read_state(
    place: str, stored: Mapping[str, bytes], installation: Installation
) -> tuple[Progress | None, list[Entry]]:
    """Return the progress, None for a state that is just born, and every other entry by key.

    Args:
        place: topic and partition, for the error.
        stored: values by key.
        installation: who reads it.

    Raises:
        StateRefused: an entry does not read, or another installation wrote it.
    """
    progress: Progress | None = None
    entries: list[Entry] = []
    for key in sorted(stored):
        try:
            found = codec.entry(stored[key])
        except CodecError as error:
            raise StateRefused(
                f"{place} {key}: {error}; start a new namespace, or the version that wrote it"
            ) from error
        if isinstance(found, Progress):
            progress = found
        else:
            entries.append(found)
    if progress is not None:
        _check(place, progress, installation)
    return progress, entries


def _check(place: str, progress: Progress, installation: Installation) -> None:
    for what, stored, here in (
        ("format", progress.format, FORMAT),
        ("installation", progress.installation, installation.name),
        ("partition count", progress.partitions, installation.partitions),
    ):
        if stored != here:
            raise StateRefused(
                f"{place}: its {what} is {stored}, this is {here}; give this run a namespace of "
                "its own, or the configuration that wrote it"
            )

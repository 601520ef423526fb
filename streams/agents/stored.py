"""State as it is stored: read back, and refused where it is not ours to go on with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec

from correlators.entries import PROGRESS_KEY, Entry
from correlators.ticks import FORMAT, Progress
from streams import codec
from streams.codec import CodecError
from streams.stage import ANEW, Refused

OUTBOX_FORMAT: Final = 1
"""Version of the stored outbox; another one refuses the start."""


class StateRefused(Refused):
    """The stored state is not one that this installation may go on with; says what to do."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The `@progress` entry of an outbox partition."""

    format: int = OUTBOX_FORMAT
    installation: str
    """Namespace and clock."""
    partitions: int
    """Partition count of the outbox; it never changes."""
    input_offset: int


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
    if PROGRESS_KEY in stored:
        found = _entry(place, PROGRESS_KEY, stored)
        assert isinstance(found, Progress)
        progress = found
        # First of all: entries of another format need not even read.
        _check(place, progress, FORMAT, installation)
    entries = [_entry(place, key, stored) for key in sorted(stored) if key != PROGRESS_KEY]
    return progress, entries


def read_position(
    place: str, stored: Mapping[str, bytes], installation: Installation
) -> Position | None:
    """Return how far the outbox has come, None for one that is just born.

    Raises:
        StateRefused: as of `read_state`.
    """
    if PROGRESS_KEY not in stored:
        return None
    try:
        position = msgspec.msgpack.decode(stored[PROGRESS_KEY], type=Position)
    except msgspec.DecodeError as error:
        raise _unread(place, PROGRESS_KEY, error) from error
    _check(place, position, OUTBOX_FORMAT, installation)
    return position


def _entry(place: str, key: str, stored: Mapping[str, bytes]) -> Entry:
    try:
        return codec.entry(stored[key])
    except CodecError as error:
        raise _unread(place, key, error) from error


def _unread(place: str, key: str, error: Exception) -> StateRefused:
    return StateRefused(
        f"{place} {key}: {error}; start a new namespace, or the version that wrote it"
    )


def _check(
    place: str, found: Progress | Position, version: int, installation: Installation
) -> None:
    for what, stored, here in (
        ("format", found.format, version),
        ("installation", found.installation, installation.name),
        ("partition count", found.partitions, installation.partitions),
    ):
        if stored != here:
            raise StateRefused(
                f"{place}: its {what} is {stored}, this is {here}; give this run a namespace of "
                "its own, or the configuration that wrote it"
            )


def check_sources(place: str, progress: Progress, topic: str, partitions: Collection[int]) -> None:
    """Refuse a state that waits for source partitions that are no more.

    Args:
        place: topic and partition, for the error.
        progress: as stored.
        topic: the installation's own source topic.
        partitions: those that it has.

    Raises:
        StateRefused: it does; without them no tick would ever be complete.
    """
    for waited_for, partition in progress.sources:
        if waited_for == topic and partition not in partitions:
            raise StateRefused(
                f"{place} waits for {topic}-{partition}, and {topic} has {len(partitions)} "
                f"partitions: {ANEW}"
            )

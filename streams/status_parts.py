"""The partitions that `stormfold status` speaks of, and what stands on Kafka of each: values."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from correlators.ticks import Progress
from streams.processes import StageName


class Part(NamedTuple):
    """One partition of a stage's input."""

    stage: StageName
    topic: str
    partition: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on Kafka of one partition."""

    begin: int
    end: int
    """After the last record that can be read."""
    committed: int = -1
    """By the stage's group; -1 for never."""
    metadata: str = ""
    """Of that commit; FINGERPRINT's is its stream time."""
    unread: int | None = None
    """Records not read, counted; None where they were not, or are too many."""
    unread_ms: int | None = None
    """DELIVER: when the first of them was decided, in stream time."""
    progress: Progress | None = None
    """CORRELATE: the stored one, looked up only where no process told of it."""

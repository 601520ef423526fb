"""What stands on the topics at the end of a run: digests, dead letters, the journal of calls."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from correlators.entries import PROGRESS_KEY
from correlators.types import Digest
from sinks.attempted import Attempted
from sinks.entries import decode
from sinks.marks import MARK_HEADER, Taken, read_mark
from sinks.steps import name_of
from streams import codec
from tests.simulation.cluster import EPOCH_MS
from tests.simulation.deliveries.line import Call, Key
from tests.simulation.deliveries.services import plan_of
from tests.simulation.deliveries.world import World
from tests.simulation.stages import TOPICS

Name = tuple[str, str]
"""Destination and name of a delivery."""
Named = tuple[str, str, int]
"""These, and the revision of a digest."""


class Journal:
    """All of it, as a reader of committed records sees it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls: dict[Key, list[Call]] = defaultdict(list)
        """By what names them."""
        for call in world.line.calls:
            self.calls[call.key].append(call)

    def _committed(self, topic: str, *, marks: bool = False) -> list[tuple[float, bytes, bytes]]:
        """Return (when, key, value) of every committed record: of those that are no marks about
        dead letters, or of the marks."""
        return [
            (
                (entry.timestamp_ms - EPOCH_MS) / 1000,
                entry.message.key or b"",
                entry.message.value or b"",
            )
            for log in self._world.cluster.of_topic(topic)
            for entry in log.committed()
            if entry.message is not None
            and marks is any(name == MARK_HEADER for name, _ in entry.message.headers)
        ]

    @cached_property
    def taken(self) -> list[Taken]:
        """Return what became of dead letters that were sent again."""
        marks = (read_mark(value) for _, _, value in self._committed(TOPICS.dead, marks=True))
        return [one for one in marks if isinstance(one, Taken)]

    @cached_property
    def digests(self) -> list[Digest]:
        """Return every readable digest on `deliveries`, in order."""
        return [digest for _, digest in self.digests_at]

    @cached_property
    def digests_at(self) -> list[tuple[float, Digest]]:
        """Return these with when they were written."""
        found = []
        for at_s, _, value in self._committed(TOPICS.deliveries):
            if not value.startswith(b"\xc1"):
                found.append((at_s, codec.digest(value)))
        return found

    @cached_property
    def unreadable(self) -> list[bytes]:
        """Return what else stands there."""
        values = (value for _, _, value in self._committed(TOPICS.deliveries))
        return [value for value in values if value.startswith(b"\xc1")]

    @cached_property
    def quarantined(self) -> list[bytes]:
        """Return what was put aside."""
        return [value for _, _, value in self._committed(TOPICS.quarantine)]

    @cached_property
    def dead(self) -> set[Named]:
        """Return what was given up."""
        found = set()
        for _, _, value in self._committed(TOPICS.dead):
            digest = codec.digest(value)
            found.add((*name(digest), digest.revision))
        return found

    def gave_up(self, digest: Digest) -> bool:
        """Return whether this digest was given up."""
        return (*name(digest), digest.revision) in self.dead

    @cached_property
    def attempted(self) -> list[tuple[float, Attempted]]:
        """Return what became of calls, and when that was written."""
        return [(at_s, one) for at_s, one in self._said if one.number]

    @cached_property
    def together(self) -> list[Attempted]:
        """Return what is told of digests that a roll-up tells: they had no call of their own."""
        return [one for _, one in self._said if not one.number]

    @cached_property
    def _said(self) -> list[tuple[float, Attempted]]:
        said = ((at_s, codec.said(value)) for at_s, _, value in self._committed(TOPICS.decisions))
        return [(at_s, one) for at_s, one in said if isinstance(one, Attempted)]

    @cached_property
    def written_s(self) -> dict[tuple[str, int], float]:
        """Return when each call of each delivery was written down, by key and number."""
        found: dict[tuple[str, int], float] = {}
        for at_s, key, value in self._committed(TOPICS.outbox):
            if key != PROGRESS_KEY.encode() and value:
                entry = decode(value)
                found.setdefault((entry.key, entry.number), at_s)
        return found

    @cached_property
    def outcomes(self) -> dict[Key, str]:
        """Return what is told of each call."""
        return {named(one): one.outcome for _, one in self.attempted}

    def doubtful(self, call: Call) -> bool:
        """Return whether nobody who comes later can tell whether it was carried out."""
        return self.outcomes.get(call.key, "unknown") == "unknown"

    def never_made(self, call: Call) -> list[float]:
        """Return when those before this call were written down that nobody came to make."""
        made = {one.attempt.number for one in self._world.line.calls if _same(one, call)}
        return [
            at_s
            for (key, number), at_s in self.written_s.items()
            if key == call.attempt.key and 0 < number < call.attempt.number and number not in made
        ]


def _same(one: Call, other: Call) -> bool:
    return one.attempt.key == other.attempt.key


def named(one: Attempted) -> Key:
    """Return what names a call in the journal, as `Call.key` does."""
    name = one.delivery or one.subject
    return Key(one.destination, name, one.subject, one.revision, one.number)


def name(digest: Digest) -> Name:
    """Return the delivery that a digest belongs to."""
    return digest.destination, name_of(digest, plan_of(digest.destination))

"""Which incident and which storm every line of a recording ended in.

Lines are spooled to a temporary file while the recording runs, because only the end tells how long
an incident lived and which storms became one. What is kept in memory is one small record per
incident, membership and storm. Nothing here decides anything: keys come from FINGERPRINT's step,
lives from CORRELATE's entries, in process or read from the `incidents` topic.

An incident belongs to its storm from the onset of the stretch that was linked, which lies before
the moment of linking: lines in between belong to the storm too.
"""

from __future__ import annotations

import bisect
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final

import msgspec
import orjson

from correlators.deltas import belated_tick, belated_tick_of
from correlators.entries import Entry, Membership
from correlators.fingerprinter import Read
from correlators.incidents import Incident, ticks
from correlators.storms import Storm
from correlators.telling import Config
from correlators.types import IncidentKey, tick_of

_SPOOL_BYTES = 4 * 1024 * 1024
"""What is kept of the spool in memory before it becomes a file."""


_encoder: Final = msgspec.json.Encoder()


class Noted(msgspec.Struct, array_like=True, frozen=True):
    """What is known of a line when it is read; without `key` it is no event."""

    line: int
    event_id: str = ""
    key: IncidentKey | None = None
    tick: int = -1
    belated_tick: int = -1
    aliases: tuple[str, ...] = ()
    """The event's fingerprints under the other signature versions."""

    @property
    def keys(self) -> list[IncidentKey]:
        """The keys under which its incident may stand, its own first."""
        if self.key is None:
            return []
        others = [msgspec.structs.replace(self.key, fingerprint=name) for name in self.aliases]
        return [self.key, *others]


class _Life(msgspec.Struct, frozen=True):
    id: str
    opened_tick: int
    last_tick: int
    closed_tick: int


class Lives:
    """The lives of incidents and storms, as the last entry of each says."""

    def __init__(self, config: Config) -> None:
        """Args: config: the lengths by which belated events find their incident."""
        self._quiet = ticks(config.windows.quiet_for_ms)
        self._remember = ticks(config.windows.remember_ms)
        self._by_key: dict[IncidentKey, dict[str, _Life]] = {}
        self._ordered: dict[IncidentKey, list[_Life]] = {}
        self._members: dict[str, dict[int, str]] = {}
        self._storms: dict[str, tuple[str, int]] = {}
        self.incidents = 0
        """Different incidents seen."""

    @property
    def storms(self) -> int:
        """Different storms seen, those not counted that became part of another."""
        return sum(not merged_into for merged_into, _ in self._storms.values())

    def learn(self, entries: Iterable[Entry | None]) -> None:
        """Take changed entries, in the order of their change. A removed one stays as it was."""
        for entry in entries:
            match entry:
                case Incident():
                    of_key = self._by_key.setdefault(entry.key, {})
                    self._ordered.pop(entry.key, None)
                    self.incidents += entry.id not in of_key
                    of_key[entry.id] = _Life(
                        entry.id, entry.opened_tick, entry.last_tick, entry.closed_tick
                    )
                    if not entry.storm_id:
                        # This stretch belongs to no storm, whatever the one before did.
                        self._members.setdefault(entry.id, {})[entry.onset_tick] = ""
                case Membership():
                    of_incident = self._members.setdefault(entry.incident_id, {})
                    of_incident[entry.from_tick] = entry.storm_id
                case Storm():
                    self._storms[entry.id] = (entry.merged_into, entry.closed_tick)
                case _:
                    pass

    def incident(self, keys: Sequence[IncidentKey], tick: int, belated_tick: int) -> str | None:
        """Return the incident that an event at this tick ended in.

        Where the signature version was switched while it ran, an incident of another name goes
        before one of its own, as in `correlators.aliases.standing`.

        Args:
            keys: the event's own, then those under other signature versions.
            tick: of its stream time.
            belated_tick: of its own time if it is belated, else -1.
        """
        begun = [self._begun(key, tick) for key in keys]
        if belated_tick >= 0:
            for life in sorted(
                itertools.chain.from_iterable(begun), key=lambda one: (-one.opened_tick, one.id)
            ):
                remembered = life.closed_tick < 0 or tick <= life.closed_tick + self._remember
                if life.opened_tick <= belated_tick <= life.last_tick + self._quiet and remembered:
                    return life.id
        found: list[tuple[bool, int, str]] = []
        for place, lives in enumerate(begun):
            for life in lives:
                if life.closed_tick < 0 or tick <= life.closed_tick:
                    found.append((place == 0, life.opened_tick, life.id))
                    break
        return min(found)[2] if found else None

    def _begun(self, key: IncidentKey, tick: int) -> list[_Life]:
        """Return the lives of a key that began in this tick or before, newest first."""
        lives = self._newest_first(key)
        return lives[bisect.bisect_left(lives, -tick, key=lambda life: -life.opened_tick) :]

    def _newest_first(self, key: IncidentKey) -> list[_Life]:
        known = self._ordered.get(key)
        if known is None:
            lives = self._by_key.get(key, {}).values()
            known = sorted(lives, key=lambda life: life.opened_tick, reverse=True)
            self._ordered[key] = known
        return known

    def storm(self, incident_id: str, tick: int) -> str | None:
        """Return the storm that the stretch of the incident at this tick belonged to, after all
        merges.

        None as well where a stored state has forgotten the storm and still knows who was in it.
        """
        members = self._members.get(incident_id)
        if not members:
            return None
        starts = sorted(members)
        place = bisect.bisect_right(starts, tick) - 1
        if place < 0:
            return None
        storm_id = members[starts[place]]
        known = self._storms.get(storm_id)
        while known is not None and known[0]:
            storm_id = known[0]
            known = self._storms.get(storm_id)
        if known is None:
            return None
        closed_tick = known[1]
        return storm_id if closed_tick < 0 or tick <= closed_tick else None


def noted(line: int, read: Read | None = None, at_ms: int = 0, belated_after_ms: int = 0) -> bytes:
    """Return what is kept of one line: `read` is None for one that is no record."""
    kept = Noted(line)
    if read is not None and (told := read.told) is not None:
        belated = belated_tick(told.occurred_ms, at_ms, belated_after_ms)
        names = tuple([name for _, name in told.signature.aliases])
        kept = Noted(line, told.event_id, told.key, tick_of(at_ms), belated, names)
    elif read is not None and read.event is not None:
        belated = belated_tick_of(read.event, at_ms, belated_after_ms)
        names = tuple(name for _, name in read.signature.aliases) if read.signature else ()
        kept = Noted(line, read.event.event_id, read.key, tick_of(at_ms), belated, names)
    return _encoder.encode(kept) + b"\n"


class Spool:
    """The lines of a recording, in order, kept until the lives are known."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115

    def close(self) -> None:
        """Forget the lines."""
        self._file.close()

    def note(self, line: int, read: Read | None, at_ms: int, belated_after_ms: int) -> None:
        """Keep one line: `read` is None for one that is no record."""
        self.add(noted(line, read, at_ms, belated_after_ms))

    def add(self, rows: bytes) -> None:
        """Keep what `noted` made of the next lines."""
        self._file.write(rows)

    def noted(self) -> Iterator[Noted]:
        """Yield what is kept of every line, in order."""
        self._file.seek(0)
        decoder = msgspec.json.Decoder(Noted)
        yield from map(decoder.decode, self._file)

    def rows(self, lives: Lives, *, up_to_tick: int | None = None) -> Iterator[bytes]:
        """Yield a row of JSON for every line, in order; those of later ticks have no incident."""
        for noted in self.noted():
            decided = up_to_tick is None or noted.tick <= up_to_tick
            yield orjson.dumps(_row(noted, lives if decided else None)) + b"\n"


def _row(noted: Noted, lives: Lives | None) -> dict[str, int | str | None]:
    key = noted.key
    incident = storm = None
    if key is not None and lives is not None:
        incident = lives.incident(noted.keys, noted.tick, noted.belated_tick)
    if incident is not None and lives is not None:
        storm = lives.storm(incident, noted.tick)
    return {
        "line": noted.line,
        "event_id": noted.event_id if key is not None else None,
        "fingerprint": key.fingerprint if key is not None else None,
        "incident": incident,
        "storm": storm,
    }

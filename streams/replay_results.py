"""What a replay tells: the row per line, the row per digest, the counts. These formats stay.

Fed by every way of replaying alike, so that the files are the same bytes whichever way was taken.
How a recording is replayed lives in `replay` and `replay_kafka`.

Errors: `OutputError` when a file cannot be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import orjson

from correlators.entries import Entry
from correlators.fingerprinter import Fingerprinting, Read, RecordKind
from correlators.partition import Step
from correlators.telling import Config
from correlators.types import Digest
from streams.assignments import Lives, Noted, Spool
from streams.output_files import write
from streams.portions import Folded
from streams.recording import BadLine, Record
from streams.sorted_rows import SortedRows


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    events: int
    """Lines that are events."""
    incidents: int
    """Incidents opened in all."""
    storms: int
    """Storms opened in all; one that became part of another is not counted."""
    digests: int
    """Digest revisions decided, one per destination."""
    suppressed: int
    """Digests held back."""
    late: int
    """Deltas that came after their tick was applied."""
    quarantined: int
    """Lines whose body cannot be read."""
    skipped: int
    """Bad lines."""

    def json(self) -> bytes:
        """Return the counts as one line of JSON, keys in the order of the fields."""
        return orjson.dumps(msgspec.structs.asdict(self)) + b"\n"


class Results:
    """Gathers what a replay decides. Use as a context: it holds temporary files.

    Of a line nothing stays in memory, of a digest next to nothing; of an incident its life does.
    """

    def __init__(
        self, config: Config, fingerprinting: Fingerprinting, *, rows: bool, digests: bool = True
    ) -> None:
        """Args: rows: keep what `assignments` needs; digests: keep what `digests` needs."""
        self._belated_after_ms = fingerprinting.belated_after_ms
        self._spool = Spool() if rows else None
        self._digests = SortedRows() if digests else None
        self._told = 0
        self._kinds: Counter[RecordKind] = Counter()
        self._skipped = 0
        self.lives = Lives(config)
        self.suppressed = 0
        self.late = 0

    @property
    def keeps_rows(self) -> bool:
        """Whether `write_assignments` may be asked for."""
        return self._spool is not None

    def close(self) -> None:
        """Let go of the temporary files."""
        if self._spool is not None:
            self._spool.close()
        if self._digests is not None:
            self._digests.close()

    def line(self, record: Record, read: Read) -> None:
        """Note a line that was replayed."""
        self._kinds[read.kind] += 1
        if self._spool is not None:
            self._spool.note(record.line, read, record.at_ms, self._belated_after_ms)

    def bad_line(self, bad: BadLine) -> None:
        """Note a line that was skipped."""
        self._skipped += 1
        if self._spool is not None:
            self._spool.note(bad.line, None, 0, self._belated_after_ms)

    def lines(self, folded: Folded, skipped: int) -> None:
        """Note what came of the lines of one block, of which so many were skipped."""
        self._kinds.update(folded.kinds)
        self._skipped += skipped
        if self._spool is not None:
            self._spool.add(folded.rows)

    def step(self, step: Step) -> None:
        """Note what a step of CORRELATE decided."""
        self.suppressed += step.suppressed.total()
        self.entries(step.entries.values())
        for digest in step.digests:
            self.digest(digest)

    def entries(self, entries: Iterable[Entry | None]) -> None:
        """Note changed state entries, in the order of their change."""
        self.lives.learn(entries)

    def digest(self, digest: Digest) -> None:
        """Note a digest."""
        self._told += 1
        if self._digests is None:
            return
        row: dict[str, int | str] = {
            "at_ms": digest.at_ms,
            "destination": digest.destination,
            "kind": digest.kind.value,
            "id": digest.id,
            "revision": digest.revision,
            "incidents": digest.incidents,
            "events": digest.events,
            "users": digest.users,
            "title": digest.title,
        }
        place = (digest.at_ms, digest.destination, digest.id, digest.revision)
        self._digests.add(place, orjson.dumps(row) + b"\n")

    def counts(self) -> Counts:
        """Return the counts as they stand."""
        return Counts(
            events=self._kinds[RecordKind.EVENT],
            incidents=self.lives.incidents,
            storms=self.lives.storms,
            digests=self._told,
            suppressed=self.suppressed,
            late=self.late,
            quarantined=self._kinds[RecordKind.UNREADABLE],
            skipped=self._skipped,
        )

    def write_assignments(self, path: Path, *, up_to_tick: int | None = None) -> None:
        """Write one row for every line, in order.

        Args:
            path: of the file.
            up_to_tick: lines of later ticks have no incident yet; None when all was applied.

        Raises:
            OutputError: it cannot be written.
        """
        assert self._spool is not None
        write(path, self._spool.rows(self.lives, up_to_tick=up_to_tick))

    def noted(self) -> Iterator[Noted]:
        """Yield what is known of every line, in order."""
        assert self._spool is not None
        return self._spool.noted()

    def write_digests(self, path: Path) -> None:
        """Write one row per digest, by (at_ms, destination, id, revision). Raises: OutputError."""
        assert self._digests is not None
        write(path, self._digests.rows())

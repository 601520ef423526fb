"""The lines of a recording on their way through a replay: bad ones named, the bar moved.

Errors: those of `recording` and `local_parallel` go through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from streams.bar import Way, bar
from streams.local_parallel import Side, follow
from streams.recording import BadLine, Record, Recording
from streams.replay_results import Results

NAMED_MOST: Final = 20
"""Bad lines that are named; further ones are counted."""


class Named:
    """Bad lines as they are told: the first ones by name, the rest as a number."""

    def __init__(self, errors: TextIO) -> None:
        """Args: errors: where they are told."""
        self._errors = errors
        self._named = 0

    def name(self, bad: BadLine) -> None:
        """Tell of one more."""
        if self._named < NAMED_MOST:
            self._named += 1
            print(f"{bad}; skipped", file=self._errors)

    def end(self, skipped: int) -> None:
        """Tell how many there were beyond those that were named."""
        if skipped > self._named:
            print(f"and {skipped - self._named} further bad lines", file=self._errors)


class Lines:
    """The lines of a recording, with bad ones named on the way and the progress bar moved."""

    def __init__(self, name: str, recording: Recording, results: Results, errors: TextIO) -> None:
        """Args: name: of the command; errors: where bad lines are named, and the bar is drawn if
        it is a terminal."""
        self._name = name
        self._recording = recording
        self._results = results
        self._errors = errors
        self.done = 0
        """How many have been replayed, or skipped."""
        self.first_ms = -1
        """Time of the first record that was yielded; -1 before it."""

    def __iter__(self) -> Iterator[Record]:
        """Yield every record. Raises: RecordingError."""
        named = Named(self._errors)
        with bar(self._name, self._errors, self._way) as moved:
            for line in self._recording:
                moved()
                if isinstance(line, BadLine):
                    self._results.bad_line(line)
                    named.name(line)
                else:
                    if self.first_ms < 0:
                        self.first_ms = line.at_ms
                    yield line
                self.done = line.line
        named.end(self._recording.skipped)

    def follow(self, sides: Sequence[Side], workers: int) -> None:
        """Take all of them through these sides, with so many processes beside this one.

        Raises:
            RecordingError: a file breaks off.
            TooMuchHeld: more is open at once than fits.
            WorkerDied: one of the processes ended.
        """
        named = Named(self._errors)
        with bar(self._name, self._errors, self._way) as moved:

            def done(lines: int) -> None:
                self.done = lines
                moved()

            follow(self._recording, sides, workers=workers, bad_line=named.name, moved=done)
        named.end(self._recording.skipped)

    def _way(self) -> Way:
        recording = self._recording
        return Way(recording.bytes_read, recording.bytes_total, self.done)

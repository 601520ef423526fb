"""`stormfold backtest`: what a changed configuration would have told, over recorded traffic.

Both configurations decide the same records in this process, as a replay does; nothing is sent to
anybody. What one side told is folded in `backtest_side`, the two are laid beside each other in
`backtest_compare`, and shown by `backtest_text` and `backtest_page`.

Both begin with no memory: what was known before the first record is new to both.

Errors: `BacktestError` ends it with status 1, its child `WrongUse` with status 2.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, TextIO

import msgspec

from correlators.deltas import belated_tick_of
from correlators.fingerprinter import Fingerprinting, Read
from correlators.partition import Step
from correlators.types import tick_of
from streams import backtest_page, backtest_text
from streams.assignments import Lives, Noted
from streams.backtest_compare import Compared, compare
from streams.backtest_conditions import BadCondition, Condition, condition_of, holds
from streams.backtest_side import Side
from streams.bar import Way, bar
from streams.exit_status import CONDITION_HOLDS, DONE, FAILED, LINES_SKIPPED, WRONG_USE
from streams.local import Pipeline, TooMuchHeld
from streams.output_files import OutputError, check_writable, write
from streams.recording import BadLine, Recording, RecordingError
from streams.settings import Settings

_SPOOL_BYTES: Final = 4 * 1024 * 1024


class BacktestError(Exception):
    """It cannot be done or finished; the text says why and what to do."""


class WrongUse(BacktestError):
    """It was asked for in a way that cannot work: nothing was replayed."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    files: tuple[Path, ...] = ()
    since: str | None = None
    """Instead of files: what came in on the live topics within this time."""
    html: Path | None = None
    json: bool = False
    fail_if: tuple[str, ...] = ()


class Sided:
    """A configuration, its pipeline, and what it would have told."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Args: name: of the configuration; settings: what decides."""
        config = settings.correlation()
        self.fingerprinting: Fingerprinting = settings.fingerprinting()
        self.side = Side(name, Lives(config))
        self.pipeline = Pipeline(config, self.fingerprinting, self._step, explains=True)

    def _step(self, step: Step) -> None:
        self.side.lives.learn(step.entries.values())
        self.side.take(step.decisions)

    def noted(self, read: Read, at_ms: int) -> Noted | None:
        """Return where an event was put; None for what is no event."""
        if read.event is None:
            return None
        belated = belated_tick_of(read.event, at_ms, self.fingerprinting.belated_after_ms)
        names = tuple(name for _, name in read.signature.aliases) if read.signature else ()
        return Noted(0, "", read.key, tick_of(at_ms), belated, names)


class Pairs:
    """Events by where both sides put them, on disk until the lives are known. Use as a context."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115
        self._encoder = msgspec.msgpack.Encoder()
        self._of_tick: Counter[tuple[Noted, Noted]] = Counter()
        self._tick = -1

    def __enter__(self) -> Pairs:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self, one: Noted, two: Noted) -> None:
        """Count an event; those of one tick and place become one line."""
        if one.tick != self._tick:
            self._flush()
            self._tick = one.tick
        self._of_tick[one, two] += 1

    def _flush(self) -> None:
        for (one, two), count in self._of_tick.items():
            raw = self._encoder.encode((one, two, count))
            self._file.write(len(raw).to_bytes(4, "big") + raw)
        self._of_tick.clear()

    def counted(self, old: Side, new: Side) -> Counter[tuple[str, str]]:
        """Return events by (thing of the old, thing of the new)."""
        self._flush()
        self._file.seek(0)
        found: Counter[tuple[str, str]] = Counter()
        for one, two, count in self._rows():
            found[old.thing_of(one), new.thing_of(two)] += count
        return found

    def _rows(self) -> Iterator[tuple[Noted, Noted, int]]:
        decoder = msgspec.msgpack.Decoder(tuple[Noted, Noted, int])
        while head := self._file.read(4):
            yield decoder.decode(self._file.read(int.from_bytes(head, "big")))


def backtest(old: Sided, new: Sided, recording: Recording, errors: TextIO) -> Compared:
    """Run both over the records and return what differs.

    Raises:
        BacktestError: more is open at once than fits.
        RecordingError: a file breaks off.
    """
    first_ms = last_ms = 0

    def way() -> Way:
        return Way(recording.bytes_read, recording.bytes_total, recording.lines)

    with Pairs() as pairs, bar("backtest", errors, way) as moved:
        try:
            for line in recording:
                moved()
                if isinstance(line, BadLine):
                    continue
                reads = [
                    one.pipeline.add(line.resource, line.body, line.at_ms) for one in (old, new)
                ]
                notes = [
                    one.noted(read, line.at_ms) for one, read in zip((old, new), reads, strict=True)
                ]
                if notes[0] is not None and notes[1] is not None:
                    first_ms = first_ms or line.at_ms
                    last_ms = max(last_ms, line.at_ms)
                    pairs.note(notes[0], notes[1])
            for one in (old, new):
                one.pipeline.finish()
        except TooMuchHeld as error:
            raise BacktestError(str(error)) from None
        counted = pairs.counted(old.side, new.side)
    return compare(old.side, new.side, counted, first_ms=first_ms, last_ms=last_ms)


def run(
    new: Settings, against: Settings, options: Options, out: TextIO, errors: TextIO, *, now_ms: int
) -> int:
    """Run the backtest, show it, and return the exit status.

    Args:
        new: what is tried.
        against: what runs today.
        options: what to read and how to show it.
        out: gets the report, as JSON alone or as text.
        errors: gets the bar and every complaint.
        now_ms: `since` counts back from here.
    """
    try:
        return _run(new, against, options, out, errors, now_ms=now_ms)
    except (WrongUse, BadCondition, OutputError) as error:
        print(f"backtest: {error}", file=errors)
        return WRONG_USE
    except (BacktestError, RecordingError) as error:
        print(f"backtest: {error}", file=errors)
        return FAILED


def _run(
    new: Settings, against: Settings, options: Options, out: TextIO, errors: TextIO, *, now_ms: int
) -> int:
    conditions = [condition_of(text) for text in options.fail_if]
    if options.html is not None:
        check_writable(options.html)
    if bool(options.files) == bool(options.since):
        raise WrongUse("give recordings, or --since and a time such as 24h")
    with tempfile.TemporaryDirectory(prefix="stormfold-") as folder:
        files = options.files
        if options.since is not None:
            files = (_recorded(against, options.since, Path(folder), errors, now_ms=now_ms),)
        try:
            recording = Recording(files)
        except RecordingError as error:
            raise WrongUse(str(error)) from None
        sides = [Sided(one.file or "the defaults", one) for one in (against, new)]
        compared = backtest(sides[0], sides[1], recording, errors)
    if options.json:
        out.write(backtest_text.in_json(compared))
    else:
        out.write("".join(f"{line}\n" for line in backtest_text.lines(compared)))
    if options.html is not None:
        write(options.html, [backtest_page.page(compared, sides[0].side, sides[1].side).encode()])
        print(f"written: {options.html}", file=errors)
    if recording.skipped:
        print(f"{recording.skipped} bad lines were skipped", file=errors)
    if _held(conditions, compared, errors):
        return CONDITION_HOLDS
    return LINES_SKIPPED if recording.skipped else DONE


def _held(conditions: list[Condition], compared: Compared, errors: TextIO) -> bool:
    failed = False
    for condition in conditions:
        held, said = holds(condition, compared)
        failed = failed or held
        if held:
            print(f"--fail-if {said}", file=errors)
    return failed


def _recorded(settings: Settings, since: str, folder: Path, errors: TextIO, *, now_ms: int) -> Path:
    """Return a recording of what stands on the live topics, in a folder of ours."""
    from io import StringIO

    from streams import record

    path = folder / "since.jsonl.zst"
    options = record.Options(out=path, since=since, json=True)
    status = record.run(settings, options, StringIO(), errors, now_ms=now_ms)
    if status != DONE:
        raise (WrongUse if status == WRONG_USE else BacktestError)(
            "what stands on the live topics cannot be read"
        )
    return path


def main(new: Settings, against: Settings, options: Options) -> int:
    """Run on this process's own streams."""
    now_ms = time.time_ns() // 1_000_000
    return run(new, against, options, sys.stdout, sys.stderr, now_ms=now_ms)

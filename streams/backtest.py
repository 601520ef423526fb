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
from pathlib import Path
from typing import TextIO

import msgspec

from correlators.partition import Step
from correlators.types import TICK_MS
from streams import backtest_page, backtest_text, local_parallel
from streams.backtest_compare import Compared, compare
from streams.backtest_conditions import BadCondition, Condition, condition_of, holds
from streams.backtest_side import Side
from streams.exit_status import (
    CONDITION_HOLDS,
    DONE,
    FAILED,
    INTERRUPTED,
    LINES_SKIPPED,
    TERMINATED,
    WRONG_USE,
)
from streams.local import TooMuchHeld
from streams.local_parallel import WorkerDied
from streams.output_files import OutputError, check_writable, write
from streams.recording import Recording, RecordingError
from streams.replay_lines import Lines
from streams.replay_results import Results
from streams.settings import Settings
from streams.terminate import Terminated, terminable


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
    workers: int = 1


class Sided:
    """A configuration on its way through the recording, and what it would have told."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Args: name: of the configuration; settings: what decides."""
        config, fingerprinting = settings.correlation(), settings.fingerprinting()
        self.results = Results(config, fingerprinting, rows=True, digests=False)
        self.side = Side(name, self.results.lives)
        self.way = local_parallel.Side(settings, self.results, self._step, explains=True)

    def _step(self, step: Step) -> None:
        self.side.take(step.decisions)


def backtest(old: Sided, new: Sided, lines: Lines, workers: int) -> Compared:
    """Run both over the records and return what differs.

    Args:
        old: what runs today.
        new: what is tried.
        lines: of the recording.
        workers: processes that fingerprint, beside this one.

    Raises:
        BacktestError: more is open at once than fits, or a process ended.
        RecordingError: a file breaks off.
    """
    try:
        lines.follow([old.way, new.way], workers)
    except TooMuchHeld as error:
        raise BacktestError(str(error)) from None
    except WorkerDied:
        raise BacktestError(
            "one of the processes that fingerprint ended: killed from outside, or out of memory; "
            "`--workers 1` does without them"
        ) from None
    pairs: Counter[tuple[str, str]] = Counter()
    first_ms = last_ms = 0
    for one, two in zip(old.results.noted(), new.results.noted(), strict=True):
        if one.key is None or two.key is None:
            continue
        at_ms = one.tick * TICK_MS
        first_ms, last_ms = first_ms or at_ms, max(last_ms, at_ms)
        pairs[old.side.thing_of(one), new.side.thing_of(two)] += 1
    return compare(old.side, new.side, pairs, first_ms=first_ms, last_ms=last_ms)


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
        lines = Lines("backtest", recording, sides[0].results, errors)
        try:
            with terminable():
                compared = backtest(sides[0], sides[1], lines, options.workers)
        except (KeyboardInterrupt, Terminated) as ended:
            print(f"backtest: interrupted after {lines.done:,} lines", file=errors)
            return INTERRUPTED if isinstance(ended, KeyboardInterrupt) else TERMINATED
        finally:
            for one in sides:
                one.results.close()
    if options.json:
        out.write(backtest_text.in_json(compared))
    else:
        out.write("".join(f"{line}\n" for line in backtest_text.lines(compared)))
    if options.html is not None:
        write(options.html, [backtest_page.page(compared, sides[0].side, sides[1].side).encode()])
        print(f"written: {options.html}", file=errors)
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

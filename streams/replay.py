"""`stormfold replay`: recordings through the pipeline at their recorded time, and what came of it.

Three ways with one result: `local` runs the steps in this process; `kafka` and `intake` feed the
namespace that is configured, which `stormfold run` serves. Nothing is sent to anybody from here.
What is told at the end lives in `replay_results`; how Kafka is fed and heard in `replay_kafka`.

Errors: `ReplayError` ends a replay with status 1, its child `WrongUse` with status 2.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import msgspec

from streams.exit_status import DONE, FAILED, INTERRUPTED, LINES_SKIPPED, TERMINATED, WRONG_USE
from streams.local import Pipeline, TooMuchHeld
from streams.local_parallel import Side, WorkerDied
from streams.output_files import OutputError, check_writable
from streams.recording import Recording, RecordingError
from streams.replay_lines import Lines
from streams.replay_results import Results
from streams.settings import Clock, Settings
from streams.terminate import Terminated, terminable


class ReplayError(Exception):
    """The replay cannot be done or finished; the text says why and what to do."""


class WrongUse(ReplayError):
    """It was asked for in a way that cannot work: nothing was replayed."""


class Via(StrEnum):
    """The way that records take."""

    LOCAL = "local"
    KAFKA = "kafka"
    INTAKE = "intake"


class Speed(StrEnum):
    """How fast recorded time passes."""

    RECORDED = "1"
    TWENTY = "20"
    MAX = "max"

    @property
    def factor(self) -> float:
        """Recorded seconds per second; 0 for as fast as it goes."""
        return 0.0 if self is Speed.MAX else float(self.value)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    files: tuple[Path, ...]
    speed: Speed = Speed.MAX
    via: Via = Via.LOCAL
    workers: int = 1
    """Processes that fingerprint a local replay; 1 for none beside this one."""
    assignments: Path | None = None
    digests: Path | None = None
    json: bool = False


class Pace:
    """Says how long to wait until a recorded moment is due."""

    def __init__(self, speed: Speed, now: Callable[[], float] = time.monotonic) -> None:
        """Args: now: seconds that never go back."""
        self._factor = speed.factor
        self._now = now
        self._start: tuple[float, int] | None = None

    def wait_s(self, at_ms: int) -> float:
        """Return the seconds until this moment is due, 0 when it is already."""
        if not self._factor:
            return 0.0
        if self._start is None:
            self._start = (self._now(), at_ms)
        began, first_ms = self._start
        due = began + (at_ms - first_ms) / 1000 / self._factor
        return max(0.0, due - self._now())


def local(
    lines: Lines,
    settings: Settings,
    results: Results,
    speed: Speed = Speed.MAX,
    workers: int = 1,
) -> None:
    """Replay without a Kafka; `results` has everything afterwards, the same with any `workers`.

    Args:
        workers: processes that fingerprint, if time need not be kept; 1 for this one alone.

    Raises:
        RecordingError: a file breaks off.
        ReplayError: more is open at once than fits, or a process ended.
    """
    try:
        if workers > 1 and not speed.factor:
            lines.follow([Side(settings, results)], workers)
        else:
            _one_by_one(lines, settings, results, speed)
    except TooMuchHeld as error:
        raise ReplayError(str(error)) from None
    except WorkerDied:
        raise ReplayError(
            "one of the processes that fingerprint ended: killed from outside, or out of memory; "
            "`--workers 1` replays without them"
        ) from None


def _one_by_one(lines: Lines, settings: Settings, results: Results, speed: Speed) -> None:
    pipeline = Pipeline(settings.correlation(), settings.fingerprinting(), results.step)
    pace = Pace(speed)
    for record in lines:
        wait_s = pace.wait_s(record.at_ms)
        if wait_s:
            time.sleep(wait_s)
        results.line(record, pipeline.add(record.resource, record.body, record.at_ms))
    pipeline.finish()
    results.late = pipeline.late


def run(settings: Settings, options: Options, out: TextIO, errors: TextIO) -> int:
    """Replay, write the files asked for, and return the exit status.

    Args:
        out: gets the counts, as JSON alone or as a sentence.
        errors: gets the progress bar and every complaint.
    """
    try:
        return _run(settings, options, out, errors)
    except (WrongUse, OutputError, RecordingError) as error:
        print(f"stormfold replay: {error}", file=errors)
        return FAILED if isinstance(error, RecordingError) else WRONG_USE
    except ReplayError as error:
        print(f"stormfold replay: {error}", file=errors)
        return FAILED


def _run(settings: Settings, options: Options, out: TextIO, errors: TextIO) -> int:
    _check_outputs(options)
    try:
        recording = Recording(options.files)
    except RecordingError as error:
        raise WrongUse(str(error)) from None
    if options.via is not Via.LOCAL and settings.clock is not Clock.DATA:
        raise WrongUse(
            f"--via {options.via} needs `clock: data` and a namespace of its own in "
            f"{settings.file or 'stormfold.yaml'}: recorded time must not mix with the real one"
        )
    results = Results(
        settings.correlation(),
        settings.fingerprinting(),
        rows=options.assignments is not None,
        digests=options.digests is not None,
    )
    lines = Lines("replay", recording, results, errors)
    try:
        with terminable():
            if options.via is Via.LOCAL:
                local(lines, settings, results, options.speed, options.workers)
            else:
                _over_kafka(lines, settings, results, options)
            if options.assignments is not None:
                results.write_assignments(options.assignments)
            if options.digests is not None:
                results.write_digests(options.digests)
    except (KeyboardInterrupt, Terminated) as ended:
        print(
            f"stormfold replay: interrupted after {lines.done:,} lines; "
            "results that are not whole are not written",
            file=errors,
        )
        return INTERRUPTED if isinstance(ended, KeyboardInterrupt) else TERMINATED
    finally:
        results.close()
    _tell(results, recording, options, out, errors)
    return LINES_SKIPPED if recording.skipped else DONE


def _check_outputs(options: Options) -> None:
    """Refuse results that cannot be written, or that would replace a recording or each other."""
    taken = [path.resolve() for path in options.files]
    for path in (options.assignments, options.digests):
        if path is None:
            continue
        check_writable(path)
        # A pipe or a terminal may take both.
        if path.resolve() in taken and (path.is_file() or not path.exists()):
            raise WrongUse(f"{path} is named twice: every result needs a file of its own")
        taken.append(path.resolve())


def _over_kafka(lines: Lines, settings: Settings, results: Results, options: Options) -> None:
    # It needs this module's types.
    from streams.replay_kafka import replay

    asyncio.run(replay(lines, settings, results, options))


def _tell(
    results: Results, recording: Recording, options: Options, out: TextIO, errors: TextIO
) -> None:
    counts = results.counts()
    if recording.raised:
        print(f"{recording.raised} lines went back in time and were raised", file=errors)
    if options.json:
        out.write(counts.json().decode())
    else:
        print(
            f"events: {counts.events:,}, incidents: {counts.incidents:,}, "
            f"storms: {counts.storms:,}, digests: {counts.digests:,} "
            f"({counts.suppressed:,} suppressed, {counts.late:,} late, "
            f"{counts.quarantined:,} quarantined, {counts.skipped:,} skipped)",
            file=out,
        )
    out.flush()


def main(settings: Settings, options: Options) -> int:
    """Run on this process's own streams."""
    return run(settings, options, sys.stdout, sys.stderr)

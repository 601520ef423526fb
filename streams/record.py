"""`stormfold record`: what stands on the topics as a recording, and what was decided about it.

The recording replays to the same digests and assignments, up to the tick that was applied when it
was made. How Kafka is read lives in `record_events` and `record_kafka`, the form of a line in
`recording_write`, the rows of digests and assignments in `replay_results`: they are those of
`stormfold replay`.

Errors: `RecordError` and `OutputError` end it with status 1, `WrongUse` with status 2.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec
import orjson

from correlators.fingerprinter import Fingerprinter
from correlators.types import tick_of
from streams.bar import bar
from streams.exit_status import DONE, FAILED, WRONG_USE
from streams.output_files import OutputError, check_writable
from streams.record_events import Events
from streams.record_kafka import Applied, RecordError, WrongUse, applied, told
from streams.recording import Record
from streams.recording_write import RecordingWriter, WrongEnding, check_ending, recording_file
from streams.replay_results import Results
from streams.settings import Settings
from streams.topics import TopicsError, names, partitions_of
from streams.yaml_reader import duration, duration_in

SINCE_LEAST_MS: Final = 1_000
SINCE_MOST_MS: Final = 365 * 86_400_000


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    out: Path
    since: str | None = None
    digests: Path | None = None
    assignments: Path | None = None
    json: bool = False


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    records: int
    """Lines written."""
    applied_records: int
    """The first so many lines lie in ticks that were applied."""
    first_ms: int
    last_ms: int
    """Stream time of the first and the last line."""
    applied_ms: int
    """Last millisecond of the last tick that every partition has applied; -1 when there is none."""
    marks: int
    """Records that only move time; they are not written."""
    base64_bodies: int
    """Lines whose body is no UTF-8."""
    late: int
    """Deltas that came after their tick, since the birth of the state: see the README."""
    acts: int
    """Decisions of people that had an effect, such as silences: a replay has none of them."""
    links: int
    """Links of destinations that stand: a replay tells those destinations what the rules do."""
    digests: int | None
    """Digest revisions written; null without `--digests`."""
    repeated_digests: int | None
    """Revisions that stand on `deliveries` again, which is a fault; null without `--digests`."""


def run(settings: Settings, options: Options, out: TextIO, errors: TextIO, *, now_ms: int) -> int:
    """Record, write the files asked for, and return the exit status.

    Args:
        out: gets what was recorded, as JSON alone or as a sentence.
        errors: gets the progress bar and every complaint.
        now_ms: what `--since` counts back from.
    """
    try:
        since_ms = _checked(options)
        recorded = asyncio.run(
            _record(settings, options, now_ms - since_ms if since_ms else None, errors)
        )
    except (RecordError, TopicsError, OutputError) as error:
        print(f"stormfold record: {error}", file=errors)
        return WRONG_USE if isinstance(error, WrongUse) else FAILED
    _tell(recorded, options, out, errors)
    return DONE


def _checked(options: Options) -> int | None:
    """Return how far back to begin, None for the beginning; looks before anything is read."""
    outputs = [path for path in (options.out, options.digests, options.assignments) if path]
    try:
        check_ending(options.out)
        for path in outputs:
            check_writable(path)
    except (WrongEnding, OutputError) as error:
        raise WrongUse(str(error)) from None
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise WrongUse("OUT, --digests and --assignments need a file each")
    if options.since is None:
        return None
    since_ms = duration_in(options.since)
    if since_ms is None or not SINCE_LEAST_MS <= since_ms <= SINCE_MOST_MS:
        raise WrongUse(
            f"--since: expected a duration from {duration(SINCE_LEAST_MS)} to "
            f'{duration(SINCE_MOST_MS)}, such as 30m, 2h, 7d, found "{options.since}"'
        )
    return since_ms


async def _record(
    settings: Settings, options: Options, since_ms: int | None, errors: TextIO
) -> Recorded:
    topics, others = names(settings.namespace), settings.kafka.sentry_topics
    wanted = (topics.events, *others, topics.incidents, topics.deliveries)
    partitions = await partitions_of(settings, wanted)
    missing = [topic for topic, found in partitions.items() if not found]
    if missing:
        raise WrongUse(
            f"topics are missing at {settings.kafka.bootstrap} ({', '.join(missing)}); "
            "is this the configuration that wrote them?"
        )
    rows = options.assignments is not None
    results = Results(settings.correlation(), settings.fingerprinting(), rows=rows)
    sources = {topic: partitions[topic] for topic in (topics.events, *others)}
    events = Events(settings, sources)
    try:
        # Before the events' end is looked up: so every record that was applied is in the file.
        up_to = await applied(settings, partitions[topics.incidents], results)
        for note in await events.start(since_ms):
            print(note, file=errors)
        with recording_file(options.out) as writer:
            span = await _write(settings, events, writer, results if rows else None, up_to, errors)
            if span is None:
                since = f" of the last {options.since}" if options.since else ""
                raise RecordError(f"no record{since} stands on {', '.join(sources)}")
        digests: tuple[int | None, int | None] = (None, None)
        if options.digests is not None:
            deliveries = partitions[topics.deliveries]
            digests = await told(settings, deliveries, results, span.first_ms, up_to)
            results.write_digests(options.digests)
        if options.assignments is not None:
            results.write_assignments(options.assignments, up_to_tick=up_to.tick)
    finally:
        results.close()
        await events.stop()
    return Recorded(
        records=writer.lines,
        applied_records=span.applied,
        first_ms=span.first_ms,
        last_ms=span.last_ms,
        applied_ms=up_to.end_ms - 1,
        marks=events.marks,
        base64_bodies=writer.in_base64,
        late=up_to.late,
        acts=up_to.acts,
        links=up_to.links,
        digests=digests[0],
        repeated_digests=digests[1],
    )


class _Span(msgspec.Struct):
    first_ms: int
    last_ms: int
    applied: int = 0


async def _write(
    settings: Settings,
    events: Events,
    writer: RecordingWriter,
    results: Results | None,
    up_to: Applied,
    errors: TextIO,
) -> _Span | None:
    """Write every record; returns what they span, None when there is none."""
    reader = Fingerprinter(settings.fingerprinting())
    span: _Span | None = None
    with bar("record", errors, lambda: events.way) as moved:
        async with aclosing(events.lines()) as handfuls:
            async for lines in handfuls:
                for at_ms, _, _, resource, body in lines:
                    writer.add(at_ms, resource, body)
                    span = span or _Span(at_ms, at_ms)
                    span.last_ms = at_ms
                    span.applied += tick_of(at_ms) <= up_to.tick
                    if results is not None:
                        record = Record(
                            line=writer.lines, at_ms=at_ms, resource=resource, body=body
                        )
                        results.line(record, reader.read(resource, body))
                moved()
    return span


def _tell(recorded: Recorded, options: Options, out: TextIO, errors: TextIO) -> None:
    if recorded.late:
        print(
            f"{recorded.late:,} deltas came after their tick was applied, because a source stood "
            "still: a replay may decide otherwise there",
            file=errors,
        )
    if recorded.acts:
        print(
            f"{recorded.acts:,} decisions of people (silences, acknowledgements and the like) had "
            "an effect lately: a recording holds none, so a replay decides otherwise there",
            file=errors,
        )
    if recorded.links:
        print(
            f"{recorded.links:,} links of destinations stand, which people made: a recording holds "
            "none, so a replay tells there what the rules say alone",
            file=errors,
        )
    if recorded.repeated_digests:
        print(f"{recorded.repeated_digests:,} digests stand there a second time", file=errors)
    if options.json:
        out.write(orjson.dumps(msgspec.structs.asdict(recorded)).decode() + "\n")
    else:
        compared = (
            f"applied up to {_moment(recorded.applied_ms)}: digests up to there, and the first "
            f"{recorded.applied_records:,} lines, can be compared with a replay"
            if recorded.applied_ms >= 0
            else "nothing was applied yet, so there is nothing to compare a replay with"
        )
        print(
            f"{recorded.records:,} records from {_moment(recorded.first_ms)} "
            f"to {_moment(recorded.last_ms)}; {compared}",
            file=out,
        )
    out.flush()


def _moment(at_ms: int) -> str:
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ms:03d} UTC"


def main(settings: Settings, options: Options) -> int:
    """Run on this process's own streams and clock."""
    return run(settings, options, sys.stdout, sys.stderr, now_ms=time.time_ns() // 1_000_000)

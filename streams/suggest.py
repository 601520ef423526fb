"""`stormfold suggest-merges`: pairs of signatures that look like one, and the rule that would merge
them. Nothing merges by itself.

Reads a recording, or with `--since` what stands on the live topics, as `record` reads them: it
joins no group, and nothing that runs notices. What makes two signatures alike is said by
`correlators.similarity`.

Errors: `SuggestError`, its child `WrongUse`; the text says why.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Final, TextIO

import msgspec
import orjson

from correlators.fingerprinter import Fingerprinter
from correlators.similarity import THRESHOLD, Shape, pairs, shape_of
from correlators.suggestions import rule_of
from streams.bar import bar
from streams.exit_status import DONE, FAILED, LINES_SKIPPED, WRONG_USE
from streams.record import SINCE_LEAST_MS, SINCE_MOST_MS
from streams.record_events import Events
from streams.record_kafka import RecordError
from streams.recording import Record, Recording, RecordingError
from streams.settings import Settings
from streams.topics import TopicsError, names, partitions_of
from streams.yaml_reader import duration, duration_in

SIGNATURES_EACH: Final = 2_000
"""Signatures of one service that are compared: the first ones. Events of further ones are counted
and told."""

SIGNATURES_MOST: Final = 20_000
"""The same over all services."""

PAIRS_TOLD: Final = 50
"""Pairs of one service that are told, the most alike; further ones are counted."""

FRAMES_TOLD: Final = 5
SERVICES_NAMED: Final = 100
"""Services that are named beside what was left out of them."""


class SuggestError(Exception):
    """The events cannot be read; the text says why."""


class WrongUse(SuggestError):
    """It was asked for in a way that cannot work."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to read, and how to print it."""

    recording: Path | None = None
    since: str | None = None
    threshold: float = THRESHOLD
    json: bool = False


class Seen:
    """The signatures of every service, within their bounds."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: what decides how events are signed."""
        self._reader = Fingerprinter(settings.fingerprinting())
        self.shapes: dict[str, dict[str, Shape]] = defaultdict(dict)
        self.events: Counter[tuple[str, str]] = Counter()
        """Events by service and fingerprint, of the signatures that are kept."""
        self.left_out: dict[str, int] = {}
        """Events by service whose signatures are beyond the bounds."""
        self.signatures = 0

    def add(self, resource: str, body: bytes) -> None:
        """Take one record; what is no event, or is grouped by somebody's own word, is passed."""
        read = self._reader.read(resource, body)
        if read.event is None or read.signature is None:
            return
        service, place = read.event.service, read.signature.fingerprint
        known = self.shapes.get(service, {})
        if place not in known:
            shape = shape_of(read.event, read.signature)
            if shape is None:
                return
            if len(known) >= SIGNATURES_EACH or self.signatures >= SIGNATURES_MOST:
                named = service in self.left_out or len(self.left_out) < SERVICES_NAMED
                where = service if named else "other services"
                self.left_out[where] = self.left_out.get(where, 0) + 1
                return
            self.shapes[service][place] = shape
            self.signatures += 1
        self.events[service, place] += 1


def suggested(seen: Seen, threshold: float) -> Iterator[dict[str, object]]:
    """Yield every pair with its evidence and its rule, by service, the most alike first."""
    for service, known in sorted(seen.shapes.items()):
        found = pairs(known.values(), threshold=threshold)
        for pair in found[:PAIRS_TOLD]:
            rule = rule_of(pair, known.values())
            yield {
                "service": service,
                "score": round(pair.score, 3),
                "stack": round(pair.stack, 3),
                "message": round(pair.message, 3),
                "same_type": pair.same_type,
                "left": _side(seen, service, pair.left),
                "right": _side(seen, service, pair.right),
                "frames": [one._asdict() for one in pair.aligned],
                "rule": rule.text if rule else None,
                "also_catches": rule.also if rule else None,
                "pairs_of_service": len(found),
            }


def _side(seen: Seen, service: str, shape: Shape) -> dict[str, object]:
    return {
        "fingerprint": shape.fingerprint,
        "title": shape.title,
        "events": seen.events[service, shape.fingerprint],
    }


def run(settings: Settings, options: Options, out: TextIO, errors: TextIO, *, now_ms: int) -> int:
    """Print the pairs, and return the exit status.

    Args:
        out: gets the pairs, as text or as JSON alone.
        errors: gets the progress bar and every complaint.
        now_ms: what `--since` counts back from.
    """
    seen = Seen(settings)
    try:
        if (options.recording is None) == (options.since is None):
            raise WrongUse("expected a RECORDING or --since, one of them")
        if options.recording is not None:
            status = _recorded(options.recording, seen, errors)
        else:
            status = asyncio.run(_live(settings, options.since or "", seen, now_ms, errors))
    except (SuggestError, RecordingError, RecordError, TopicsError) as error:
        print(f"stormfold suggest-merges: {error}", file=errors)
        return WRONG_USE if isinstance(error, WrongUse) else FAILED
    found = list(suggested(seen, options.threshold))
    for service, events in sorted(seen.left_out.items()):
        print(
            f"{service}: {events:,} events of signatures beyond the first {SIGNATURES_EACH:,} of a "
            f"service, or {SIGNATURES_MOST:,} in all, were not compared",
            file=errors,
        )
    if options.json:
        told = {
            "signatures": seen.signatures,
            "threshold": options.threshold,
            "left_out_events": seen.left_out,
            "pairs": found,
        }
        out.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _tell(seen, found, out)
    return status


def _recorded(path: Path, seen: Seen, errors: TextIO) -> int:
    recording = Recording([path])
    for line in recording:
        if isinstance(line, Record):
            seen.add(line.resource, line.body)
    if recording.skipped:
        print(f"{recording.skipped:,} lines of {path} are no records", file=errors)
        return LINES_SKIPPED
    return DONE


async def _live(settings: Settings, since: str, seen: Seen, now_ms: int, errors: TextIO) -> int:
    back_ms = duration_in(since)
    if back_ms is None or not SINCE_LEAST_MS <= back_ms <= SINCE_MOST_MS:
        raise WrongUse(
            f"--since: expected a duration from {duration(SINCE_LEAST_MS)} to "
            f'{duration(SINCE_MOST_MS)}, such as 24h, found "{since}"'
        )
    wanted = (names(settings.namespace).events, *settings.kafka.sentry_topics)
    sources = await partitions_of(settings, wanted)
    if missing := [topic for topic, found in sources.items() if not found]:
        raise WrongUse(f"topics are missing at {settings.kafka.bootstrap} ({', '.join(missing)})")
    events = Events(settings, sources)
    try:
        for note in await events.start(now_ms - back_ms):
            print(note, file=errors)
        with bar("suggest-merges", errors, lambda: events.way) as moved:
            async with aclosing(events.lines()) as handfuls:
                async for lines in handfuls:
                    for _, _, _, resource, body in lines:
                        seen.add(resource, body)
                    moved()
    finally:
        await events.stop()
    return DONE


def _tell(seen: Seen, found: list[dict[str, object]], out: TextIO) -> None:
    out.write(f"{len(found):,} pairs of {seen.signatures:,} signatures look like one\n")
    for service, known in sorted(seen.shapes.items()):
        of_service = [one for one in found if one["service"] == service]
        if not of_service:
            continue
        out.write(f"\n{service}, {len(known):,} signatures\n")
        for one in of_service:
            out.write("".join(f"{_safe(line)}\n" for line in _lines(one)))
        further = int(str(of_service[0]["pairs_of_service"])) - len(of_service)
        if further:
            out.write(f"  and {further:,} further pairs\n")


def _lines(one: dict[str, object]) -> Iterator[str]:
    left, right, frames = one["left"], one["right"], one["frames"]
    assert isinstance(left, dict)
    assert isinstance(right, dict)
    assert isinstance(frames, list)
    yield f"  {one['score']:.2f}  {left['title']}"
    yield f"        {left['fingerprint']}, {left['events']:,} events"
    yield f"        {right['title']}"
    yield f"        {right['fingerprint']}, {right['events']:,} events"
    kind = "the same type" if one["same_type"] else "another type"
    yield f"        stack {one['stack']:.2f}, message {one['message']:.2f}, {kind}"
    for frame in frames[:FRAMES_TOLD]:
        moved = "" if frame["left"] == frame["right"] else f" and {frame['right']}"
        yield f"        both: {frame['name']} ({frame['left']}{moved} before the crash)"
    if len(frames) > FRAMES_TOLD:
        yield f"        and {len(frames) - FRAMES_TOLD} further frames"
    if one["rule"] is None:
        yield "        no rule: they share nothing that a rule can name"
    else:
        yield f"        rule: {one['rule']}"
        yield f"        it would catch {one['also_catches']} other signatures of {one['service']}"


def _safe(line: str) -> str:
    """Return the line without what a terminal would obey, or cannot show."""
    shown = "".join(one if one.isprintable() else " " for one in line)
    return shown.encode("utf-8", "replace").decode()


def main(settings: Settings, options: Options) -> int:
    """Run on this process's own streams and clock."""
    return run(settings, options, sys.stdout, sys.stderr, now_ms=time.time_ns() // 1_000_000)

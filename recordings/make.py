"""`python -m recordings.make OUT`: run the shop through its outage and write the recording.

Exit status: 0 written, 1 the run was no clean recording or something would slip out, 2 wrong use.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from recordings import labels, story, webhooks
from recordings.clean import Cleaner, leaks
from recordings.labels import Causes, UnknownCause, label_all
from recordings.webhooks import Account, Arrival, TimeMap, rows

JsonObject = dict[str, Any]

TOLD_START: Final = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
SEED: Final = 11
SPEED: Final = 8.0
SETTLING_S: Final = 15.0
"""How long its last failures may still come in once it is back, in seconds of the story."""


class NotClean(Exception):
    """The lines would tell of the machine that made them."""


class Tale(NamedTuple):
    """What is known of a run beforehand: times in seconds of the story, causes, whose it is."""

    start_s: float
    """Where the recording begins, in seconds since the epoch."""
    length_s: float
    broken: tuple[float, float]
    causes: Causes
    account: Account


SHOP_TALE: Final = Tale(
    TOLD_START.timestamp(),
    story.LENGTH_S,
    (story.HANG_S, story.BACK_S + SETTLING_S),
    labels.SHOP,
    webhooks.SHOP,
)


def lines_of(told: story.Told, cleaner: Cleaner, speed: float, tale: Tale) -> list[str]:
    """Return the recording's lines.

    Raises:
        UnknownCause: an error that the story does not explain.
        NotClean: a path, a mail or an address of this machine or of people would slip out.
    """
    times = TimeMap(told.started_s, tale.start_s, speed)
    caught = sorted(told.captured, key=lambda one: one.arrived_s)
    placed = [((one.arrived_s - told.started_s) * speed, one.event) for one in caught]
    names = label_all(placed, tale.broken, tale.causes)
    arrivals = [
        Arrival(int(times.told(one.arrived_s) * 1000), one.project, label, cleaner.clean(one.event))
        for one, label in zip(caught, names, strict=True)
    ]
    end_ms = int((tale.start_s + tale.length_s) * 1000)
    made = rows(arrivals, times, end_ms, tale.account)
    lines = [json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in made]
    found = sorted({leak for line in lines for leak in leaks(line)})
    if found:
        raise NotClean("; ".join(found[:20]))
    return lines


def write(out: Path, lines: list[str]) -> None:
    """Write the lines, gzipped without a time or a name in the header."""
    text = "".join(f"{line}\n" for line in lines)
    out.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def table(lines: list[str], start_s: float) -> str:
    """Return the counts of events by service, label and type, with first and last minute."""
    counts: Counter[tuple[str, str, str]] = Counter()
    span: dict[tuple[str, str, str], tuple[float, float]] = {}
    for row in map(json.loads, lines):
        data: JsonObject = row["body"]["data"]
        event = data.get("error") or data.get("event")
        if event is None:
            continue
        kind = event["metadata"].get("type", "message")
        key = (event["url"].split("/")[-4], row["label"], kind)
        minute = (row["at_ms"] / 1000 - start_s) / 60
        counts[key] += 1
        span[key] = (span.get(key, (minute, 0.0))[0], minute)
    told = []
    for key, count in sorted(counts.items()):
        first, last = span[key]
        names = f"{key[0]:10} {key[1]:27} {key[2]:22}"
        told.append(f"{names} {count:4}  minute {first:4.1f} to {last:4.1f}")
    return "\n".join(told)


def deployed(root: Path) -> list[tuple[str, str]]:
    """Return where the run has its programs, each with where a server would have them."""
    return [(str(root / name), "/srv/shop") for name in ("shop-1", "checkout-1.9.0")]


def main() -> int:
    """Make the recording; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m recordings.make", description=__doc__)
    parser.add_argument("out", type=Path, help="the .jsonl.gz to write")
    parser.add_argument("--seed", type=int, default=SEED, help="decides what the shoppers do")
    parser.add_argument("--speed", type=float, default=SPEED, help="story seconds per real second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        told = asyncio.run(story.tell(root, options.seed, options.speed))
        try:
            lines = lines_of(told, Cleaner(deployed(root)), options.speed, SHOP_TALE)
        except (UnknownCause, NotClean) as error:
            print(f"not recorded: {error}", file=sys.stderr)
            return 1
    write(options.out, lines)
    print(table(lines, SHOP_TALE.start_s))
    print(f"{len(lines)} lines, {options.out.stat().st_size} bytes: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

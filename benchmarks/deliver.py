"""What deliveries that wait cost DELIVER in a tick, and how many a second an outbox takes through.

`python -m benchmarks.deliver [--quick] [--rounds N] [--json OUT]`

In process and without a network: a tick is what the stage asks of the outbox at every turn of its
timer while all that waits must wait on, after a service has said to wait. Through means accepted,
called, answered and written down. Processor time, in rounds in which every size has its turn.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.storm.machine import here
from correlators.types import Digest, DigestKind, Level
from sinks.base import (
    Answer,
    Delivered,
    Limit,
    Plan,
    Receipt,
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
)
from sinks.entries import encode
from sinks.outbox import Outbox

WAITING: Final = (10, 1_000, 10_000)
TURNS: Final = 50
CHANNELS: Final = 10
THROUGH: Final = 5_000
CALLS_AT_ONCE: Final = 8
START_MS: Final = 1_700_000_000_000
HOUR_MS: Final = 3_600_000
COLUMNS: Final = 100


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A tick in which so many deliveries wait and none may be made."""

    waiting: int
    tick_us: list[float]
    """Median by round, in microseconds."""
    ratios: list[float]
    """Against the fewest that wait, by round."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured."""

    ticks: list[Waiting]
    through: int
    per_s: list[float]
    """Deliveries taken through in a second, by round."""
    machine: str

    @property
    def ratios(self) -> dict[str, float]:
        """A tick against one with the fewest that wait, in the median round."""
        return {f"{one.waiting}_waiting": statistics.median(one.ratios) for one in self.ticks}


def targets(every_ms: int) -> Mapping[str, Target]:
    """Return some channels of one workspace, to each of which a message may go this often."""
    post = Limit(name="post", scope=Scope.DESTINATION, every_ms=every_ms)
    steps = {Step.POST: (post,), Step.REPLY: (post,), Step.EDIT: (post,)}
    plan = Plan(steps=steps, find=(post,), repeatable=frozenset({Step.EDIT}))
    return {f"slack:channel-{one}": Target(account="slack", plan=plan) for one in range(CHANNELS)}


def digest(number: int) -> Digest:
    """Return the first digest of incident `number`."""
    at_ms = START_MS + number
    return Digest(
        id=f"inc-{number:016x}",
        revision=1,
        kind=DigestKind.OPENED,
        at_ms=at_ms,
        destination=f"slack:channel-{number % CHANNELS}",
        storm=False,
        resolved=False,
        environment="production",
        title=f"TimeoutError: step {number} failed",
        incidents=1,
        events=2,
        users=1,
        level=Level.ERROR,
        first_ms=at_ms,
        last_ms=at_ms,
    )


def held_back(count: int) -> Outbox:
    """Return an outbox in which so many deliveries wait for an hour, as every channel was told."""
    outbox = Outbox(targets(1_000), started_ms=START_MS)
    for number in range(count):
        outbox.accept(digest(number), START_MS)
    now_ms = START_MS + HOUR_MS
    while attempts := outbox.due(now_ms, CALLS_AT_ONCE):
        for one in attempts:
            later = Retry(
                reason=RetryReason.RATE_LIMITED, after_ms=HOUR_MS, scope=Scope.DESTINATION
            )
            outbox.receive(Answer(key=one.key, number=one.number, outcome=later), now_ms)
    outbox.take_changes()
    return outbox


def turns(outbox: Outbox) -> list[float]:
    """Return the seconds of every turn of the timer, in which nothing may be sent."""
    found = []
    for turn in range(TURNS):
        now_ms = START_MS + HOUR_MS + turn
        began = time.process_time()
        outbox.next_due_ms(now_ms)
        made = outbox.due(now_ms, CALLS_AT_ONCE)
        waiting = sum(outbox.waiting().values())
        found.append(time.process_time() - began)
        assert not made
        assert waiting
    return found


def through(count: int) -> float:
    """Return how many deliveries a second are accepted, called, answered and written down."""
    outbox = Outbox(targets(1), started_ms=START_MS)
    digests = [digest(number) for number in range(count)]
    gc.collect()
    done, now_ms = 0, START_MS
    began = time.process_time()
    for one in digests:
        outbox.accept(one, now_ms)
    while done < count:
        now_ms += 1
        for attempt in outbox.due(now_ms, CALLS_AT_ONCE):
            outcome = Delivered(Receipt(id=attempt.key))
            outbox.receive(Answer(key=attempt.key, number=attempt.number, outcome=outcome), now_ms)
            done += 1
        for entry in outbox.take_changes().entries.values():
            if entry is not None:
                encode(entry)
    return count / (time.process_time() - began)


def report(counts: Sequence[int], rounds: int, many: int) -> Report:
    """Return everything, measured round by round."""
    on = here()
    ticks: dict[int, list[float]] = {count: [] for count in counts}
    per_s = []
    for _ in range(rounds):
        for count in counts:
            outbox = held_back(count)
            gc.collect()
            ticks[count].append(statistics.median(turns(outbox)) * 1e6)
        per_s.append(through(many))
    fewest = ticks[min(counts)]
    return Report(
        ticks=[
            Waiting(
                waiting=count,
                tick_us=found,
                ratios=[one / few for one, few in zip(found, fewest, strict=True)],
            )
            for count, found in ticks.items()
        ],
        through=many,
        per_s=per_s,
        machine=on,
    )


def show(found: Report) -> None:
    """Print all of it."""
    console = Console(width=None if Console().is_terminal else COLUMNS)
    table = Table("waiting", "µs of a tick", "times (least-most)", title="Deliveries that wait")
    for one in found.ticks:
        times = f"{statistics.median(one.ratios):.2f} ({min(one.ratios):.2f}-{max(one.ratios):.2f})"
        table.add_row(f"{one.waiting:,}", f"{statistics.median(one.tick_us):.0f}", times)
    console.print(table)
    least, most = min(found.per_s), max(found.per_s)
    console.print(
        f"{found.through:,} deliveries: {statistics.median(found.per_s):,.0f} a second through the "
        f"outbox ({least:,.0f}-{most:,.0f}), without a network.",
        highlight=False,
    )
    console.print(f"{len(found.per_s)} interleaved rounds; medians (least-most).", highlight=False)
    console.print(found.machine, markup=False, highlight=False, soft_wrap=True)


def main(
    json: Annotated[Path | None, typer.Option(help="Write all figures here.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of everything.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="In which every size has its turn.")] = 5,
) -> None:
    """Measure what waits in DELIVER."""
    share = 10 if quick else 1
    found = report([max(CHANNELS, one // share) for one in WAITING], rounds, THROUGH // share)
    show(found)
    if json is not None:
        data = {**msgspec.to_builtins(found), "ratios": found.ratios}
        json.write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")


if __name__ == "__main__":
    typer.run(main)

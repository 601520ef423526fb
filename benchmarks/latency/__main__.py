"""How long after an event its first message is in Slack, while a storm runs at three rates.

`python -m benchmarks.latency [--quick] [--json F]`

Everything is real but Slack, which is the local one and keeps the real limits: a Kafka, and
`stormfold run` with all stages and the default windows. Each round begins with the capacity of this
installation: the rate at which FINGERPRINT takes a storm of which there is always more, while the
others run beside it on the same cores. Then the storm goes on at 20, 50 and 80 % of that, one after
the other and in another order each round. Meanwhile errors that are new begin steadily, each in one
of many environments with a channel of its own; of each it is known when Kafka had its event, when
its first message was due by design (`settle`, and the end of that tick), and when Slack had it.

Exit status: 0 done, whatever the figures; 1 something failed; 2 wrong use or no Kafka.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console

from benchmarks.latency.figures import (
    TARGET_MS,
    TARGET_SHARE,
    Figures,
    Stretch,
    hops_table,
    of_shares,
    shares_table,
    target_table,
)
from benchmarks.latency.hops import Hops, Written
from benchmarks.spread import spread
from benchmarks.storm.__main__ import REPORT_COLUMNS
from benchmarks.storm.machine import machine
from benchmarks.whole.load import Told
from benchmarks.whole.world import CHANNELS, StormWorld
from correlators.types import TICK_MS
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.topics import TopicsError

SHARES: Final = (0.2, 0.5, 0.8)
NEW_PER_S: Final = 3.0
"""Errors that begin: Stormfold sends a workspace four messages a second, Slack's own advice is
one a channel."""
AHEAD: Final = 60_000
"""Records before FINGERPRINT while the capacity is measured."""
AHEAD_S: Final = 4.0
"""Until the storm is that far ahead."""
SETTLES_S: Final = 4.0
"""A rate counts so long after it was set, and once what was left of a higher one is taken."""
LEFT_S: Final = 1.5
"""What may be left then: so many seconds of the rate. Offsets are committed once a tick."""
FEW: Final = 2_000
"""Records left of the storm that was always ahead."""
LOOK_S: Final = 0.01
PATIENCE_S: Final = 15.0
KEEPS_UP: Final = 0.95
TAIL_S: Final = 4.0
"""After the last message was due."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one run does."""

    rounds: int
    stretch_s: float
    warm_s: float
    capacity_s: float


FULL: Final = Plan(rounds=5, stretch_s=17.0, warm_s=12.0, capacity_s=5.0)
QUICK: Final = Plan(rounds=1, stretch_s=17.0, warm_s=12.0, capacity_s=5.0)


class Storm:
    """Sets the rates and has errors begin."""

    def __init__(self, world: StormWorld, plan: Plan, say: Console) -> None:
        """Args: world: runs; plan: what to do; say: where to tell how far it is."""
        self._world = world
        self._plan = plan
        self._say = say
        self.began: dict[int, int] = {}
        """When Kafka had each error's event, by number, in ms."""

    async def run(self) -> list[Stretch]:
        """Return the stretches, once everything that was due in them is told or never will be."""
        beginning = asyncio.create_task(self._begin())
        try:
            await self._world.order(f"ahead {AHEAD}")
            await asyncio.sleep(self._plan.warm_s)
            stretches: list[Stretch] = []
            for number in range(self._plan.rounds):
                capacity = await self._capacity()
                self._say.print(f"round {number + 1}: {capacity:,.0f} events/s", markup=False)
                for place in range(len(SHARES)):
                    share = SHARES[(place + number) % len(SHARES)]
                    stretches.append(await self._stretch(number, share, capacity))
                    assert not beginning.done(), beginning.exception()
        finally:
            beginning.cancel()
            await asyncio.wait([beginning])
        await asyncio.sleep(TAIL_S)
        await self._world.order("rate 0")
        return stretches

    async def _capacity(self) -> float:
        """Return how many events FINGERPRINT takes a second of a storm that is always ahead."""
        await self._world.order(f"ahead {AHEAD}")
        before = await self._moved(time.time() + AHEAD_S)
        after = await self._moved(before.at_s + self._plan.capacity_s)
        await self._world.order("rate 0")
        await self._caught_up(FEW)
        return (after.covered - before.covered) / (after.at_s - before.at_s)

    async def _moved(self, at_s: float) -> Told:
        """Return the first word, from this time on, that more is committed than at the one before:
        commits may be as far from each other as ticks."""
        before = await self._world.covered_at(at_s)
        while (now := await self._world.covered_at(before.at_s + LOOK_S)).covered == before.covered:
            before = now
        return now

    async def _stretch(self, number: int, share: float, capacity: float) -> Stretch:
        rate = capacity * share
        await self._world.order(f"rate {rate}")
        before = await self._caught_up(rate * LEFT_S)
        after = await self._world.covered_at(before.at_s + self._plan.stretch_s)
        lasted_s = after.at_s - before.at_s
        here = [one for one in self._world.told if before.at_s <= one.at_s <= after.at_s]
        found = Stretch(
            round=number,
            share=share,
            capacity_per_s=round(capacity, 1),
            from_ms=round(before.at_s * 1_000),
            to_ms=round(after.at_s * 1_000),
            sent_per_s=round((after.sent - before.sent) / lasted_s, 1),
            covered_per_s=round((after.covered - before.covered) / lasted_s, 1),
            behind=max(one.behind for one in here),
        )
        self._say.print(
            f"round {number + 1}, {share:.0%}: {found.sent_per_s:,.0f} sent, "
            f"{found.covered_per_s:,.0f} taken a second",
            markup=False,
        )
        return found

    async def _caught_up(self, most: float) -> Told:
        """Return once the rate has settled and of a higher one so many records are left at most, or
        when that is no use to wait for."""
        began_s = time.time()
        now = await self._world.covered_at(began_s + SETTLES_S)
        while now.behind > most and now.at_s - began_s < PATIENCE_S:
            now = await self._world.covered_at(now.at_s + LOOK_S)
        return now

    async def _begin(self) -> None:
        """Have one error after another begin, until it is cancelled."""
        began_s = time.monotonic()
        number = 0
        while True:
            await asyncio.sleep(max(0.0, began_s + number / NEW_PER_S - time.monotonic()))
            self.began[number] = await self._world.begins(number, user=number)
            number += 1


async def measure(broker: Broker, folder: Path, plan: Plan, say: Console) -> Figures:
    """Return the figures.

    Raises:
        TopicsError: the topics cannot be made.
        TimeoutError: something does not start, or stands still; the text is what was logged.
    """
    on = machine(broker)
    async with StormWorld(broker.bootstrap, folder) as world:
        storm, written = Storm(world, plan, say), Written(world.settings)
        async with written.heard():
            stretches = await storm.run()
        ways = await Hops(world.settings, storm.began, written.at_ms, world.slack).ways()
        settle_ms = world.settings.incidents.settle_ms
    due = {number: due_ms(at_ms, settle_ms) for number, at_ms in storm.began.items()}
    shares = of_shares(stretches, ways, due)
    most = next(one for one in shares if one.share == TARGET_SHARE)
    by_round = most.p99_by_round
    of_target = spread(one / TARGET_MS for one in (by_round.least, by_round.median, by_round.most))
    return Figures(
        p99_ms=by_round.median,
        ratios={"p99_ms": by_round.median, "p99_of_target": round(of_target.median, 4)},
        spreads={"p99_ms": by_round, "p99_of_target": of_target},
        machine=on,
        capacity_per_s=spread(one.capacity_per_s for one in stretches),
        settle_ms=settle_ms,
        new_per_s=NEW_PER_S,
        channels=CHANNELS,
        rounds=plan.rounds,
        stretches=stretches,
        shares=shares,
    )


def due_ms(event_ms: int, settle_ms: int) -> int:
    """Return when the first message of an error is due by design: the tick ends in which it has
    been open for `settle`, counted from the tick of its event."""
    return (event_ms // TICK_MS + -(-settle_ms // TICK_MS) + 1) * TICK_MS


def report(found: Figures) -> list[str]:
    """Return the lines under the tables."""
    capacity = found.capacity_per_s
    late = [one for one in found.stretches if one.covered_per_s < KEEPS_UP * one.sent_per_s]
    return [
        found.machine.line,
        "capacity {} to {} events/s of 14.8 KB, median {}: what FINGERPRINT took of a storm that "
        "was always {} events before it, the other stages, the broker and the load beside it, "
        "measured before each round".format(
            *(f"{one:,.0f}" for one in (capacity.least, capacity.most, capacity.median)),
            f"{AHEAD:,}",
        ),
        f"{found.new_per_s:g} errors a second began in {found.channels} environments with a "
        "channel each; Stormfold sends a channel one message a second and a workspace four",
        f"{found.rounds} rounds of {len(SHARES)} stretches; the first {SETTLES_S:g} s of each do "
        "not count, nor does what is left of a higher rate",
        f"by design: `settle` {found.settle_ms / 1_000:g} s, and the tick; p99_ms is the median of "
        "the rounds' own, `all` is over all rounds",
        f"{len(late)} stretches in which less than {KEEPS_UP:.0%} of what was sent was taken: "
        "something else ran on these cores",
    ]


def main(
    quick: Annotated[bool, typer.Option("--quick", help="One round.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all figures here.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Times each rate comes.")] = None,
) -> None:
    """Measure from an event to its first message while a storm runs."""
    plan = QUICK if quick else FULL
    if rounds is not None:
        plan = msgspec.structs.replace(plan, rounds=rounds)
    told = Console(stderr=True)
    try:
        with (
            running_broker(
                say=lambda line: told.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-latency-") as folder,
        ):
            found = asyncio.run(measure(broker, Path(folder), plan, told))
    except (BrokerError, TopicsError, TimeoutError) as error:
        told.print(f"latency: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(shares_table(found.shares), hops_table(found.shares), target_table(found))
    for line in report(found):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)

"""How fast FINGERPRINT is in a storm, beside what the machine could do at all, in one run.

`python -m benchmarks.storm [--quick] [--json F] [--profile F]`

One log of Sentry events of about 14.7 KB on a real Kafka is read by the bare aiokafka loop, by that
loop with a typed decode, by a stock Faust agent that does FINGERPRINT's work, and by FINGERPRINT as
it runs in production, from Kafka in to deltas acknowledged; then FINGERPRINT reads logs whose
events differ more. Each contender runs in a process of its own, one at a time, from the beginning;
its clock runs from the first events taken to the last one finished. A ratio is the median of the
rounds' own. Storms of events of 1 and 60 KB are read beside the bare loop on the same log. Where
the processor time goes is sampled in a run of its own, and told by step. After a run its deltas are
read back: they must count every event once, and merged be the same bytes whoever made them.

Exit status: 0 done, whatever the ratios; 1 a contender failed or made wrong deltas; 2 wrong use or
no Kafka.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console

from benchmarks.storm.child import Failed
from benchmarks.storm.figures import (
    Contender,
    Figures,
    Setting,
    figures,
    rates_table,
    ratios_table,
    setting_lines,
    sizes_table,
    steps_table,
)
from benchmarks.storm.log import PARTITIONS, make_namespace, remove, write_logs
from benchmarks.storm.machine import machine
from benchmarks.storm.profiled import Sample
from benchmarks.storm.rounds import READS, Rounds, told
from benchmarks.storm.steps import shares
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.topics import TopicsError, names

EVENTS: Final = 25_000
ROUNDS: Final = 5
QUICK_EVENTS: Final = 6_000
QUICK_ROUNDS: Final = 2
QUICKLY: Final = (
    Contender.BARE,
    Contender.BARE_TYPED,
    Contender.STOCK_FAUST,
    Contender.STORM,
    Contender.DISTINCT,
)
"""Who runs with `--quick`: all that the three named ratios need, and no decode at all."""

PROFILED: Final = (Contender.STORM, Contender.VARIED, Contender.DISTINCT)
SAMPLINGS: Final = 3
QUICKLY_PROFILED: Final = (Contender.STORM, Contender.DISTINCT)

REPORT_COLUMNS: Final = 110
"""Width of the tables where they do not go to a terminal."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of the benchmark does."""

    contenders: tuple[Contender, ...]
    events: int
    rounds: int
    profiled: tuple[Contender, ...]
    samplings: int
    """Runs of each that is profiled."""


async def measure(broker: Broker, folder: Path, plan: Plan, say: Console) -> tuple[Figures, str]:
    """Return the figures, and the text of the profiles that are planned.

    Raises:
        Failed: a contender failed, or made wrong deltas.
        TopicsError: the topics cannot be made.
    """
    namespace = f"storm{os.getpid()}"
    traffics = sorted({READS[contender] for contender in plan.contenders})
    say.print(f"{plan.events:,} events each: {', '.join(traffics)}", markup=False)
    _, stock = await make_namespace(folder, broker.bootstrap, f"{namespace}stock")
    logs = await write_logs(folder, broker.bootstrap, namespace, traffics, plan.events)
    try:
        rounds = Rounds(folder, logs, names(stock.namespace).deltas)
        for number in range(plan.rounds):
            say.print(f"round {number + 1} of {plan.rounds}", markup=False)
            await rounds.round(number, plan.contenders)
        say.print("sampled", markup=False)
        sampled: dict[Contender, list[Sample]] = {}
        for contender in plan.profiled * plan.samplings:
            sampled.setdefault(contender, []).extend(await rounds.profile(contender))
    finally:
        await remove([stock, *(log.settings for log in logs.values())])
    on = machine(broker)
    setting = Setting(
        cores=on.cores,
        kafka=on.kafka,
        versions=on.versions,
        events=plan.events,
        event_bytes={traffic.value: round(log.event_bytes, 1) for traffic, log in logs.items()},
        partitions=PARTITIONS,
        rounds=plan.rounds,
    )
    by_step = {contender: shares(samples) for contender, samples in sampled.items()}
    texts = [told(contender, samples) for contender, samples in sampled.items() if samples]
    return figures(rounds.runs, setting, by_step), "\n\n".join(texts)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer events and rounds.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all runs and ratios here.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Write where the time goes here.")] = None,
    events: Annotated[int | None, typer.Option(min=PARTITIONS, help="Events of a log.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Times each contender runs.")] = None,
) -> None:
    """Measure FINGERPRINT in a storm beside the bare loop and stock Faust."""
    plan = Plan(
        contenders=QUICKLY if quick else tuple(Contender),
        events=events or (QUICK_EVENTS if quick else EVENTS),
        rounds=rounds or (QUICK_ROUNDS if quick else ROUNDS),
        profiled=QUICKLY_PROFILED if quick else PROFILED,
        samplings=1 if quick else SAMPLINGS,
    )
    say = Console(stderr=True)
    try:
        with (
            running_broker(
                say=lambda line: say.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-storm-") as folder,
        ):
            found, text = asyncio.run(measure(broker, Path(folder), plan, say))
    except (BrokerError, TopicsError, Failed) as error:
        say.print(f"storm: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(rates_table(found.runs), ratios_table(found.spreads))
    out.print(sizes_table(found.runs), steps_table(found.cpu_us_by_step))
    for line in setting_lines(found.setting):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))
    if profile is not None:
        profile.write_text(text)


if __name__ == "__main__":
    typer.run(main)

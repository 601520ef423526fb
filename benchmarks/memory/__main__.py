"""What a worker's processes have resident over an hour of storm, and CORRELATE with much open.

`python -m benchmarks.memory [--quick] [--minutes N] [--json F]`

An hour (`--quick`: ten minutes) of `stormfold run` with all stages in a steady storm, on a real
Kafka with a local Slack: errors begin beside it, are told, end, are forgotten and come back. Every
ten seconds the system is asked what each process has resident. Then CORRELATE takes over ten
thousand open incidents with a million different users from Kafka, and goes on with them.

Exit status: 0 done, whatever the figures; 1 something failed; 2 wrong use or no Kafka.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console

from benchmarks.correlate.measure import USERS
from benchmarks.memory.figures import Figures, figures, report, restored_table, soak_table
from benchmarks.memory.restored import restored
from benchmarks.memory.soak import RATE, soak
from benchmarks.storm.__main__ import REPORT_COLUMNS
from benchmarks.storm.machine import machine
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.topics import TopicsError

MINUTES: Final = 60.0
QUICK_MINUTES: Final = 10.0
INCIDENTS: Final = 10_000


async def measure(broker: Broker, folder: Path, minutes: float, say: Console) -> Figures:
    """Return the figures.

    Raises:
        TopicsError: the topics cannot be made.
        TimeoutError: something does not start, or stands still; the text is what was logged.
    """
    on = machine(broker)
    for name in ("restored", "soak"):
        (folder / name).mkdir()
    much = await restored(broker.bootstrap, folder / "restored", INCIDENTS, USERS)
    say.print(f"restored: {much.most_mib:,.0f} MiB", markup=False)
    soaked = await soak(
        broker.bootstrap,
        folder / "soak",
        minutes,
        lambda line: say.print(line, markup=False, highlight=False, soft_wrap=True),
    )
    return figures(on, RATE, soaked, much)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Ten minutes.")] = False,
    minutes: Annotated[float | None, typer.Option(min=0.5, help="Of the soak.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures here.")] = None,
) -> None:
    """Measure what is resident over a soak, and with much open."""
    told = Console(stderr=True)
    try:
        with (
            running_broker(
                say=lambda line: told.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-memory-") as folder,
        ):
            lasts = minutes or (QUICK_MINUTES if quick else MINUTES)
            found = asyncio.run(measure(broker, Path(folder), lasts, told))
    except (BrokerError, TopicsError, TimeoutError) as error:
        told.print(f"memory: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(soak_table(found), restored_table(found.restored))
    for line in report(found):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)

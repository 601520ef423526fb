"""How long no digest is decided when a worker joins, leaves or is killed, on a real Kafka.

`python -m benchmarks.rebalance [--quick] [--json F]`

A `stormfold run --workers 2` serves all stages, while errors go on in four environments. Then, one
after the other: nothing happens; kill -9 of one of its two processes of FINGERPRINT; a second
`stormfold run` joins; all of it is killed; it joins again, and leaves by SIGTERM. The pause is the
longest time within 15 s of that in which one partition of CORRELATE applied no further tick: a
digest that was due then came so much later to `deliveries`. With nothing happening it is the second
between two ticks. What DELIVER's own partitions wait when they move is not measured.

Exit status: 0 done, 1 workers did not come up, 2 wrong use or no Kafka.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.rebalance.decided import PARTITIONS, Decided, deciding
from benchmarks.spread import Spread, spread
from benchmarks.storm.__main__ import REPORT_COLUMNS, ROUNDS
from benchmarks.storm.log import remove
from benchmarks.storm.machine import Machine, machine
from benchmarks.storm.stage import own_environment
from streams import status_kafka
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.processes import STOP_S, StageName
from streams.settings import Settings, load
from streams.status import make_status
from streams.topics import TopicsError, ensure

QUICK_ROUNDS: Final = 2
WINDOW_S: Final = 15.0
"""After what happens: sessions of 6 s, and time to go on."""
WITHIN_S: Final = 120.0
"""How long workers may take until all partitions are owned and go on."""
CALM_S: Final = 3.0
"""All partitions go on for so long before anything happens."""

SAYS: Final = {
    "nothing": "nothing happens",
    "process_killed": "kill -9 of one of two processes of FINGERPRINT",
    "joins": "a second worker joins",
    "killed": "kill -9 of all of the second worker",
    "leaves": "the second worker is told to end",
}


class Failed(Exception):
    """Workers did not come up; the text says how they stand."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    pauses_s: dict[str, Spread]
    """By what happened, seconds."""
    machine: Machine
    rounds: int
    runs: dict[str, list[float]]


class Workers:
    """The workers of one namespace."""

    def __init__(self, settings: Settings, config: Path, folder: Path) -> None:
        """Args: settings, and the file that holds them; folder: for logs."""
        self._settings = settings
        self._config = config
        self._folder = folder
        self._started = 0

    async def start(self, workers: int) -> asyncio.subprocess.Process:
        """Start a worker with so many processes of FINGERPRINT."""
        self._started += 1
        with (self._folder / f"worker-{self._started}.log").open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "streams.cli", "run", "--config", str(self._config)),
                *("--workers", str(workers), "--log-level", "warning"),
                env=own_environment(),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    async def ready(self, processes: int, decided: Decided) -> None:
        """Return once so many processes own all partitions, which go on."""
        deadline_s = time.monotonic() + WITHIN_S
        while True:
            found = await status_kafka.read(self._settings, list(StageName))
            status = make_status(
                self._settings.namespace,
                self._settings.clock,
                found.at_ms,
                found.reports,
                found.standings,
            )
            now_s = time.monotonic()
            if (
                status.ok
                and len(status.workers) == processes
                and len(decided.at_s) == PARTITIONS
                and decided.pause_s(now_s - CALM_S, now_s) < CALM_S
            ):
                return
            if now_s > deadline_s:
                raise Failed(f"not ready: {status.troubles}, {len(status.workers)} processes")


async def measure(broker: Broker, folder: Path, rounds: int, say: Console) -> Figures:
    """Return the figures.

    Raises:
        Failed: workers did not come up.
        TopicsError: the topics cannot be made.
    """
    on = machine(broker)
    config = folder / "stormfold.yaml"
    config.write_text(
        f"namespace: rebalance{os.getpid()}\nclock: wall\nmetrics: {{port: 0}}\n"
        f'kafka: {{bootstrap: "{broker.bootstrap}", partitions: {PARTITIONS}}}\n'
        "incidents: {settle: 1s, update_every: 1s}\nsinks: {console: {}}\n"
    )
    settings = load(config, {})
    await ensure(settings)
    runs: dict[str, list[float]] = defaultdict(list)
    workers = Workers(settings, config, folder)
    first = await workers.start(2)
    try:
        async with deciding(settings) as decided:
            for number in range(rounds):
                say.print(f"round {number + 1} of {rounds}", markup=False)
                for what, pause_s in (await _round(workers, first.pid, decided)).items():
                    runs[what].append(round(pause_s, 3))
    finally:
        await _end(first)
        await remove([settings])
    return Figures(
        pauses_s={what: spread(found) for what, found in runs.items()},
        machine=on,
        rounds=rounds,
        runs=dict(runs),
    )


async def _round(workers: Workers, first: int, decided: Decided) -> dict[str, float]:
    """Have everything happen once; returns the pauses by what it was."""
    found: dict[str, float] = {}
    own = len(StageName) + 1

    async def pause(what: str, began_s: float) -> None:
        await asyncio.sleep(max(0.0, began_s + WINDOW_S - time.monotonic()))
        found[what] = decided.pause_s(began_s, began_s + WINDOW_S)

    await workers.ready(own, decided)
    await pause("nothing", time.monotonic())
    began_s = time.monotonic()
    os.kill(min(_processes(first, StageName.FINGERPRINT)), signal.SIGKILL)
    await pause("process_killed", began_s)
    await workers.ready(own, decided)
    second = await workers.start(1)
    await pause("joins", time.monotonic())
    await workers.ready(own + len(StageName), decided)
    began_s = time.monotonic()
    for pid in [second.pid, *_processes(second.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await second.wait()
    await pause("killed", began_s)
    second = await workers.start(1)
    await workers.ready(own + len(StageName), decided)
    began_s = time.monotonic()
    await _end(second)
    await pause("leaves", began_s)
    return found


def _processes(parent: int, stage: StageName | None = None) -> Iterator[int]:
    """Yield the process ids of the stages under a worker.

    Source: proc_tid_children(5).
    """
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if stage is None or stage.value in words:
            yield int(pid)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 2 * STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def pauses_table(found: Iterable[tuple[str, Spread]]) -> Table:
    """Return the pauses as a table."""
    table = Table("what happens")
    for heading in ("shortest", "pause, s", "longest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for what, one in found:
        table.add_row(SAYS[what], *one.cells(".1f"))
    return table


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all pauses here.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Times everything happens.")] = None,
) -> None:
    """Measure how long nothing is decided when workers come and go."""
    told = Console(stderr=True)
    try:
        with (
            running_broker(
                say=lambda line: told.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-rebalance-") as folder,
        ):
            often = rounds or (QUICK_ROUNDS if quick else ROUNDS)
            found = asyncio.run(measure(broker, Path(folder), often, told))
    except (BrokerError, TopicsError, Failed) as error:
        told.print(f"rebalance: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(pauses_table(found.pauses_s.items()))
    lines = [found.machine.line, f"{found.rounds} rounds; medians; sessions of 6 s"]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)

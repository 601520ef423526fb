"""The control: the bare loop with a typed decode, once over all partitions or twice over half each.

It is in no group and writes nothing. What two of it do of one is what this machine has left for a
second worker beside the broker.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.scale.workers import Scaled
from benchmarks.storm.log import Log
from benchmarks.storm.stage import StageFailed, cpu_s
from benchmarks.storm.work import Done, Work

PROGRAM: Final = "benchmarks.storm.loops"


async def run_bare(
    log: Log, folder: Path, loops: int, *, broker: int | None, within_s: float
) -> Scaled:
    """Return what so many loops did with the log, each with its share of the partitions.

    They start together; what they take is as long as the one that took longest.

    Args:
        log: what they read.
        folder: for what they write down.
        loops: processes.
        broker: the process id of the broker, None where it is not known.
        within_s: how long it may take.

    Raises:
        StageFailed: one of them failed or took too long.
    """
    began_s, broker_began_s = time.monotonic(), cpu_s(broker) if broker else None
    try:
        async with asyncio.timeout(within_s):
            done = await asyncio.gather(*(_loop(log, folder, one, loops) for one in range(loops)))
    except TimeoutError:
        raise StageFailed("the bare loops did not come to the end of the log in time") from None
    broker_s, took_s = cpu_s(broker) if broker else None, time.monotonic() - began_s
    seconds = max(one.seconds for one in done)
    used = [one.cpu_seconds for one in done if one.cpu_seconds is not None]
    return Scaled(
        events=sum(one.events for one in done),
        seconds=seconds,
        cpu_seconds=sum(used) if len(used) == len(done) else None,
        # Of the whole time, starts included: a broker that nobody asks anything does little.
        broker_cpu_seconds=(
            broker_s - broker_began_s
            if broker_s is not None and broker_began_s is not None and took_s >= seconds
            else None
        ),
    )


async def _loop(log: Log, folder: Path, number: int, loops: int) -> Done:
    out = folder / f"bare-{number}.json"
    out.unlink(missing_ok=True)
    work = Work(
        bootstrap=log.settings.kafka.bootstrap,
        topic=log.topic,
        ends={one: end for one, end in log.ends.items() if one % loops == number},
        typed=True,
        out=str(out),
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROGRAM, msgspec.json.encode(work).decode()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not out.exists():
        raise StageFailed(f"a bare loop failed\n{said.decode(errors='replace')[-2_000:]}".rstrip())
    return msgspec.json.decode(out.read_bytes(), type=Done)

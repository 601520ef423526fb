"""`stormfold status` on a real Kafka: whom it names, what it says when they are gone or parked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from correlators.types import tick_of
from streams import codec, status_kafka
from streams.agents.correlate import HEARTBEAT_TICKS
from streams.broker import Broker
from streams.codec import Told
from streams.processes import StageName
from streams.settings import load
from streams.status import PartitionStatus, State, Status, make_status
from streams.topics import names
from tests.kafka.chain import CHANNEL, PATIENCE_S, Chain, chain, error_webhook, free_port, until

PARTITIONS = 4
START_MS = 1_700_000_000_000


async def status_when(made: Chain, holds: Callable[[Status], bool]) -> Status:
    """Return the status as soon as this holds for it."""
    settings = load(made.config, {})
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = await status_kafka.read(settings, list(StageName))
        status = make_status(
            settings.namespace, settings.clock, found.at_ms, found.reports, found.standings
        )
        if holds(status):
            return status
        assert time.monotonic() < deadline, f"{status}\n{made.logs()}"
        await asyncio.sleep(0.1)


def of_stage(status: Status, stage: StageName) -> list[PartitionStatus]:
    return [one for one in status.partitions if one.stage is stage]


def command(made: Chain) -> tuple[int, dict[str, Any]]:
    """Return the exit status of `stormfold status --json`, and the object that it printed."""
    done = made.run("status", "--json")
    assert done.stderr == ""
    read: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == read["ok"] == (not read["troubles"])
    return done.returncode, read


def read_to_its_end(status: Status) -> bool:
    return status.ok and all(one.lag_records == 0 for one in status.partitions)


async def test_a_run_owns_every_partition_and_is_gone_when_it_has_ended(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        port = free_port()
        made.config.write_text(
            made.config.read_text().replace("metrics: {port: 0}", f"metrics: {{port: {port}}}")
        )
        run = made.start("run")
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            body = error_webhook("a" * 32, service="mail", kind="Odd", user="u", at_s=time.time())
            await producer.send_and_wait(
                names(namespace).events, body, headers=[("resource", b"error")]
            )
        await until(lambda: bool(made.slack.posts(CHANNEL)), what=made.logs)
        # Also of `deliveries`, where the mark of a transaction stands behind the last record.
        status = await status_when(made, read_to_its_end)
        assert {one.state for one in status.partitions} == {State.RUNNING}
        (owner,) = {one.owner for one in status.partitions}
        assert owner is not None
        assert owner.endswith(f"-{run.pid}")
        assert all(0 <= (one.lag_seconds or 0) < 30 for one in status.partitions)
        before = [one.applied_tick or 0 for one in of_stage(status, StageName.CORRELATE)]
        assert all(abs(tick - status.at_ms / 1000) < 30 for tick in before)

        def moved(now: Status) -> bool:
            ticks = [one.applied_tick or 0 for one in of_stage(now, StageName.CORRELATE)]
            return all(new > old for new, old in zip(ticks, before, strict=True))

        await status_when(made, moved)
        assert command(made)[0] == 0
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for path in ("/healthz", "/readyz"):
                answer = await client.get(path)
                assert (answer.status_code, answer.text) == (200, "ok\n")

        run.send_signal(signal.SIGTERM)
        assert run.wait(PATIENCE_S) == 0
        code, read = command(made)  # no waiting: each process said goodbye
        assert code == 1
        assert {(one["state"], one["owner"]) for one in read["partitions"]} == {("nobody", None)}
        told = {
            stage: [o for o in read["partitions"] if o["stage"] == stage] for stage in StageName
        }
        # Of who is gone only what it stored is known: the last ticks without work are not in it.
        stored = [one["applied_tick"] for one in told[StageName.CORRELATE]]
        assert all(new + HEARTBEAT_TICKS > old for new, old in zip(stored, before, strict=True))
        assert [one["lag_records"] for one in told[StageName.DELIVER]] == [0] * PARTITIONS
        plain = made.run("status")
        assert plain.returncode == 1
        assert "\x1b" not in plain.stdout
        assert f"! deliver {namespace}.deliveries 0, 1, 2, 3: no owner" in plain.stdout


def start_correlate(made: Chain, parked: str) -> None:
    """Start CORRELATE as its parent does when a partition has ended it again and again."""
    arguments = ["correlate", "--config", str(made.config), "--parked", parked]
    with (made.folder / "correlate.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.app", *arguments],
            env=made.environment(),
            stdout=log,
            stderr=log,
        )
    made.processes.append(process)


async def mark(made: Chain, producer: AIOKafkaProducer, minutes: int) -> None:
    """Move the recorded time of every source partition."""
    for partition in range(PARTITIONS):
        await producer.send_and_wait(
            names(made.namespace).events,
            b"",
            partition=partition,
            headers=[("mark", str(START_MS + minutes * 60_000).encode())],
        )


@contextlib.asynccontextmanager
async def telling(made: Chain, producer: AIOKafkaProducer, at_ms: int) -> AsyncIterator[None]:
    """Say again and again, as a former owner might, that CORRELATE has come so far."""
    task = asyncio.create_task(tell(made, producer, at_ms))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def tell(made: Chain, producer: AIOKafkaProducer, at_ms: int) -> None:
    while True:
        for partition in range(PARTITIONS):
            told = Told(
                partition=partition,
                applied_tick=tick_of(at_ms) - 1,
                open_incidents=0,
                open_storms=0,
                suppressed=0,
                late=0,
            )
            await producer.send_and_wait(names(made.namespace).progress, codec.encode(told))
        await asyncio.sleep(0.3)


async def test_sources_wait_for_correlate_but_not_for_its_parked_partition(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    deltas = names(namespace).deltas
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="data") as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
        telling(made, producer, START_MS),
    ):
        made.start("run", "--stages", "fingerprint")
        # A minute is more than the 30 s that a source may be ahead.
        await mark(made, producer, 0)
        await mark(made, producer, 1)

        def waiting(status: Status) -> bool:
            sources = of_stage(status, StageName.FINGERPRINT)
            return all(one.state is State.PAUSED for one in sources)

        await status_when(made, waiting)
        await mark(made, producer, 2)
        await mark(made, producer, 3)
        status = await status_when(made, waiting)
        assert [one.lag_records for one in of_stage(status, StageName.FINGERPRINT)] == [2] * 4
        assert f"correlate {deltas} 0, 1, 2, 3: no owner" in status.troubles

        start_correlate(made, parked=f"{deltas}:1")

        def gone_on(status: Status) -> bool:
            sources = of_stage(status, StageName.FINGERPRINT)
            correlate = [one for one in of_stage(status, StageName.CORRELATE) if one.partition != 1]
            return (
                all(one.state is State.RUNNING and one.lag_records == 0 for one in sources)
                and all(one.applied_ms == START_MS + 180_000 for one in correlate)
                and all(one.state is State.RUNNING for one in correlate)
            )

        status = await status_when(made, gone_on)
        parked = of_stage(status, StageName.CORRELATE)[1]
        assert parked.state is State.PARKED
        assert (parked.lag_records or 0) > 0
        assert any(line.startswith(f"correlate {deltas} 1: parked") for line in status.troubles)

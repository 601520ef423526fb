"""A rolling restart with another signature version, worker by worker, while an error goes on."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from correlators import sets
from correlators.entries import PROGRESS_KEY
from correlators.incidents import Incident
from correlators.ticks import Progress
from streams import codec
from streams.broker import Broker
from streams.settings import load
from streams.stage.state import restore
from streams.topics import names
from tests.kafka.chain import CHANNEL, FAST, Chain, chain, error_webhook, until
from tests.stand_in import NEW, OLD, name_under

STAGES = ("fingerprint", "correlate", "fingerprint", "correlate", "deliver")


def start(made: Chain, stage: str) -> subprocess.Popen[bytes]:
    """Start one stage of a release that ships both versions."""
    command = [
        sys.executable,
        "-m",
        "tests.kafka.two_versions",
        stage,
        "--config",
        str(made.config),
    ]
    with (made.folder / f"{stage}-{len(made.processes)}.log").open("wb") as log:
        process = subprocess.Popen(command, env=made.environment(), stdout=log, stderr=log)
    made.processes.append(process)
    return process


async def all_started(made: Chain) -> None:
    """Wait until every process that was started has joined."""
    await until(
        lambda: made.logs().count("stage started") == len(made.processes),
        within_s=60,
        what=made.logs,
    )


async def state(made: Chain) -> tuple[list[Incident], list[Progress]]:
    """Return the stored incidents, oldest first, and the progress of every partition."""
    incidents: list[Incident] = []
    progress: list[Progress] = []
    for partition in range(4):
        stored = await restore(made.bootstrap, names(made.namespace).incidents, partition)
        entries = [codec.entry(raw) for raw in stored.values()]
        incidents += [one for one in entries if isinstance(one, Incident)]
        found = codec.entry(stored[PROGRESS_KEY]) if PROGRESS_KEY in stored else None
        progress += [found] if isinstance(found, Progress) else []
    return sorted(incidents, key=lambda one: (one.opened_tick, one.id)), progress


class Errors:
    """One error that goes on: sends an event whenever it is asked to."""

    def __init__(self, made: Chain, producer: AIOKafkaProducer) -> None:
        self._topic = names(made.namespace).events
        self._producer = producer
        self._numbers = count(1)
        self.sent = 0

    async def send(self, kind: str = "Boom", release: str = "1.0") -> None:
        number = next(self._numbers)
        body = error_webhook(
            f"{number:032x}",
            service="checkout",
            kind=kind,
            user=f"u{number % 5}",
            at_s=time.time(),
            release=release,
        )
        await self._producer.send_and_wait(
            self._topic, body, partition=number % 4, headers=[("resource", b"error")]
        )
        self.sent += kind == "Boom" and release == "1.0"


async def counted(made: Chain, events: int) -> list[Incident]:
    """Wait until the stored incidents have counted so many events, and return them."""
    deadline_s = time.monotonic() + 60
    while True:
        incidents, _ = await state(made)
        if sum(sets.count(one.events).value for one in incidents) >= events:
            return incidents
        assert time.monotonic() < deadline_s, made.logs()
        await asyncio.sleep(0.2)


async def versions_heard(made: Chain) -> set[int]:
    """Return the signature versions of all deltas that FINGERPRINT wrote."""
    topic = names(made.namespace).deltas
    consumer = AIOKafkaConsumer(bootstrap_servers=made.bootstrap)
    async with consumer:
        parts = [TopicPartition(topic, partition) for partition in range(4)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        for tp in parts:
            consumer.seek(tp, 0)
        found: set[int] = set()
        while any([await consumer.position(tp) < ends[tp] for tp in parts]):
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    for batch in codec.batches(record.value):
                        found |= {delta.version for delta in batch.deltas}
        return found


async def test_a_rolling_restart_with_another_version_splits_nothing_and_tells_nothing_anew(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        made.write_config(f"{FAST}\nsignature_version: {OLD}\n")
        workers = {start(made, stage): stage for stage in STAGES}
        producer = AIOKafkaProducer(bootstrap_servers=made.bootstrap)
        async with producer:
            errors = Errors(made, producer)
            await all_started(made)
            await errors.send()
            (before,) = await counted(made, 1)
            await until(lambda: len(made.slack.posts(CHANNEL)) == 1, within_s=30, what=made.logs)

            old = load(made.config, {}).configuration
            made.write_config(f"{FAST}\nsignature_version: {NEW}\n")
            for worker, stage in workers.items():
                worker.send_signal(signal.SIGTERM)
                await errors.send()
                assert await asyncio.to_thread(worker.wait, 20) == 0, made.logs()
                await errors.send()
                start(made, stage)
                await all_started(made)
                await errors.send()
            (after,) = await counted(made, errors.sent)
            assert (after.id, after.key, after.opened_tick) == (
                before.id,
                before.key,
                before.opened_tick,
            )
            assert sets.count(after.events).value == errors.sent
            assert await versions_heard(made) == {OLD, NEW}

            # What is new goes by the new name; another release of what is open is told by it.
            await errors.send("Crash")
            await errors.send(release="1.1")
            found = {
                (one.key.release, one.sample.title.split(":")[0]): one
                for one in await counted(made, errors.sent + 2)
            }
            assert len(found) == 3
            known = found["checkout@1.0", "Boom"]
            other = found["checkout@1.1", "Boom"]
            crash = found["checkout@1.0", "Crash"]
            assert known.id == before.id
            assert other.key.fingerprint in before.aliases
            assert crash.key.fingerprint == name_under(NEW, *crash.aliases)
            await until(
                lambda: any("Crash" in one.text for one in made.slack.posts(CHANNEL)),
                within_s=30,
                what=made.logs,
            )
            boom = [one for one in made.slack.posts(CHANNEL) if "Boom" in one.text]
            assert len(boom) == 1
            deadline_s = time.monotonic() + 30
            while {one.signature_version for one in (await state(made))[1]} != {NEW}:
                assert time.monotonic() < deadline_s, made.logs()
                await asyncio.sleep(0.2)
            # The old file decided up to one tick, the new one from the next on: in each partition.
            new = load(made.config, {}).configuration
            for one in (await state(made))[1]:
                assert [name for _, name in one.configurations] == [old, new]
        assert "signature version changes" in made.logs()

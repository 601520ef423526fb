"""The contenders, each in a process of its own, one after another; what they leave is checked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer

from benchmarks.peers.environments import ROOT
from benchmarks.peers.figures import Contender, Peer, Run
from benchmarks.peers.job import Task
from benchmarks.storm.child import WITHIN_S, Failed, run_child
from benchmarks.storm.log import Log, count_deltas, end_offsets
from benchmarks.storm.rounds import what_is_wrong
from benchmarks.storm.stage import StageFailed, own_environment, run_stage
from benchmarks.storm.work import Done

MARK_S: Final = 0.05
"""How often a mark is written behind the log while somebody reads it."""


class Rounds:
    """Runs contenders over a log that stands on Kafka."""

    def __init__(
        self, folder: Path, log: Log, deltas_topic: str, pythons: Mapping[Peer, Path]
    ) -> None:
        """Args: folder: for files; log: what is read; deltas_topic: of the peers, with as many
        partitions as the log; pythons: the interpreters of their environments."""
        self._folder = folder
        self._log = log
        self._deltas_topic = deltas_topic
        self._pythons = pythons
        self._merged = ""
        self.runs: list[Run] = []

    async def round(self, number: int, contenders: Sequence[Contender]) -> None:
        """Run every contender once, beginning with another one each round.

        Args:
            number: from 0.
            contenders: in the order of the first round.

        Raises:
            Failed: one of them failed, or its deltas are wrong.
        """
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            done = await self._once(contender)
            self.runs.append(Run(round=number, contender=contender, done=done))

    async def _once(self, contender: Contender) -> Done:
        """Run one contender and check what it left."""
        log = self._log
        bootstrap = log.settings.kafka.bootstrap
        topic = log.deltas_topic if contender.peer is None else self._deltas_topic
        begins = await end_offsets(bootstrap, topic)
        async with _marks(log):
            if contender.peer is None:
                try:
                    done = (
                        await run_stage(log, self._folder, within_s=WITHIN_S, samples=None)
                    ).done
                except StageFailed as error:
                    raise Failed(f"{contender.says}: {error}") from None
            else:
                done = await self._child(contender, contender.peer)
        if done.events != log.events:
            raise Failed(f"{contender.says}: took {done.events} events of {log.events}")
        ends = await end_offsets(bootstrap, topic)
        found = await count_deltas(bootstrap, topic, begins, ends)
        self._merged = self._merged or found.merged
        if wrong := what_is_wrong(found, log.events, self._merged):
            raise Failed(f"{contender.says}: {wrong}")
        return done

    async def _child(self, contender: Contender, peer: Peer) -> Done:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            out = Path(folder) / "done.json"
            task = Task(
                bootstrap=self._log.settings.kafka.bootstrap,
                topic=self._log.topic,
                ends=self._log.ends,
                deltas_topic=self._deltas_topic,
                out=str(out),
                form=contender.form,
                folder=folder,
            )
            program = [str(self._pythons[peer]), "-m", f"benchmarks.peers.{peer}"]
            program.append(msgspec.json.encode(task).decode())
            environment = own_environment()
            return await run_child(
                contender.says, program, out, folder=ROOT, environment=environment
            )


@asynccontextmanager
async def _marks(log: Log) -> AsyncIterator[None]:
    """Write marks behind the log meanwhile, as an idle FINGERPRINT does: a stream goes on.

    Everybody passes them over. Without them a poll that waits for a record would be timed.
    """
    producer = AIOKafkaProducer(bootstrap_servers=log.settings.kafka.bootstrap)

    async def write() -> None:
        while True:
            await producer.send(log.topic, value=b"", partition=0, headers=[("mark", b"")])
            await asyncio.sleep(MARK_S)

    async with producer:
        writing = asyncio.create_task(write())
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

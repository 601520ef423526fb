"""What writes to the simulated `sentry.events`: an intake under clock wall, a replayer under clock
data, which also writes the marks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from random import Random
from typing import Any

from streams.local import final_mark_ms
from streams.settings import Clock
from tests.simulation.cluster import EPOCH_MS, Cluster
from tests.simulation.producer import SimProducer, start_at_last
from tests.simulation.scenario import CONFIG, Scenario, Written

MARK_EVERY_MS = 1_000


class Intake:
    """One of them."""

    def __init__(
        self,
        cluster: Cluster,
        scenario: Scenario,
        topic: str,
        records: tuple[Written, ...],
        random: Random,
    ) -> None:
        self._cluster = cluster
        self._scenario = scenario
        self._topic = topic
        self._records = records
        self._random = random
        self.done = False
        self._process = cluster.loop.process("intake")
        self._producer = SimProducer(cluster, self._process, {})

    def start(self) -> None:
        loop = self._cluster.loop
        context = loop.enter(self._process)
        context.run(lambda: loop.create_task(self._write(), context=context))

    async def _write(self) -> None:
        await start_at_last(self._producer, self._cluster)
        if self._scenario.clock is Clock.WALL:
            await self._as_it_comes()
        else:
            await self._replay()
        self.done = True

    def _partition(self) -> int:
        open_ones = [p for p in range(self._count()) if p not in self._scenario.idle]
        return self._random.choice(open_ones)

    def _count(self) -> int:
        return self._cluster.counts[self._topic]

    async def _send(self, record: Written, headers: list[tuple[str, bytes]]) -> Awaitable[Any]:
        return await self._producer.send(
            self._topic,
            value=record.body,
            partition=self._partition(),
            headers=[("resource", record.resource.encode()), *headers],
        )

    async def _as_it_comes(self) -> None:
        at_s = 0.0
        for record in self._records:
            await asyncio.sleep(record.after_s - at_s)
            at_s = record.after_s
            await (await self._send(record, []))

    async def _replay(self) -> None:
        """Write marks only after everything earlier is acknowledged."""
        sent: list[Awaitable[Any]] = []
        last_ms = marked_ms = EPOCH_MS
        first_ms = -1
        at_s = 0.0
        for record in self._records:
            await asyncio.sleep((record.after_s - at_s) / self._scenario.speed)
            at_s = record.after_s
            now_ms = EPOCH_MS + int(at_s * 1000)
            if now_ms // MARK_EVERY_MS > marked_ms // MARK_EVERY_MS:
                await asyncio.gather(*sent)
                sent = []
                marked_ms = now_ms
                await self._mark(now_ms)
            last_ms = now_ms
            first_ms = now_ms if first_ms < 0 else first_ms
            at_ms = str(now_ms - record.behind_ms).encode()
            sent.append(await self._send(record, [("at_ms", at_ms)]))
        await asyncio.gather(*sent)
        lasted_ms = last_ms - first_ms if first_ms >= 0 else 0
        await self._mark(final_mark_ms(last_ms, CONFIG, lasted_ms=lasted_ms))

    async def _mark(self, at_ms: int) -> None:
        marks = [
            await self._producer.send(
                self._topic, value=b"", partition=p, headers=[("mark", str(at_ms).encode())]
            )
            for p in range(self._count())
        ]
        await asyncio.gather(*marks)

"""A partition of a self-hosted Sentry that is taken while the configuration changes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from correlators.fingerprinter import Fingerprinting
from streams.agents.fingerprint import FingerprintHandler
from streams.agents.flushing import Flushing
from streams.metrics import Metrics
from streams.settings import Clock
from streams.stage.host import Host

TP = TopicPartition("events", 0)


class Kafka:
    """An empty partition that nobody read before; it takes a commit when it is told to."""

    def __init__(self) -> None:
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, 0)

    end_offsets = beginning_offsets

    async def offsets_for_times(self, found: dict[TopicPartition, int]) -> dict[Any, None]:
        return dict.fromkeys(found)

    async def list_consumer_group_offsets(self, group: str) -> dict[TopicPartition, Any]:
        return {}

    async def commit(self, stored: dict[TopicPartition, Any]) -> None:
        self.asked.set()
        await self.answers.wait()


async def test_what_is_taken_while_it_is_reconfigured_is_read_in_the_new_way() -> None:
    handler: Any = FingerprintHandler(
        Fingerprinting(),
        bootstrap="",
        clock=Clock.WALL,
        deltas_topic="d",
        quarantine_topic="q",
        max_request_bytes=1 << 20,
        metrics=Metrics(),
    )
    kafka, unused = Kafka(), handler._commit
    handler._source = SimpleNamespace(consumer=kafka, stage=SimpleNamespace(group="g"))
    handler._admin, handler._host, handler._foreign = kafka, Host(), frozenset({TP.topic})
    handler._flushing = Flushing(handler._host, 1, send=unused, commit=unused, count=unused)
    taking = asyncio.create_task(handler.assign(TP))
    await kafka.asked.wait()
    await handler.reconfigure(Fingerprinting(default_environment="staging"))
    kafka.answers.set()
    assert await taking == 0
    reader = handler._lanes[TP].fingerprinter
    assert reader._config.default_environment == "staging"
    assert reader._cache is handler._remembered.signatures

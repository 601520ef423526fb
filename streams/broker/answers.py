"""Does a broker really answer? Asked as a client asks: a consumer group has to join.

A new broker takes connections seconds before its group coordinator works, so an open port says
little. Nothing here starts or ends a broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from streams.broker.types import BrokerFailed
from streams.logs import kafka_clients_quiet

PAUSE_S: Final = 0.1
"""Pause between two tries, in seconds."""


def wait_until_answers(
    bootstrap: str, *, within_s: float, died: Callable[[], str | None] = lambda: None
) -> None:
    """Return once a consumer group has joined at this broker; leaves nothing behind there.

    May be called with or without a running event loop; it blocks.

    Args:
        bootstrap: `host:port`, or several with commas.
        within_s: how long to try, in seconds.
        died: asked between tries; a text ends the wait at once.

    Raises:
        BrokerFailed: nobody joined in time, or `died` told why nobody will.
    """
    with kafka_clients_quiet(), ThreadPoolExecutor(1) as own_thread:
        own_thread.submit(asyncio.run, _join(bootstrap, within_s, died)).result()


async def _join(bootstrap: str, within_s: float, died: Callable[[], str | None]) -> None:
    last: Exception | None = None
    deadline = asyncio.get_running_loop().time() + within_s
    while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
        if why := died():
            raise BrokerFailed(why)
        try:
            async with asyncio.timeout(left_s):
                await _join_once(bootstrap)
            return
        except (KafkaError, OSError, TimeoutError) as error:
            last = error
        await asyncio.sleep(PAUSE_S)
    raise BrokerFailed(
        f"{bootstrap} did not answer within {within_s:g} s ({str(last) or type(last).__name__})"
    )


async def _join_once(bootstrap: str) -> None:
    name = f"stormfold.probe.{uuid.uuid4().hex[:12]}"
    async with _admin(bootstrap) as admin:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
        try:
            # A group that commits nothing is forgotten by the broker once it is empty.
            consumer = AIOKafkaConsumer(
                name, bootstrap_servers=bootstrap, group_id=name, enable_auto_commit=False
            )
            try:
                await consumer.start()
            finally:
                await consumer.stop()
        finally:
            await admin.delete_topics([name])


@contextlib.asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()

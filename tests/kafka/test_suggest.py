"""`stormfold suggest-merges --since` reads what stands on the live topics, and joins no group."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streams.broker import Broker
from streams.topics import names
from tests.kafka.chain import chain
from tests.streams.test_suggest import ALIKE


async def test_signatures_of_the_live_topics_are_compared(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            for place, line in enumerate(ALIKE):
                body = json.dumps(json.loads(line)["event"]).encode()
                headers = [("resource", b"event")]
                topic = names(namespace).events
                await producer.send_and_wait(topic, body, partition=place % 4, headers=headers)
        done = await asyncio.to_thread(made.run, "suggest-merges", "--since", "1h", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert found["signatures"] == 3
        (pair,) = found["pairs"]
        assert {pair["left"]["events"], pair["right"]["events"]} == {1, 2}
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        try:
            groups = [name for name, _ in await admin.list_consumer_groups()]
        finally:
            await admin.close()
        assert not any(name.startswith(f"{namespace}.") for name in groups)

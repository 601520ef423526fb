"""Intake starts only where the topics are that it writes to: Kafka would make them as it likes."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.broker import Broker
from streams.intake import IntakeError, serve
from streams.topics import names, partitions_of, topics
from tests.streams.test_intake import settings_for, until


async def test_without_the_topic_of_acts_it_does_not_start_and_says_what_makes_it(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    events, deltas = names(settings.namespace).events, names(settings.namespace).deltas
    (wanted,) = (one for one in topics(settings) if one.name == events)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        shape = {"num_partitions": wanted.partitions, "replication_factor": wanted.replication}
        await admin.create_topics([NewTopic(events, **shape, topic_configs=wanted.configs)])
    finally:
        await admin.close()

    async def is_there() -> bool:
        return (await partitions_of(settings, [events]))[events] != []

    await until(is_there, "Kafka has made the topic of events")
    with pytest.raises(IntakeError, match=f"^{deltas}: missing; `stormfold topics` makes"):
        await asyncio.wait_for(serve(settings), 30.0)
    assert (await partitions_of(settings, [deltas]))[deltas] == []

"""What the group of a stage has committed, for whoever looks at it from outside."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from streams.processes import StageName

ASK_AGAIN_S: Final = 0.1
"""Pause before a broker is asked again that knows no coordinator yet."""


async def committed_by(
    admin: AIOKafkaAdminClient, namespace: str, stage: StageName
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return what the stage's group has committed; nothing where it never did.

    Asks until there is an answer: whoever calls says how long that may take.

    Raises:
        KafkaError: the cluster refuses.
    """
    while True:
        try:
            offsets: dict[TopicPartition, OffsetAndMetadata]
            offsets = await admin.list_consumer_group_offsets(f"{namespace}.{stage.value}")
            return offsets
        except KafkaError as error:
            if not error.retriable:  # a broker that has just started has no coordinator yet
                raise
        await asyncio.sleep(ASK_AGAIN_S)

"""What an installation leaves on a cluster: names, ends of topics, offsets of groups."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.broker import Broker

TRANSACTIONS = "__transaction_state"

Names = dict[str, set[str]]


async def everything(kafka: Broker) -> Names:
    """Return the names of all topics but Kafka's own, groups and transactional ids."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        topics = set(await admin.list_topics())
        groups = {name for name, _ in await admin.list_consumer_groups()}
        # The broker makes it when the first transaction needs it.
        logs = await admin.describe_topics([TRANSACTIONS]) if TRANSACTIONS in topics else []
    finally:
        await admin.close()
    transactional = set()
    for log in logs:
        transactional |= await transactional_ids(kafka, len(log["partitions"]))
    topics = {name for name in topics if not name.startswith("__")}
    return {"topics": topics, "groups": groups, "transactional ids": transactional}


async def transactional_ids(kafka: Broker, partitions: int) -> set[str]:
    """Return every transactional id that the cluster remembers."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, enable_auto_commit=False, exclude_internal_topics=False
    )
    await consumer.start()
    try:
        found = set()
        places = [TopicPartition(TRANSACTIONS, number) for number in range(partitions)]
        consumer.assign(places)
        for tp, end in (await consumer.end_offsets(places)).items():
            consumer.seek(tp, 0)
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                    # Version, length, id. Source: TransactionLogKey.json of Apache Kafka.
                    found.add(record.key[4:].decode())
        return found
    finally:
        await consumer.stop()


async def ends(kafka: Broker, namespace: str) -> dict[str, int]:
    """Return the end of every partition, and every group's offset, of a namespace."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await consumer.start()
    try:
        topics = [name for name in await admin.list_topics() if name.startswith(f"{namespace}.")]
        described = await admin.describe_topics(topics)
        places = [
            TopicPartition(topic["topic"], one["partition"])
            for topic in described
            for one in topic["partitions"]
        ]
        found = {str(tp): end for tp, end in (await consumer.end_offsets(places)).items()}
        for stage in ("fingerprint", "correlate", "deliver"):
            group = f"{namespace}.{stage}"
            for tp, offset in (await admin.list_consumer_group_offsets(group)).items():
                found[f"{group} {tp}"] = offset.offset
        return found
    finally:
        await consumer.stop()
        await admin.close()

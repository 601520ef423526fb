"""What librdkafka's client of a `Reader` is told: how much it fetches, holds and waits.

Pure: settings in, settings out. Who the client is and what it reads is `reader`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ANSWER_BYTES: Final = 2 * 1024 * 1024
"""Of one answer of a broker, as Kafka keeps records: all of it is decompressed at once."""
QUEUED_BYTES: Final = 16 * 1024 * 1024
"""Of records that were decompressed and not taken; an answer more may be on its way."""
WAIT_MS: Final = 50
"""How long a broker holds an answer back that has nothing: partitions that are read to their end
may be asked for alone while much waits of the others, which are not fetched meanwhile."""
BACKOFF_MS: Final = 5
"""How long nothing is fetched once so much waits."""
RECONNECT_MS: Final = 1_000
"""The longest pause between two attempts to reach a broker."""


def librdkafka_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of librdkafka's client that stand for these of aiokafka's."""
    answer = min(settings["fetch_max_bytes"], ANSWER_BYTES)
    return {
        "bootstrap.servers": settings["bootstrap_servers"],
        "client.id": f"{settings['client_id']}.reader",
        "group.id": settings["group_id"],  # it asks for one, and never joins it
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,  # only that tells where marks of transactions end
        "auto.offset.reset": "error",  # told, not mended: see `Reader._find`
        "isolation.level": settings["isolation_level"],
        "check.crcs": True,
        "topic.metadata.refresh.interval.ms": settings["metadata_max_age_ms"],
        "fetch.wait.max.ms": WAIT_MS,
        "fetch.max.bytes": answer,
        "message.max.bytes": min(answer, 1_000_000),  # may not be more than the bytes of an answer
        "max.partition.fetch.bytes": min(settings["max_partition_fetch_bytes"], answer),
        "queued.max.messages.kbytes": min(settings["fetch_max_bytes"], QUEUED_BYTES) // 1024,
        "fetch.queue.backoff.ms": BACKOFF_MS,
        "reconnect.backoff.max.ms": RECONNECT_MS,
        "log.connection.close": False,
    }

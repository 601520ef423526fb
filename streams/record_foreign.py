"""What `stormfold record` has to know of topics of somebody else: where to begin, what time it was.

The rules are those of `agents.foreign`: reading begins at the moment at which the group first read
any of the topic; and a record's stream time is the highest of the times of its partition up to it,
and of the marks in our own topic that stand for what was read before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.agents import foreign
from streams.group_offsets import committed_by
from streams.processes import StageName
from streams.settings import Settings

NEVER: Final = 0
"""The moment of a topic that was never read."""


async def first_reads(settings: Settings) -> dict[str, int]:
    """Return when the group first read each foreign topic, or `NEVER`; milliseconds.

    Raises:
        KafkaError: Kafka does not say.
    """
    topics = settings.kafka.sentry_topics
    if not topics:
        return {}
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    try:
        await admin.start()
        committed = await committed_by(admin, settings.namespace, StageName.FINGERPRINT)
    finally:
        await admin.close()
    return {topic: foreign.first_read_ms(topic, committed) or NEVER for topic in topics}


class Marks:
    """The marks of our own topic, by the foreign records that they raise.

    Takes at most one entry per record of the span: an idle partition is marked at the same offset
    again and again, and what was marked before the span counts for its first record.
    """

    def __init__(self, span: Mapping[TopicPartition, tuple[int, int]]) -> None:
        """Args: span: by foreign partition, its first offset and the one after its last."""
        self._span = dict(span)
        self._raised: dict[TopicPartition, dict[int, int]] = {tp: {} for tp in span}
        self._ahead: dict[TopicPartition, list[tuple[int, int]]] = {}

    def note(self, headers: Iterable[tuple[str, bytes | None]], at_ms: int) -> None:
        """Note a mark, in whatever order they are read.

        Args:
            headers: of the mark.
            at_ms: its append time.
        """
        for tp, offset in foreign.stands_for(headers):
            begin, end = self._span.get(tp, (0, 0))
            if offset < end:
                raised, offset = self._raised[tp], max(begin, offset)
                raised[offset] = max(raised.get(offset, 0), at_ms)

    def close(self) -> None:
        """Say that all marks were noted."""
        for tp, raised in self._raised.items():
            self._ahead[tp] = sorted(raised.items(), reverse=True)
        self._raised.clear()

    def up_to(self, tp: TopicPartition, offset: int) -> int:
        """Return the highest time of the marks that were passed since it was last asked; or 0.

        Args:
            tp: a foreign partition; any other has no marks.
            offset: of a record, not below the one asked for before.
        """
        at_ms = 0
        ahead = self._ahead.get(tp)
        while ahead and ahead[-1][0] <= offset:
            at_ms = max(at_ms, ahead.pop()[1])
        return at_ms

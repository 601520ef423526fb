"""How many dead letters wait for somebody, as `stormfold status` says it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from sinks.marks import Mark
from streams.letter_records import Letter, mark_of, read_letter
from streams.letters import cases
from streams.status_look_up import LookUp

RECORDS_MOST: Final = 2_000
"""Records read back from the end of each partition of the topic."""

READ_S: Final = 0.8
"""How long they are read."""


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """What was given up and nobody has done anything about."""

    waiting: int
    last_ms: int | None
    """When the newest of them was given up."""
    complete: bool
    """All that the topic holds was looked at."""

    def __str__(self) -> str:
        """Return it in words, without the time."""
        least = "" if self.complete else "at least "
        return f"Dead letters that wait for somebody: {least}{self.waiting:,}"


async def dead_letters(
    consumer: AIOKafkaConsumer, topic: str, partitions: Sequence[int]
) -> DeadLetters:
    """Return how many there are.

    Args:
        consumer: started; what it is assigned to is changed.
        topic: of the dead letters.
        partitions: that it has.

    Raises:
        KafkaError: the topic cannot be read.
    """
    tps = [TopicPartition(topic, one) for one in partitions]
    begins = await consumer.beginning_offsets(tps)
    ends = await consumer.end_offsets(tps)
    spans = {
        tp: (max(begins[tp], ends[tp] - RECORDS_MOST), ends[tp])
        for tp in tps
        if begins[tp] < ends[tp]
    }
    letters: list[Letter] = []
    marks: list[Mark] = []
    complete = all(spans[tp][0] == begins[tp] for tp in spans)
    if spans:
        until = time.monotonic() + READ_S
        async for _, record in LookUp(consumer).records(spans, until=until):
            letter = read_letter(record)
            mark = mark_of(record) if letter is None else None
            if letter is not None:
                letters.append(letter)
            elif mark is not None:
                marks.append(mark)
        for tp, (_, end) in spans.items():
            complete = complete and await consumer.position(tp) >= end
    waiting = [one.letter.at_ms for one in cases(letters, marks) if one.open]
    return DeadLetters(waiting=len(waiting), last_ms=max(waiting, default=None), complete=complete)

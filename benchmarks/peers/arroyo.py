"""sentry-arroyo doing FINGERPRINT's work: a chain of its strategies.

`python -m benchmarks.peers.arroyo TASK`, in an environment of its own. The chain is what its
documentation builds batches with: `Reduce` folds records for 100 ms, `Unfold` makes the messages,
`Produce` waits for their acknowledgement in order, `CommitOffsets` commits, once a second as the
documentation advises. No `RunTask` before `Reduce`: each strategy costs every record a call more.

Offsets are not committed by librdkafka's timer, since the clock needs to know when. The clock ends
when the commit that covers the log has returned; that one is forced, not kept waiting for its
second. What librdkafka fetches ahead is as Arroyo has it (50 MB): more, tried once each, told
apart by no more than noise.

Its poll waits up to a second for a record before it looks at what was acknowledged, so at
the end of a log it relies on records that go on coming: the benchmark writes marks meanwhile.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from arroyo.backends.kafka import KafkaConsumer, KafkaPayload, KafkaProducer
from arroyo.backends.kafka.configuration import (
    build_kafka_configuration,
    build_kafka_consumer_configuration,
)
from arroyo.commit import ONCE_PER_SECOND
from arroyo.processing import StreamProcessor
from arroyo.processing.strategies import (
    CommitOffsets,
    ProcessingStrategyFactory,
    Produce,
    Reduce,
    Unfold,
)
from arroyo.types import BrokerValue, Topic, Value

from benchmarks.peers.job import CONSUMER, FLUSH_S, PRODUCER, Job, Task, task_of_command_line

BATCH_RECORDS = 20_000
"""As many as FINGERPRINT folds of four partitions before it flushes without waiting for time."""


class Factory(ProcessingStrategyFactory[KafkaPayload]):
    """Makes the chain when partitions are assigned."""

    def __init__(self, task: Task, producer: Any) -> None:
        """Args: task: what to do; producer: of deltas."""
        self._task = task
        self._producer = producer
        self._job = Job(task)
        self._committed: dict[int, int] = {}
        self.processor: Any = None
        """Is told to end when the log is done."""

    def create_with_partitions(self, commit: Any, partitions: Any) -> Any:
        """Return the chain."""

        def commit_to_the_end(offsets: Mapping[Any, int], force: bool = False) -> None:
            self._committed |= {one.index: offset for one, offset in offsets.items()}
            covered = all(
                self._committed.get(one, 0) >= end for one, end in self._task.ends.items()
            )
            ends = covered and bool(offsets) and self._job.complete
            commit(offsets, force=force or ends)
            if ends and self.processor is not None:
                self._job.done()
                self.processor.signal_shutdown()
                self.processor = None

        produce = Produce(
            self._producer, Topic(self._task.deltas_topic), CommitOffsets(commit_to_the_end)
        )
        return Reduce(
            max_batch_size=BATCH_RECORDS,
            max_batch_time=FLUSH_S,
            accumulator=_take,
            initial_value=lambda: self._job,
            next_step=Unfold(_messages, produce),
        )


def _take(job: Job, value: BrokerValue[KafkaPayload]) -> Job:
    """Fold one record."""
    at_ms = round(value.timestamp.replace(tzinfo=UTC).timestamp() * 1000)
    _, body, headers = value.payload
    job.take(value.partition.index, value.offset, at_ms, headers, body)
    return job


def _messages(job: Job) -> Iterator[Value[KafkaPayload]]:
    """Yield what one batch has folded. `Produce` knows one topic and no partition: by key."""
    for target, value in job.flush():
        yield Value(KafkaPayload(str(target).encode(), value, []), {}, None)


def main() -> None:
    """Do the task of the command line."""
    task = task_of_command_line()
    servers = [task.bootstrap]
    consumer = KafkaConsumer(
        build_kafka_consumer_configuration(
            {},
            bootstrap_servers=servers,
            auto_offset_reset="earliest",
            group_id=f"arroyo-{uuid.uuid4().hex}",
            override_params=CONSUMER,
            enable_auto_commit=False,
        )
    )
    producer = KafkaProducer(
        build_kafka_configuration({}, bootstrap_servers=servers, override_params=PRODUCER)
    )
    factory = Factory(task, producer)
    factory.processor = processor = StreamProcessor(
        consumer=consumer,
        topic=Topic(task.topic),
        processor_factory=factory,
        commit_policy=ONCE_PER_SECOND,
    )
    processor.run()
    producer.close().result()


if __name__ == "__main__":
    main()

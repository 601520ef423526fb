"""Quix Streams doing FINGERPRINT's work: a dataframe into a sink of one's own.

`python -m benchmarks.peers.quix TASK`, in an environment of its own. The documentation's way to
gather before writing, and to commit offsets only once Kafka has what was written, is a sink: `add`
takes every record, `flush` runs at each checkpoint. This one folds in `add`, sends deltas every
100 ms without waiting, and waits for their acknowledgement in `flush`. It is the engine's shortest
way: its windows would need the events' parts sent through a topic once more, since they are kept by
message key, and would write every event's change to RocksDB.

Raw values (a deserialiser of its own cannot see headers), no stateful step, so no state directory
and no changelog; checkpoints once a second (5 s by default). Its clock ends when `run` returns,
with the last checkpoint committed and the consumer closed.
"""

from __future__ import annotations

import uuid
from typing import Any

from quixstreams import Application
from quixstreams.kafka import Producer
from quixstreams.sinks.base import BaseSink

from benchmarks.peers.job import COMMIT_S, CONSUMER, PRODUCER, Job, Task, task_of_command_line


class DeltaSink(BaseSink):
    """Folds what is added, and sends deltas."""

    def __init__(self, task: Task, app: Application) -> None:
        """Args: task: what to do; app: is stopped when it is done."""
        super().__init__()
        self.job = Job(task)
        self._topic = task.deltas_topic
        self._app = app
        self._producer = Producer(broker_address=task.bootstrap, extra_config=PRODUCER)

    def add(
        self,
        value: Any,
        key: Any,
        timestamp: int,
        headers: Any,
        topic: str,
        partition: int,
        offset: int,
    ) -> None:
        """Fold one record."""
        self.job.take(partition, offset, timestamp, headers, value)
        if self.job.due:
            self._send()
        if self.job.complete:
            self._app.stop()

    def flush(self) -> None:
        """Return once Kafka has the deltas of everything that was added."""
        self._send()
        left = self._producer.flush()
        assert not left

    def _send(self) -> None:
        for target, value in self.job.flush():
            self._producer.produce(
                self._topic, value=value, partition=target, on_delivery=_delivered
            )


def _delivered(error: Any, message: Any) -> None:
    assert error is None, error


def main() -> None:
    """Do the task of the command line."""
    task = task_of_command_line()
    app = Application(
        broker_address=task.bootstrap,
        consumer_group=f"quix-{uuid.uuid4().hex}",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_interval=COMMIT_S,
        consumer_extra_config=CONSUMER,
        state_dir=task.folder,
        loglevel="WARNING",
    )
    sink = DeltaSink(task, app)
    app.dataframe(app.topic(task.topic, value_deserializer="bytes")).sink(sink)
    app.run()
    sink.job.done()


if __name__ == "__main__":
    main()

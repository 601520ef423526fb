"""Bytewax doing FINGERPRINT's work: a dataflow from its Kafka source to its Kafka sink.

`python -m benchmarks.peers.bytewax TASK`, in an environment of its own. `flat_map_batch` is the
operator that its documentation names for batches whose items are cheaper together: it is called
once with all that a fetch brought, folds it and gives the deltas. Nothing is held between two
batches, so what the recovery store snapshots are the source's offsets alone, and the sink waits for
Kafka before the epoch ends: at least once. It is the engine's shortest way: a window operator would
take every event by itself through a key, an exchange and a clock.

Its place in the log is kept by its recovery store (SQLite), not by Kafka: epochs of a second
instead of ten. The clock ends when `cli_main` returns at the end of the log, with the last epoch
stored and the consumers closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.peers.job import COMMIT_S, CONSUMER, PRODUCER, Job, Task, task_of_command_line

BATCH_RECORDS = 5_000
"""At most of one fetch, as many as FINGERPRINT folds before it flushes. Tried once beside 300 and
1,000 (the connector's default), it was the fastest by a quarter."""


def flow(task: Task, job: Job) -> Dataflow:
    """Return the dataflow."""

    def fold(records: list[Any]) -> Iterator[Any]:
        for record in records:
            at_ms = record.timestamp[1]
            job.take(record.partition, record.offset, at_ms, record.headers, record.value)
        for target, value in job.flush():
            # The sink knows no partition: by key.
            yield KafkaSinkMessage(str(target).encode(), value)

    made = Dataflow("fingerprint")
    brokers = [task.bootstrap]
    source = KafkaSource(
        brokers, [task.topic], tail=False, add_config=CONSUMER, batch_size=BATCH_RECORDS
    )
    deltas = op.flat_map_batch("fold", op.input("events", made, source), fold)
    op.output("deltas", deltas, KafkaSink(brokers, task.deltas_topic, add_config=PRODUCER))
    return made


def main() -> None:
    """Do the task of the command line."""
    task = task_of_command_line()
    job = Job(task)
    store = Path(task.folder) / "recovery"
    store.mkdir()
    init_db_dir(store, 1)
    cli_main(
        flow(task, job),
        epoch_interval=timedelta(seconds=COMMIT_S),
        recovery_config=RecoveryConfig(store),
    )
    job.done()


if __name__ == "__main__":
    main()

"""Metrics that answer: is it keeping up?

How far each stage is behind its input and the clock, and what makes it wait.
"""

from __future__ import annotations

from typing import Final

from streams.metric_types import PARTITION, STAGE, Label, Merge, counter, gauge, seconds

_LAG_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)
"""Half a second from a record to its message is promised, over three stages; five minutes behind
pages somebody."""
_TRANSACTION_S: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

KEEPING_UP: Final = (
    counter("deltas", "deltas", "Deltas written by FINGERPRINT."),
    counter(
        "late_deltas",
        "deltas",
        "Deltas that came after their tick was applied, and joined the current one.",
    ),
    counter(
        "repeated_deltas",
        "deltas",
        "Deltas that came again, after a crash or a rebalance, and were passed over.",
    ),
    gauge(
        "held_deltas",
        "deltas",
        "Deltas and state changes that wait until every source partition has passed their tick.",
    ),
    counter(
        "raised_times",
        "records",
        "Records whose time went back and was raised to the highest before it.",
    ),
    counter(
        "signature_cache",
        "look-ups",
        "Look-ups in the cache of finished signatures.",
        Label("result", "hit, miss", ("hit", "miss")),
    ),
    seconds(
        "stage_lag_seconds",
        _LAG_S,
        "From a record written to Kafka to its being worked on by the stage, the oldest of each "
        "piece of work.",
        STAGE,
    ),
    gauge(
        "source_lag_seconds",
        "seconds",
        "Age of the record that the stage has come to, of a partition of which more is unread; 0 "
        "where all is read. The slowest partition.",
        STAGE,
        merge=Merge.MAX,
    ),
    gauge(
        "watermark_age_seconds",
        "seconds",
        "How old the watermark is that CORRELATE waits for: that of the slowest source partition "
        "which is not left out.",
        merge=Merge.MAX,
    ),
    gauge(
        "applied_time_seconds",
        "seconds",
        "Up to when CORRELATE has decided, in seconds since the epoch: the slowest partition. It "
        "stands when a process hangs, and moves when nothing happens.",
        merge=Merge.MIN,
    ),
    counter(
        "ticks",
        "ticks",
        "Ticks of stream time in which CORRELATE had something to apply, over its partitions.",
    ),
    gauge(
        "tick_lag_seconds",
        "seconds",
        "How far the stage's stream time is behind the clock, the slowest partition.",
        STAGE,
        merge=Merge.MAX,
    ),
    gauge(
        "source_held_bytes",
        "bytes",
        "Bytes of records that the stage has fetched and not worked on: bounded for each process.",
        STAGE,
    ),
    gauge(
        "source_lag_records",
        "records",
        "Records of the input not yet read by the stage.",
        STAGE,
        PARTITION,
        merge=Merge.MAX,
    ),
    counter(
        "transactions",
        "transactions",
        "Kafka transactions of a stage, by how they ended.",
        STAGE,
        Label("outcome", "committed, or too_slow: larger than a transaction may be"),
    ),
    seconds(
        "transaction_seconds",
        _TRANSACTION_S,
        "From the begin of a Kafka transaction to its commit.",
        STAGE,
    ),
    counter(
        "stalls",
        "stalls",
        "Source partitions left out because they stood still while others moved on.",
    ),
    gauge(
        "excluded_sources",
        "partitions",
        "Source partitions that are left out now, over all partitions of CORRELATE.",
    ),
    gauge(
        "paused_partitions",
        "partitions",
        "Partitions not read for now: they are far ahead of the slowest, or of CORRELATE.",
        STAGE,
    ),
    gauge(
        "parked_partitions",
        "partitions",
        "Partitions not read any more: each ended its process again and again at one offset.",
    ),
    counter(
        "deleted_unread",
        "records",
        "Records that retention deleted before their stage had read them: they are lost.",
        STAGE,
    ),
)

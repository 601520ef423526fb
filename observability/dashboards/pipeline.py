"""Pipeline: is everything taken in, and does it keep up? For the engineer on call."""

from __future__ import annotations

from typing import Final

from observability.dashboards.made import Board, Row
from observability.dashboards.panels import (
    Colour,
    Query,
    Unit,
    bars,
    lines,
    number,
)
from observability.dashboards.taken_in import TAKEN_IN
from streams.beating import Beaten

_NOW: Final = Row(
    "Now",
    (
        number(
            "Since the last webhook",
            "How long Sentry has told nothing.",
            "time() - max(stormfold_last_webhook_time_seconds)",
            unit=Unit.SECONDS,
            base=Colour.GOOD,
            above=((300, Colour.CARE), (1_800, Colour.BAD)),
            none="no intake",
            decimals=0,
        ),
        number(
            "Turned away",
            "Webhooks of this time that Kafka did not take: Sentry does not send them again.",
            'sum(increase(stormfold_intake_requests_total{outcome=~"kafka_timeout|kafka_failed|'
            'overloaded"}[$__range]))',
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
            unit=Unit.COUNT,
            decimals=0,
        ),
        number(
            "Behind the clock",
            "How far the slowest stage is behind the clock.",
            "max(stage:stormfold_behind_seconds:max)",
            unit=Unit.SECONDS,
            base=Colour.GOOD,
            above=((10, Colour.CARE), (60, Colour.BAD)),
            decimals=1,
        ),
        number(
            "Parked partitions",
            "Partitions that are not read any more.",
            "sum(stormfold_parked_partitions)",
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
        ),
        number(
            "Sources left out",
            "Source partitions without which incidents are decided now: each counts once for every "
            "partition of CORRELATE that does not wait for it.",
            "max(stormfold_excluded_sources)",
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
        ),
        number(
            "Quarantined",
            "Records of this time that could not be read.",
            "sum(increase(stormfold_quarantined_total[$__range]))",
            base=Colour.GOOD,
            above=((1, Colour.CARE),),
            unit=Unit.COUNT,
            decimals=0,
        ),
    ),
)
_KEEPS_UP: Final = Row(
    "Is it keeping up?",
    (
        lines(
            "Behind the clock",
            "How far each stage's stream time is behind the clock: one to two seconds at best.",
            Query("stage:stormfold_behind_seconds:max", "{{stage}}"),
            unit=Unit.SECONDS,
        ),
        lines(
            "Record to work",
            "From a record written to Kafka to its being worked on by the stage, 99 of 100.",
            Query(
                "histogram_quantile(0.99, sum by (le, stage) "
                "(rate(stormfold_stage_lag_seconds_bucket[$__rate_interval])))",
                "{{stage}}",
            ),
            unit=Unit.SECONDS,
        ),
        lines(
            "Age of the watermark",
            "Of the slowest source that CORRELATE waits for; it grows where one stands still.",
            Query("max(stormfold_watermark_age_seconds)", "watermark"),
            Query("max by (stage) (stormfold_source_lag_seconds)", "{{stage}}: oldest not read"),
            unit=Unit.SECONDS,
        ),
        lines(
            "Not read yet",
            "Records of each stage's input that it has not read.",
            Query("sum by (stage) (stormfold_source_lag_records)", "{{stage}}"),
        ),
        lines(
            "Decided up to",
            "How long ago the moment is up to which everything is decided.",
            Query("time() - min(stormfold_applied_time_seconds)", "ago"),
            unit=Unit.SECONDS,
        ),
        lines(
            "Ticks with work",
            "Seconds of stream time in which something was to be decided, a second.",
            Query("sum(rate(stormfold_ticks_total[$__rate_interval]))", "ticks"),
            unit=Unit.PER_SECOND,
        ),
        lines(
            "Deltas a second",
            "What FINGERPRINT hands on: it grows with what differs, not with the events.",
            Query("sum(rate(stormfold_deltas_total[$__rate_interval]))", "deltas"),
            unit=Unit.PER_SECOND,
        ),
        lines(
            "Transactions",
            "How long a stage's transaction takes, 99 of 100.",
            Query(
                "histogram_quantile(0.99, sum by (le, stage) "
                "(rate(stormfold_transaction_seconds_bucket[$__rate_interval])))",
                "{{stage}}",
            ),
            unit=Unit.SECONDS,
        ),
        lines(
            "Held in memory",
            "Bytes that a stage has fetched and not worked on; bounded for each process.",
            Query("sum by (stage) (stormfold_source_held_bytes)", "{{stage}}"),
            unit=Unit.BYTES,
        ),
        lines(
            "Deltas that wait, came again, came late",
            "Waiting is ordinary: a tick is decided when every source has passed it.",
            Query("sum(stormfold_held_deltas)", "wait"),
            Query(
                "sum(rate(stormfold_repeated_deltas_total[$__rate_interval]))", "again, a second"
            ),
            Query("sum(rate(stormfold_late_deltas_total[$__rate_interval]))", "late, a second"),
        ),
    ),
)
_STANDS: Final = Row(
    "What stands still or was set aside",
    (
        bars(
            "Restarts and stalls",
            "Stage processes that were started again, and sources left out.",
            Query(
                "sum by (stage) (increase(stormfold_restarts_total[$__rate_interval]))",
                "{{stage}} restarted",
            ),
            Query("sum(increase(stormfold_stalls_total[$__rate_interval]))", "sources stalled"),
        ),
        lines(
            "Processes that run",
            "Of each stage, over all workers.",
            Query('sum by (stage) (stormfold_stage_processes{kind="running"})', "{{stage}}"),
        ),
        lines(
            "Paused, parked, left out",
            "Paused is back pressure and ends by itself; the others want somebody.",
            Query("sum by (stage) (stormfold_paused_partitions)", "{{stage}} paused"),
            Query("sum(stormfold_parked_partitions)", "parked"),
            Query("max(stormfold_excluded_sources)", "left out"),
        ),
        bars(
            "Set aside",
            "Records that could not be read, by why; entries that decide nothing any more; records "
            "deleted before they were read.",
            Query(
                "sum by (reason) (increase(stormfold_quarantined_total[$__rate_interval])) > 0",
                "{{reason}}",
            ),
            Query("sum(increase(stormfold_frozen_entries_total[$__rate_interval]))", "frozen"),
            Query(
                "sum by (stage) (increase(stormfold_deleted_unread_total[$__rate_interval])) > 0",
                "{{stage}}: deleted unread",
            ),
        ),
        bars(
            "Heartbeats",
            "Made-up events that were sent the whole way, by what became of them.",
            Query(
                "sum by (outcome) (increase(stormfold_heartbeats_total[$__rate_interval]))",
                "{{outcome}}",
            ),
            colours={
                Beaten.PINGED: Colour.GOOD,
                Beaten.LOST: Colour.BAD,
                Beaten.NOT_PINGED: Colour.CARE,
                Beaten.NOT_SENT: Colour.CARE,
            },
        ),
        lines(
            "Last ping",
            "How long ago the heartbeat address took a ping; nothing where none is configured.",
            Query(
                "time() - (max(stormfold_heartbeat_time_seconds) > 0)",
                "since the last ping",
            ),
            unit=Unit.SECONDS,
            none="no heartbeat",
        ),
        lines(
            "Signatures from the cache",
            "The part of look-ups that found a finished signature: low where all errors differ.",
            Query(
                'sum(rate(stormfold_signature_cache_total{result="hit"}[$__rate_interval]))\n'
                "/ sum(rate(stormfold_signature_cache_total[$__rate_interval]))",
                "hits",
            ),
            unit=Unit.PART,
        ),
        lines(
            "Age of the configuration",
            "Since the configuration that runs was taken.",
            Query("time() - max(stormfold_config_time_seconds)", "age"),
            unit=Unit.SECONDS,
        ),
    ),
)
PIPELINE: Final = Board(
    "pipeline",
    "Stormfold: pipeline",
    "Is everything taken in, and does it keep up?",
    (_NOW, TAKEN_IN, _KEEPS_UP, _STANDS),
)

"""What Prometheus sees in a fault, minute by minute, and which alerts fire then: one case each.

Every case is the well installation of `WELL` with some of its series changed; what is not named as
firing is silent.
"""

from __future__ import annotations

from typing import Final

from streams.processes import StageName
from tests.observability.case import BURNS, Case
from tests.observability.delivery_cases import DELIVERY_CASES
from tests.observability.well_shown import (
    HOUR,
    LONG,
    UP,
    answers,
    from_minute,
    jump,
    lag,
    processes,
    rising,
    series,
    steady,
)

CASES: Final = (
    Case("well for hours", {}, {10: set(), 7 * HOUR: set()}),
    Case(
        "the worker does not answer",
        {UP["worker"]: from_minute(30, 1, 0)},
        {29: set(), 30: set(), 32: {"StormfoldDown"}},
    ),
    Case(
        "no worker is there to be scraped",
        {
            UP["worker"]: f"1x29 stale _x{LONG}",
            **{processes(stage, "running"): f"1x29 stale _x{LONG}" for stage in StageName},
        },
        {29: set(), 30: set(), 32: {"StormfoldDown", "StormfoldStageMissing"}},
    ),
    Case(
        "one of two workers does not answer",
        {
            UP["worker"]: from_minute(30, 1, 0),
            series("up", job="stormfold-worker", instance="other"): steady(1),
        },
        {29: set(), 32: set(), 36: {"StormfoldOneDown"}},
    ),
    Case(
        "Sentry tells nothing any more",
        {answers("accepted"): rising(60, until=HOUR)},
        {HOUR + 28: set(), HOUR + 31: {"StormfoldNoWebhooks"}},
    ),
    Case(
        "a quiet team hears nothing for hours",
        {answers("accepted"): f"0+1x60 60x{LONG}"},
        {2 * HOUR: set()},
    ),
    Case(
        "no webhooks are used at all",
        {answers("accepted"): steady(0)},
        {2 * HOUR: set()},
    ),
    Case(
        "a few webhooks a minute are turned away, less than a budget pages for",
        {answers("kafka_timeout"): f"0x120 0+0.5x{LONG}"},
        {120: set(), 124: set(), 128: {"StormfoldIntakeRefusesEvents"}},
    ),
    Case(
        "Kafka elects a leader: a few webhooks of one moment are turned away",
        {answers("kafka_timeout"): jump(120, by=3)},
        {119: set(), 122: set(), 124: set(), 126: set()},
    ),
    Case(
        "Kafka takes nothing",
        {answers("kafka_timeout"): f"0x90 0+50x{LONG}"},
        {89: set(), 94: BURNS, 98: {"StormfoldIntakeRefusesEvents", *BURNS}},
    ),
    Case(
        "the client secret was replaced in Sentry alone",
        {
            answers("accepted"): rising(60, until=60),
            answers("no_secret_matches"): f"0x60 0+60x{LONG}",
        },
        {60: set(), 75: {"StormfoldSignaturesRefused"}},
    ),
    Case(
        "somebody tries signatures, beside Sentry",
        {answers("no_secret_matches"): rising(20)},
        {60: set()},
    ),
    Case(
        "webhooks of PagerDuty are not understood",
        {
            series(
                "stormfold_pagerduty_webhooks_total",
                kind="incident.acknowledged",
                outcome="no_token",
            ): jump(30)
        },
        {29: set(), 31: {"StormfoldPagerDutyNotUnderstood"}, 50: set()},
    ),
    Case(
        "buttons of Slack are signed otherwise",
        {
            series(
                "stormfold_slack_requests_total", kind="button", outcome="no_secret_matches"
            ): jump(30)
        },
        {29: set(), 31: {"StormfoldSlackNotTaken"}, 50: set()},
    ),
    Case(
        "CORRELATE falls behind",
        {lag("correlate"): from_minute(30, 2, 90)},
        {31: set(), 33: {"StormfoldBehind"}},
    ),
    Case(
        "CORRELATE is behind for a minute",
        {lag("correlate"): f"2x29 90x1 2x{LONG}"},
        {31: set(), 33: set()},
    ),
    Case(
        "DELIVER does not read what was decided",
        {series("stormfold_source_lag_seconds", stage="deliver"): from_minute(30, 0, 90)},
        {31: set(), 33: {"StormfoldBehind"}},
    ),
    Case(
        "stream time stands still, and with it the gauges",
        {"stormfold_applied_time_seconds": f"-2+60x30 1798x{LONG}"},
        {31: set(), 34: {"StormfoldWatermarkStuck"}},
    ),
    Case(
        "CORRELATE dies each time before it decides anything",
        {"stormfold_applied_time_seconds": f"-2+60x30 stale _x{LONG}"},
        {31: set(), 33: set(), 36: {"StormfoldWatermarkStuck"}},
    ),
    Case(
        "CORRELATE restores its state for two minutes",
        {"stormfold_applied_time_seconds": f"-2+60x30 stale _ 1978+60x{LONG}"},
        {31: set(), 32: set(), 33: set(), 34: set(), 36: set()},
    ),
    Case(
        "a source stands still for a moment",
        {
            "stormfold_stalls_total": jump(30),
            "stormfold_excluded_sources": f"0x29 1x2 0x{LONG}",
        },
        {29: set(), 31: {"StormfoldStall"}, 45: set()},
    ),
    Case(
        "a source stays left out",
        {
            "stormfold_stalls_total": jump(30),
            "stormfold_excluded_sources": from_minute(30, 0, 1),
        },
        {
            33: {"StormfoldStall"},
            36: {"StormfoldStall", "StormfoldSourceExcluded"},
            60: {"StormfoldSourceExcluded"},
        },
    ),
    Case(
        "a partition is parked",
        {"stormfold_parked_partitions": from_minute(30, 0, 1)},
        {29: set(), 30: {"StormfoldPartitionParked"}},
    ),
    Case(
        "no process of DELIVER comes up",
        {processes("deliver", "running"): from_minute(30, 1, 0)},
        {30: set(), 32: {"StormfoldStageMissing"}},
    ),
    Case(
        "no worker is told to run CORRELATE",
        {processes("correlate", "running"): None},
        {32: {"StormfoldStageMissing"}},
    ),
    Case(
        "one of two processes is parked",
        {processes("fingerprint", "parked"): from_minute(30, 0, 1)},
        {29: set(), 30: {"StormfoldWorkerParked"}},
    ),
    Case(
        "CORRELATE dies every two minutes",
        {series("stormfold_restarts_total", stage="correlate"): f"0x29 0+0.5x{LONG}"},
        {33: set(), 45: {"StormfoldRestarts"}},
    ),
    Case(
        "CORRELATE dies once",
        {series("stormfold_restarts_total", stage="correlate"): jump(30)},
        {31: set(), 40: set()},
    ),
    Case(
        "heartbeats do not come through",
        {
            series("stormfold_heartbeats_total", outcome="pinged"): rising(1, until=29),
            series("stormfold_heartbeats_total", outcome="lost"): f"0x29 0+1x{LONG}",
        },
        {30: set(), 33: {"StormfoldHeartbeatLost"}},
    ),
    Case(
        "a heartbeat is lost in a rebalance",
        {series("stormfold_heartbeats_total", outcome="lost"): jump(30)},
        {31: set(), 36: set()},
    ),
    Case(
        "a changed configuration is refused",
        {"stormfold_config_refused": from_minute(30, 0, 1)},
        {29: set(), 30: {"StormfoldConfigurationRefused"}},
    ),
    Case(
        "one record is unreadable",
        {series("stormfold_quarantined_total", reason="not_json"): jump(30)},
        {29: set(), 31: {"StormfoldQuarantine"}, 45: set()},
    ),
    Case(
        "an entry is frozen",
        {"stormfold_frozen_entries_total": jump(30)},
        {29: set(), 31: {"StormfoldFrozen"}, 45: set()},
    ),
    Case(
        "retention was faster than FINGERPRINT",
        {series("stormfold_deleted_unread_total", stage="fingerprint"): jump(30, by=700)},
        {29: set(), 31: {"StormfoldDeletedUnread"}, 45: set()},
    ),
    *DELIVERY_CASES,
)

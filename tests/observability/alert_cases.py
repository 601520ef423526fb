"""What Prometheus sees in a fault, minute by minute, and which alerts fire then: one case each.

Every case is the well installation of `WELL` with some of its series changed; what is not named as
firing is silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.observability.well_shown import (
    DEAD,
    DIGESTS,
    HOUR,
    LONG,
    UP,
    answers,
    attempts,
    delivered,
    from_minute,
    jump,
    lag,
    page,
    processes,
    rising,
    series,
    steady,
)

BURNS: Final = {"StormfoldBudgetBurnsFast", "StormfoldBudgetBurns"}
"""What is used up within days does not last a month either."""


@dataclass(frozen=True)
class Case:
    """A fault, and what fires at which minute; before it begins, nothing does."""

    fault: str
    changed: dict[str, str | None]
    fires: dict[int, set[str]] = field(default_factory=dict)
    """By the minute; an empty set where nothing may fire."""


CASES: Final = (
    Case("well for hours", {}, {10: set(), 7 * HOUR: set()}),
    Case(
        "the worker does not answer",
        {UP["worker"]: from_minute(30, 1, 0)},
        {29: set(), 30: set(), 32: {"StormfoldDown"}},
    ),
    Case(
        "Sentry tells nothing any more",
        {answers("accepted"): rising(60, until=HOUR)},
        {HOUR + 28: set(), HOUR + 31: {"StormfoldNoWebhooks"}},
    ),
    Case(
        "a quiet team hears nothing for hours",
        {answers("accepted"): f"0+1x60 60x{LONG}"},
        {3 * HOUR: set(), 5 * HOUR: set()},
    ),
    Case(
        "no webhooks are used at all",
        {answers("accepted"): steady(0)},
        {3 * HOUR: set()},
    ),
    Case(
        "a few webhooks a minute are turned away, less than a budget pages for",
        {answers("kafka_timeout"): f"0x29 0+0.5x{LONG}"},
        {29: set(), 35: {"StormfoldIntakeRefusesEvents"}},
    ),
    Case(
        "Kafka takes nothing",
        {answers("kafka_timeout"): f"0x90 0+50x{LONG}"},
        {89: set(), 98: {"StormfoldIntakeRefusesEvents", *BURNS}},
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
    Case(
        "a channel is archived: one digest is given up",
        {DEAD: jump(200)},
        {199: set(), 201: {"StormfoldDeadLetters"}, 215: set()},
    ),
    Case(
        "every second digest is given up",
        {DEAD: f"0x200 0+1x{LONG}", delivered(): f"0+2x200 400+1x{LONG}"},
        {200: set(), 230: {"StormfoldDeadLetters", *BURNS}},
    ),
    Case(
        "Slack answers 500",
        {
            attempts("delivered"): rising(2, until=60),
            attempts("retry"): f"0x60 0+4x{LONG}",
        },
        {60: set(), 68: {"StormfoldSinkFailing"}},
    ),
    Case(
        "a quarter of the calls fails",
        {attempts("retry"): f"0x60 0+0.6x{LONG}"},
        {80: set()},
    ),
    Case(
        "DELIVER hangs",
        {
            series("stormfold_transaction_seconds_count", stage="deliver"): rising(6, until=60),
            attempts("delivered"): rising(2, until=60),
            delivered(): rising(2, until=60),
        },
        {68: set(), 77: {"StormfoldNothingDelivered"}},
    ),
    Case(
        "nothing happens, so nothing is told",
        {
            DIGESTS: rising(2, until=60),
            series("stormfold_transaction_seconds_count", stage="deliver"): rising(6, until=60),
            attempts("delivered"): rising(2, until=60),
            delivered(): rising(2, until=60),
        },
        {68: set(), 77: set()},
    ),
    Case(
        "a channel cannot follow",
        {series("stormfold_oldest_undelivered_seconds", sink="slack"): from_minute(30, 3, 900)},
        {34: set(), 36: {"StormfoldBacklog"}},
    ),
    Case("a page comes late", {page("late"): jump(30)}, {29: set(), 31: {"StormfoldPageLate"}}),
    Case(
        "a page goes to its fallback",
        {page("fallback"): jump(30)},
        {29: set(), 31: {"StormfoldPageLate"}, 50: set()},
    ),
    Case(
        "a page reaches nobody",
        {page("given_up"): jump(30)},
        {29: set(), 31: {"StormfoldPageLost"}},
    ),
    Case(
        "PagerDuty took a page and woke nobody",
        {
            series(
                "stormfold_pages_looked_for_total",
                destination="pagerduty:default",
                outcome="no_incident",
            ): jump(30)
        },
        {29: set(), 31: {"StormfoldPageNoIncident"}, 50: set()},
    ),
    Case(
        "a tenth of the digests takes longer than a minute, for hours",
        {
            series("stormfold_delivery_seconds_bucket", sink="slack", le="60.0"): (
                f"0+2x{HOUR} {2 * HOUR}+1.8x{LONG}"
            )
        },
        {HOUR: set(), 6 * HOUR: BURNS},
    ),
    Case(
        "one webhook in five hundred is turned away, for hours",
        {answers("kafka_failed"): f"0x{HOUR} 0+0.12x{LONG}"},
        # It is told at once by what it is; that it will not last the month, after hours.
        {
            HOUR + 4: {"StormfoldIntakeRefusesEvents"},
            8 * HOUR: {"StormfoldIntakeRefusesEvents", "StormfoldBudgetBurns"},
        },
    ),
    Case(
        "one of three pages is late: too few for a ratio",
        {
            series("stormfold_page_seconds_bucket", sink="pagerduty", le="30.0"): f"0x30 2x{LONG}",
            series("stormfold_page_seconds_count", sink="pagerduty"): f"0x30 3x{LONG}",
            page("late"): jump(31),
        },
        {33: {"StormfoldPageLate"}, 60: set()},
    ),
)

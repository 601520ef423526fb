"""What Prometheus sees in a fault, minute by minute, and which alerts fire then: one case each.

Every case is the well installation of `WELL` with some of its series changed; what is not named as
firing is silent. The notation of series is promtool's: `0+60x20` is 0, 60, 120 and so on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

HOUR: Final = 60
LONG: Final = 12 * HOUR
"""How far series go; a window that is longer holds what there is."""
BURNS: Final = {"StormfoldBudgetBurnsFast", "StormfoldBudgetBurns"}
"""What is used up within days does not last a month either."""


def rising(a_minute: float, *, until: int = LONG) -> str:
    """Return a counter that rises evenly, and stays from then on."""
    return f"0+{a_minute}x{until} {a_minute * until:g}x{LONG}"


def steady(value: float) -> str:
    """Return a value that does not change."""
    return f"{value:g}x{LONG}"


def from_minute(begin: int, before: float, after: float) -> str:
    """Return a value that changes at a minute."""
    return f"{before:g}x{begin - 1} {after:g}x{LONG}"


def jump(at: int, *, by: float = 1.0, start: float = 0.0) -> str:
    """Return a counter that goes up once, at a minute."""
    return from_minute(at, start, start + by)


def series(metric: str, **labels: str) -> str:
    """Return the name of a series."""
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{inside}}}" if inside else metric


def _answers(outcome: str) -> str:
    return series("stormfold_intake_requests_total", outcome=outcome)


def _attempts(outcome: str) -> str:
    reason = "" if outcome == "delivered" else "server_error"
    return series("stormfold_delivery_attempts_total", sink="slack", outcome=outcome, reason=reason)


def _delivered(sink: str = "slack") -> str:
    return series("stormfold_deliveries_total", sink=sink, outcome="delivered")


def _lag(stage: str) -> str:
    return series("stormfold_tick_lag_seconds", stage=stage)


def _processes(stage: str, kind: str) -> str:
    return series("stormfold_stage_processes", stage=stage, kind=kind)


def _page(outcome: str) -> str:
    return series("stormfold_page_outcomes_total", sink="pagerduty", outcome=outcome)


_UP: Final = {
    job: series("up", job=f"stormfold-{job}", instance=job) for job in ("intake", "worker")
}
_ANSWER_S: Final = "stormfold_intake_answer_seconds"
_DEAD: Final = series("stormfold_dead_letters_total", sink="slack", reason="not_allowed")
_DIGESTS: Final = series("stormfold_digests_total", kind="opened")

WELL: Final = {
    _UP["intake"]: steady(1),
    _UP["worker"]: steady(1),
    _answers("accepted"): rising(60),
    _answers("no_secret_matches"): steady(0),
    _answers("kafka_timeout"): steady(0),
    _answers("kafka_failed"): steady(0),
    _answers("overloaded"): steady(0),
    series(_ANSWER_S + "_bucket", le="0.05"): rising(60),
    series(_ANSWER_S + "_count"): rising(60),
    "stormfold_ticks_total": rising(60),
    _lag("fingerprint"): steady(1),
    _lag("correlate"): steady(2),
    "stormfold_excluded_sources": steady(0),
    "stormfold_parked_partitions": steady(0),
    "stormfold_config_refused": steady(0),
    "stormfold_stalls_total": steady(0),
    "stormfold_frozen_entries_total": steady(0),
    series("stormfold_quarantined_total", reason="not_json"): steady(0),
    series("stormfold_deleted_unread_total", stage="fingerprint"): steady(0),
    series("stormfold_restarts_total", stage="correlate"): steady(0),
    **{
        _processes(stage, kind): steady(kind == "running")
        for stage in ("fingerprint", "correlate", "deliver")
        for kind in ("running", "parked")
    },
    _DIGESTS: rising(2),
    _attempts("delivered"): rising(2),
    _attempts("retry"): steady(0),
    _attempts("rejected"): steady(0),
    _delivered(): rising(2),
    series("stormfold_delivery_seconds_bucket", sink="slack", le="60.0"): rising(2),
    series("stormfold_delivery_seconds_count", sink="slack"): rising(2),
    series("stormfold_page_seconds_bucket", sink="pagerduty", le="30.0"): rising(0.1),
    series("stormfold_page_seconds_count", sink="pagerduty"): rising(0.1),
    series("stormfold_deliveries_waiting", sink="slack"): steady(3),
    series("stormfold_oldest_undelivered_seconds", sink="slack"): steady(20),
    series("stormfold_first_delivery_seconds_bucket", sink="slack", le="2.5"): rising(1),
    series("stormfold_first_delivery_seconds_count", sink="slack"): rising(1),
    _DEAD: steady(0),
    _page("late"): steady(0),
    _page("fallback"): steady(0),
    _page("given_up"): steady(0),
    series(
        "stormfold_pages_looked_for_total", destination="pagerduty:default", outcome="no_incident"
    ): steady(0),
    series(
        "stormfold_pagerduty_webhooks_total", kind="incident.acknowledged", outcome="no_token"
    ): steady(0),
    series("stormfold_slack_requests_total", kind="button", outcome="no_secret_matches"): steady(0),
}
"""What a well installation shows: a webhook a second, two digests a minute."""


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
        {_UP["worker"]: from_minute(30, 1, 0)},
        {29: set(), 30: set(), 32: {"StormfoldDown"}},
    ),
    Case(
        "Sentry tells nothing any more",
        {_answers("accepted"): rising(60, until=HOUR)},
        {HOUR + 28: set(), HOUR + 31: {"StormfoldNoWebhooks"}},
    ),
    Case(
        "a quiet team hears nothing for hours",
        {_answers("accepted"): f"0+1x60 60x{LONG}"},
        {3 * HOUR: set(), 5 * HOUR: set()},
    ),
    Case(
        "no webhooks are used at all",
        {_answers("accepted"): steady(0)},
        {3 * HOUR: set()},
    ),
    Case(
        "a few webhooks a minute are turned away, less than a budget pages for",
        {_answers("kafka_timeout"): f"0x29 0+0.5x{LONG}"},
        {29: set(), 35: {"StormfoldIntakeRefusesEvents"}},
    ),
    Case(
        "Kafka takes nothing",
        {_answers("kafka_timeout"): f"0x90 0+50x{LONG}"},
        {89: set(), 98: {"StormfoldIntakeRefusesEvents", *BURNS}},
    ),
    Case(
        "the client secret was replaced in Sentry alone",
        {
            _answers("accepted"): rising(60, until=60),
            _answers("no_secret_matches"): f"0x60 0+60x{LONG}",
        },
        {60: set(), 75: {"StormfoldSignaturesRefused"}},
    ),
    Case(
        "somebody tries signatures, beside Sentry",
        {_answers("no_secret_matches"): rising(20)},
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
        {_lag("correlate"): from_minute(30, 2, 90)},
        {31: set(), 33: {"StormfoldBehind"}},
    ),
    Case(
        "CORRELATE is behind for a minute",
        {_lag("correlate"): f"2x29 90x1 2x{LONG}"},
        {31: set(), 33: set()},
    ),
    Case(
        "DELIVER does not read what was decided",
        {series("stormfold_source_lag_seconds", stage="deliver"): from_minute(30, 0, 90)},
        {31: set(), 33: {"StormfoldBehind"}},
    ),
    Case(
        "stream time stands still, and with it the gauges",
        {"stormfold_ticks_total": rising(60, until=30)},
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
        {_processes("deliver", "running"): from_minute(30, 1, 0)},
        {30: set(), 32: {"StormfoldStageMissing"}},
    ),
    Case(
        "one of two processes is parked",
        {_processes("fingerprint", "parked"): from_minute(30, 0, 1)},
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
        {_DEAD: jump(200)},
        {199: set(), 201: {"StormfoldDeadLetters"}, 215: set()},
    ),
    Case(
        "every second digest is given up",
        {_DEAD: f"0x200 0+1x{LONG}", _delivered(): f"0+2x200 400+1x{LONG}"},
        {200: set(), 230: {"StormfoldDeadLetters", *BURNS}},
    ),
    Case(
        "Slack answers 500",
        {
            _attempts("delivered"): rising(2, until=60),
            _attempts("retry"): f"0x60 0+4x{LONG}",
        },
        {60: set(), 68: {"StormfoldSinkFailing"}},
    ),
    Case(
        "a quarter of the calls fails",
        {_attempts("retry"): f"0x60 0+0.6x{LONG}"},
        {80: set()},
    ),
    Case(
        "DELIVER hangs",
        {_attempts("delivered"): rising(2, until=60), _delivered(): rising(2, until=60)},
        {68: set(), 77: {"StormfoldNothingDelivered"}},
    ),
    Case(
        "nothing happens, so nothing is told",
        {
            _DIGESTS: rising(2, until=60),
            _attempts("delivered"): rising(2, until=60),
            _delivered(): rising(2, until=60),
        },
        {68: set(), 77: set()},
    ),
    Case(
        "a channel cannot follow",
        {series("stormfold_oldest_undelivered_seconds", sink="slack"): from_minute(30, 3, 900)},
        {34: set(), 36: {"StormfoldBacklog"}},
    ),
    Case("a page comes late", {_page("late"): jump(30)}, {29: set(), 31: {"StormfoldPageLate"}}),
    Case(
        "a page goes to its fallback",
        {_page("fallback"): jump(30)},
        {29: set(), 31: {"StormfoldPageLate"}, 50: set()},
    ),
    Case(
        "a page reaches nobody",
        {_page("given_up"): jump(30)},
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
        {_answers("kafka_failed"): f"0x{HOUR} 0+0.12x{LONG}"},
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
            _page("late"): jump(31),
        },
        {33: {"StormfoldPageLate"}, 60: set()},
    ),
)

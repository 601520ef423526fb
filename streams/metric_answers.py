"""The questions of whoever runs Stormfold, and the PromQL expression that answers each.

`docs/metrics.md` prints them, and a test has each name what is on the list. Whole dashboards and
alerts are in `observability/`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Says(NamedTuple):
    """One question in detail, and what says it."""

    asked: str
    expression: str


def _in(window: str, what: str) -> str:
    """Return how much a counter, by its name without prefix, grew over all processes."""
    return f"sum(increase(stormfold_{what}[{window}]))"


def _p99(name: str, by: str = "") -> str:
    series = f"rate(stormfold_{name}_bucket[5m])"
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile(0.99, sum by ({labels}) ({series}))"


def _mean(name: str) -> str:
    return f"{_in('7d', f'{name}_sum')} / {_in('7d', f'{name}_count')}"


_TAKEN: Final = 'intake_requests_total{outcome="accepted"}'
_ERRORS: Final = 'intake_resources_total{resource="error"}'
_DELIVERED: Final = 'deliveries_total{outcome="delivered"}'
_PAGED: Final = 'decisions_total{kind="paged"}'
_EVENTS: Final = 'events_total{kind="event"}'
_ACKNOWLEDGED: Final = 'acknowledge_seconds_count{urgency="page"}'
_FALSE: Final = 'false_alarms_total{urgency="page"}'

ANSWERS_TAKING_IN: Final = (
    Says(
        "How many seconds has no webhook come?",
        "time() - max(stormfold_last_webhook_time_seconds)",
    ),
    Says(
        "How many webhooks a second come, of what?",
        "sum by (resource) (rate(stormfold_intake_resources_total[5m]))",
    ),
    Says(
        "Which share of the requests is taken?",
        f"{_in('5m', _TAKEN)} / {_in('5m', 'intake_requests_total')}",
    ),
    Says(
        "Which share of the errors that Sentry accepted came as webhooks too?",
        f'{_in("1h", _ERRORS)} / max(stormfold_sentry_events{{outcome="accepted"}})',
    ),
    Says("In how many seconds are 99 % answered?", _p99("intake_answer_seconds")),
)

ANSWERS_KEEPING_UP: Final = (
    Says("How many records is each stage behind?", "sum by (stage) (stormfold_source_lag_records)"),
    Says("How many seconds?", "max by (stage) (stormfold_source_lag_seconds)"),
    Says("How long do 99 % of the records wait?", _p99("stage_lag_seconds", "stage")),
    Says("How old is the watermark?", "max(stormfold_watermark_age_seconds)"),
    Says("How many sources were left out in an hour?", _in("1h", "stalls_total")),
    Says("Is any left out now?", "max(stormfold_excluded_sources) > 0"),
)

ANSWERS_DELIVERING: Final = (
    Says(
        "What do services answer, and why?",
        "sum by (sink, outcome, reason) (rate(stormfold_delivery_attempts_total[5m]))",
    ),
    Says(
        "How long has the oldest delivery waited?",
        "max by (sink) (stormfold_oldest_undelivered_seconds)",
    ),
    Says(
        "In how many seconds after the settle time are 99 % there?",
        _p99("first_delivery_seconds", "sink"),
    ),
    Says("In how many does a service answer?", _p99("call_seconds", "destination")),
    Says(
        "How often did a service tell us to wait?",
        "sum by (sink) (increase(stormfold_penalties_total[1h]))",
    ),
    Says(
        "How many pages went to their fallback?",
        _in("1h", 'page_outcomes_total{outcome="fallback"}'),
    ),
    Says(
        "How many dead letters are there, and why?",
        "sum by (sink, reason) (increase(stormfold_dead_letters_total[1h]))",
    ),
)

ANSWERS_HELPING: Final = (
    Says(
        "How many events become one message?",
        f"{_in('1d', _EVENTS)} / {_in('1d', _DELIVERED)}",
    ),
    Says(
        "What is held back, and why?", "sum by (reason) (increase(stormfold_suppressed_total[1d]))"
    ),
    Says("How many storms were there?", _in("1d", 'decisions_total{kind="storm_opened"}')),
    Says("How many pages?", "sum by (reason) (increase(stormfold_pages_total[1d]))"),
    Says("What is the mean time to acknowledge?", _mean("acknowledge_seconds")),
    Says("To resolve?", _mean("resolve_seconds")),
    Says(
        "Which share of the pages is acknowledged?",
        f"{_in('7d', _ACKNOWLEDGED)} / {_in('7d', _PAGED)}",
    ),
    Says(
        "Which share of them was a false alarm, as somebody said?",
        f"{_in('7d', _FALSE)} / {_in('7d', _PAGED)}",
    ),
    Says(
        "Which share of the deliveries succeeds?",
        f"{_in('1d', _DELIVERED)} / ({_in('1d', _DELIVERED)} + {_in('1d', 'dead_letters_total')})",
    ),
)

ANSWERS_RUNNING: Final = (
    Says("Do processes die?", "sum by (stage) (increase(stormfold_restarts_total[1h]))"),
    Says(
        "How many seconds ago was the heartbeat address pinged?",
        "time() - (max(stormfold_heartbeat_time_seconds) > 0)",
    ),
    Says("Is a configuration refused?", "max(stormfold_config_refused)"),
)

"""What Prometheus sees of a well installation, as series in promtool's notation.

`0+60x20` is 0, 60, 120 and so on, twenty times further.
"""

from __future__ import annotations

from typing import Final

HOUR: Final = 60
LONG: Final = 12 * HOUR
"""How far series go; a window that is longer holds what there is."""


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


def answers(outcome: str) -> str:
    return series("stormfold_intake_requests_total", outcome=outcome)


def attempts(outcome: str) -> str:
    reason = "" if outcome == "delivered" else "server_error"
    return series("stormfold_delivery_attempts_total", sink="slack", outcome=outcome, reason=reason)


def delivered(sink: str = "slack") -> str:
    return series("stormfold_deliveries_total", sink=sink, outcome="delivered")


def lag(stage: str) -> str:
    return series("stormfold_tick_lag_seconds", stage=stage)


def processes(stage: str, kind: str) -> str:
    return series("stormfold_stage_processes", stage=stage, kind=kind)


def page(outcome: str) -> str:
    return series("stormfold_page_outcomes_total", sink="pagerduty", outcome=outcome)


UP: Final = {
    job: series("up", job=f"stormfold-{job}", instance=job) for job in ("intake", "worker")
}
ANSWER_S: Final = "stormfold_intake_answer_seconds"
DEAD: Final = series("stormfold_dead_letters_total", sink="slack", reason="not_allowed")
DIGESTS: Final = series("stormfold_digests_total", kind="opened")

WELL: Final = {
    UP["intake"]: steady(1),
    UP["worker"]: steady(1),
    answers("accepted"): rising(60),
    answers("no_secret_matches"): steady(0),
    answers("kafka_timeout"): steady(0),
    answers("kafka_failed"): steady(0),
    answers("overloaded"): steady(0),
    series(ANSWER_S + "_bucket", le="0.05"): rising(60),
    series(ANSWER_S + "_count"): rising(60),
    "stormfold_applied_time_seconds": f"-2+60x{LONG}",
    lag("fingerprint"): steady(1),
    lag("correlate"): steady(2),
    "stormfold_excluded_sources": steady(0),
    "stormfold_parked_partitions": steady(0),
    "stormfold_config_refused": steady(0),
    series("stormfold_heartbeats_total", outcome="pinged"): rising(1),
    series("stormfold_heartbeats_total", outcome="lost"): steady(0),
    "stormfold_stalls_total": steady(0),
    "stormfold_frozen_entries_total": steady(0),
    series("stormfold_quarantined_total", reason="not_json"): steady(0),
    series("stormfold_deleted_unread_total", stage="fingerprint"): steady(0),
    series("stormfold_restarts_total", stage="correlate"): steady(0),
    **{
        processes(stage, kind): steady(kind == "running")
        for stage in ("fingerprint", "correlate", "deliver")
        for kind in ("running", "parked")
    },
    DIGESTS: rising(2),
    series("stormfold_transaction_seconds_count", stage="deliver"): rising(6),
    attempts("delivered"): rising(2),
    attempts("retry"): steady(0),
    attempts("rejected"): steady(0),
    delivered(): rising(2),
    series("stormfold_delivery_seconds_bucket", sink="slack", le="60.0"): rising(2),
    series("stormfold_delivery_seconds_count", sink="slack"): rising(2),
    series("stormfold_page_seconds_bucket", sink="pagerduty", le="30.0"): rising(0.1),
    series("stormfold_page_seconds_count", sink="pagerduty"): rising(0.1),
    series("stormfold_deliveries_waiting", sink="slack"): steady(3),
    series("stormfold_oldest_undelivered_seconds", sink="slack"): steady(20),
    DEAD: steady(0),
    page("late"): steady(0),
    page("fallback"): steady(0),
    page("given_up"): steady(0),
    series(
        "stormfold_pages_looked_for_total", destination="pagerduty:default", outcome="no_incident"
    ): steady(0),
    series(
        "stormfold_pagerduty_webhooks_total", kind="incident.acknowledged", outcome="no_token"
    ): steady(0),
    series("stormfold_slack_requests_total", kind="button", outcome="no_secret_matches"): steady(0),
}
"""What a well installation shows: a webhook a second, two digests a minute."""

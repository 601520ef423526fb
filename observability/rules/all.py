"""Every rule there is, in groups, and the two files that hold them."""

from __future__ import annotations

from typing import Final

from observability.rules import delivering, keeping_up, promises, taking_in
from observability.rules.made import Alert, Pace, Recording, Severity, document

RUNBOOKS: Final = "docs/runbooks"
"""As a path of this repository: where it is read in a browser is yours to say."""

WATCHDOG: Final = Alert(
    "Watchdog",
    Severity.NONE,
    "vector(1)",
    "Prometheus evaluates its rules and reaches Alertmanager; it is an alarm when this is missing",
)
_ATTEMPTS: Final = "stormfold_delivery_attempts_total"
_FAILED: Final = 'outcome=~"retry|rejected|unknown"'
_MADE: Final = 'outcome=~"delivered|retry|rejected|unknown|gone"'


def groups(pace: Pace) -> tuple[tuple[str, tuple[Alert, ...]], ...]:
    """Return the alerts by the question that they answer."""
    return (
        ("stormfold-watchdog", (WATCHDOG,)),
        ("stormfold-takes-in", taking_in.alerts(pace)),
        ("stormfold-keeps-up", keeping_up.alerts(pace)),
        ("stormfold-delivers", delivering.alerts(pace)),
        ("stormfold-promises", promises.alerts()),
    )


def alerts(pace: Pace) -> tuple[Alert, ...]:
    """Return all alerts, in the order of their groups."""
    return tuple(alert for _, of_group in groups(pace) for alert in of_group)


def recordings(pace: Pace) -> tuple[Recording, ...]:
    """Return what alerts and dashboards read more than once, promises apart."""
    # Long enough for the probes of a service that is away, one in 15 s.
    attempts = pace.window("5m", least_s=40)
    return (
        Recording(
            "stage:stormfold_behind_seconds:max",
            # DELIVER has no stream time: what counts is the age of what it has not read.
            "max by (stage) (stormfold_tick_lag_seconds or stormfold_source_lag_seconds)",
        ),
        Recording(
            "sink:stormfold_deliveries_waiting:sum", "sum by (sink) (stormfold_deliveries_waiting)"
        ),
        Recording(
            "sink:stormfold_failed_attempts:ratio_rate5m",
            # A service of which no call has ever failed has no series of such: nought, not nothing.
            f"(sum by (sink) (rate({_ATTEMPTS}{{{_FAILED}}}[{attempts}]))\n"
            f"  or 0 * sum by (sink) (rate({_ATTEMPTS}{{{_MADE}}}[{attempts}])))\n"
            f"/ sum by (sink) (rate({_ATTEMPTS}{{{_MADE}}}[{attempts}]))",
        ),
    )


def recordings_file(pace: Pace) -> str:
    """Return `recordings.yml`."""
    head = [
        "What Prometheus works out beforehand. Written by `python -m observability.rules`: change",
        "observability/rules/, not this.",
    ]
    made = [
        ("stormfold-recorded", [one.written() for one in recordings(pace)]),
        ("stormfold-promises-recorded", [one.written() for one in promises.recordings(pace)]),
    ]
    return document(head, made)


def alerts_file(pace: Pace, runbooks: str = RUNBOOKS) -> str:
    """Return `alerts.yml`.

    Args:
        pace: 1 for what is shipped.
        runbooks: where `docs/runbooks/` is read, for the annotation `runbook_url`.
    """
    head = [
        "When Stormfold itself calls for somebody. Written by `python -m observability.rules`:",
        "change observability/rules/, not this. Each alert has its page in docs/runbooks/.",
    ]
    written = [
        (name, [one.written(pace, runbooks) for one in of_group]) for name, of_group in groups(pace)
    ]
    return document(head, written)

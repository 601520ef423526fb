"""What is known of a metric alert of Sentry, beside the incident that stands for it.

Values only; how one is opened, changed and closed is `metric_alerts`, and by whom it is told
`folds`.
"""

from __future__ import annotations

from typing import Final

import msgspec
import xxhash

from correlators.types import IncidentKey, Level, StateChange

RESOLVED: Final = "resolved"

LEVELS: Final = {"critical": Level.FATAL, "open": Level.ERROR, "warning": Level.WARNING}
"""The words of Sentry while an alert stands, and how much each matters.

Source: Sentry's integration platform, webhooks: metric alerts; `open` is sent, and documented
nowhere.
"""

WORDS: Final = {level: word for word, level in LEVELS.items()}

NO_SERVICE: Final = "unknown"
"""The service of an alert that names no project."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A metric alert as Sentry told it last."""

    firing: str = ""
    """Sentry's id of this time that it fires; empty where it tells none. What comes after its end
    is late, and changes nothing."""
    services: tuple[str, ...]
    """The projects that its rule counts over, ascending."""
    since_ms: int
    """When it began to fire, in stream time."""
    told_by: str = ""
    """The incident or storm that tells it; empty while it tells itself."""


def key_of(change: StateChange) -> IncidentKey:
    """Return the key of the incident that stands for this alert: environment, service, rule."""
    rule = change.alert_rule or change.title
    return IncidentKey(
        environment=change.environment,
        service=services_of(change)[0],
        release="",
        fingerprint=xxhash.xxh3_128_hexdigest(f"metric_alert\0{rule}".encode("utf-8", "replace")),
    )


def services_of(change: StateChange) -> tuple[str, ...]:
    """Return the services that the alert is about, ascending; never none."""
    return tuple(sorted({*change.services})) or (change.service or NO_SERVICE,)

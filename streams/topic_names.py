"""What the topics of one installation are called. Their shape is in `topics`."""

from __future__ import annotations

from typing import Final

import msgspec

DEFAULT_NAMESPACE: Final = "stormfold"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The topic names of one namespace."""

    events: str
    quarantine: str
    deltas: str
    incidents: str
    deliveries: str
    dead: str
    outbox: str
    decisions: str
    progress: str


def names(namespace: str) -> Names:
    """Return the topic names: plain in the default namespace, else each after `<namespace>.`."""
    before = "" if namespace == DEFAULT_NAMESPACE else f"{namespace}."
    return Names(
        events=f"{before}sentry.events",
        quarantine=f"{before}sentry.events.quarantine",
        deltas=f"{before}incident.deltas",
        incidents=f"{before}incidents",
        deliveries=f"{before}deliveries",
        dead=f"{before}deliveries.dead",
        outbox=f"{before}outbox",
        decisions=f"{before}decisions",
        progress=f"{namespace}.progress",
    )

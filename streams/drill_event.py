"""The event of a fire drill: a fatal error as Sentry sends it, which says what it is. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import string
from typing import Final

SERVICE: Final = "stormfold-drill"
"""The service of a drill that names none."""
VALUE: Final = "fire drill, nobody need act"
MARK_CHARS: Final = 8


def mark_of(drawn: bytes) -> str:
    """Return the mark of a drill: its error's type, another one for other bytes.

    Letters alone, which nothing takes for a variable part: two drills are never one incident.

    Args:
        drawn: at least `MARK_CHARS` random bytes.
    """
    assert len(drawn) >= MARK_CHARS
    letters = (string.ascii_lowercase[one % 26] for one in drawn[:MARK_CHARS])
    return "DRILL_" + "".join(letters)


def body_of(mark: str, *, event_id: str, service: str, environment: str, at_ms: int) -> bytes:
    """Return the body of the webhook: level fatal, of no issue and no user.

    Args:
        mark: of this drill.
        event_id: 32 hex digits.
        service: the slug of the Sentry project.
        environment: such as `production`.
        at_ms: when it happens.
    """
    event = {
        "event_id": event_id,
        "project": 0,
        "url": f"https://sentry.invalid/api/0/projects/drill/{service}/events/{event_id}/",
        "platform": "other",
        "level": "fatal",
        "environment": environment,
        "timestamp": at_ms / 1000,
        "logger": "stormfold.drill",
        "tags": [["environment", environment], ["level", "fatal"], ["drill", "yes"]],
        "exception": {"values": [{"type": mark, "value": VALUE}]},
    }
    return json.dumps({"action": "created", "data": {"error": event}}).encode()


def signature_of(body: bytes, secret: str) -> str:
    """Return the signature with which Sentry would send this body.

    Source: Sentry's integration platform, webhooks: hex HMAC-SHA256 over the raw body.
    """
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

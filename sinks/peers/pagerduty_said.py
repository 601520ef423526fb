"""The webhooks of a local PagerDuty, as bytes: what each event type says, and how it is signed.

Source: developer.pagerduty.com, webhooks v3, overview (payload, event types, event data types) and
signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from sinks.peers.serve import Json

USER: Final[Json] = {
    "html_url": "https://local.example.com/users/PLOCAL1",
    "id": "PLOCAL1",
    "self": "https://api.example.com/users/PLOCAL1",
    "summary": "Ben Local",
    "type": "user_reference",
}
INTEGRATION: Final[Json] = {
    "html_url": None,
    "id": "PLOCAL2",
    "self": "https://api.example.com/services/PLOCAL3/integrations/PLOCAL2",
    "summary": "Stormfold",
    "type": "events_api_v2_inbound_integration_reference",
}
"""Who did it where an event of the Events API did."""


def user(name: str) -> Json:
    """Return somebody of this name, always the same person."""
    if name == USER["summary"]:
        return USER
    id = f"P{zlib.crc32(name.encode()):08X}"
    at = {"html_url": f"https://local.example.com/users/{id}"}
    return {**USER, **at, "id": id, "self": f"https://api.example.com/users/{id}", "summary": name}


def webhook(
    kind: str,
    incident_id: str,
    *,
    event_id: str,
    at_s: float,
    key: str | None = None,
    agent: Json | None = USER,
    assignees: Iterable[str] = (),
    note: str = "",
    merged_into: str = "",
) -> bytes:
    """Return the body of a webhook.

    Args:
        kind: behind `incident.`, such as `acknowledged`.
        incident_id: whose it is.
        event_id: its own.
        at_s: when it happened, in seconds.
        key: the incident's key; None as for an incident with grouped alerts.
        agent: who did it; None as where PagerDuty did it by itself.
        assignees: names of who has it then.
        note: what somebody wrote.
        merged_into: of a resolve: the incident that has its alerts now.
    """
    data: Json = {
        "id": incident_id,
        "type": "incident",
        "self": f"https://api.example.com/incidents/{incident_id}",
        "html_url": f"https://local.example.com/incidents/{incident_id}",
        "status": "acknowledged" if kind == "acknowledged" else "triggered",
        "incident_key": key,
        "title": "a page",
        "assignees": [user(name) for name in assignees],
        "escalation_policy": {"summary": "Default", "type": "escalation_policy_reference"},
        "urgency": "high",
        "resolve_reason": None,
    }
    if merged_into:
        incident = {"id": merged_into, "type": "incident_reference"}
        data["resolve_reason"] = {"type": "merge_resolve_reason", "incident": incident}
    if kind == "annotated":
        data = {
            "incident": {"id": incident_id, "summary": "a page", "type": "incident_reference"},
            "id": f"N{event_id}",
            "content": note,
            "trimmed": False,
            "type": "incident_note",
        }
    moment = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
    event = {
        "id": event_id,
        "event_type": f"incident.{kind}",
        "resource_type": "incident",
        "occurred_at": moment.replace("+00:00", "Z"),
        "agent": agent,
        "client": {"name": "PagerDuty"},
        "data": data,
    }
    return json.dumps({"event": event}).encode()


def signature(body: bytes, secrets: Iterable[str]) -> str:
    """Return the header `X-PagerDuty-Signature`: one `v1=` for each secret."""
    made = (hmac.new(one.encode(), body, hashlib.sha256).hexdigest() for one in secrets)
    return ",".join(f"v1={one}" for one in made)

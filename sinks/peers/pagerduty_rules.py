"""What PagerDuty refuses in an event, and in a change event. Pure.

Stricter than its published schema, which lets a summary of any length, a resolve without a key and
a trigger without a payload through; its service and its pages do not.

Source: developer.pagerduty.com, Events API v2: trigger events, acknowledge and resolve, change
events.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

Json = dict[str, Any]

KEY_CHARS: Final = 32
SUMMARY_CHARS: Final = 1_024
DEDUP_CHARS: Final = 255
BODY_BYTES: Final = 512 * 1024
ACTIONS: Final = ("trigger", "acknowledge", "resolve")
SEVERITIES: Final = ("critical", "error", "warning", "info")


def read(raw: bytes) -> tuple[Json, list[str]]:
    """Return the object that a body holds, or what is wrong with it."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, ["JSON is not readable"]
    return (event, []) if isinstance(event, dict) else ({}, ["an object is expected"])


def event_errors(event: Json) -> list[str]:
    """Return every rule that this event breaks, in words."""
    action = event.get("event_action")
    found = _key_errors(event)
    if action not in ACTIONS:
        found.append("'event_action' must be trigger, acknowledge or resolve")
    if len(str(event.get("dedup_key") or "")) > DEDUP_CHARS:
        found.append(f"'dedup_key' is longer than {DEDUP_CHARS} characters")
    if action in ACTIONS[1:] and not event.get("dedup_key"):
        found.append("'dedup_key' is missing or blank")
    if action == "trigger":
        found += _link_errors(event) + _image_errors(event)
    payload = event.get("payload")
    if payload is None and action != "trigger":
        return found
    if not isinstance(payload, dict):
        return [*found, "'payload' is missing or blank"]
    for name in ("summary", "source", "severity"):
        if not payload.get(name):
            found.append(f"'payload.{name}' is missing or blank")
    for name in ("summary", "source", "component", "group", "class"):
        if not isinstance(payload.get(name) or "", str):
            found.append(f"'payload.{name}' is not a string")
    if payload.get("severity") not in SEVERITIES:
        found.append("'payload.severity' is invalid")
    if "links" in payload or "images" in payload:
        found.append("links and images stand beside the payload")
    return found + _payload_errors(payload)


def change_errors(event: Json) -> list[str]:
    """Return every rule that this change event breaks, in words."""
    found = _key_errors(event) + _link_errors(event)
    payload = event.get("payload")
    if not isinstance(payload, dict):
        return [*found, "'payload' is missing or blank"]
    if not payload.get("summary"):
        found.append("'payload.summary' is missing or blank")
    if not isinstance(payload.get("source") or "", str):
        found.append("'payload.source' is not a string")
    if "event_action" in event or "severity" in payload:
        found.append("a change has neither 'event_action' nor 'severity'")
    return found + _payload_errors(payload)


def _key_errors(event: Json) -> list[str]:
    key = str(event.get("routing_key") or "")
    found = []
    if len(key) != KEY_CHARS:
        found.append(f"Length of 'routing_key' is incorrect (should be {KEY_CHARS} characters)")
    if key and not (key.isascii() and key.isalnum()):
        found.append("'routing_key' cannot contain non-alphanumeric characters.")
    return found


def _payload_errors(payload: Json) -> list[str]:
    found = []
    if len(str(payload.get("summary") or "")) > SUMMARY_CHARS:
        found.append(f"'payload.summary' is longer than {SUMMARY_CHARS} characters")
    if not isinstance(payload.get("custom_details") or {}, dict):
        found.append("'payload.custom_details' is not an object")
    try:
        datetime.fromisoformat(str(payload.get("timestamp") or "2026-01-01T00:00:00Z"))
    except ValueError:
        found.append("'payload.timestamp' is not ISO 8601")
    return found


def _link_errors(event: Json) -> list[str]:
    links = event.get("links")
    if links is None:
        return []
    if not isinstance(links, list):
        return ["'links' is not an array"]
    return [
        f"'links[{number}].href' is missing or no address"
        for number, one in enumerate(links)
        if not isinstance(one, dict) or not _address(one.get("href"), "http://", "https://")
    ]


def _image_errors(event: Json) -> list[str]:
    images = event.get("images")
    if images is None:
        return []
    if not isinstance(images, list):
        return ["'images' is not an array"]
    return [
        f"'images[{number}].src' is missing or not https"
        for number, one in enumerate(images)
        if not isinstance(one, dict) or not _address(one.get("src"), "https://")
    ]


def _address(value: Any, *begins: str) -> bool:
    return isinstance(value, str) and value.startswith(begins)

"""A local PagerDuty: the Events API v2, its alerts by dedup key, its limit of calls, change events.

An alert lives under (routing key, dedup key). A trigger opens one or adds to the open one; a
resolve closes it, and without an open one it is dropped and still answered 202. Nothing is sent to
anybody.

Source: developer.pagerduty.com, Events API v2: overview, trigger events, rate limits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import xxhash
from aiohttp import web

from sinks.peers.pace import Window
from sinks.peers.serve import Call, Clock, Json, Peer

KEY_CHARS: Final = 32
SUMMARY_CHARS: Final = 1_024
DEDUP_CHARS: Final = 255
BODY_BYTES: Final = 512 * 1024
SEVERITIES: Final = frozenset({"critical", "error", "warning", "info"})


@dataclass
class Alert:
    """One alert; opening it is what wakes somebody."""

    routing_key: str
    dedup_key: str
    summary: str
    severity: str
    opened_at: float
    triggers: int = 1
    acknowledged: bool = False
    resolved_at: float | None = None


class PagerDutyPeer(Peer):
    """An account whose services have these routing keys.

    Args:
        routing_keys: the keys that exist, 32 characters each.
        calls_per_minute: accepted within any 60 seconds and key.
        port: 0 takes a free one.
        clock: seconds; the limit follows it.
    """

    def __init__(
        self,
        *,
        routing_keys: Iterable[str],
        calls_per_minute: int = 120,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=4 * BODY_BYTES)
        self._windows = {key: Window(calls_per_minute, 60.0) for key in routing_keys}
        self.alerts: list[Alert] = []
        """Every alert ever opened, in order: each one is a page."""
        self.changes: list[Json] = []
        self.dropped: list[tuple[str, str]] = []
        """(action, dedup key) of resolves and acknowledgements without an open alert."""
        self._app.router.add_post("/v2/enqueue", self._enqueue)
        self._app.router.add_post("/v2/change/enqueue", self._change)

    @property
    def base_url(self) -> str:
        """Return what a client takes for `https://events.pagerduty.com`."""
        return self.origin

    @property
    def pages(self) -> list[Alert]:
        """Return every alert that woke somebody."""
        return list(self.alerts)

    def open_alerts(self) -> list[Alert]:
        """Return the alerts that are not resolved."""
        return [one for one in self.alerts if one.resolved_at is None]

    async def _enqueue(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, "enqueue", lambda: self._event(request))

    async def _change(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, "change", lambda: self._change_event(request))

    async def _event(self, request: web.Request) -> web.Response:
        raw = await request.read()
        event, errors = _read(raw)
        errors = errors or _errors(event)
        routing_key = str(event.get("routing_key", ""))
        if not errors and routing_key not in self._windows:
            errors = ["'routing_key' is not a known integration key"]
        if errors:
            return self._refuse("enqueue", event, 400, "invalid event", errors)
        if self._windows[routing_key].take(self.clock()) > 0.0:
            self._note("enqueue", event, "rate_limited")
            return web.Response(status=429, text="Request Limit Exceeded")
        dedup_key = str(event.get("dedup_key") or "")
        if not dedup_key:
            dedup_key = xxhash.xxh3_128_hexdigest(f"{len(self.calls)}".encode())
        self._apply(routing_key, dedup_key, event)
        self._note("enqueue", event, "ok")
        told = {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
        return web.json_response(told, status=202)

    def _apply(self, routing_key: str, dedup_key: str, event: Json) -> None:
        name = (routing_key, dedup_key)
        alert = next(
            (one for one in self.open_alerts() if (one.routing_key, one.dedup_key) == name), None
        )
        action = event["event_action"]
        if action == "trigger":
            if alert is not None:
                alert.triggers += 1
                return
            payload = event["payload"]
            summary, severity = payload["summary"], payload["severity"]
            self.alerts.append(Alert(*name, summary, severity, opened_at=self.clock()))
        elif alert is None:
            self.dropped.append((action, dedup_key))
        elif action == "resolve":
            alert.resolved_at = self.clock()
        else:
            alert.acknowledged = True

    async def _change_event(self, request: web.Request) -> web.Response:
        event, errors = _read(await request.read())
        payload = event.get("payload")
        if not errors and (not isinstance(payload, dict) or not payload.get("summary")):
            errors = ["'payload.summary' is missing or blank"]
        if errors:
            return self._refuse("change", event, 400, "invalid event", errors)
        self.changes.append({key: value for key, value in event.items() if key != "routing_key"})
        self._note("change", event, "ok")
        return web.json_response(
            {"status": "success", "message": "Change event processed"}, status=202
        )

    def _refuse(
        self, method: str, event: Json, status: int, word: str, errors: list[str]
    ) -> web.Response:
        self._note(method, event, "invalid_event")
        told = {"status": word, "message": "Event object is invalid", "errors": errors}
        return web.json_response(told, status=status)

    def _note(self, method: str, event: Json, outcome: str) -> None:
        kept = {key: value for key, value in event.items() if key != "routing_key"}
        self.calls.append(Call(self.clock(), method, kept, outcome))


def _read(raw: bytes) -> tuple[Json, list[str]]:
    if len(raw) > BODY_BYTES:
        return {}, ["Event exceeds the maximum size of 512 KB"]
    try:
        event = json.loads(raw)
    except ValueError:
        return {}, ["JSON is not readable"]
    return (event, []) if isinstance(event, dict) else ({}, ["an object is expected"])


def _errors(event: Json) -> list[str]:
    """Return every rule that this event breaks, in words."""
    found = []
    action = event.get("event_action")
    if len(str(event.get("routing_key", ""))) != KEY_CHARS:
        found.append(f"Length of 'routing_key' is incorrect (should be {KEY_CHARS} characters)")
    if action not in ("trigger", "acknowledge", "resolve"):
        found.append("'event_action' must be trigger, acknowledge or resolve")
    if len(str(event.get("dedup_key") or "")) > DEDUP_CHARS:
        found.append(f"'dedup_key' is longer than {DEDUP_CHARS} characters")
    if action in ("acknowledge", "resolve") and not event.get("dedup_key"):
        found.append("'dedup_key' is missing or blank")
    payload = event.get("payload")
    if payload is None and action != "trigger":
        return found
    if not isinstance(payload, dict):
        return [*found, "'payload' is missing or blank"]
    for name in ("summary", "source", "severity"):
        if not payload.get(name):
            found.append(f"'payload.{name}' is missing or blank")
    if len(str(payload.get("summary", ""))) > SUMMARY_CHARS:
        found.append(f"'payload.summary' is longer than {SUMMARY_CHARS} characters")
    if payload.get("severity") not in SEVERITIES:
        found.append("'payload.severity' is invalid")
    if "links" in payload or "images" in payload:
        found.append("links and images stand beside the payload")
    return found + _timestamp_errors(payload)


def _timestamp_errors(payload: Json) -> list[str]:
    try:
        datetime.fromisoformat(str(payload.get("timestamp") or "2026-01-01T00:00:00Z"))
    except ValueError:
        return ["'payload.timestamp' is not ISO 8601"]
    return []

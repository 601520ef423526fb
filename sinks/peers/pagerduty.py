"""A local PagerDuty: the Events API v2, its alerts by dedup key, its limit of calls, change events.

Nothing is sent to anybody. What an event does stands in `pagerduty_store`, what is refused in
`pagerduty_rules`; here: the server, its limit, and what a test can switch.

Source: developer.pagerduty.com, Events API v2: overview, trigger events, rate limits; a key that
nobody has is answered 400 (robusta-dev/robusta issue 571).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

import xxhash
from aiohttp import web

from sinks.peers import pagerduty_rules as rules
from sinks.peers.faults import Fault, Trouble
from sinks.peers.pace import Window
from sinks.peers.pagerduty_store import Alert, Alerts, Fate, Rule
from sinks.peers.serve import Call, Clock, Json, Peer

__all__ = ["Alert", "Fate", "PagerDutyPeer"]


class PagerDutyPeer(Peer):
    """An account whose services have these routing keys.

    Args:
        routing_keys: the keys that exist, 32 characters each.
        calls_per_minute: accepted within any 60 seconds and key.
        port: 0 takes a free one.
        clock: seconds; the limit follows it.
        seed: of the faults that meet a share of the calls.
    """

    def __init__(
        self,
        *,
        routing_keys: Iterable[str],
        calls_per_minute: int = 120,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        super().__init__(
            host=host, port=port, clock=clock, max_body_bytes=4 * rules.BODY_BYTES, seed=seed
        )
        self._calls_per_minute = calls_per_minute
        self._windows: dict[str, Window] = {}
        for key in routing_keys:
            self.add_key(key)
        self._silent_until: dict[str, float] = {}
        self._alerts = Alerts()
        self.changes: list[Json] = []
        """Every change event, without its routing key."""
        self._app.router.add_post("/v2/enqueue", self._enqueue)
        self._app.router.add_post("/v2/change/enqueue", self._change)

    @property
    def base_url(self) -> str:
        """Return what a client takes for `https://events.pagerduty.com`."""
        return self.origin

    # ---------------------------------------------------------------- what came of it

    @property
    def alerts(self) -> list[Alert]:
        """Return every alert ever opened, in order, suppressed ones too."""
        return self._alerts.all

    @property
    def pages(self) -> list[Alert]:
        """Return every alert that woke somebody."""
        return [one for one in self.alerts if one.incident_id]

    @property
    def dropped(self) -> list[tuple[str, str]]:
        """Return (action, dedup key) of events that were answered 202 and did nothing."""
        return self._alerts.dropped

    def open_alerts(self) -> list[Alert]:
        """Return the alerts that are not resolved."""
        return self._alerts.open()

    # ---------------------------------------------------------------- what a test can switch

    def suppress(self, fate: Fate = Fate.SUPPRESSED) -> None:
        """Have triggers accepted that open no incident; `Fate.OPENS` ends it."""
        self._alerts.rule = lambda event: fate

    def rule(self, rule: Rule) -> None:
        """Decide for each trigger what becomes of it."""
        self._alerts.rule = rule

    def acknowledge(self, dedup_key: str) -> None:
        """Acknowledge an open alert, as a person would."""
        for one in self.open_alerts():
            if one.dedup_key == dedup_key:
                one.acknowledged = True
                one.log.append((self.clock(), "acknowledge by hand"))
                self._alerts.heard(one, "acknowledge by hand")

    def group(self, dedup_key: str, into: str) -> None:
        """Make the open alert of one key part of the incident of another one's, as alert grouping
        does: that incident then has several alerts."""
        incident = next(one.incident_id for one in self.open_alerts() if one.dedup_key == into)
        for one in self.open_alerts():
            if one.dedup_key == dedup_key:
                one.incident_id = incident

    def on_change(self, heard: Callable[[Alert, str], None]) -> None:
        """Have this called with each alert that changes, and how: by an event (trigger,
        acknowledge, resolve), or `acknowledge by hand`."""
        self._alerts.heard = heard

    def add_key(self, routing_key: str) -> None:
        """Make an integration with this key."""
        self._windows[routing_key] = Window(self._calls_per_minute, 60.0)

    def remove_key(self, routing_key: str) -> None:
        """Delete an integration: its key is known to nobody any more."""
        del self._windows[routing_key]

    # ---------------------------------------------------------------- HTTP

    async def _enqueue(self, request: web.Request) -> web.StreamResponse:
        return await self._taken(request, "enqueue", rules.event_errors, self._event)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        return await self._taken(request, "change", rules.change_errors, self._change_event)

    async def _taken(
        self,
        request: web.Request,
        method: str,
        errors_of: Callable[[Json], list[str]],
        apply: Callable[[str, Json], Json],
    ) -> web.StreamResponse:
        """Return the answer to an event, which `apply` carries out if it is in order."""
        raw = await request.read()
        event, errors = rules.read(raw)
        routing_key = str(event.pop("routing_key", ""))

        async def carry_out() -> web.Response:
            if len(raw) > rules.BODY_BYTES:
                self._note(Call(self.clock(), method, {}, "too_large"))
                return web.Response(status=413, text="Payload Too Large")
            wrong = errors or errors_of({"routing_key": routing_key, **event})
            if not wrong and routing_key not in self._windows:
                wrong = ["Invalid routing key"]
            if wrong:
                return self._invalid(method, event, wrong)
            limited = self._limited(method, routing_key, event)
            if limited is not None:
                return limited
            told = apply(routing_key, event)
            self._note(Call(self.clock(), method, event, "ok"))
            return web.json_response({"status": "success", **told}, status=202)

        return await self._answer(request, method, carry_out, destination=routing_key, args=event)

    def _event(self, routing_key: str, event: Json) -> Json:
        dedup_key = str(event.get("dedup_key") or "")
        if not dedup_key:
            dedup_key = xxhash.xxh3_128_hexdigest(f"{len(self.calls)}".encode())
        self._alerts.apply(routing_key, dedup_key, event, self.clock())
        return {"message": "Event processed", "dedup_key": dedup_key}

    def _change_event(self, routing_key: str, event: Json) -> Json:
        self.changes.append(event)
        return {"message": "Change event processed"}

    def _limited(self, method: str, routing_key: str, event: Json) -> web.Response | None:
        """Return the refusal of a call that comes too often, None where it does not."""
        now = self.clock()
        inside = now < self._silent_until.get(routing_key, 0.0)
        if not inside and self._windows[routing_key].take(now) <= 0.0:
            return None
        violation = "inside_penalty" if inside else ""
        self._note(Call(now, method, event, "rate_limited", violation))
        return web.Response(status=429, text="Request Limit Exceeded")

    def _invalid(self, method: str, event: Json, errors: list[str]) -> web.Response:
        self._note(Call(self.clock(), method, event, "invalid_event"))
        told = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
        return web.json_response(told, status=400)

    def _refusal(self, trouble: Trouble, method: str, destination: str, args: Json) -> web.Response:
        """Return a refusal on demand; the word of REFUSED is a status or an error of a 400."""
        if trouble.fault is Fault.REFUSED:
            if not trouble.word.isdecimal():
                return self._invalid(method, args, [trouble.word])
            status = HTTPStatus(int(trouble.word))
            self._note(Call(self.clock(), method, args, str(status.value)))
            return web.Response(status=status, text=status.phrase)
        self._note(Call(self.clock(), method, args, "rate_limited"))
        headers = {}
        if trouble.fault is Fault.RATE_LIMITED:
            headers = self._wait_headers(trouble.retry_after_s, trouble.as_date)
            self._silent_until[destination] = self.clock() + trouble.retry_after_s
        return web.Response(status=429, text="Request Limit Exceeded", headers=headers)

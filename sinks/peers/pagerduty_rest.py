"""A local PagerDuty's REST API, as much of it as looking for an incident or the on-call needs.

`GET /incidents` finds the incidents of the alerts that a `PagerDutyPeer` has, by `incident_key`; an
alert that was suppressed (`PagerDutyPeer.suppress`) has none. `GET /incidents/{id}/alerts` lists
the alerts of an incident, of which there are several where the account groups them
(`PagerDutyPeer.group`). `GET /oncalls` lists whom `on_call` has.

Source: developer.pagerduty.com, REST API v2: authentication, list incidents, list alerts for an
incident, list all of the on-calls, 960 calls a minute.
"""

from __future__ import annotations

import time
from typing import Final

from aiohttp import web

from sinks.peers.pace import Window
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Call, Clock, Peer

ACCEPTED: Final = "application/vnd.pagerduty+json;version=2"


class PagerDutyRestPeer(Peer):
    """The REST API of an account.

    Args:
        account: the alerts that were opened.
        token: the one that may read.
        calls_per_minute: accepted within any 60 seconds.
        port: 0 takes a free one.
        clock: seconds; the limit follows it.
    """

    def __init__(
        self,
        account: PagerDutyPeer,
        *,
        token: str,
        calls_per_minute: int = 960,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=4_096)
        self._account = account
        self._token = token
        self._window = Window(calls_per_minute, 60.0)
        self.on_call: dict[str, list[tuple[int, str]]] = {}
        """By escalation policy: level and name of whoever is on call."""
        self._app.router.add_get("/incidents", self._incidents)
        self._app.router.add_get("/oncalls", self._oncalls)
        self._app.router.add_get("/incidents/{id}/alerts", self._alerts)

    @property
    def base_url(self) -> str:
        """Return what a client takes for `https://api.pagerduty.com`."""
        return self.origin

    async def _incidents(self, request: web.Request) -> web.StreamResponse:
        async def found() -> web.Response:
            return self._find(request)

        return await self._answer(request, "incidents", found)

    async def _alerts(self, request: web.Request) -> web.StreamResponse:
        async def found() -> web.Response:
            return self._list(request)

        return await self._answer(request, "alerts", found)

    async def _oncalls(self, request: web.Request) -> web.StreamResponse:
        async def found() -> web.Response:
            asked = dict(request.query)
            refused = self._refused(request, "oncalls", asked)
            if refused is not None:
                return refused
            policies = request.query.getall("escalation_policy_ids[]", [*self.on_call])
            oncalls = [
                {
                    "escalation_policy": {"id": policy, "type": "escalation_policy_reference"},
                    "escalation_level": level,
                    "schedule": None,
                    "user": {"id": f"P{at}", "type": "user_reference", "summary": name},
                    "start": None,
                    "end": None,
                }
                for policy in policies
                for at, (level, name) in enumerate(self.on_call.get(policy, ()))
            ]
            limit = int(asked.get("limit", 25))
            more = len(oncalls) > limit
            told = {"oncalls": oncalls[:limit], "limit": limit, "offset": 0, "more": more}
            return self._say("oncalls", "ok", asked, {**told, "total": None}, 200)

        return await self._answer(request, "oncalls", found)

    def _list(self, request: web.Request) -> web.Response:
        asked = {**request.query, "id": request.match_info["id"]}
        refused = self._refused(request, "alerts", asked)
        if refused is not None:
            return refused
        every = [one for one in self._account.pages if one.incident_id == asked["id"]]
        if not every:
            return self._say("alerts", "not_found", asked, {"error": {"message": "Not Found"}}, 404)
        limit, offset = int(asked.get("limit", 25)), int(asked.get("offset", 0))
        alerts = [
            {
                "id": alert.id,
                "type": "alert",
                "alert_key": alert.dedup_key,
                "summary": alert.summary,
                "status": "resolved" if alert.resolved_at is not None else "triggered",
            }
            for alert in every[offset : offset + limit]
        ]
        more = len(every) > offset + limit
        told = {"alerts": alerts, "limit": limit, "offset": offset, "more": more, "total": None}
        return self._say("alerts", "ok", asked, told, 200)

    def _refused(
        self, request: web.Request, method: str, asked: dict[str, str]
    ) -> web.Response | None:
        """Return the refusal of a call that is not let in, None where it is."""
        if request.headers.get("Authorization") != f"Token token={self._token}":
            return self._say(
                method, "unauthorized", asked, {"error": {"message": "Unauthorized"}}, 401
            )
        if request.headers.get("Accept") != ACCEPTED:
            return self._say(method, "not_acceptable", asked, {"error": {"message": "Accept"}}, 406)
        wait_s = self._window.take(self.clock())
        if wait_s > 0.0:
            self.calls.append(Call(self.clock(), method, asked, "rate_limited"))
            body = {"error": {"message": "Rate Limit Exceeded"}}
            headers = {"ratelimit-reset": str(int(wait_s) + 1)}
            return web.json_response(body, status=429, headers=headers)
        return None

    def _find(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        refused = self._refused(request, "incidents", asked)
        if refused is not None:
            return refused
        limit = int(asked.get("limit", 25))
        incidents = [
            {
                "id": alert.incident_id,
                "type": "incident",
                "title": alert.summary,
                "status": alert.status,
                "incident_key": None,
            }
            for alert in self._account.pages
            if alert.dedup_key == asked.get("incident_key", alert.dedup_key)
        ]
        more = len(incidents) > limit
        told = {"incidents": incidents[:limit], "limit": limit, "offset": 0, "more": more}
        return self._say("incidents", "ok", asked, {**told, "total": None}, 200)

    def _say(
        self,
        method: str,
        outcome: str,
        asked: dict[str, str],
        body: dict[str, object],
        status: int,
    ) -> web.Response:
        self.calls.append(Call(self.clock(), method, asked, outcome))
        return web.json_response(body, status=status)

"""Local Teams workflows that post what they are sent: addresses with a signature, cards, limits.

What a workflow can post stands in `teams_rules`; here: the server, its limits, and what a test can
switch. A card that cannot be posted is answered as if it were: only the workflow's runs show it.

Source: learn.microsoft.com, post a workflow when a webhook request is received; webhooks and
connectors: four requests in a second, 60 in 30 s, a refusal that hides in an answer 200; Logic
Apps, request trigger: 202 without a body, errors as `{"error": {"code", "message"}}`, the signature
`sig` in the address.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import xxhash
from aiohttp import web

from sinks.peers import teams_rules as rules
from sinks.peers.faults import Fault, Trouble
from sinks.peers.pace import Window
from sinks.peers.serve import Call, Clock, Json, Peer

__all__ = ["Posted", "TeamsPeer", "secret_of"]

METHOD: Final = "workflow"
HIDDEN: Final = (
    "Webhook message delivery failed with error: "
    "Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0,server=local"
)


@dataclass(frozen=True)
class Posted:
    """A card that stands in the channel of a workflow."""

    at: float
    workflow: str
    card: Json
    text: str
    """All that it says."""


class TeamsPeer(Peer):
    """Workflows that each post to a channel of their own.

    Args:
        workflows: their names.
        per_second: calls that a workflow takes in any second.
        per_30_s: and in any 30 seconds.
        port: 0 takes a free one.
        clock: seconds; the limits follow it.
        seed: of the faults that meet a share of the calls.
    """

    def __init__(
        self,
        *,
        workflows: Iterable[str],
        per_second: int = 4,
        per_30_s: int = 60,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        super().__init__(
            host=host, port=port, clock=clock, max_body_bytes=16 * rules.MESSAGE_BYTES, seed=seed
        )
        self.posted: list[Posted] = []
        """Every card, in order."""
        self.failed: list[tuple[str, str]] = []
        """(workflow, why) of every run that took a message and could not post it."""
        self.hides_limits = False
        """A refusal for the rate stands in an answer 200, as connectors have it."""
        names = list(workflows)
        self._names = {_id_of(name): name for name in names}
        self._signatures = {name: secret_of(name) for name in names}
        self._windows = {name: (Window(per_second, 1.0), Window(per_30_s, 30.0)) for name in names}
        self._off: set[str] = set()
        self._silent_until: dict[str, float] = {}
        self._app.router.add_post("/workflows/{id}/triggers/manual/paths/invoke", self._invoke)

    def workflow_url(self, workflow: str) -> str:
        """Return the address of a workflow, which holds its secret."""
        query = urlencode(
            {
                "api-version": "2016-06-01",
                "sp": "/triggers/manual/run",
                "sv": "1.0",
                "sig": self._signatures[workflow],
            }
        )
        return f"{self.origin}/workflows/{_id_of(workflow)}/triggers/manual/paths/invoke?{query}"

    @property
    def workflows(self) -> list[str]:
        """Return the names of all workflows."""
        return list(self._signatures)

    def cards(self, workflow: str) -> list[Posted]:
        """Return what stands in a workflow's channel."""
        return [one for one in self.posted if one.workflow == workflow]

    # ---------------------------------------------------------------- what a test can switch

    def turn_off(self, workflow: str) -> None:
        """Turn a workflow off, as its owner can."""
        self._off.add(workflow)

    def turn_on(self, workflow: str) -> None:
        """Turn it on again."""
        self._off.discard(workflow)

    def delete_workflow(self, workflow: str) -> None:
        """Delete a workflow: its address leads nowhere."""
        self._names.pop(_id_of(workflow), None)

    def restore_workflow(self, workflow: str) -> None:
        """Have it again, under the same address."""
        self._names[_id_of(workflow)] = workflow

    def renew(self, workflow: str) -> None:
        """Give a workflow another signature: the address that was known is refused."""
        self._signatures[workflow] = secret_of(f"new {workflow}")

    def give_back(self, workflow: str) -> None:
        """Let the first address be taken again."""
        self._signatures[workflow] = secret_of(workflow)

    # ---------------------------------------------------------------- HTTP

    async def _invoke(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        name = self._names.get(request.match_info["id"], "")
        message = rules.read(raw)
        cards, problem = rules.cards_of(message or {})
        text = "\n".join(map(rules.text_of, cards))
        args: Json = {"workflow": name, "text": text}

        async def carry_out() -> web.Response:
            if not name:
                return self._error(args, 404, "WorkflowNotFound")
            if request.query.get("sig") != self._signatures[name]:
                return self._error(args, 401, "DirectApiAuthorizationRequired")
            if name in self._off:
                return self._error(args, 400, "WorkflowTriggerIsNotEnabled")
            if (limited := self._limited(name, args)) is not None:
                return limited
            if len(raw) > rules.MESSAGE_BYTES:
                return self._error(args, 413, "RequestEntityTooLarge")
            if message is None:
                return self._error(args, 400, "InvalidRequestContent")
            if problem:
                self.failed.append((name, problem))
            for card in cards:
                self.posted.append(Posted(self.clock(), name, card, rules.text_of(card)))
            self._note(Call(self.clock(), METHOD, args, "ok"))
            return web.Response(status=202)

        return await self._answer(request, METHOD, carry_out, destination=name, args=args)

    def _limited(self, name: str, args: Json) -> web.Response | None:
        """Return the refusal of a call that comes too often, None where it does not."""
        now = self.clock()
        inside = now < self._silent_until.get(name, 0.0)
        if not inside and not any(window.take(now) > 0.0 for window in self._windows[name]):
            return None
        self._note(Call(now, METHOD, args, "429", "inside_penalty" if inside else ""))
        return self._too_many({})

    def _too_many(self, headers: dict[str, str], *, hidden: bool = False) -> web.Response:
        if hidden or self.hides_limits:
            return web.Response(text=HIDDEN)
        told = {"error": {"code": "TooManyRequests", "message": "Rate limit is exceeded."}}
        return web.json_response(told, status=429, headers=headers)

    def _error(self, args: Json, status: int, code: str) -> web.Response:
        self._note(Call(self.clock(), METHOD, args, str(status)))
        told = {"error": {"code": code, "message": HTTPStatus(status).phrase}}
        return web.json_response(told, status=status)

    def _refusal(self, trouble: Trouble, method: str, destination: str, args: Json) -> web.Response:
        """Return a refusal on demand; the word of REFUSED is a status."""
        if trouble.fault is Fault.REFUSED:
            status = HTTPStatus(int(trouble.word))
            return self._error(args, status.value, status.name.title().replace("_", ""))
        self._note(Call(self.clock(), method, args, "429"))
        if trouble.fault is not Fault.RATE_LIMITED:
            return self._too_many({}, hidden=trouble.fault is Fault.RATE_LIMITED_BODY)
        self._silent_until[destination] = self.clock() + trouble.retry_after_s
        return self._too_many(self._wait_headers(trouble.retry_after_s, trouble.as_date))


def secret_of(workflow: str) -> str:
    """Return the signature in the address of a workflow."""
    return xxhash.xxh3_128_hexdigest(f"signature of {workflow}".encode())


def _id_of(workflow: str) -> str:
    return xxhash.xxh3_128_hexdigest(f"workflow {workflow}".encode())

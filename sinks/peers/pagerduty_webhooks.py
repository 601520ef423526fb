"""The webhooks of a local PagerDuty: sent when an alert changes, by an event or by a person.

A webhook waits until it is sent; a test says when, how often, and in which order. What is answered
2xx is done; 5xx, 429 and no answer are tried again for `RETRIED_S`; any other 4xx drops it. Three
dropped in a row switch the subscription off: what comes then is dropped unsent.

Source: developer.pagerduty.com, webhooks v3: behaviour (timeouts, retries, permanent errors,
temporary disablement, ordering, at-least-once delivery), overview, signatures.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import aiohttp

from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_said import INTEGRATION, USER, signature, user, webhook
from sinks.peers.pagerduty_store import Alert
from sinks.peers.serve import Json

ANSWER_WITHIN_S: Final = 5.0
RETRIED_S: Final = 48 * 3600.0
DROPPED_IN_A_ROW: Final = 3

_DID: Final[dict[str, tuple[str, Json]]] = {
    "trigger": ("triggered", INTEGRATION),
    "acknowledge": ("acknowledged", INTEGRATION),
    "resolve": ("resolved", INTEGRATION),
    "acknowledge by hand": ("acknowledged", USER),
}


@dataclass
class Sent:
    """One webhook and what it was answered, each time it was sent."""

    kind: str
    """Behind `incident.`, such as `acknowledged`."""
    incident_id: str
    body: bytes
    id: str
    """Its `X-Webhook-Id`: the same whenever it is sent again."""
    at_s: float = 0.0
    """When it came about."""
    answers: list[int] = field(default_factory=list)
    """A status for each try; 0 where no answer came in time."""
    done: bool = False
    dropped: bool = False


class Webhooks:
    """A webhook subscription of an account, for the incidents of all its services.

    Args:
        account: whose alerts are told of.
        url: where to.
        secrets: of the subscription: one signature for each.
        keys: whether webhooks tell an incident's key; False as for incidents with grouped alerts.
    """

    def __init__(
        self, account: PagerDutyPeer, *, url: str, secrets: Iterable[str], keys: bool = True
    ) -> None:
        self._account = account
        self.url = url
        self.secrets = tuple(secrets)
        self.keys = keys
        self.all: list[Sent] = []
        """Every webhook, in the order in which they came about."""
        self.disabled = False
        self._dropped_in_a_row = 0
        account.on_change(self._changed)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    # ---------------------------------------------------------------- what people do

    def does(
        self,
        kind: str,
        dedup_key: str,
        *,
        by: Json | None = USER,
        assignees: Iterable[str] = (),
        note: str = "",
    ) -> Sent:
        """Let a person do something to the incident of an alert; return the webhook that tells it.

        Args:
            kind: behind `incident.`: acknowledged, unacknowledged, resolved, reopened, reassigned,
                escalated, annotated, ...
            dedup_key: of an alert; that of the newest incident.
            by: who; None for PagerDuty itself.
            assignees: who has it then, by name.
            note: what was written.
        """
        alert = next(one for one in reversed(self._account.pages) if one.dedup_key == dedup_key)
        if kind in ("acknowledged", "unacknowledged", "reopened"):
            alert.acknowledged = kind == "acknowledged"
        if kind in ("resolved", "reopened"):
            alert.resolved_at = self._account.clock() if kind == "resolved" else None
        alert.log.append((self._account.clock(), f"{kind} by hand"))
        return self._made(kind, alert, by, assignees, note)

    def _changed(self, alert: Alert, action: str) -> None:
        if alert.incident_id:
            kind, by = _DID[action]
            self._made(kind, alert, by, (), "")

    def _made(
        self, kind: str, alert: Alert, by: Json | None, assignees: Iterable[str], note: str
    ) -> Sent:
        name = f"{len(self.all) + 1:026}"
        body = webhook(
            kind,
            alert.incident_id,
            event_id=name,
            at_s=self._account.clock(),
            key=alert.dedup_key if self.keys else None,
            agent=by,
            assignees=assignees,
            note=note,
        )
        sent = Sent(kind, alert.incident_id, body, name, self._account.clock())
        self.all.append(sent)
        return sent

    # ---------------------------------------------------------------- how it is told

    @property
    def waiting(self) -> list[Sent]:
        """Return the webhooks that were neither taken nor dropped."""
        return [one for one in self.all if not (one.done or one.dropped)]

    async def deliver(self) -> None:
        """Try once each webhook that waits, in order: those of an incident behind one that was not
        taken wait for it."""
        stopped: set[str] = set()
        for one in self.waiting:
            if one.incident_id not in stopped:
                await self.send(one)
                if not (one.done or one.dropped):
                    stopped.add(one.incident_id)

    async def serve(self, every_s: float = 1.0) -> None:
        """Deliver again and again, until cancelled."""
        while True:
            await self.deliver()
            await asyncio.sleep(every_s)

    async def deliver_badly(self, seed: int, *, again: int = 2) -> None:
        """Send all of them, some several times, in any order: what at least once and several
        senders may come to."""
        chance = random.Random(seed)
        order: list[Sent] = [*self.all, *chance.choices(self.all, k=again * len(self.all))]
        chance.shuffle(order)
        for one in order:
            await self.send(one)

    async def send(self, one: Sent, *, secrets: Sequence[str] | None = None) -> int:
        """Send a webhook now and return the status it was answered, 0 for none."""
        if self.disabled:
            one.dropped = True
            return 0
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-Webhook-Id": one.id,
            "X-PagerDuty-Signature": signature(one.body, secrets or self.secrets),
        }
        try:
            async with self._http.post(self.url, data=one.body, headers=headers) as answer:
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            status = 0
        one.answers.append(status)
        self._take(one, status)
        return status

    def _take(self, one: Sent, status: int) -> None:
        if 200 <= status < 300:
            one.done = True
            self._dropped_in_a_row = 0
            return
        kept = not 400 <= status < 500 or status == 429
        if not kept or self._account.clock() - one.at_s > RETRIED_S:
            one.dropped = True
            self._dropped_in_a_row += 1
            self.disabled = self._dropped_in_a_row >= DROPPED_IN_A_ROW


__all__ = ["ANSWER_WITHIN_S", "RETRIED_S", "USER", "Sent", "Webhooks", "user"]

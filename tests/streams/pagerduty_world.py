"""A PagerDuty with its webhooks and its REST API, and the real intake that takes them; the log that
it writes to is there or is not, as a test says."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from correlators.acts import Act
from sinks.pagerduty_event import key_of
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.pagerduty_webhooks import Webhooks
from streams.intake import make_app, make_runner
from streams.intake_log import Written
from streams.metrics import Metrics, exposition
from streams.references import Secret
from streams.settings import PagerDuty, Settings
from tests.streams.test_intake import settings_for

ROUTING = "r" * 32
TOKEN = "a-read-only-token"
SECRETS = ("new-webhook-secret", "old-webhook-secret")


class Acts:
    """A log that is there or is not."""

    def __init__(self) -> None:
        self.told: list[Act] = []
        self.answers: Written = Written.YES

    async def tell_everywhere(self, acts: Sequence[Act], *, within_s: float) -> Written:
        if self.answers is Written.YES:
            self.told += acts
        return self.answers

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        raise AssertionError("it is no event")

    async def ready(self) -> bool:
        return True


def settings_with(
    *secrets: str, token: str | None = None, api_url: str = "http://127.0.0.1:1"
) -> Settings:
    held = [Secret(one, place="test", environ={}) for one in (ROUTING, *secrets)]
    pagerduty = PagerDuty(
        routing_keys={"default": held[0]},
        webhook_secrets=tuple(held[1:]),
        api_token=Secret(token, place="test", environ={}) if token else None,
        api_url=api_url,
    )
    settings = settings_for("k:1", "demo")
    sinks = msgspec.structs.replace(settings.sinks, pagerduty=pagerduty)
    return msgspec.structs.replace(settings, sinks=sinks)


class World:
    """An account, its webhooks, the intake that takes them, and what it wrote."""

    def __init__(self, account: PagerDutyPeer, rest: PagerDutyRestPeer) -> None:
        self.account, self.rest = account, rest
        self.acts, self.metrics = Acts(), Metrics()
        self.address = ""
        self.app: web.Application
        self.webhooks: Webhooks

    def page(self, page: str) -> str:
        """Open an alert as our page of this key; return its dedup key."""
        payload = {"summary": "x", "severity": "critical", "source": "x"}
        event = {"event_action": "trigger", "payload": payload}
        self.account._alerts.apply(ROUTING, key_of(page), event, self.account.clock())
        return key_of(page)

    def counted(self, kind: str, outcome: str) -> int:
        line = f'stormfold_pagerduty_webhooks_total{{kind="incident.{kind}",outcome="{outcome}"}} '
        for one in exposition(self.metrics).decode().splitlines():
            if one.startswith(line):
                return int(float(one.removeprefix(line)))
        return 0


@asynccontextmanager
async def world(
    *,
    keys: bool = True,
    token: str | None = None,
    clock: Callable[[], float] = time.time,
    settings: Settings | None = None,
) -> AsyncIterator[World]:
    account = PagerDutyPeer(routing_keys=[ROUTING], clock=clock)
    async with account, PagerDutyRestPeer(account, token=TOKEN) as rest:
        here = World(account, rest)
        settings = settings or settings_with(*SECRETS, token=token, api_url=rest.base_url)
        here.app = make_app(settings, here.metrics, here.acts, here.acts)
        runner = make_runner(here.app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            here.address = f"http://127.0.0.1:{runner.addresses[0][1]}/pagerduty"
            async with Webhooks(
                account, url=here.address, secrets=SECRETS[:1], keys=keys
            ) as here.webhooks:
                yield here
        finally:
            await runner.cleanup()


PAGE, OTHER = "storm-0123456789abcdef.1", "inc-fedcba9876543210.2"

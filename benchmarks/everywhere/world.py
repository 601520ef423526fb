"""The installation of the show: every service that people look at, and the forms of the docs."""

from __future__ import annotations

import re
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from benchmarks.installation import Installation
from benchmarks.wayback import happening
from sinks.peers.email import EmailPeer
from sinks.peers.email_store import Mail
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_store import BOT, Message
from sinks.peers.teams import TeamsPeer
from sinks.peers.webhook import WebhookPeer

DOCS: Final = Path(__file__).parents[2] / "docs" / "templates.md"
CHANNELS: Final = {"C0INC": "incidents", "C0PRE": "previews", "C0WEEK": "weekly"}
KEY: Final = "e" * 32
BUTTONS: Final = "slack_in: {signing_secrets: [slack-everywhere]}"
"""Which need the wall clock."""
BOARD_SECRET: Final = "whsec_ZXZlcnl3aGVyZS1ldmVyeXdoZXJlLWV2ZXJ5d2hlcmU="
ADA: Final = "ada@shop.example"
STAGES: Final = 3

CONFIG: Final = """
namespace: {namespace}
clock: {clock}
kafka: {{bootstrap: "{bootstrap}"}}
intake: {{port: {port}, secrets: ["{secret}"]}}
metrics: {{port: 0}}
sinks:
  slack: {{token: xoxb-everywhere, base_url: "{slack}", channels: {{{channels}}}}}
  pagerduty: {{routing_key: {key}, base_url: "{pagerduty}", api_token: pd-rest, api_url: "{rest}",
    escalation_policies: {{default: PSHOP01}}}}
  email: {{host: 127.0.0.1, port: {smtp}, tls: none, from: Stormfold <stormfold@shop.example>,
    lists: {{oncall: [oncall@shop.example], previews: [ci@shop.example],
    weekly: [shop@shop.example]}}}}
  teams: {{workflows: {{incidents: "{teams[0]}", previews: "{teams[1]}", weekly: "{teams[2]}"}}}}
  webhook: {{internal: [127.0.0.0/8], endpoints: {{board: {{url: "{board}",
    secrets: ["{board_secret}"]}}}}}}
{buttons}
templates: {{default: default.j2, digest: digest.j2}}
services:
  payment: {{owner: payments, runbook: "https://wiki.shop.example/payment",
    dashboard: "https://grafana.shop.example/d/payment", status_page: "https://status.shop.example"}}
  checkout: {{owner: shop, depends_on: [payment]}}
  catalogue: {{owner: shop, depends_on: [payment]}}
  search: {{owner: shop, runbook: "https://wiki.shop.example/search"}}
teams:
  payments: {{to: [slack:incidents], page: [pagerduty:default]}}
  shop: {{to: [slack:incidents], page: [pagerduty:default]}}
people:
  ada: {{slack: U0ADA0001, email: {ada}, tell: both}}
rules:
  - {{name: previews, when: {{environment: "preview-*"}},
    to: [slack:previews, email:previews, teams:previews]}}
  - name: fatal
    when: {{environment: production, level: fatal}}
    to: [slack:incidents, email:oncall, teams:incidents, webhook:board]
    page: [pagerduty:default]
    template: critical
  - name: loud
    when: {{environment: production, events: 20 in 5m}}
    to: [slack:incidents, email:oncall, teams:incidents, webhook:board]
    page: [pagerduty:default]
    template: critical
  - {{name: rest, to: [slack:incidents, email:oncall, teams:incidents, webhook:board]}}
reports:
  - {{name: Week, every: week, at: "08:00", days: [mon], zone: Europe/Berlin,
    to: [slack:weekly, email:weekly, teams:weekly, webhook:board]}}
"""


class World(Installation):
    """All of it, running, inside `async with`.

    Args:
        bootstrap: a Kafka.
        folder: for the configuration and the logs.
        clock: `wall` or `data`.
    """

    def __init__(self, bootstrap: str, folder: Path, *, clock: str) -> None:
        super().__init__(folder)
        self.bootstrap, self.clock = bootstrap, clock
        self.namespace = f"everywhere{clock}{int(time.time())}"
        self.slack = SlackPeer(token="xoxb-everywhere", channels=CHANNELS)
        self.slack.workspace.people |= {"U0ADA0001": "ada"}
        self.pagerduty = PagerDutyPeer(routing_keys=[KEY])
        self.rest = PagerDutyRestPeer(self.pagerduty, token="pd-rest")
        self.rest.on_call = {"PSHOP01": [(1, "Ada Lovelace"), (1, "Ben O'Neil"), (2, "Carla")]}
        self.mail = EmailPeer()
        self.teams = TeamsPeer(workflows=["incidents", "previews", "weekly"])
        self.board = WebhookPeer(secrets={"board": BOARD_SECRET})
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for one in (
            *(self.slack, self.pagerduty, self.rest),
            *(self.mail, self.teams, self.board),
        ):
            await self._stack.enter_async_context(one)
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession())
        for name, form in zip(("default.j2", "digest.j2"), forms(), strict=True):
            (self.folder / name).write_text(form)
        try:
            await self.start(self._text(), "intake", "run", stages=STAGES)
        except BaseException:  # a cancelled start too leaves no service behind
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
        await self._stack.aclose()

    def _text(self) -> str:
        return CONFIG.format(
            namespace=self.namespace, clock=self.clock, bootstrap=self.bootstrap, port=self.port,
            buttons=BUTTONS if self.clock == "wall" else "", secret=happening.SECRET,
            slack=self.slack.base_url, key=KEY, ada=ADA,
            channels=", ".join(f"{name}: {id}" for id, name in CHANNELS.items()),
            pagerduty=self.pagerduty.origin, rest=self.rest.base_url, smtp=self.mail.smtp_port,
            teams=[self.teams.workflow_url(one) for one in self.teams.workflows],
            board=self.board.url("board"), board_secret=BOARD_SECRET,
        )  # fmt: skip

    async def say(self, body: bytes) -> None:
        """Have Sentry tell of an error."""
        status = await happening.say(self.http, f"{self.origin}/sentry", "error", body)
        assert status == 200, f"intake answered Sentry {status}"

    # ---------------------------------------------------------------- what stands where

    def channels(self) -> list[str]:
        """Return the names of the channels in which something stands."""
        return [one for one in CHANNELS.values() if self.slack.posts(one)]

    def posts(self, channel: str, words: str = "") -> list[Message]:
        """Return the messages of a channel that begin a thread and say this."""
        posts = [one for one in self.slack.posts(channel) if one.user == BOT]
        return [one for one in posts if words in f"{one.text} {one.blocks}"]

    def mails(self, to: str, words: str = "") -> list[Mail]:
        """Return the mails that an address got and that say this."""
        found = [one for one in self.mail.mails if to in one.recipients]
        return [one for one in found if words in one.header("Subject") + one.part("plain")]


def forms() -> tuple[str, ...]:
    """Return the two forms that `docs/templates.md` shows: the usual one, and that of digests."""
    return tuple(re.findall(r"```jinja\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL))

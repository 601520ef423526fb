"""The installation of the show: local services, a configuration, `intake`, two `run`, people."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from benchmarks.installation import Installation, until
from benchmarks.wayback import happening, journal
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.pagerduty_webhooks import Webhooks
from sinks.peers.sentry import SentryPeer
from sinks.peers.serve import Call
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_people import HttpApp, Person
from sinks.peers.slack_store import BOT, Message

CHANNELS: Final = {"C0INC": "incidents", "C0SHA": "shard-a", "C0SHB": "shard-b", "C0SHC": "shard-c"}
GROUP: Final = "S0ONCALL01"
EFFECT_WITHIN_S: Final = 20.0
STAGES: Final = 6
"""Three of each `run`."""

CONFIG: Final = """
namespace: {namespace}
clock: wall
kafka: {{bootstrap: "{bootstrap}"}}
intake: {{port: {port}, secrets: ["{secret}"]}}
metrics: {{port: 0}}
sinks:
  slack: {{token: xoxb-wayback, base_url: "{slack}", channels: {{{channels}}}}}
  pagerduty: {{routing_key: {key}, base_url: "{pagerduty}", webhook_secrets: [pd-wayback],
    api_token: pd-rest, api_url: "{rest}"}}
sentry: {{organisation: shop, token: sntrys-wayback, api_url: "{sentry}"}}
slack_in:
  signing_secrets: [slack-wayback]
  groups: {{page: [{group}], silence: [{group}], merge: [{group}],
    link: [{group}]}}
teams:
  payments: {{to: [slack:incidents], page: [pagerduty:default], fallback: slack:incidents}}
owners: [{{service: payment, owner: payments}}]
people:
  ada: {{slack: U0ADA0001, sentry: ada}}
  Ben: {{pagerduty: PLOCAL1}}
rules:
  - {{name: a, when: {{environment: "shard-a-*"}}, to: [slack:shard-a], page: [pagerduty:default]}}
  - {{name: b, when: {{environment: "shard-b-*"}}, to: [slack:shard-b], page: [pagerduty:default]}}
  - {{name: c, when: {{environment: "shard-c-*"}}, to: [slack:shard-c], page: [pagerduty:default]}}
  - name: loud
    when: {{environment: production, events: 20 in 5m}}
    to: [slack:incidents]
    page: [pagerduty:default]
  - {{name: rest, to: [slack:incidents]}}
"""


class World(Installation):
    """All of it, running, inside `async with`.

    Args:
        bootstrap: a Kafka.
        folder: for the configuration and the logs.
    """

    def __init__(self, bootstrap: str, folder: Path) -> None:
        super().__init__(folder)
        self.bootstrap = bootstrap
        self.namespace = f"wayback{int(time.time())}"
        self.lines: list[journal.Line] = []
        self.slack = SlackPeer(token="xoxb-wayback", channels=CHANNELS)
        self.slack.back.groups[GROUP] = ["U0ADA0001"]
        self.pagerduty = PagerDutyPeer(routing_keys=["w" * 32])
        self.rest = PagerDutyRestPeer(self.pagerduty, token="pd-rest")
        self.sentry = SentryPeer(
            tokens={"shop": "sntrys-wayback"}, teams={"payments": 7}, people={"ada": 3}
        )
        self.slack.heard, self.pagerduty.heard = self._slack_heard, self._pagerduty_heard
        self.webhooks = Webhooks(
            self.pagerduty, url=f"{self.origin}/pagerduty", secrets=["pd-wayback"]
        )
        self.app = HttpApp(f"{self.origin}/slack", "slack-wayback", time.time)
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    # ---------------------------------------------------------------- lifetime

    async def __aenter__(self) -> Self:
        for one in (self.slack, self.pagerduty, self.rest, self.sentry, self.webhooks):
            await self._stack.enter_async_context(one)
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession())
        text = CONFIG.format(
            namespace=self.namespace, bootstrap=self.bootstrap, port=self.port,
            secret=happening.SECRET, slack=self.slack.base_url, key="w" * 32,
            channels=", ".join(f"{name}: {id}" for id, name in CHANNELS.items()),
            pagerduty=self.pagerduty.origin, rest=self.rest.base_url,
            sentry=self.sentry.base_url, group=GROUP,
        )  # fmt: skip
        try:
            await self.start(text, "intake", "run", "run", stages=STAGES)
        except BaseException:
            await self._stack.aclose()
            raise
        self._tasks += [
            asyncio.create_task(self.webhooks.serve(every_s=0.2)),
            asyncio.create_task(self._sentry_tells()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.stop()
        await self._stack.aclose()

    def start_load(self, rate: int) -> subprocess.Popen[str]:
        """Start a storm of so many events a second; it ends by SIGTERM and prints what it was."""
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.wayback.load", str(self.config), str(rate)],
            env=self.environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    # ---------------------------------------------------------------- what is heard

    def note(self, where: str, said: str) -> None:
        """Put a line into the transcript."""
        self.lines.append(journal.Line(time.time(), where, said))

    def _slack_heard(self, call: Call) -> None:
        found = self.slack.workspace.find(str(call.args.get("channel") or ""))
        private = call.method in ("response_url", "chat.postEphemeral")
        told = self.slack.back.ephemerals[-1:] if private else []
        user = told[0].user if told else ""
        name = self.slack.back.names.get(user, "whoever pressed")
        line = journal.of_slack(call, found.name if found else "", name)
        self.lines += [line] if line is not None else []

    def _pagerduty_heard(self, call: Call) -> None:
        line = journal.of_pagerduty(call)
        self.lines += [line] if line is not None else []

    async def _sentry_tells(self) -> None:
        """Have Sentry tell of every change of an issue, as it does of those by its API."""
        told: dict[str, int] = {}
        while True:
            for issue in list(self.sentry.issues.values()):
                for at, asked in issue.log[told.get(issue.id, 0) :]:
                    said = ", ".join(f"{key} {value or 'nobody'}" for key, value in asked.items())
                    self.lines.append(journal.Line(at, "Sentry", f"issue {issue.id}: {said}"))
                    await self.say("issue", happening.issue_changed(issue))
                told[issue.id] = len(issue.log)
            await asyncio.sleep(0.2)

    # ---------------------------------------------------------------- what happens

    async def say(self, resource: str, body: bytes) -> None:
        """Have Sentry tell something."""
        status = await happening.say(self.http, f"{self.origin}/sentry", resource, body)
        assert status == 200, f"intake answered Sentry {status}"

    async def fails(self, environment: str, service: str, kind: str, text: str) -> Message:
        """Let an error happen once, and return its message once it is told."""
        self.sentry.add_issue(happening.issue_of(environment, service))
        await self.say("error", happening.error(environment, service, kind, text))
        await until(lambda: bool(self.found(service)), within_s=60.0, why=self.logs)
        return self.found(service)[-1]

    def found(self, words: str, *, channel: str = "incidents") -> list[Message]:
        """Return the messages that begin a thread and say these words."""
        posts = [one for one in self.slack.posts(channel) if one.user == BOT]
        return [one for one in posts if words in f"{one.text} {one.blocks}"]

    def replies(self, message: Message) -> list[Message]:
        """Return what Stormfold said in the thread of a message."""
        return [one for one in self.slack.replies(message.channel, message.ts) if one.user == BOT]

    def person(self, id: str, name: str) -> Person:
        """Return somebody of the workspace."""
        return Person(self.slack, self.app.send, id, name)


def id_of(message: Message) -> str:
    """Return the id of the incident or storm that a message tells."""
    payload = (message.metadata or {}).get("event_payload") or {}
    return str(payload.get("id") or "").partition("@")[0]

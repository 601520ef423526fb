"""One outage, answered in PagerDuty and in Slack: CORRELATE, the outbox, both services and intake,
with nothing between them left out but Kafka.

`pytest tests/streams/test_pagerduty_both_ways.py -s` prints every message, page and webhook.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from correlators.acts import Acknowledge, Act
from sinks.peers.pagerduty_said import user
from sinks.peers.pagerduty_webhooks import Webhooks
from streams.intake import make_app, make_runner
from streams.metrics import Metrics
from tests.correlators.score import events
from tests.sinks.life import Line, transcript
from tests.sinks.test_storm_life import CART, CHECKOUT, PAYMENT, World
from tests.streams.pagerduty_world import SECRETS, Acts, settings_with

BEN = user("Ben")
ANNA: dict[str, Any] = {"actor": "anna", "source": "slack", "at_ms": 0}


class BothWays(World):
    """A world in which PagerDuty answers."""

    webhooks: Webhooks

    def __init__(self) -> None:
        super().__init__()
        self.intake = Acts()
        self.heard: list[Act] = []

    async def outage(self) -> str:
        """Let an outage page; return the dedup key of its page."""
        await self.life.run(
            30,
            events(range(30), *PAYMENT, trace="one"),
            events(range(2, 30, 2), *CHECKOUT, trace="one"),
            events(range(3, 30, 3), *CART, trace="one"),
        )
        await self.comes_back(40)
        return f"stormfold-{self.life.stage.storm().id}.1"

    async def does(self, kind: str, key: str, until: int, **how: Any) -> None:
        """Let Ben do this in PagerDuty, and time run on to a second in which all is heard."""
        second = self.life.stage.now
        self.acts.append(Line(second, "ben in PagerDuty", f"{kind} {key}"))
        self.webhooks.does(kind, key, by=BEN, **how)
        await self.comes_back(until)

    async def comes_back(self, until: int) -> None:
        """Let every webhook reach CORRELATE, also those that this brings about."""
        while self.life.stage.now < until:
            await self.webhooks.deliver()
            told, self.intake.told = self.intake.told, []
            self.heard += told
            second = self.life.stage.now
            await self.life.run(second + 1, acts=[(second, one) for one in told])

    def replies(self) -> list[str]:
        """Return the first line of every reply in a thread, in order."""
        taken = [one.args for one in self.slack.taken if one.args.get("thread_ts")]
        return [str(one["blocks"][0]["text"]["text"]).split("\n")[0] for one in taken]


@asynccontextmanager
async def both_ways() -> AsyncIterator[BothWays]:
    world = BothWays()
    async with world:
        app = make_app(settings_with(*SECRETS), Metrics(), world.intake, world.intake)
        runner = make_runner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/pagerduty"
            async with Webhooks(world.pagerduty, url=url, secrets=SECRETS) as world.webhooks:
                yield world
        finally:
            await runner.cleanup()


async def test_an_outage_that_is_answered_in_pagerduty_is_answered_in_slack_too() -> None:
    async with both_ways() as world:
        key = await world.outage()
        storm = world.life.stage.storm().id
        await world.does("acknowledged", key, 60)
        await world.does("annotated", key, 70, note="it is the failover of payments-db")
        await world.does("reassigned", key, 80, assignees=["Ada"])
        await world.does("unacknowledged", key, 90)
        await world.does("acknowledged", key, 100)
        await world.does("resolved", key, 130)
        print("\n" + transcript(world.slack, world.pagerduty, world.acts))

        # The pager hears of nothing that it said itself.
        paged = [one[1:] for one in world.paged()]
        assert paged == [("trigger", f"{storm}.1")]
        assert world.pagerduty.dropped == []
        assert world.pagerduty.open_alerts() == []
        kinds = ["acknowledge", "comment", "assign", "unacknowledge", "acknowledge", "resolve"]
        assert [str(one.__struct_config__.tag) for one in world.heard] == kinds
        assert [one.partition(";")[0] for one in world.replies()[:-1]] == [
            "🟡 *Acknowledged:* by Ben in PagerDuty",
            "💬 *Noted:* Ben: it is the failover of payments-db",
            "💬 *Noted:* Assigned to *Ada* by Ben in PagerDuty.",
            "🔴 *Nobody has it:* Ben gave it back",
            "🟡 *Acknowledged:* by Ben in PagerDuty",
        ]
        assert world.replies()[-1].startswith("*✅ Resolved: checkout +2")
        assert world.header(storm).startswith("✅ *Resolved*")
        (first,) = [one for one in world.slack.posts("incidents") if storm in str(one.blocks)]
        assert "*Assigned to:* Ada" in str(first.blocks)
        assert (world.slack.rejected, world.slack.violations) == ([], [])
        assert world.webhooks.waiting == []


async def test_what_is_acknowledged_in_slack_is_there_and_does_not_come_back() -> None:
    async with both_ways() as world:
        key = await world.outage()
        storm = world.life.stage.storm()
        await world.act(40, "acknowledges the storm", Acknowledge(subject=storm.id, **ANNA))
        await world.comes_back(70)
        (alert,) = world.pagerduty.pages
        assert (alert.dedup_key, alert.acknowledged) == (key, True)
        assert [one.kind for one in world.webhooks.all] == ["triggered", "acknowledged"]
        assert world.webhooks.all[-1].done
        assert world.heard == []
        now = world.life.stage.storm()
        assert now.ack is not None
        assert (now.ack.actor, now.ack.source) == ("anna", "slack")
        sent = len(world.slack.taken)
        await world.does("acknowledged", key, 100)
        assert [type(one) for one in world.heard] == [Acknowledge]
        assert len(world.slack.taken) == sent
        assert [one[1] for one in world.paged()] == ["trigger", "acknowledge"]

"""Local Slack and PagerDuty on real sockets, with a hundredfold rate where time would be long."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sinks.pagerduty import PagerDutySink
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink

TOKEN = "xoxb-local-only"
KEY = "k" * 32


@pytest.fixture
async def slack() -> AsyncIterator[SlackPeer]:
    async with SlackPeer(
        token=TOKEN, channels={"C0INC": "incidents", "C0OPS": "ops"}, per_second=200.0
    ) as peer:
        yield peer


@pytest.fixture
async def slack_sink(slack: SlackPeer) -> AsyncIterator[SlackSink]:
    sink = SlackSink(
        token=TOKEN,
        channels={"incidents": "#incidents", "ops": "C0OPS"},
        base_url=slack.base_url,
        post_every_ms=6,
        posts_every_ms=1,
        edit_every_ms=8,
    )
    yield sink
    await sink.close()


@pytest.fixture
async def pagerduty() -> AsyncIterator[PagerDutyPeer]:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        yield peer


@pytest.fixture
async def pagerduty_sink(pagerduty: PagerDutyPeer) -> AsyncIterator[PagerDutySink]:
    sink = PagerDutySink(routing_keys={"default": KEY}, base_url=pagerduty.base_url)
    yield sink
    await sink.close()

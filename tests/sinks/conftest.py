"""Local Slack and PagerDuty on real sockets, with a hundredfold rate where time would be long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sinks.pagerduty import PagerDutySink
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from tests.sinks.case import Case
from tests.sinks.cases import CASES, SERVED
from tests.sinks.cases import KEY as KEY
from tests.sinks.cases import TOKEN as TOKEN
from tests.sinks.played import Clock


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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=sorted(CASES))
async def case(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> AsyncIterator[Case]:
    async with CASES[request.param](clock, tmp_path) as found:
        yield found


@pytest.fixture(params=SERVED)
async def served(
    request: pytest.FixtureRequest, clock: Clock, tmp_path: Path
) -> AsyncIterator[Case]:
    """Every sink that has a service which can fail."""
    async with CASES[request.param](clock, tmp_path) as found:
        yield found

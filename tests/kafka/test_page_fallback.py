"""A page that its pager refuses reaches a chat through DELIVER's own topic, on a real Kafka."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from sinks.peers.faults import Fault
from sinks.peers.slack_store import Message
from streams.broker import Broker
from tests.kafka.chain import CHANNEL, PATIENCE_S, chain, outage, ready, until


@pytest.mark.soak  # pure and in the simulation otherwise
async def test_a_refused_page_is_a_page_in_its_fallback_and_that_is_said_below(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    extra = "incidents: {settle: 4s, update_every: 5s}\n"
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=extra) as made:
        made.pagerduty.fail(Fault.REFUSED, method="enqueue", word="400")
        made.start("intake")
        made.start("run")
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await ready(made, client)
            for body in outage(90, at_s=time.time()):
                assert await made.post(client, "error", body) == 200

        def named(mark: str) -> list[Message]:
            """Return the messages whose delivery's name has this mark."""
            return [one for one in made.slack.messages(CHANNEL) if mark in name_of(one)]

        await until(lambda: bool(named("~trouble.pagerduty:default")), what=made.logs)
        (trouble,) = named("~trouble.pagerduty:default")
        key = name_of(trouble).partition("~")[0]
        (page,) = [one for one in named(key) if name_of(one) == key]
        assert page.thread_ts == ""
        assert made.pagerduty.open_alerts() == []


def name_of(message: Message) -> str:
    """Return the name of the delivery that the message belongs to."""
    return str((message.metadata or {}).get("event_payload", {}).get("id", ""))

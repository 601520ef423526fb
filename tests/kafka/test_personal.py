"""On a real Kafka, from a word in Slack or Sentry to a direct message to whom it is for: `intake`,
`run` and a local Slack."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import httpx
from aiokafka import AIOKafkaProducer

from sinks.peers.slack_people import HttpApp, Person
from streams.broker import Broker
from streams.topics import names
from tests.kafka.chain import CHANNEL, chain, error_webhook, ready, until

SIGNS: Final = "slack-signing-secret"
EXTRA: Final = f"""
incidents: {{settle: 1s, update_every: 1s}}
slack_in: {{signing_secrets: [{SIGNS}]}}
people:
  Ada L: {{slack: U0ADA, sentry: ada@shop.test}}
  bo: {{slack: U0BO}}
"""
ASSIGNED: Final = {
    "action": "assigned",
    "data": {
        "issue": {"id": "1", "assignedTo": {"type": "user", "id": "7", "email": "ada@shop.test"}}
    },
    "actor": {"type": "user", "id": 9, "name": "Cy"},
}


async def test_who_is_assigned_and_mentioned_is_told_as_they_choose(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=EXTRA) as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        made.slack.workspace.people |= {"U0ADA": "ada_l", "U0BO": "bo_b"}
        made.start("run")
        made.start("intake")
        async with httpx.AsyncClient() as client:
            await ready(made, client)
        topic = names(namespace).events
        body = error_webhook(f"{1:032x}", service="mail", kind="E", user="u", at_s=time.time())
        await producer.send_and_wait(topic, body, headers=[("resource", b"error")])
        await until(lambda: bool(made.slack.posts(CHANNEL)), what=made.logs)
        (message,) = made.slack.posts(CHANNEL)
        app = HttpApp(f"http://127.0.0.1:{made.port}/slack", SIGNS, time.time)
        ada = Person(made.slack, app.send, "U0ADA", "ada_l")
        bo = Person(made.slack, app.send, "U0BO", "bo_b")

        def told(user: str) -> list[str]:
            id = "D" + user[1:]
            channel = made.slack.workspace.channels.get(id)
            found = channel.messages.values() if channel is not None else ()
            return [json.dumps(one.blocks, ensure_ascii=False) for one in found]

        async def say(who: Person, text: str) -> None:
            assert (await who.mention("incidents", text, thread_ts=message.ts)).status == 200

        await say(ada, "assign <@U0BO>")
        await until(lambda: len(told("U0BO")) == 1, what=made.logs)
        await say(bo, "me off mentioned")
        await say(ada, "comment <@U0BO> the first")
        await say(bo, "me dm")
        await say(ada, "comment @Bo the second")
        await until(lambda: len(told("U0BO")) == 2, what=made.logs)
        first, second = told("U0BO")
        assert "👉 Assigned to you: " in first
        assert "Assigned to you by Ada L in Slack" in first
        assert "💬 You are mentioned: " in second
        assert "the second" in second
        assert told("U0ADA") == []
        word = json.dumps(ASSIGNED).encode()
        for _ in range(2):
            await producer.send_and_wait(topic, word, headers=[("resource", b"issue")])
        await until(lambda: len(told("U0ADA")) == 1, what=made.logs)
        assert "Assigned to you in Sentry" in told("U0ADA")[0]
        await say(ada, "comment @bo the end")
        await until(lambda: len(told("U0BO")) == 3, what=made.logs)
        assert len(told("U0ADA")) == 1
        for personal in ("U0BO", "U0ADA", "ada@shop.test"):
            assert personal not in made.logs()

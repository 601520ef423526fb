"""On a real Kafka, from a button to the word that it was not done: `intake`, `run`, a local Slack
and Sentry."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from aiokafka import AIOKafkaProducer

from sinks.peers.sentry import SentryPeer
from sinks.peers.slack_people import HttpApp, Person
from streams.broker import Broker
from streams.topics import names
from tests.kafka.chain import CHANNEL, chain, error_webhook, ready, until

SIGNS = "slack-signing-secret"
TOKEN = "sntrys_local-only"


def extra(sentry: SentryPeer) -> str:
    return f"""
incidents: {{settle: 1s, update_every: 1s}}
slack_in: {{signing_secrets: [{SIGNS}]}}
sentry: {{organisation: shop, token: {TOKEN}, api_url: "{sentry.origin}"}}
people: {{Ada Lovelace: {{slack: U0ADA, sentry: ada.l}}}}
"""


async def test_who_pressed_is_told_alone_what_did_not_happen_and_what_sentry_did_not_take(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        SentryPeer(tokens={"shop": TOKEN}, people={"ada.l": 4}) as sentry,
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=extra(sentry)) as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        made.start("run")
        made.start("intake")
        async with httpx.AsyncClient() as client:
            await ready(made, client)
        issue = sentry.add_issue("1")
        body = error_webhook(f"{1:032x}", service="mail", kind="E", user="u", at_s=time.time())
        await producer.send_and_wait(
            names(namespace).events, body, headers=[("resource", b"error")]
        )
        await until(lambda: bool(made.slack.posts(CHANNEL)), what=made.logs)
        (message,) = made.slack.posts(CHANNEL)
        app = HttpApp(f"http://127.0.0.1:{made.port}/slack", SIGNS, time.time)
        ada = Person(made.slack, app.send, "U0ADA", "ada_l")
        bob = Person(made.slack, app.send, "U0BOB", "bob")
        assert (await ada.mention("incidents", "assign me", thread_ts=message.ts)).status == 200
        await until(lambda: issue.assignee == "user:4", what=made.logs)
        sentry.take_scope("event:write")
        await ada.press(message, "Acknowledge")
        await bob.press(message, "Acknowledge")
        await bob.press(message, "Resolve")
        await until(lambda: len(bob.heard()) == 4, what=made.logs)
        second, refused = (one for one in bob.heard() if one.startswith("⚠️"))
        assert second.endswith("is not acknowledged. Ada Lovelace has it already.")
        assert refused.startswith("⚠️ Sentry said no: issue 1 is not resolved (status 403")
        assert not [one for one in ada.heard() if one.startswith("⚠️")]
        assert "U0BOB" not in made.logs()

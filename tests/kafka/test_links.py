"""`stormfold links` on a real Kafka and a real `run`: a channel that no configuration lists is
told, in whatever partition the environment is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from correlators.channel_links import link_id
from correlators.conditions import When
from sinks.peers.slack_people import HttpApp, Person
from streams.agents.batches import target_of
from streams.broker import Broker
from streams.topics import names
from tests.kafka.chain import CHANNEL, PAY, Chain, chain, error_webhook, ready, until

SIGNING = "a-signing-secret"
FAST = f"""
incidents: {{settle: 1s, update_every: 1s}}
owners: [{{service: "mai*", owner: post}}]
slack_in: {{signing_secrets: [{SIGNING}]}}
"""
PARTITIONS = 4


def command(made: Chain, *arguments: str) -> Any:
    """Return what a command prints as JSON."""
    done = made.run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, ""), (done, made.logs())
    return json.loads(done.stdout)


async def test_a_channel_is_linked_from_the_command_line_in_every_partition_and_unlinked(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=FAST) as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        environments = ("production", "staging")
        assert len({target_of(one, PARTITIONS) for one in environments}) == 2

        async def send(number: int, kind: str, environment: str) -> None:
            body = error_webhook(
                f"{number:032x}",
                service="mail",
                kind=kind,
                user="u",
                at_s=time.time(),
                environment=environment,
            )
            topic = names(namespace).events
            await producer.send_and_wait(topic, body, headers=[("resource", b"error")])

        made.start("run")
        added = command(made, "links", "add", f"slack:{PAY}", "mail", "--by", "ada")
        when = When(service=("mail",))
        assert added == {
            "id": link_id(f"slack:{PAY}", when),
            "destination": f"slack:{PAY}",
            "what": "service mail",
            "by": "ada",
            "fits": [],
            "outcome": "done",
        }
        (listed,) = command(made, "links", "list")
        assert (listed["partitions"], listed["of"]) == (PARTITIONS, PARTITIONS)
        for number, environment in enumerate(environments):
            await send(number, f"First{number}", environment)
        await until(lambda: len(made.slack.posts(PAY)) == 2, what=made.logs)
        again = command(made, "links", "add", f"slack:{PAY}", "service:mail", "--by", "ben")
        assert (again["outcome"], len(again["fits"])) == ("unchanged", 2)
        recorded = made.run("record", str(tmp_path / "recorded.jsonl"), "--json")
        assert json.loads(recorded.stdout)["links"] == 1
        assert "1 links of destinations stand" in recorded.stderr
        removed = command(made, "links", "remove", added["id"], "--by", "ben")
        assert removed["outcome"] == "done"
        assert command(made, "links", "list") == []
        await send(9, "Second", "production")
        await until(lambda: len(made.slack.posts(CHANNEL)) == 3, what=made.logs)
        assert len(made.slack.posts(PAY)) == 2

        made.start("intake")
        async with httpx.AsyncClient() as client:
            await ready(made, client)
        slack = HttpApp(f"http://127.0.0.1:{made.port}/slack", SIGNING, time.time)
        ada = Person(made.slack, slack.send, "U0ADA", "ada")
        said = await ada.command("link post in production", channel="pay")
        assert "is told of `team post in production` too" in str(said.body)
        await until(lambda: len(command(made, "links", "list")) == 1, what=made.logs)
        await send(10, "Third", "staging")
        await send(11, "Fourth", "production")
        await until(lambda: len(made.slack.posts(CHANNEL)) == 5, what=made.logs)
        await until(lambda: len(made.slack.posts(PAY)) == 3, what=made.logs)
        assert "Fourth" in made.slack.posts(PAY)[-1].text

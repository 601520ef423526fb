"""What people do in Slack and in PagerDuty, through a real intake, a real Kafka and real stages: it
stands on the log once, has effect once, is told in the other place, and the timeline names it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import Any

import httpx

from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.pagerduty_said import user
from sinks.peers.pagerduty_webhooks import Webhooks
from sinks.peers.slack_people import HttpApp, Person
from streams.broker import Broker
from tests.kafka.chain import CHANNEL, PATIENCE_S, Chain, chain, error_webhook, ready, until

SIGNING = "a-signing-secret"
WEBHOOK = "a-pagerduty-secret"
TOKEN = "read-only-t0ken"
BACK = f"""
incidents: {{settle: 1s, update_every: 1s}}
slack_in: {{signing_secrets: [{SIGNING}]}}
"""
NOTE = "the disk of payment-db is full"


def configure(made: Chain, rest: PagerDutyRestPeer) -> None:
    """Have the chain take what PagerDuty says too; a note names no key, so it is looked up."""
    made.write_config(BACK)
    text = made.config.read_text()
    key = f'base_url: "{made.pagerduty.origin}"'
    assert text.count(key) == 1
    looks = f'api_token: {TOKEN}, api_url: "{rest.base_url}"'
    more = f"webhook_secrets: [{WEBHOOK}], {looks}"
    made.config.write_text(text.replace(key, f"{key}, {more}"))


def thread(made: Chain) -> list[str]:
    """Return what stands in the thread of the only message."""
    (post,) = made.slack.posts(CHANNEL)
    return [one.text for one in made.slack.workspace.channels[CHANNEL].replies(post.ts)]


async def test_an_outage_is_answered_in_slack_and_in_pagerduty_and_its_timeline_tells_it(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made,
        PagerDutyRestPeer(made.pagerduty, token=TOKEN) as rest,
    ):
        configure(made, rest)
        made.start("intake")
        made.start("run")
        origin = f"http://127.0.0.1:{made.port}"
        async with (
            httpx.AsyncClient(timeout=PATIENCE_S) as client,
            Webhooks(made.pagerduty, url=f"{origin}/pagerduty", secrets=[WEBHOOK]) as webhooks,
        ):
            await ready(made, client)
            fatal = error_webhook(
                "f" * 32, service="payment", kind="Down", user="u", at_s=time.time(), level="fatal"
            )
            assert await made.post(client, "error", fatal) == 200
            await until(
                lambda: bool(made.slack.posts(CHANNEL) and made.pagerduty.alerts), what=made.logs
            )
            (page,) = made.pagerduty.alerts
            incident = page.dedup_key.removeprefix("stormfold-").rpartition(".")[0]

            # In Slack: pressed twice, as Slack sends again what it thinks was lost.
            ada = Person(
                made.slack, HttpApp(f"{origin}/slack", SIGNING, time.time).send, "U0ADA", "ada"
            )
            (post,) = made.slack.posts(CHANNEL)
            press = ada.pressing(post, "Acknowledge")
            for _ in range(2):
                answered = await ada._send("interactive", press)
                assert answered.status == 200
            await until(lambda: page.acknowledged, what=made.logs)
            await until(lambda: any("Acknowledged" in one for one in thread(made)), what=made.logs)

            # In PagerDuty: each webhook twice, and in any order.
            forged = webhooks.does("resolved", page.dedup_key, by=user("Eve"))
            assert await webhooks.send(forged, secrets=["another"]) == 401
            webhooks.all.remove(forged)
            webhooks.does("annotated", page.dedup_key, by=user("Ben"), note=NOTE)
            await webhooks.deliver_badly(1)
            await until(lambda: any(NOTE in one for one in thread(made)), what=made.logs)
            webhooks.does("resolved", page.dedup_key, by=user("Ben"))
            await webhooks.deliver_badly(2)
            await until(lambda: any("Resolved" in one for one in thread(made)), what=made.logs)

            acts = await told_by_people(made, incident)
            assert acts == [
                "ada: acknowledge in slack (done)",
                "Ben: comment in pagerduty (done)",
                "Ben: resolve in pagerduty (done)",
            ]
            said = thread(made)
            assert [sum(word in one for one in said) for word in (NOTE, "by Ben")] == [1, 1]
            assert [event for _, event in page.log].count("acknowledge") == 1
            assert "resolve" not in [event for _, event in page.log], "an echo"
            assert not any("Eve" in one for one in said)


async def told_by_people(made: Chain, incident: str) -> list[str]:
    """Return the rows of its timeline in which somebody acts, once its end is among them."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = await asyncio.to_thread(made.run, "timeline", incident, "--json")
        assert done.returncode == 0, done.stderr + made.logs()
        found: dict[str, Any] = json.loads(done.stdout)
        if found["ended_ms"] > 0:
            break
        assert time.monotonic() < deadline, done.stdout + made.logs()
    moments = [found[one] for one in ("opened_ms", "told_ms", "acknowledged_ms", "ended_ms")]
    assert all(one <= two for one, two in itertools.pairwise(moments))
    assert 0 < found["paged_ms"] <= found["acknowledged_ms"]
    rows = [one for one in found["rows"] if one["what"] == "person"]
    return [one["lines"][0] for one in rows if "(done)" in one["lines"][0]]

"""On a real Kafka, where nobody can ask what became of a call: mail, Teams and a webhook are told
each message and the report at least once, also if DELIVER is killed on the way."""

from __future__ import annotations

import base64
import os
import signal
import time
from pathlib import Path
from typing import Final

import httpx
from aiokafka import AIOKafkaConsumer

from correlators.types import Digest, DigestKind
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from sinks.peers.teams import TeamsPeer
from sinks.peers.webhook import WebhookPeer
from streams import codec
from streams.broker import Broker
from streams.topics import names
from tests.kafka.chain import chain, error_webhook, ready, until

SIGNS: Final = "whsec_" + base64.b64encode(b"k" * 32).decode()
ADA: Final = "ada@shop.test"
SOON_S: Final = 20
"""The report is due in the first minute that begins so long after the start, or later."""
REPEAT: Final = "possible repeat"


def config(mail: EmailPeer, teams: TeamsPeer, webhook: WebhookPeer) -> str:
    """Return what stands below the sinks of the chain: further sinks, and who is told."""
    at = time.strftime("%H:%M", time.gmtime(time.time() + SOON_S + 60))
    every = "[email:shop, teams:ops, webhook:board]"
    return f"""  email:
    host: 127.0.0.1
    port: {mail.smtp_port}
    tls: none
    from: stormfold@shop.test
    lists: {{shop: [{ADA}]}}
  teams: {{workflows: {{ops: "{teams.workflow_url("ops")}"}}}}
  webhook:
    endpoints: {{board: {{url: "{webhook.url("board")}", secrets: ["{SIGNS}"]}}}}
    internal: [127.0.0.0/8]
incidents: {{settle: 1s, update_every: 5s}}
routes: {{tell: {every}, page: []}}
reports: [{{name: Soon, every: 1h, at: "{at}", to: {every}}}]
"""


async def decided(bootstrap: str, namespace: str) -> list[Digest]:
    """Return every digest that is decided by now, in order."""
    consumer = AIOKafkaConsumer(
        names(namespace).deliveries,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    found: list[Digest] = []
    async with consumer:
        for _ in range(10):
            read = await consumer.getmany(timeout_ms=500)
            found += [codec.digest(one.value) for many in read.values() for one in many]
    return found


def told(mail: EmailPeer, teams: TeamsPeer, webhook: WebhookPeer) -> dict[str, list[str]]:
    """Return what each was told, in order: what a message names itself by, and whether it says that
    it may be a repeat."""
    return {
        "email:shop": [one.part("plain") for one in mail.inbox(ADA)],
        "teams:ops": [one.text.replace(" · revision", ", revision") for one in teams.cards("ops")],
        "webhook:board": [
            f"{one.message['data']['id']}, revision {one.message['data']['revision']}"
            + (REPEAT if one.message["data"]["possible_repeat"] else "")
            for one in webhook.arrived
        ],
    }


def name_of(digest: Digest) -> str:
    """Return what a message of this digest names itself by."""
    return f"{digest.id}, revision {digest.revision}"


async def test_mail_teams_and_a_webhook_are_told_all_of_it_also_if_deliver_is_killed_on_the_way(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    mail, teams = EmailPeer(), TeamsPeer(workflows=["ops"])
    webhook = WebhookPeer(secrets={"board": SIGNS})
    async with mail, teams, webhook:
        extra = config(mail, teams, webhook)
        async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=extra) as made:
            run = made.start("run")
            made.start("intake")
            async with httpx.AsyncClient() as client:
                await ready(made, client)
                peers = (mail, teams, webhook)
                for peer, method in zip(peers, ("data", "", ""), strict=True):
                    peer.fail(Fault.SLOW_AFTER, calls=1, method=method)
                for number, service in enumerate(("checkout", "payment")):
                    body = error_webhook(
                        f"{number:032x}",
                        service=service,
                        kind=f"Down{service}",
                        user="u",
                        at_s=time.time(),
                    )
                    assert await made.post(client, "error", body) == 200
                    if number:
                        continue

                    def all_have_it() -> bool:
                        return all(told(mail, teams, webhook).values())

                    await until(all_have_it, what=made.logs)
                    os.kill(made.children(run)["deliver"], signal.SIGKILL)
            board = "webhook:board"

            def reported() -> bool:
                return any("rep-" in one for one in told(mail, teams, webhook)[board])

            await until(reported, what=made.logs)
            digests = await decided(kafka.bootstrap, namespace)

            def lacking() -> list[str]:
                said = told(mail, teams, webhook)
                return [
                    f"{one.destination} {name_of(one)}"
                    for one in digests
                    if not any(name_of(one) in each for each in said[one.destination])
                ]

            # A word between may be told with the next one; what is newest of each is told.
            newest = {(one.destination, one.id): one for one in digests}
            digests = list(newest.values())
            await until(lambda: not lacking(), what=lambda: f"{lacking()} {made.logs()}")
            said = told(mail, teams, webhook)
    assert {one.kind for one in digests} >= {DigestKind.REPORT}
    assert len({one.id for one in digests}) >= 3
    for destination, messages in said.items():
        for name in {name_of(one) for one in digests if one.destination == destination}:
            again = [one for one in messages if name in one][1:]
            assert all(REPEAT in one for one in again), (destination, name, messages)
    assert any(REPEAT in one for messages in said.values() for one in messages)

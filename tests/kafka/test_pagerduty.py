"""PagerDuty behind a real Kafka: a deploy is kept, the service's own key is paged, and it is looked
whether an incident came of it, also by the owner after a kill."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from streams.broker import Broker
from tests.kafka.chain import (
    FAST,
    PATIENCE_S,
    ROUTING_KEY,
    Chain,
    chain,
    error_webhook,
    ready,
    until,
)
from tests.streams.test_intake_deploys import SECRET, headers

PAYMENTS = "p" * 32
TOKEN = "read-only-t0ken"


def configure(made: Chain, rest: PagerDutyRestPeer) -> None:
    """Add a key of its own for payment, deploys, and a token to look with."""
    made.write_config(FAST + "services: {payment: {page: [pagerduty:payments]}}\n")
    text = made.config.read_text()
    pagerduty = f'base_url: "{made.pagerduty.origin}"'
    assert text.count(pagerduty) == text.count("secrets: [") == 1
    more = f"routing_keys: {{payments: {PAYMENTS}}}, changes: true"
    looks = f'api_token: {TOKEN}, api_url: "{rest.base_url}"'
    text = text.replace(pagerduty, f"{pagerduty}, {more}, {looks}")
    made.config.write_text(text.replace("secrets: [", f"deploy_secrets: [{SECRET}], secrets: ["))


@pytest.mark.soak  # it waits for looks that come 20 s after a page
async def test_a_deploy_is_kept_a_page_is_looked_for_and_looked_for_again_by_a_new_owner(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        routing_keys = [ROUTING_KEY, PAYMENTS]
        async with (
            PagerDutyPeer(routing_keys=routing_keys) as made.pagerduty,
            PagerDutyRestPeer(made.pagerduty, token=TOKEN) as rest,
        ):
            configure(made, rest)
            made.start("intake")
            run = made.start("run")
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
                await ready(made, client)
                deploy = {
                    "service": "payment",
                    "release": "payment@2.0",
                    "environment": "production",
                    "at": time.time(),
                    "by": "ci",
                }
                body = json.dumps(deploy).encode()
                for _ in range(2):
                    url = f"http://127.0.0.1:{made.port}/deploys"
                    answer = await client.post(url, content=body, headers=headers(body))
                    assert answer.status_code == 200, answer.text
                fatal = error_webhook(
                    "f" * 32,
                    service="payment",
                    kind="Down",
                    user="u",
                    at_s=time.time(),
                    level="fatal",
                )
                assert await made.post(client, "error", fatal) == 200
            await until(
                lambda: bool(made.pagerduty.changes and made.pagerduty.alerts), what=made.logs
            )
            (change,) = made.pagerduty.changes
            assert change["payload"]["custom_details"]["release"] == "payment@2.0"
            (page,) = made.pagerduty.alerts
            assert page.routing_key == PAYMENTS
            await until(lambda: len(rest.calls) == 1, what=made.logs)
            os.kill(made.children(run)["deliver"], signal.SIGKILL)
            await until(lambda: len(rest.calls) == 2, what=made.logs, within_s=2 * PATIENCE_S)
            assert {one.args["incident_key"] for one in rest.calls} == {page.dedup_key}
            assert len(made.pagerduty.alerts) == len(made.pagerduty.changes) == 1
            for secret in (PAYMENTS, TOKEN):
                assert secret not in made.logs()

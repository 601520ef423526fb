"""The local services run by hand: what is printed works, the page shows it, switches switch."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from sinks.peers.control import add_control
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_said import signature
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_by_hand import add_people
from sinks.peers.slack_people import HttpApp
from sinks.webhook_signature import key_of
from sinks.webhook_signature import signature as signature_of
from tests.sinks.conftest import KEY, TOKEN
from tests.sinks.peer_calls import CHANNELS, PAYLOAD, enqueue, post


@asynccontextmanager
async def by_hand(*args: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
    """Yield the running command and the first lines that it printed."""
    command = [sys.executable, "-m", "sinks.peers", *args]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            lines = [(await process.stdout.readline()).decode() for _ in range(2)]
        yield process, lines
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.communicate()


async def get(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


async def tell(url: str, **given: Any) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.post(url, json=given) as answer:
        return answer.status, await answer.json()


async def test_a_slack_by_hand_takes_what_it_says_it_takes_and_shows_it() -> None:
    async with by_hand("slack", "--channel", "outages", "--token", TOKEN) as (process, lines):
        look, export = lines
        base_url = re.search(r"SLACK_BASE_URL=(\S+)", export)
        assert base_url is not None
        async with aiohttp.ClientSession() as session:
            client = AsyncWebClient(token=TOKEN, base_url=base_url[1], session=session)
            await client.chat_postMessage(channel="#outages", text="hello *there*")
        page = await get(look.split()[-1])
        assert "<b>there</b>" in page
        assert "#outages" in page
        assert "chat.postMessage" in page
        assert TOKEN not in "".join(lines)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        port = peer.origin.rpartition(":")[2]
        command = [sys.executable, "-m", "sinks.peers", "pagerduty", "--port", port]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().splitlines()[0].startswith(f"cannot listen on port {port}")
    assert len(said.decode().splitlines()) == 1


async def test_faults_and_states_can_be_switched_by_http() -> None:
    peer = SlackPeer(token=TOKEN, channels=CHANNELS)
    add_control(peer)
    async with peer:
        control = f"{peer.origin}/_peer"
        refused = {"fault": "refused", "word": "fatal_error", "calls": 1}
        assert await tell(f"{control}/fail", **refused) == (200, {"ok": True})
        assert (await post(peer))["error"] == "fatal_error"
        assert (await post(peer))["ok"]
        await tell(f"{control}/fail", fault="error_503")
        await tell(f"{control}/heal")
        assert (await post(peer))["ok"]
        await tell(f"{control}/switch", do="archive", channel="incidents")
        assert (await post(peer))["error"] == "is_archived"
        assert '"is_archived"' in await get(f"{control}/calls")
        for given in ({"do": "close"}, {"do": "archive"}, {"do": "archive", "channel": "none"}):
            status, told = await tell(f"{control}/switch", **given)
            assert (status, told["ok"]) == (400, False)
        assert (await tell(f"{control}/fail", fault="rain"))[0] == 400
        _, told = await tell(f"{control}/switch", do="archiv", channel="incidents")
        assert "archive, " in told["error"]
        assert "acknowledge" not in told["error"]
        _, told = await tell(f"{control}/fail", fault="rain")
        assert "rate_limited, " in told["error"]


@pytest.mark.parametrize("service", ["slack", "pagerduty"])
async def test_what_is_printed_is_all_that_has_to_be_set(service: str) -> None:
    async with by_hand(service) as (_, lines):
        export = dict(one.split("=", 1) for one in lines[1].split()[1:])
        secret = export["SLACK_BOT_TOKEN" if service == "slack" else "PAGERDUTY_ROUTING_KEY"]
        async with aiohttp.ClientSession() as http:
            if service == "slack":
                client = AsyncWebClient(
                    token=secret, base_url=export["SLACK_BASE_URL"], session=http
                )
                answer = await client.chat_postMessage(channel="#incidents", text="hello")
                assert answer["ok"]
            else:
                event = {"routing_key": secret, "event_action": "trigger", "payload": PAYLOAD}
                url = f"{export['PAGERDUTY_BASE_URL']}/v2/enqueue"
                async with http.post(url, json=event) as taken:
                    assert taken.status == 202


async def test_an_integration_is_deleted_and_made_again_by_http() -> None:
    peer = PagerDutyPeer(routing_keys=[KEY])
    add_control(peer)
    async with peer:
        switch = f"{peer.origin}/_peer/switch"
        await tell(switch, do="remove_key", routing_key=KEY)
        assert (await enqueue(peer, dedup_key="d", payload=PAYLOAD))[0] == 400
        await tell(switch, do="add_key", routing_key=KEY)
        assert (await enqueue(peer, dedup_key="d", payload=PAYLOAD))[0] == 202


async def test_a_pagerduty_shows_its_alerts_and_what_hostile_text_they_hold() -> None:
    peer = PagerDutyPeer(routing_keys=[KEY])
    add_control(peer)
    async with peer:
        await enqueue(peer, dedup_key="d", payload={**PAYLOAD, "summary": "<script>x</script>"})
        await tell(f"{peer.origin}/_peer/switch", do="acknowledge", dedup_key="d")
        page = await get(f"{peer.origin}/")
        assert "<b>acknowledged</b>" in page
        assert "<script" not in page
        assert KEY not in page
        assert KEY[:8] in page
        assert " trigger · " in page
        await tell(f"{peer.origin}/_peer/switch", do="suppress")
        await enqueue(peer, dedup_key="e", payload=PAYLOAD)
        assert len(peer.pages) == 1


async def test_an_alert_is_shown_with_its_details_and_its_links() -> None:
    peer = PagerDutyPeer(routing_keys=[KEY])
    add_control(peer)
    details = {"why_paged": "an event of level <fatal>", "users": 97, "services": {"a": "b"}}
    links = [{"href": "https://wiki.test/pay", "text": "Runbook"}, {"href": 'https://a.test/"x'}]
    async with peer:
        payload = {**PAYLOAD, "custom_details": details}
        answer = await enqueue(peer, dedup_key="d", payload=payload, links=links)
        page = await get(f"{peer.origin}/")
    assert answer[0] == 202
    assert "<td>why_paged</td><td>an event of level &lt;fatal&gt;</td>" in page
    assert "<td>users</td><td>97</td>" in page
    assert '<a href="https://wiki.test/pay">Runbook</a>' in page
    assert '<a href="https://a.test/&quot;x">' in page


@pytest.mark.parametrize(
    "args", [["slack", "--fault", "rain"], ["carrier-pigeon"], []], ids=lambda args: " ".join(args)
)
async def test_what_the_command_does_not_know_is_refused(args: list[str]) -> None:
    command = [sys.executable, "-m", "sinks.peers", *args]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(30):
        assert await process.wait() == 2


async def test_a_pagerduty_by_hand_sends_signed_webhooks_of_what_is_done_there() -> None:
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await heard.put((request.headers["X-PagerDuty-Signature"], await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/pagerduty", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        to = f"http://127.0.0.1:{runner.addresses[0][1]}/pagerduty"
        args = ("pagerduty", "--key", KEY, "--webhooks", to, "--webhook-secret", "s")
        async with by_hand(*args) as (_, lines), asyncio.timeout(30):
            origin = lines[0].split()[-1].rstrip("/")
            event = {"event_action": "trigger", "dedup_key": "k1", "payload": PAYLOAD}
            status, _ = await tell(f"{origin}/v2/enqueue", routing_key=KEY, **event)
            assert status == 202
            await tell(f"{origin}/_peer/switch", do="acknowledge", dedup_key="k1")
            did = {"does": "annotated", "dedup_key": "k1", "note": "on it"}
            somebody = {"name": "Carla", "id": "PCARLA1"}
            assert (await tell(f"{origin}/_peer/person", **did, **somebody))[0] == 200
            body = b""
            for kind in ("triggered", "acknowledged", "annotated"):
                given, body = await heard.get()
                assert f'"incident.{kind}"'.encode() in body
                assert given == signature(body, ["s"])
            assert all(one in body for one in (b'"on it"', b'"Carla"', b'"PCARLA1"'))
            for wrong in (did | {"does": "danced"}, did | {"dedup_key": "k2"}):
                status, answer = await tell(f"{origin}/_peer/person", **wrong)
                assert (status, answer["ok"]) == (400, False)
    finally:
        await runner.cleanup()


async def test_people_by_hand_hear_that_the_app_is_not_there_or_no_dialog_open() -> None:
    peer = SlackPeer(token=TOKEN, channels=CHANNELS)
    add_people(peer, HttpApp("http://127.0.0.1:1/slack", "secret", peer.clock).send)
    async with peer:
        status, answer = await tell(f"{peer.origin}/_peer/command", text="status")
        assert (status, answer["status"]) == (200, 0)
        assert "the app cannot be reached" in answer["error"]
        status, answer = await tell(f"{peer.origin}/_peer/submit", values={})
        assert (status, answer["error"]) == (400, "ada sees no dialog")


async def test_a_sentry_by_hand_takes_what_it_says_it_takes() -> None:
    args = ("--issue", "41", "--organisation", "shop", "--person", "ada@example.com")
    async with by_hand("sentry", *args) as (process, lines):
        found = re.search(r"SENTRY_API_URL=(\S+)", lines[1])
        assert found is not None
        url = found[1]
        assert "SENTRY_API_TOKEN=sntrys_local-only" in lines[1]
        headers = {"Authorization": "Bearer sntrys_local-only"}
        path = f"{url}/api/0/organizations/shop/issues/41/"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.put(path, json={"status": "resolved"}) as answer,
            session.put(path, json={"assignedTo": "ada@example.com"}) as taken,
            session.put(path, json={"assignedTo": "bob@example.com"}) as refused,
        ):
            assert (taken.status, refused.status) == (200, 400)
            assert (answer.status, (await answer.json())["status"]) == (200, "resolved")
        assert process.stdout is not None
        assert b"issue.put" in await process.stdout.readline()


async def test_a_teams_by_hand_shows_the_card_that_it_was_sent() -> None:
    async with by_hand("teams", "--workflow", "shop") as (process, lines):
        found = re.search(r"TEAMS_WORKFLOW_URL='(\S+)'", lines[1])
        assert found is not None
        text = {"type": "TextBlock", "text": "it is <b>down</b>"}
        card = {"type": "AdaptiveCard", "version": "1.4", "body": [text]}
        kind = "application/vnd.microsoft.card.adaptive"
        message = {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
        async with (
            aiohttp.ClientSession() as session,
            session.post(found[1], json=message) as answer,
        ):
            assert answer.status == 202
        page = await get(lines[0].split()[-1])
        assert "it is &lt;b&gt;down&lt;/b&gt;" in page
        assert "Teams, on this machine" in page
        assert process.stdout is not None
        assert b"workflow        http" in await process.stdout.readline()
        assert b"workflow" in await process.stdout.readline()


async def test_a_receiver_by_hand_takes_what_is_signed_by_the_secret_that_it_prints() -> None:
    async with by_hand("webhook", "--receiver", "mender") as (process, lines):
        export = dict(one.split("=", 1) for one in lines[1].split()[1:])
        body, at_s = b'{"type": "incident.opened", "timestamp": "", "data": {}}', int(time.time())
        given = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature_of(
                [key_of(export["MENDER_SECRET"])], "msg_1", at_s, body
            ),
        }
        async with aiohttp.ClientSession() as session:
            for headers, status in ((given, 204), (given | {"webhook-id": "msg_2"}, 401)):
                url = export["MENDER_URL"]
                async with session.post(url, data=body, headers=headers) as answer:
                    assert answer.status == status
        page = await get(lines[0].split()[-1])
        assert "mender incident.opened msg_1" in page
        assert "Webhooks, on this machine" in page
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0

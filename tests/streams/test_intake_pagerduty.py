"""`POST /pagerduty` on real sockets: a PagerDuty that signs, repeats and mixes up its webhooks, and
a CORRELATE that takes the acts. Only Kafka is left out."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from correlators.acts import Acknowledge, Act, Assign, Comment, Resolve, Unacknowledge, act_id
from sinks.pagerduty_event import key_of
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.pagerduty_said import signature, webhook
from sinks.peers.pagerduty_webhooks import Sent, Webhooks, user
from streams.intake import make_app, make_runner
from streams.intake_door import Door
from streams.intake_log import Written
from streams.intake_pagerduty import AT_ONCE, LARGEST_BYTES, PagerDutyDoor, taken_of
from streams.metrics import Metrics, exposition
from streams.pagerduty_signed import HEADER
from streams.people import Person
from streams.settings import SettingsError
from tests.correlators.acted import Stage, outage
from tests.streams.pagerduty_world import (
    PAGE,
    ROUTING,
    SECRETS,
    TOKEN,
    Acts,
    settings_with,
    world,
)
from tests.streams.test_intake import until

# ---------------------------------------------------------------------------------- what gets in


async def test_what_people_do_in_pagerduty_stands_on_the_log_before_it_is_answered() -> None:
    async with world() as here:
        key = here.page(PAGE)
        for kind in ("acknowledged", "unacknowledged", "resolved", "reopened"):
            here.webhooks.does(kind, key, by=user("Ben"))
        here.webhooks.does("reassigned", key, by=user("Ben"), assignees=["Ada"])
        here.webhooks.does("escalated", key, by=None, assignees=["Bo"])
        here.webhooks.does("annotated", key, by=user("Ben"), note="it was the disk")
        await here.webhooks.deliver()
        assert [one.answers for one in here.webhooks.all] == [[200]] * 8
        kinds = [Acknowledge, Unacknowledge, Resolve, Unacknowledge, Assign, Assign, Comment]
        assert [type(one) for one in here.acts.told] == kinds
        assert {(one.source, one.subject) for one in here.acts.told} == {("pagerduty", PAGE)}
        assert [one.actor for one in here.acts.told] == [*["Ben"] * 5, "PagerDuty", "Ben"]
        assert here.counted("triggered", "own") == 0
        assert here.counted("triggered", "nothing") == 1
        assert here.counted("acknowledged", "acts") == 1


async def test_who_is_known_acts_by_the_name_that_they_have_everywhere() -> None:
    people = {"Ada Lovelace": Person(pagerduty=user("Ben")["id"])}
    settings = msgspec.structs.replace(settings_with(*SECRETS), people=people)
    async with world(settings=settings) as here:
        key = here.page(PAGE)
        here.webhooks.does("acknowledged", key, by=user("Ben"))
        here.webhooks.does("reassigned", key, by=user("Bo"), assignees=["Ben"])
        await here.webhooks.deliver()
        acknowledged, assigned = here.acts.told
        assert (acknowledged.actor, assigned.actor) == ("Ada Lovelace", "Bo")
        assert isinstance(assigned, Assign)
        assert assigned.assignee == "Ada Lovelace"


async def test_any_of_the_secrets_may_have_signed_and_any_signature_may_be_ours() -> None:
    async with world() as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        for secrets in (SECRETS[:1], SECRETS[1:], ("another", *SECRETS[1:])):
            assert await here.webhooks.send(sent, secrets=secrets) == 200
        assert len({act_id(one) for one in here.acts.told}) == 1
        assert len(here.acts.told) == 3


async def test_a_forged_webhook_is_refused_with_the_check_that_failed() -> None:
    async with world() as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        assert await here.webhooks.send(sent, secrets=["somebody-elses"]) == 401
        http = here.webhooks._http
        for head, says in (
            ({}, "missing header X-PagerDuty-Signature"),
            ({"X-PagerDuty-Signature": "v1=abc"}, "malformed signature: expected v1= and 64"),
            ({"X-PagerDuty-Signature": f"v1={'0' * 64}"}, "no configured secret matches"),
        ):
            async with http.post(here.address, data=sent.body, headers=head) as answer:
                assert answer.status == 401
                assert (await answer.text()).startswith(says)
        assert here.acts.told == []
        assert b'requests_total{outcome="no_secret_matches"} 2.0' in exposition(here.metrics)


async def test_whatever_pagerduty_signed_is_answered_200() -> None:
    async with world() as here:
        bodies = {
            b"": "unreadable",
            b"\x00\xff": "unreadable",
            b"[]": "unreadable",
            b'{"event": {"event_type": "pagey.ping"}}': "nothing",
            b'{"event": {"event_type": "service.updated", "data": 7}}': "nothing",
            webhook("brand_new", "Q1", event_id="1", at_s=1.0): "nothing",
            webhook("acknowledged", "Q1", event_id="1", at_s=1.0, key="not-ours"): "not_ours",
            webhook("acknowledged", "Q1", event_id="1", at_s=1.0, key=""): "not_ours",
        }
        for number, raw in enumerate(bodies):
            sent = Sent("x", "Q1", raw, str(number))
            assert await here.webhooks.send(sent) == 200
        assert here.acts.told == []
        assert not here.webhooks.disabled
        text = exposition(here.metrics).decode()
        assert 'kind="other",outcome="unreadable"} 3.0' in text
        assert 'kind="other",outcome="nothing"} 2.0' in text
        assert 'kind="pagey.ping",outcome="nothing"} 1.0' in text
        assert here.counted("acknowledged", "not_ours") == 2


async def test_the_largest_webhook_is_taken_whatever_the_limit_of_events_is() -> None:
    small = msgspec.structs.replace(
        settings_with(*SECRETS),
        intake=msgspec.structs.replace(settings_with().intake, max_body_bytes=1_024),
    )
    async with world(settings=small) as here:
        note = here.webhooks.does("annotated", here.page(PAGE), note="x" * 200_000)
        assert await here.webhooks.send(note) == 200
        raw = webhook("acknowledged", "Q1", event_id="1", at_s=1.0, key="not-ours", note="y")
        body = raw + b" " * (LARGEST_BYTES - len(raw))
        assert await here.webhooks.send(Sent("x", "Q1", body, "2")) == 200
        assert await here.webhooks.send(Sent("x", "Q1", body + b" ", "3")) == 413
        assert here.counted("acknowledged", "not_ours") == 1


async def test_without_kafka_pagerduty_keeps_it_and_stays_on() -> None:
    async with world() as here:
        here.webhooks.does("acknowledged", here.page(PAGE))
        for answer in (Written.LATE, Written.REFUSED, Written.LATE):
            here.acts.answers = answer
            await here.webhooks.deliver()
        assert [one.answers for one in here.webhooks.all[1:]] == [[503, 503, 503]]
        assert not here.webhooks.disabled
        here.acts.answers = Written.YES
        await here.webhooks.deliver()
        assert here.webhooks.waiting == []
        assert len(here.acts.told) == 1


class SlowActs(Acts):
    """A log that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.waiting = 0

    async def tell_everywhere(self, acts: Sequence[Act], *, within_s: float) -> Written:
        self.waiting += 1
        await self.open.wait()
        return await super().tell_everywhere(acts, within_s=within_s)


async def test_more_than_kafka_takes_at_once_is_left_to_pagerduty_and_takes_no_events_room() -> (
    None
):
    acts = SlowActs()
    app = make_app(settings_with(*SECRETS), Metrics(), acts, acts)
    body = webhook("acknowledged", "Q1", event_id="01", at_s=time.time(), key=key_of(PAGE))
    signed = {HEADER: signature(body, SECRETS[:1])}

    async with TestClient(TestServer(app)) as client:

        async def status() -> int:
            async with client.post("/pagerduty", data=body, headers=signed) as answer:
                return answer.status

        async def all_wait() -> bool:
            return acts.waiting == AT_ONCE

        first = asyncio.gather(*(status() for _ in range(AT_ONCE)))
        await until(all_wait, "all wait for the log")
        assert await status() == 503
        acts.open.set()
        assert await first == [200] * AT_ONCE
        assert await status() == 200


async def test_without_a_secret_the_address_does_not_exist() -> None:
    settings, acts = settings_with(), Acts()
    runner = make_runner(make_app(settings, Metrics(), acts, acts))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/pagerduty"
        account = PagerDutyPeer(routing_keys=[ROUTING])
        async with account, Webhooks(account, url=url, secrets=SECRETS) as webhooks:
            raw = webhook("acknowledged", "Q1", event_id="1", at_s=1.0)
            assert await webhooks.send(Sent("acknowledged", "Q1", raw, "1")) == 404
    finally:
        await runner.cleanup()


def test_a_secret_that_is_not_there_keeps_it_from_starting() -> None:
    with pytest.raises(SettingsError, match="test: "):
        make_app(settings_with("${UNSET}"), Metrics(), Acts(), Acts())


# ------------------------------------------------------------------- what becomes of it behind it


def heard(stage: Stage, acts: list[Act]) -> None:
    """Let CORRELATE take these acts, each in a tick of its own."""
    for act in acts:
        stage.run(stage.now + 2, acts=[(stage.now, act)])


async def test_in_whatever_order_and_however_often_the_latest_word_holds() -> None:
    moments_s = itertools.count(int(time.time()))

    def clock() -> float:
        return float(next(moments_s))

    for seed, last in enumerate(["acknowledged", "unacknowledged"] * 3):
        async with world(clock=clock) as here:
            stage = Stage()
            stage.run(20, *outage())
            key = here.page(f"{stage.storm().id}.1")
            kinds = ["unacknowledged", "acknowledged", "unacknowledged", "acknowledged", last]
            for kind in kinds:
                here.webhooks.does(kind, key)
            await here.webhooks.deliver_badly(seed)
            heard(stage, here.acts.told)
            assert (stage.storm().ack is not None) == (last == "acknowledged")


async def test_our_own_acknowledgement_comes_back_and_changes_nothing() -> None:
    async with world() as here:
        stage = Stage()
        stage.run(20, *outage())
        key = here.page(f"{stage.storm().id}.1")
        anna: dict[str, Any] = {
            "actor": "anna",
            "source": "slack",
            "at_ms": 1,
            "subject": stage.storm().id,
        }
        stage.run(22, acts=[(20, Acknowledge(**anna))])
        payload: dict[str, Any] = {"event_action": "acknowledge", "payload": {}}
        here.account._alerts.apply(ROUTING, key, payload, time.time())
        # Somebody here thinks otherwise before it is heard of.
        stage.run(30, acts=[(25, Unacknowledge(**anna))])
        await here.webhooks.deliver()
        assert [one.kind for one in here.webhooks.all] == ["triggered", "acknowledged"]
        assert here.webhooks.all[-1].done
        assert here.counted("acknowledged", "own") == 1
        heard(stage, here.acts.told)
        assert stage.storm().ack is None


async def test_another_secret_and_another_token_are_taken_without_a_restart() -> None:
    account = PagerDutyPeer(routing_keys=[ROUTING])
    async with account, PagerDutyRestPeer(account, token=TOKEN) as rest:
        acts, metrics = Acts(), Metrics()
        door = Door(settings_with(SECRETS[1]), metrics, acts)
        pagerduty = PagerDutyDoor(door, taken_of(settings_with(SECRETS[1])), metrics, acts)
        app = web.Application()
        app.router.add_post("/pagerduty", pagerduty.webhook)
        runner = make_runner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/pagerduty"
            async with Webhooks(account, url=url, secrets=SECRETS[:1], keys=False) as webhooks:
                event = {"event_action": "trigger", "payload": {"summary": "x", "severity": "x"}}
                account._alerts.apply(ROUTING, key_of(PAGE), event, time.time())
                sent = webhooks.does("acknowledged", key_of(PAGE))
                assert await webhooks.send(sent) == 401
                changed = settings_with(*SECRETS, token=TOKEN, api_url=rest.base_url)
                await pagerduty.renew(taken_of(changed))
                assert await webhooks.send(sent) == 200
                assert [one.subject for one in acts.told] == [PAGE]
        finally:
            await pagerduty.close()
            await runner.cleanup()


async def test_pagerduty_sends_a_webhook_again_for_two_days() -> None:
    at_s = [1_795_773_600.0]
    async with world(clock=lambda: at_s[0]) as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        here.acts.answers = Written.REFUSED
        dropped = []
        for hours in (0, 47, 49):
            at_s[0] = 1_795_773_600.0 + hours * 3600
            await here.webhooks.send(sent)
            dropped.append(sent.dropped)
        assert dropped == [False, False, True]
        assert not here.webhooks.disabled

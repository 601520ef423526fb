"""`POST /pagerduty` on real sockets: a PagerDuty that signs, repeats and mixes up its webhooks, and
a CORRELATE that takes the acts. Only Kafka is left out."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from correlators.acts import Acknowledge, Act, Assign, Comment, Resolve, Unacknowledge, act_id
from sinks.pagerduty_event import key_of
from sinks.pagerduty_rest import PagerDutyRest
from sinks.peers.faults import Fault
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.pagerduty_said import webhook
from sinks.peers.pagerduty_webhooks import Sent, Webhooks, user
from streams.intake import make_app, make_runner
from streams.intake_log import Written
from streams.intake_pagerduty import GIVE_UP_MS
from streams.metrics import Metrics, exposition
from streams.pagerduty_lookups import AT_ONCE, CALLS_MOST, Lookups, Unsaid
from streams.references import Secret
from streams.settings import PagerDuty, Settings, SettingsError
from tests.correlators.acted import Stage, outage
from tests.streams.test_intake import settings_for

ROUTING = "r" * 32
TOKEN = "a-read-only-token"
SECRETS = ("new-webhook-secret", "old-webhook-secret")


class Acts:
    """A log that is there or is not."""

    def __init__(self) -> None:
        self.told: list[Act] = []
        self.answers: Written = Written.YES

    async def tell(
        self, acts: Sequence[Act], *, within_s: float, partition: int | None = None
    ) -> Written:
        assert partition is None
        if self.answers is Written.YES:
            self.told += acts
        return self.answers

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        raise AssertionError("it is no event")

    async def ready(self) -> bool:
        return True


def settings_with(
    *secrets: str, token: str | None = None, api_url: str = "http://127.0.0.1:1"
) -> Settings:
    held = [Secret(one, place="test", environ={}) for one in (ROUTING, *secrets)]
    pagerduty = PagerDuty(
        routing_keys={"default": held[0]},
        webhook_secrets=tuple(held[1:]),
        api_token=Secret(token, place="test", environ={}) if token else None,
        api_url=api_url,
    )
    settings = settings_for("k:1", "demo")
    sinks = msgspec.structs.replace(settings.sinks, pagerduty=pagerduty)
    return msgspec.structs.replace(settings, sinks=sinks)


class World:
    """An account, its webhooks, the intake that takes them, and what it wrote."""

    def __init__(self, account: PagerDutyPeer, rest: PagerDutyRestPeer) -> None:
        self.account, self.rest = account, rest
        self.acts, self.metrics = Acts(), Metrics()
        self.address = ""
        self.webhooks: Webhooks

    def page(self, page: str) -> str:
        """Open an alert as our page of this key; return its dedup key."""
        payload = {"summary": "x", "severity": "critical", "source": "x"}
        event = {"event_action": "trigger", "payload": payload}
        self.account._alerts.apply(ROUTING, key_of(page), event, self.account.clock())
        return key_of(page)

    def counted(self, kind: str, outcome: str) -> int:
        line = f'stormfold_pagerduty_webhooks_total{{kind="incident.{kind}",outcome="{outcome}"}} '
        for one in exposition(self.metrics).decode().splitlines():
            if one.startswith(line):
                return int(float(one.removeprefix(line)))
        return 0


@asynccontextmanager
async def world(
    *, keys: bool = True, token: str | None = None, clock: Callable[[], float] = time.time
) -> AsyncIterator[World]:
    account = PagerDutyPeer(routing_keys=[ROUTING], clock=clock)
    async with account, PagerDutyRestPeer(account, token=TOKEN) as rest:
        here = World(account, rest)
        settings = settings_with(*SECRETS, token=token, api_url=rest.base_url)
        runner = make_runner(make_app(settings, here.metrics, here.acts, here.acts))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            here.address = f"http://127.0.0.1:{runner.addresses[0][1]}/pagerduty"
            async with Webhooks(
                account, url=here.address, secrets=SECRETS[:1], keys=keys
            ) as here.webhooks:
                yield here
        finally:
            await runner.cleanup()


PAGE, OTHER = "storm-0123456789abcdef.1", "inc-fedcba9876543210.2"

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


# ------------------------------------------------------------ incidents whose webhooks name no key


async def test_an_incident_with_grouped_alerts_is_found_by_their_keys() -> None:
    async with world(keys=False, token=TOKEN) as here:
        first, second = here.page(PAGE), here.page(OTHER)
        here.account.group(second, into=first)
        for kind in ("acknowledged", "unacknowledged"):
            here.webhooks.does(kind, first)
        here.webhooks.does("annotated", second, note="both")
        await here.webhooks.deliver()
        assert here.webhooks.waiting == []
        subjects = sorted((type(one).__name__, one.subject) for one in here.acts.told)
        assert subjects == [
            (kind, page)
            for kind in ("Acknowledge", "Comment", "Unacknowledge")
            for page in (OTHER, PAGE)
        ]
        assert [one.outcome for one in here.rest.calls] == ["ok"]


async def test_without_a_token_a_note_is_for_the_page_that_another_webhook_named() -> None:
    async with world() as here:
        key = here.page(PAGE)
        here.webhooks.does("annotated", key, note="too early")
        here.webhooks.does("acknowledged", key)
        here.webhooks.does("annotated", key, note="known now")
        await here.webhooks.deliver()
        assert [one.answers for one in here.webhooks.all] == [[200]] * 4
        comments = [one.text for one in here.acts.told if isinstance(one, Comment)]
        assert comments == ["known now"]
        assert here.counted("annotated", "no_token") == 1


async def test_a_look_up_that_fails_loses_nothing() -> None:
    async with world(keys=False, token=TOKEN) as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        here.rest.fail(Fault.ERROR_503)
        assert await here.webhooks.send(sent) == 503
        here.rest.heal()
        assert here.acts.told == []
        assert not sent.dropped
        assert await here.webhooks.send(sent) == 200
        assert [one.subject for one in here.acts.told] == [PAGE]
        assert here.counted("acknowledged", "not_taken") == 1


async def test_a_slow_look_up_is_waited_for_no_longer_than_pagerduty_waits() -> None:
    async with world(keys=False, token=TOKEN) as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        here.rest.fail(Fault.SLOW_BEFORE)
        assert await here.webhooks.send(sent) == 503
        here.rest.heal()
        assert await here.webhooks.send(sent) == 200
        assert len(here.rest.calls) == 1


async def test_what_asking_again_cannot_help_is_let_go() -> None:
    async with world(keys=False, token="another") as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        for _ in range(2):
            assert await here.webhooks.send(sent) == 200
        assert here.counted("acknowledged", "cannot_tell") == 2
        assert len(here.rest.calls) == 1


async def test_what_asking_did_not_help_for_long_is_let_go() -> None:
    async with world(keys=False, token=TOKEN) as here:
        here.page(PAGE)
        here.rest.fail(Fault.ERROR_503)
        now_s, incident = time.time(), here.webhooks.all[0].incident_id
        for age_ms, status in ((GIVE_UP_MS - 60_000, 503), (GIVE_UP_MS + 60_000, 200)):
            raw = webhook("acknowledged", incident, event_id="9", at_s=now_s - age_ms / 1000)
            assert await here.webhooks.send(Sent("acknowledged", incident, raw, "9")) == status
        assert here.counted("acknowledged", "cannot_tell") == 1


async def test_an_incident_that_is_none_of_ours_is_asked_for_once() -> None:
    async with world(keys=False, token=TOKEN) as here:
        key = here.page(PAGE)
        here.account.pages[0].dedup_key = "somebody-elses"
        for _ in range(3):
            await here.webhooks.send(here.webhooks.does("acknowledged", "somebody-elses"))
        assert key
        assert here.counted("acknowledged", "not_ours") == 3
        assert len(here.rest.calls) == 1


async def test_look_ups_are_bounded_and_one_for_an_incident() -> None:
    async with world(keys=False, token=TOKEN) as here:
        here.page(PAGE)
        lookups = Lookups(PagerDutyRest(token=TOKEN, api_url=here.rest.base_url), wait_s=5.0)
        incident = here.webhooks.all[0].incident_id
        asked = await asyncio.gather(*(lookups.pages(incident) for _ in range(20)))
        assert asked == [frozenset({PAGE})] * 20
        assert len(here.rest.calls) == 1
        many = await asyncio.gather(*(lookups.pages(f"Q{n}") for n in range(20)))
        assert many.count(Unsaid.NOT_YET) == 20 - AT_ONCE
        assert many.count(Unsaid.REFUSED) == AT_ONCE
        for number in range(100, 100 + CALLS_MOST):
            await lookups.pages(f"Q{number}")
        assert len(here.rest.calls) == CALLS_MOST
        assert await lookups.pages("Q999") is Unsaid.NOT_YET
        await lookups.close()


async def test_a_limit_that_pagerduty_tells_is_kept() -> None:
    async with world(keys=False, token=TOKEN) as here:
        here.page(PAGE)
        for _ in range(960):
            here.rest._window.take(time.time())
        lookups = Lookups(PagerDutyRest(token=TOKEN, api_url=here.rest.base_url), wait_s=5.0)
        assert await lookups.pages("Q1") is Unsaid.NOT_YET
        assert await lookups.pages("Q2") is Unsaid.NOT_YET
        assert [one.outcome for one in here.rest.calls] == ["rate_limited"]
        await lookups.close()


async def test_alerts_are_read_page_by_page() -> None:
    async with world(keys=False, token=TOKEN) as here:
        first = here.page(PAGE)
        keys = [here.page(f"inc-{number:016x}.1") for number in range(60)]
        for key in keys:
            here.account.group(key, into=first)
        rest = PagerDutyRest(token=TOKEN, api_url=here.rest.base_url)
        found = await rest.alert_keys(here.webhooks.all[0].incident_id)
        assert found == (first, *keys)
        assert len(here.rest.calls) == 3
        await rest.close()

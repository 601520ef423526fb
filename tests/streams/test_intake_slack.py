"""`POST /slack`: only what Slack signed gets in, and everything that gets in is answered."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urlencode

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import Acknowledge, AddSilence, PageNow, Resolve
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_people import FORM, HttpApp
from sinks.slack_buttons import Press, environment_hash
from sinks.slack_modals import Asked, silence_view
from streams.intake import _SLACK, make_app, renew
from streams.intake_log import Written
from streams.intake_slack import decoded
from streams.metrics import Metrics
from streams.references import Secret
from streams.settings import Settings, SettingsError
from streams.slack_inbound import Kind
from tests.streams.slack_stand import (
    INC,
    SECRETS,
    TOKEN,
    MemoryActs,
    Stand,
    outage_and_mail,
    settings_with,
    stand,
)

JSON = "application/json"


@pytest.fixture
async def it() -> AsyncIterator[Stand]:
    async with stand() as running:
        yield running


def challenge() -> bytes:
    return json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZb"}).encode()


async def test_slacks_first_question_is_answered(it: Stand) -> None:
    answered = await it.app.post(challenge(), it.app.signed(challenge()) | {"Content-Type": JSON})
    assert (answered.status, answered.body) == (200, {"challenge": "3eZb"})


async def test_either_secret_is_taken_while_one_is_being_replaced(it: Stand) -> None:
    old = HttpApp(it.app._url, SECRETS[1], time.time)
    unknown = HttpApp(it.app._url, "another", time.time)
    body = challenge()
    for app, status in ((old, 200), (unknown, 401)):
        answered = await app.post(body, app.signed(body) | {"Content-Type": JSON})
        assert answered.status == status


async def test_what_is_refused_says_which_check_failed_and_does_nothing(it: Stand) -> None:
    message = await it.post()
    body = urlencode({"payload": json.dumps(it.ada.pressing(message, "Acknowledge"))}).encode()
    good = it.app.signed(body) | {"Content-Type": FORM}
    stale = it.app.signed(body, at=int(time.time()) - 301) | {"Content-Type": FORM}
    name = "X-Slack-Request-Timestamp"
    tries = {
        "missing header X-Slack-Signature": {name: good[name]},
        "missing header X-Slack-Request-Timestamp": {"Content-Type": FORM},
        "X-Slack-Request-Timestamp is more than 300 s from now": stale,
        "header X-Slack-Request-Timestamp: expected whole seconds": good | {name: "soon"},
        "header X-Slack-Signature: expected v0= and 64 hex digits": good
        | {"X-Slack-Signature": "v0=xyz"},
    }
    for says, headers in tries.items():
        answered = await it.app.post(body, headers)
        assert (answered.status, answered.text.strip()) == (401, says)
    changed = await it.app.post(body.replace(b"acknowledge", b"resolve"), good)
    other_bytes = await it.app.post(body + b"&", good)
    for answered in (changed, other_bytes):
        assert (answered.status, answered.text) == (401, "no configured signing secret matches\n")
    assert it.acts.told == []
    assert it.counted()["other", "no_secret_matches"] == 2
    assert it.counted()["other", "stale_timestamp"] == 1


async def test_a_request_that_is_played_again_is_one_act(it: Stand) -> None:
    message = await it.post()
    body = urlencode({"payload": json.dumps(it.ada.pressing(message, "Acknowledge"))}).encode()
    headers = it.app.signed(body) | {"Content-Type": FORM}
    assert [(await it.app.post(body, headers)).status for _ in range(2)] == [200, 200]
    first, second = it.acts.acts
    assert first == second


async def test_a_command_or_dialog_that_is_played_again_is_one_act_wherever_it_is(
    it: Stand,
) -> None:
    asked = Asked(Press.SILENCE, f"{INC}@3@{environment_hash('production'):016x}", "C0INC")
    values = {"for": {"for": {"selected_option": {"value": "3600000"}}}}
    dialog = {
        "type": "view_submission",
        "user": {"id": "U0ADA", "username": "ada", "team_id": "T0STORM"},
        "view": {**silence_view(asked), "state": {"values": values}},
    }
    command = {"command": "/stormfold", "user_id": "U0ADA", "user_name": "ada"}
    live, _, mail = outage_and_mail()
    async with stand() as other:
        for told in (urlencode(command | {"text": f"resolve {mail}"}), form(dialog)):
            body = told.encode()
            headers = it.app.signed(body) | {"Content-Type": FORM}
            for one in (it, other):
                one.live = live
                assert (await one.app.post(body, headers)).status == 200
        assert [type(one) for one in it.acts.acts] == [Resolve, AddSilence]
        assert it.acts.acts == other.acts.acts


def form(payload: Mapping[str, object]) -> str:
    return urlencode({"payload": json.dumps(payload)})


@pytest.mark.parametrize(
    ("body", "content", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"\xff", JSON, 400),
        (b"payload=%7B", FORM, 400),
        (b"payload=%ff", FORM, 400),
        (b"a=b", FORM, 400),
        (b"a=b&" * 100, FORM, 400),
        (b"[" * 100_000, JSON, 400),
        (b"x" * 300_000, JSON, 413),
        (b'{"type":"event_callback","event":{"type":"reaction_added"}}', JSON, 200),
        (b'{"type":"app_rate_limited"}', JSON, 200),
        (b"payload=%7B%22type%22%3A%22shortcut%22%7D", FORM, 200),
    ],
)
async def test_what_is_unknown_is_taken_and_counted_and_what_is_unreadable_is_refused(
    it: Stand, body: bytes, content: str, status: int
) -> None:
    answered = await it.app.post(body, it.app.signed(body) | {"Content-Type": content})
    assert answered.status == status
    words = {200: "ignored", 400: "unreadable", 413: "too_large"}
    assert it.counted() == {("other", words[status]): 1}


async def test_an_event_that_kafka_did_not_take_is_asked_for_again_and_done_once(it: Stand) -> None:
    message = await it.post()
    told = it.ada.mentioning("incidents", "ack", thread_ts=message.ts)
    it.acts.answer = Written.REFUSED
    assert (await it.app.send("events_api", told)).status == 503
    it.acts.answer = Written.YES
    assert (await it.app.send("events_api", told, retry=1)).status == 200
    assert (await it.app.send("events_api", told, retry=2)).status == 200
    first, second = it.acts.acts
    assert first == second
    assert isinstance(first, Acknowledge)
    assert first.subject == INC
    assert it.counted()["mention", "repeated"] == 1


async def test_the_address_is_there_only_where_slack_comes_back() -> None:
    async with SlackPeer(token=TOKEN, channels={"C0INC": "incidents"}) as slack:
        whole = settings_with(slack)
        intake = msgspec.structs.replace(
            whole.intake, secrets=(Secret("sentry-secret", place="test", environ={}),)
        )
        whole = msgspec.structs.replace(whole, intake=intake)
        for settings, status in (
            (whole, 401),
            (msgspec.structs.replace(whole, slack_in=None), 404),
            (settings_without_signing(whole), 404),
        ):
            app = make_app(settings, Metrics(), NoLog(), owned=MemoryActs())
            async with TestClient(TestServer(app)) as client:
                assert (await client.post("/slack", data=b"{}")).status == status


async def test_a_changed_configuration_takes_other_secrets_and_groups(it: Stand) -> None:
    body = challenge()
    signed = it.app.signed(body) | {"Content-Type": JSON}
    other = (Secret("other", place="test", environ={}),)
    it.door.prepare(settings_with(it.slack, signing_secrets=other, groups={"page": ()}))()
    assert (await it.app.post(body, signed)).status == 401
    it.door.prepare(settings_with(it.slack, groups={"page": ()}))()
    assert (await it.app.post(body, signed)).status == 200
    await it.ada.press(await it.post(), "Page the on-call")
    assert "nobody may page from Slack" in (await it.heard(it.ada))[0]


def changed(settings: Settings, *, token: str = TOKEN, legacy: str = "") -> Settings:
    """Return settings with another token of the bot, or a token of the legacy plugin."""
    slack, given = settings.sinks.slack, Secret(token, place="test", environ={})
    assert slack is not None
    tokens = (Secret(legacy, place="test", environ={}),) if legacy else ()
    return msgspec.structs.replace(
        settings,
        sinks=msgspec.structs.replace(
            settings.sinks, slack=msgspec.structs.replace(slack, token=given)
        ),
        intake=msgspec.structs.replace(settings.intake, secrets=(), legacy_tokens=tokens),
    )


@pytest.mark.parametrize("what", ["signing secret", "legacy token", "app token"])
async def test_what_cannot_be_taken_leaves_all_as_it_was(it: Stand, what: str) -> None:
    running = changed(settings_with(it.slack))
    app = make_app(running, Metrics(), NoLog(), None, it.acts)
    gone = (Secret("${NOT_THERE}", place="test", environ={}),)
    other: dict[str, object] = {"groups": {"page": ()}}
    if what == "signing secret":
        other["signing_secrets"] = gone
    elif what == "app token":
        other["app_token"] = Secret("xapp-other", place="test", environ={})
    refused = changed(
        settings_with(it.slack, **other),
        token="xoxb-other",
        legacy="too short" if what == "legacy token" else "",
    )
    async with TestClient(TestServer(app)) as client:
        with pytest.raises(SettingsError):
            await renew(app, refused)
        message = await it.post()
        for label in ("Page the on-call", "Acknowledge"):
            body = urlencode({"payload": json.dumps(it.ada.pressing(message, label))}).encode()
            headers = it.app.signed(body) | {"Content-Type": FORM}
            assert (await client.post("/slack", data=body, headers=headers)).status == 200
        assert [type(one) for one in it.acts.acts] == [PageNow, Acknowledge]
        assert len(await it.heard(it.ada, 2)) == 2
        assert {call.outcome for call in it.slack.calls} == {"ok"}
        await app[_SLACK].finish(5.0)


async def test_a_changed_configuration_is_looked_at_with(
    it: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    def at(bootstrap: str) -> Settings:
        settings = changed(settings_with(it.slack))
        kafka = msgspec.structs.replace(settings.kafka, bootstrap=bootstrap)
        return msgspec.structs.replace(settings, kafka=kafka)

    app = make_app(at("127.0.0.1:1"), Metrics(), NoLog(), None, it.acts)
    book = app[_SLACK].desk._book
    for bootstrap in ("127.0.0.1:1", "127.0.0.1:2"):
        await renew(app, at(bootstrap))
        caplog.clear()
        assert await book.live(within_s=60.0) is None
        assert f"the state cannot be read for Slack: Kafka at {bootstrap}" in caplog.text
    await app[_SLACK].finish(5.0)


class NoLog:
    """A log of events that gets none."""

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        raise AssertionError("no event comes here")

    async def ready(self) -> bool:
        return False


def settings_without_signing(settings: Settings) -> Settings:
    assert settings.slack_in is not None
    back = msgspec.structs.replace(settings.slack_in, signing_secrets=())
    return msgspec.structs.replace(settings, slack_in=back)


@given(st.binary(max_size=200), st.sampled_from([JSON, FORM, "text/plain", ""]))
def test_no_body_raises(body: bytes, content: str) -> None:
    got = decoded(content, body)
    assert got is None or got.kind in Kind

"""Socket Mode: the same desk behind a socket that is opened again whenever it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from correlators.acts import Acknowledge, act_id
from sinks.peers.slack_people import Person
from sinks.peers.slack_socket import SocketApp
from streams.intake_log import Written
from streams.slack_socket import SlackSocket
from tests.streams.slack_stand import INC, Stand, stand
from tests.streams.test_intake import until

APP_TOKEN = "xapp-1-A0STORM-test"


@asynccontextmanager
async def socketed(token: str = APP_TOKEN) -> AsyncIterator[tuple[Stand, SocketApp, Person]]:
    """Run a desk behind a socket before a local Slack."""
    async with stand(socket_token=APP_TOKEN) as it:
        app = it.sockets
        assert app is not None
        socket = SlackSocket(
            token=token,
            base_url=it.slack.base_url,
            desk=it.desk,
            metrics=it.metrics,
            first_pause_s=0.01,
        )
        socket.start()
        try:
            yield it, app, Person(it.slack, app.send, "U0ADA", "ada")
        finally:
            await socket.close()
            await app.close()


async def test_what_is_pressed_and_said_comes_over_the_socket_and_is_acknowledged() -> None:
    async with socketed() as (it, _, ada):
        message = await it.post()
        assert (await ada.press(message, "Acknowledge")).body == {}
        answered = await ada.command("help")
        assert "`/stormfold status [ID]`" in answered.body["text"]
        await ada.mention("incidents", "resolve", thread_ts=message.ts)
        assert [one.subject for one in it.acts.acts] == [INC, INC]
        assert it.counted() == {
            ("button", "acted"): 1,
            ("command", "answered"): 1,
            ("mention", "acted"): 1,
        }


async def test_a_dialog_is_answered_in_the_acknowledgement() -> None:
    async with socketed() as (it, _, ada):
        await ada.press(await it.post(), "Assign…")
        answered = await ada.submit(ada.modal(), {"text": {"text": {"value": "team-pay"}}})
        assert answered.body["response_action"] == "update"
        assert len(it.acts.acts) == 1


@pytest.mark.parametrize("how", ["refresh", "cut"])
async def test_a_socket_that_ends_is_opened_anew(how: str) -> None:
    async with socketed() as (it, app, ada):
        message = await it.post()
        await app.until(lambda: app.opened == 1)
        if how == "refresh":
            await app.refresh()
        else:
            app.cut()
        await app.until(lambda: app.opened == 2 and len(app.sockets) == 1)
        await ada.press(message, "Acknowledge")
        assert [type(one) for one in it.acts.acts] == [Acknowledge]


async def test_what_is_in_hand_when_slack_ends_a_socket_is_answered_by_it() -> None:
    async with socketed() as (it, app, ada):
        message = await it.post()
        it.acts.open.clear()
        pressing = asyncio.create_task(ada.press(message, "Acknowledge"))

        async def is_told() -> bool:
            return bool(it.acts.told)

        await until(is_told, "the act waits for Kafka")
        await app.sockets[0].send_json({"type": "disconnect", "reason": "warning"})
        await it.post()  # a call and its answer: the other has heard of the end by then
        it.acts.open.set()
        assert (await pressing).status == 200
        await app.until(lambda: app.opened == 2)


async def test_it_is_tried_until_slack_opens_it_and_no_token_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, logger="streams"):
        async with socketed() as (it, app, _):
            await app.until(lambda: app.opened == 1)
            await it.slack.stop_listening()
            await app.until(lambda: not app.sockets)
            await it.slack.listen()
            await app.until(lambda: len(app.sockets) == 1)
    said = [one.getMessage() for one in caplog.records if one.name.startswith("streams")]
    assert any("it is opened anew" in one for one in said)
    assert not any(APP_TOKEN in one or "ticket" in one for one in said)


async def test_a_wrong_token_opens_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="streams"):
        async with socketed("xapp-wrong") as (it, app, _):
            await it.slack.until(
                lambda: sum(one.method == "apps.connections.open" for one in it.slack.calls) >= 3
            )
            assert app.opened == 0
    said = [one.getMessage() for one in caplog.records if "app_token" in one.getMessage()]
    assert len(said) == 1


async def test_what_kafka_did_not_take_is_not_acknowledged_and_is_one_act_when_it_comes_again() -> (
    None
):
    async with socketed() as (it, app, ada):
        message = await it.post()
        told = ada.mentioning("incidents", "ack", thread_ts=message.ts)
        it.acts.answer = Written.LATE
        sending = asyncio.create_task(app.send("events_api", told))
        await ada._slack.until(lambda: len(ada.heard()) == 1)
        it.acts.answer = Written.YES
        answered = await app.send("events_api", told, retry=1)
        assert answered.status == 200
        first, second = it.acts.acts
        assert act_id(first) == act_id(second)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_envelopes_that_nobody_understands_are_acknowledged_and_counted() -> None:
    async with socketed() as (it, app, _):
        for kind in ("hello_again", "interactive", "events_api", "slash_commands"):
            assert (await app.send(kind, {})).status == 200
        assert it.counted()["other", "ignored"] == 3

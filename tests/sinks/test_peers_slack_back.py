"""The way back of the local Slack: dialogs, answers to one person, groups, as Slack has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sinks.peers.slack import SlackPeer

TOKEN = "xoxb-test"


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackPeer]:
    async with SlackPeer(token=TOKEN, channels={"C0OPS": "ops"}, clock=clock) as peer:
        yield peer


@pytest.fixture
def web(slack: SlackPeer) -> AsyncWebClient:
    return AsyncWebClient(token=TOKEN, base_url=slack.base_url, retry_handlers=[])


def modal(**changes: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Silence"},
        "blocks": [{"type": "divider"}],
        **changes,
    }


async def word_of(made: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await made
    return str(error.value.response["error"])


async def test_a_trigger_opens_one_dialog_and_only_at_once(
    slack: SlackPeer, web: AsyncWebClient, clock: Clock
) -> None:
    trigger = slack.back.trigger("U0ADA")
    opened = await web.views_open(trigger_id=trigger, view=modal())
    assert slack.back.views[opened["view"]["id"]].user == "U0ADA"
    assert await word_of(web.views_open(trigger_id=trigger, view=modal())) == "invalid_trigger_id"
    late = slack.back.trigger("U0ADA")
    clock.now += 3.1
    assert await word_of(web.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"title": None},
        {"type": "home"},
        {"private_metadata": "x" * 3_001},
        {"colour": "red"},
        {"blocks": [{"type": "sparkles"}]},
        {
            "blocks": [
                {
                    "type": "input",
                    "label": {"type": "plain_text", "text": "Why"},
                    "element": {"type": "plain_text_input", "action_id": "why"},
                }
            ]
        },
    ],
)
async def test_a_dialog_that_slack_does_not_take_is_refused(
    slack: SlackPeer, web: AsyncWebClient, wrong: dict[str, Any]
) -> None:
    trigger = slack.back.trigger("U0ADA")
    made = web.views_open(trigger_id=trigger, view=modal(**wrong))
    assert await word_of(made) == "invalid_arguments"
    assert slack.back.views == {}


async def test_a_dialog_is_replaced_while_it_is_open(slack: SlackPeer, web: AsyncWebClient) -> None:
    opened = await web.views_open(trigger_id=slack.back.trigger("U0ADA"), view=modal())
    id, hash = opened["view"]["id"], opened["view"]["hash"]
    await web.views_update(view_id=id, hash=hash, view=modal(callback_id="two"))
    assert slack.back.views[id].content["callback_id"] == "two"
    made = web.views_update(view_id=id, hash=hash, view=modal())
    assert await word_of(made) == "hash_conflict"
    slack.back.views[id].open = False
    assert await word_of(web.views_update(view_id=id, view=modal())) == "not_found"


async def test_an_address_takes_five_answers_in_half_an_hour(
    slack: SlackPeer, clock: Clock
) -> None:
    async with aiohttp.ClientSession() as session:

        async def answer(url: str) -> tuple[int, str]:
            async with session.post(url, json={"text": "done"}) as found:
                return found.status, await found.text()

        url = slack.response_url("C0OPS", "U0ADA")
        assert [await answer(url) for _ in range(6)] == [(200, "ok")] * 5 + [(404, "expired_url")]
        other = slack.response_url("C0OPS", "U0ADA")
        clock.now += 1_801
        assert await answer(other) == (404, "expired_url")
        assert await answer(f"{slack.origin}/actions/nobody") == (404, "invalid_url")
    assert [one.text for one in slack.back.ephemerals] == ["done"] * 5


async def test_groups_and_people_are_told_to_whoever_may_ask(
    slack: SlackPeer, web: AsyncWebClient
) -> None:
    slack.back.groups["S0CALL"] = ["U0ADA"]
    slack.back.names["U0ADA"] = "ada"
    assert (await web.usergroups_users_list(usergroup="S0CALL"))["users"] == ["U0ADA"]
    assert (await web.users_info(user="U0ADA"))["user"]["name"] == "ada"
    assert await word_of(web.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    assert await word_of(web.users_info(user="U0NONE")) == "user_not_found"
    slack.take_scope("usergroups:read")
    assert await word_of(web.usergroups_users_list(usergroup="S0CALL")) == "missing_scope"


async def test_what_one_person_is_told_nobody_else_sees(
    slack: SlackPeer, web: AsyncWebClient
) -> None:
    await web.chat_postEphemeral(channel="C0OPS", user="U0ADA", text="only you")
    assert [(one.user, one.text) for one in slack.back.ephemerals] == [("U0ADA", "only you")]
    assert slack.messages("ops") == []

"""The local Slack's methods, states and errors, as its pages document them."""

from __future__ import annotations

from typing import Any

import pytest

from sinks.peers.slack import SlackPeer
from tests.sinks.conftest import TOKEN
from tests.sinks.peer_calls import CHANNELS, Clock, ask, call, post, send_webhook


def peer_of(**how: Any) -> SlackPeer:
    return SlackPeer(token=TOKEN, **{"channels": CHANNELS, "burst": 20, **how})


async def test_a_reply_can_be_shown_in_the_channel_too() -> None:
    async with peer_of() as peer:
        ts = (await post(peer))["ts"]
        silent = await post(peer, thread_ts=ts)
        shown = await post(peer, thread_ts=ts, reply_broadcast=True)
        assert "subtype" not in silent["message"]
        assert shown["message"]["subtype"] == "thread_broadcast"
        told = await ask(peer, "conversations.history")
        assert [one["ts"] for one in told["messages"]] == [shown["ts"], ts]
        root = told["messages"][1]
        assert (root["reply_count"], root["latest_reply"]) == (2, shown["ts"])
        assert [one.ts for one in peer.shown("incidents")] == [ts, shown["ts"]]
        assert [one.ts for one in peer.posts("incidents")] == [ts]


async def test_broadcast_without_a_thread_is_an_ordinary_message() -> None:
    async with peer_of() as peer:
        told = await post(peer, reply_broadcast=True)
        assert "subtype" not in told["message"]


async def test_a_reply_to_a_reply_stands_in_the_thread_of_the_first_message() -> None:
    async with peer_of() as peer:
        ts = (await post(peer))["ts"]
        below = (await post(peer, thread_ts=ts))["ts"]
        assert (await post(peer, thread_ts=below))["message"]["thread_ts"] == ts


async def test_pages_follow_one_another_by_cursor_and_miss_nothing() -> None:
    async with peer_of() as peer:
        sent = [(await post(peer))["ts"] for _ in range(7)]
        found: list[str] = []
        cursor = ""
        while True:
            told = await ask(peer, "conversations.history", limit=3, cursor=cursor)
            found += [one["ts"] for one in told["messages"]]
            cursor = told["response_metadata"]["next_cursor"]
            assert told["has_more"] is bool(cursor)
            if not cursor:
                break
        assert found == sent[::-1]
        between = await ask(peer, "conversations.history", oldest=sent[1], latest=sent[4])
        assert [one["ts"] for one in between["messages"]] == [sent[3], sent[2]]
        with_ends = await ask(
            peer, "conversations.history", oldest=sent[1], latest=sent[4], inclusive=True
        )
        assert len(with_ends["messages"]) == 4


async def test_history_can_lag_behind_what_was_written() -> None:
    clock = Clock()
    async with peer_of(clock=clock) as peer:
        peer.lag_history(3.0)
        ts = (await post(peer))["ts"]
        assert (await ask(peer, "conversations.history"))["messages"] == []
        clock.now += 3.0
        assert [one["ts"] for one in (await ask(peer, "conversations.history"))["messages"]] == [ts]


async def test_an_edit_keeps_metadata_and_takes_blocks_away_where_only_text_is_given() -> None:
    metadata = {"event_type": "a_b", "event_payload": {"id": "1"}}
    blocks = [{"type": "divider"}]
    async with peer_of() as peer:
        ts = (await post(peer, metadata=metadata, blocks=blocks))["ts"]
        await ask(peer, "chat.update", ts=ts, text="only text")
        (message,) = peer.posts("incidents")
        assert (message.text, message.blocks, message.metadata) == ("only text", [], metadata)
        assert message.edits == 1


async def test_only_our_own_messages_can_be_edited_and_deleted_and_only_in_time() -> None:
    clock = Clock()
    async with peer_of(clock=clock) as peer:
        theirs = peer.say("incidents", "on it")
        assert (await ask(peer, "chat.update", ts=theirs, text="x"))["error"] == (
            "cant_update_message"
        )
        assert (await ask(peer, "chat.delete", ts=theirs))["error"] == "cant_delete_message"
        ours = (await post(peer))["ts"]
        peer.close_edits(60.0)
        assert (await ask(peer, "chat.update", ts=ours, text="x"))["ok"]
        clock.now += 61.0
        assert (await ask(peer, "chat.update", ts=ours, text="x"))["error"] == "edit_window_closed"
        assert (await ask(peer, "chat.delete", ts=ours))["ok"]
        assert (await ask(peer, "chat.delete", ts=ours))["error"] == "message_not_found"
        told = await ask(peer, "chat.update", text="x")
        assert told["error"] == "invalid_arguments"
        assert told["response_metadata"]["messages"] == ["[ERROR] missing required field: ts"]


async def test_a_message_has_an_address_and_takes_a_reaction_once() -> None:
    async with peer_of() as peer:
        ts = (await post(peer))["ts"]
        told = await ask(peer, "chat.getPermalink", message_ts=ts)
        assert told["permalink"].endswith(f"/archives/C0INC/p{ts.replace('.', '')}")
        assert (await ask(peer, "reactions.add", timestamp=ts, name="eyes"))["ok"]
        again = await ask(peer, "reactions.add", timestamp=ts, name="eyes")
        assert again["error"] == "already_reacted"
        (message,) = (await ask(peer, "conversations.history"))["messages"]
        assert message["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]


async def test_a_long_text_becomes_several_messages_and_one_with_blocks_does_not() -> None:
    async with peer_of() as peer:
        await post(peer, text="x" * 9_000)
        assert [len(one.text) for one in peer.posts("incidents")] == [4_000, 4_000, 1_000]
        await post(peer, text="x" * 9_000, blocks=[{"type": "divider"}])
        assert len(peer.posts("incidents")) == 4


async def test_calls_may_be_json_form_or_query() -> None:
    metadata = '{"event_type": "a_b", "event_payload": {}}'
    async with peer_of() as peer:
        _, told, _ = await call(
            peer, "chat.postMessage", verb="FORM", channel="C0INC", text="x", metadata=metadata
        )
        assert told["message"]["metadata"]["event_type"] == "a_b"
        _, told, _ = await call(
            peer, "chat.postMessage", verb="FORM", token="", channel="C0INC", text="x"
        )
        assert told["error"] == "not_authed"
        _, told, _ = await call(peer, "chat.getPermalink", verb="GET", channel="C0INC")
        assert told["error"] == "message_not_found"
        assert (await ask(peer, "chat.postMessage", channel=""))["error"] == "invalid_arguments"
        assert TOKEN not in repr(peer.calls)


STATES: dict[str, Any] = {
    "is_archived": lambda peer: peer.archive("incidents"),
    "channel_not_found": lambda peer: peer.delete_channel("incidents"),
    "not_in_channel": lambda peer: peer.remove_bot("incidents"),
    "token_revoked": lambda peer: peer.revoke_token(),
    "account_inactive": lambda peer: peer.deactivate(),
    "missing_scope": lambda peer: peer.take_scope("chat:write"),
    "restricted_action": lambda peer: peer.restrict("incidents"),
    "restricted_action_thread_only_channel": lambda peer: peer.restrict(
        "incidents", "restricted_action_thread_only_channel"
    ),
}


@pytest.mark.parametrize("error", STATES)
async def test_a_state_that_is_switched_refuses_with_slacks_own_word(error: str) -> None:
    async with peer_of() as peer:
        ts = (await post(peer))["ts"]
        STATES[error](peer)
        told = await post(peer)
        assert (told["ok"], told["error"]) == (False, error)
        if error == "missing_scope":
            assert told["needed"] == "chat:write"
            assert "channels:history" in told["provided"]
        reply = await post(peer, thread_ts=ts)
        assert reply["ok"] is (error == "restricted_action_thread_only_channel")


async def test_a_channel_that_is_renamed_is_found_by_its_id_and_its_new_name_only() -> None:
    async with peer_of() as peer:
        peer.rename("incidents", "outages")
        assert (await post(peer, channel="#incidents"))["error"] == "channel_not_found"
        assert (await post(peer, channel="#outages"))["ok"]
        assert (await post(peer, channel="C0INC"))["ok"]
        assert (await ask(peer, "conversations.info"))["channel"]["name"] == "outages"
        assert (await ask(peer, "conversations.history", channel="#outages"))["error"] == (
            "channel_not_found"
        )


async def test_a_private_channel_is_unknown_to_who_is_not_in_it() -> None:
    channels = {"C0INC": "incidents", "G0SEC": "secret"}
    async with peer_of(channels=channels, private=["G0SEC"]) as peer:
        both = "public_channel,private_channel"
        told = await ask(peer, "conversations.list", types=both)
        assert [one["id"] for one in told["channels"]] == ["C0INC", "G0SEC"]
        assert len((await ask(peer, "conversations.list"))["channels"]) == 1
        peer.take_scope("groups:history")
        told = await ask(peer, "conversations.history", channel="G0SEC")
        assert (told["error"], told["needed"]) == ("missing_scope", "groups:history")
        peer.remove_bot("secret")
        assert (await post(peer, channel="G0SEC"))["error"] == "channel_not_found"
        assert len((await ask(peer, "conversations.list", types=both))["channels"]) == 1
        peer.remove_bot("incidents")
        assert (await post(peer))["error"] == "not_in_channel"
        assert (await ask(peer, "conversations.join"))["ok"]
        assert (await post(peer))["ok"]


async def test_what_cannot_be_read_is_refused() -> None:
    async with peer_of() as peer:
        for args, error in (
            ({"limit": "many"}, "invalid_limit"),
            ({"cursor": "here"}, "invalid_cursor"),
            ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ):
            assert (await ask(peer, "conversations.history", **args))["error"] == error
        assert (await ask(peer, "chat.sing"))["error"] == "unknown_method"
        assert (await ask(peer, "conversations.replies", ts="1.1"))["error"] == "thread_not_found"


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        (
            {"event_type": "a", "event_payload": {"deep": {"er": {"x": 1}}}},
            "invalid_metadata_schema",
        ),
        ({"event_type": "a", "event_payload": {"none": None}}, "invalid_metadata_schema"),
        ({"event_type": "a", "event_payload": {"x": "y" * 9_000}}, "metadata_too_large"),
        ({"event_type": "a", "event_payload": {}, "more": 1}, "invalid_metadata_format"),
    ],
)
async def test_metadata_is_flat_and_small(metadata: dict[str, Any], error: str) -> None:
    async with peer_of() as peer:
        assert (await post(peer, metadata=metadata))["error"] == error


async def test_a_workspace_takes_so_many_messages_a_minute_in_all_channels() -> None:
    channels = {f"C{n:03}": f"c{n}" for n in range(61)}
    async with peer_of(channels=channels, burst=10, clock=Clock()) as peer:
        words = [
            (await post(peer, channel=f"C{n // 10:03}")).get("error", "ok") for n in range(601)
        ]
        assert words == ["ok"] * 600 + ["message_limit_exceeded"]


async def test_a_webhook_says_ok_and_nothing_more() -> None:
    clock = Clock()
    async with SlackPeer(token=TOKEN, channels=CHANNELS, burst=1, clock=clock) as peer:
        url = peer.webhook_url("incidents")
        assert await send_webhook(url, {"text": "hello"}) == (200, "ok")
        status, text = await send_webhook(url, {"text": "too soon"})
        assert (status, text) == (429, '{"retry_after": 1, "ok": false, "error": "rate_limited"}')
        assert [one.text for one in peer.posts("incidents")] == ["hello"]
        assert url.rpartition("/")[2] not in repr(peer.calls)


@pytest.mark.parametrize(
    ("switch", "body", "expected"),
    [
        (None, b"hello", (400, "invalid_payload")),
        (None, {"text": ""}, (400, "no_text")),
        (None, {"blocks": [{"type": "carousel"}]}, (400, "invalid_blocks")),
        (lambda peer: peer.archive("incidents"), {"text": "x"}, (410, "channel_is_archived")),
        (lambda peer: peer.delete_channel("C0INC"), {"text": "x"}, (404, "channel_not_found")),
        (lambda peer: peer.close_webhook("incidents"), {"text": "x"}, (404, "no_service")),
        (
            lambda peer: peer.close_webhook("incidents", "action_prohibited"),
            {"text": "x"},
            (403, "action_prohibited"),
        ),
    ],
)
async def test_a_webhook_refuses_in_plain_words(
    switch: Any, body: bytes | dict[str, Any], expected: tuple[int, str]
) -> None:
    async with peer_of() as peer:
        url = peer.webhook_url("incidents")
        if switch is not None:
            switch(peer)
        assert await send_webhook(url, body) == expected
        assert (await send_webhook(url[:-4], body))[0] in (400, 404)

"""The local services keep the documented rules; virtual time where a rate is checked."""

from __future__ import annotations

from typing import Any

import pytest

from sinks.peers import drawn
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from tests.sinks.conftest import KEY, TOKEN
from tests.sinks.peer_calls import CHANNELS, PAYLOAD, Clock, call, enqueue, post


async def test_tokens_are_checked() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        for token, error in (("", "not_authed"), ("xoxb-other", "invalid_auth")):
            _, told, _ = await call(peer, "auth.test", token=token)
            assert told == {"ok": False, "error": error}
        _, told, _ = await call(peer, "auth.test")
        assert told["ok"]


async def test_a_channel_takes_one_message_a_second_and_says_when_to_come_back() -> None:
    clock = Clock()
    async with SlackPeer(token=TOKEN, channels=CHANNELS, burst=2, clock=clock) as peer:
        assert [(await post(peer))["ok"] for _ in range(3)] == [True, True, False]
        status, told, headers = await call(
            peer, "chat.postMessage", channel="C0INC", text="inside the penalty"
        )
        assert (status, told["error"], headers["Retry-After"]) == (429, "ratelimited", "1")
        assert len(peer.violations) == 1
        clock.now += 1.0
        assert (await post(peer))["ok"]
        assert len(peer.violations) == 1


async def test_a_workspace_takes_50_edits_a_minute() -> None:
    clock = Clock()
    async with SlackPeer(token=TOKEN, channels=CHANNELS, clock=clock) as peer:
        ts = (await post(peer))["ts"]
        edits = [
            (await call(peer, "chat.update", channel="C0INC", ts=ts, text="x"))[0]
            for _ in range(51)
        ]
        assert edits == [200] * 50 + [429]


async def test_ts_is_unique_and_only_goes_up() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS, clock=Clock(), burst=20) as peer:
        times = [(await post(peer))["ts"] for _ in range(20)]
        assert times == sorted(set(times))


async def test_a_reply_whose_parent_is_gone_stands_in_the_channel() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        ts = (await post(peer))["ts"]
        below = await post(peer, thread_ts=ts)
        assert below["message"]["thread_ts"] == ts
        peer.delete("incidents", ts)
        alone = await post(peer, thread_ts=ts)
        assert alone["ok"]
        assert "thread_ts" not in alone["message"]


async def test_history_tells_metadata_only_when_asked_newest_first_and_no_replies() -> None:
    metadata = {"event_type": "a_b", "event_payload": {"id": "1"}}
    async with SlackPeer(token=TOKEN, channels=CHANNELS, burst=5) as peer:
        first = (await post(peer, metadata=metadata))["ts"]
        second = (await post(peer))["ts"]
        await post(peer, thread_ts=first)
        _, told, _ = await call(peer, "conversations.history", verb="GET", channel="C0INC")
        assert [one["ts"] for one in told["messages"]] == [second, first]
        assert "metadata" not in told["messages"][1]
        _, told, _ = await call(
            peer, "conversations.history", verb="GET", channel="C0INC", include_all_metadata="1"
        )
        assert told["messages"][1]["metadata"] == metadata
        _, told, _ = await call(
            peer, "conversations.replies", verb="GET", channel="C0INC", ts=first
        )
        assert len(told["messages"]) == 2


async def test_metadata_under_a_dotted_name_is_silently_dropped() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        await post(peer, metadata={"event_type": "a.b", "event_payload": {}})
        assert peer.messages("incidents")[0].metadata is None


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"blocks": [SECTION] * 51}, "invalid_blocks"),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]},
            "invalid_blocks",
        ),
        (
            {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
        ),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}] * 5},
            "msg_blocks_too_long",
        ),
        ({"blocks": [{"type": "carousel"}]}, "invalid_blocks"),
        ({"blocks": "unreadable"}, "invalid_blocks_format"),
        ({"text": "", "blocks": None}, "no_text"),
        ({"channel": "C0NONE"}, "channel_not_found"),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
async def test_what_slack_refuses_is_refused(args: dict[str, Any], error: str) -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        assert (await post(peer, **args))["error"] == error
        assert peer.messages("incidents") == []


async def test_a_text_too_long_is_cut_in_a_post_and_refused_in_an_edit() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        told = await post(peer, text="x" * 40_001)
        assert told["response_metadata"]["warnings"] == ["message_truncated"]
        _, told, _ = await call(
            peer, "chat.update", channel="C0INC", ts=told["ts"], text="x" * 4_001
        )
        assert told["error"] == "msg_too_long"


async def test_alerts_live_under_their_dedup_key() -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        await enqueue(peer, event_action="resolve", dedup_key="d")
        assert peer.dropped == [("resolve", "d")]
        for _ in range(2):
            assert (await enqueue(peer, dedup_key="d", payload=PAYLOAD))[0] == 202
        assert [one.triggers for one in peer.pages] == [2]
        await enqueue(peer, event_action="resolve", dedup_key="d")
        await enqueue(peer, dedup_key="d", payload=PAYLOAD)
        assert len(peer.pages) == 2
        assert len(peer.open_alerts()) == 1


async def test_a_key_takes_120_calls_in_any_minute() -> None:
    clock = Clock()
    async with PagerDutyPeer(routing_keys=[KEY], clock=clock) as peer:
        statuses = [(await enqueue(peer, dedup_key="d", payload=PAYLOAD))[0] for _ in range(121)]
        assert statuses == [202] * 120 + [429]
        clock.now += 60.0
        assert (await enqueue(peer, dedup_key="d", payload=PAYLOAD))[0] == 202


@pytest.mark.parametrize(
    "event",
    [
        {"payload": PAYLOAD, "routing_key": "short"},
        {"payload": {**PAYLOAD, "severity": "loud"}},
        {"payload": {**PAYLOAD, "summary": "x" * 1_025}},
        {"payload": {**PAYLOAD, "source": ""}},
        {"payload": PAYLOAD, "dedup_key": "x" * 256},
        {"payload": {**PAYLOAD, "links": []}},
        {"event_action": "resolve"},
        {"event_action": "sing", "payload": PAYLOAD},
        {},
    ],
)
async def test_what_pagerduty_refuses_is_refused(event: dict[str, Any]) -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        assert (await enqueue(peer, **event))[0] == 400
        assert peer.pages == []


async def test_an_event_over_512_kb_is_too_large() -> None:
    details = {"custom_details": {"x": "y" * 600_000}}
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        assert (await enqueue(peer, payload={**PAYLOAD, **details}))[0] == 413
        assert peer.alerts == []


async def test_a_drawn_channel_is_one_page_without_any_foreign_markup() -> None:
    text = "*bold* <https://a.test/?x=1&amp;y=2|a *link*> `co*de` &lt;script&gt; <!date^0^{date}|x>"
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "A &lt;b&gt; & c"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "divider"},
    ]
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        ts = (await post(peer, blocks=blocks))["ts"]
        await post(peer, thread_ts=ts, text="<!channel> <script>alert(1)</script>")
        page = drawn.html_page(peer, "incidents")
        (message,) = peer.posts("incidents")
        lines = drawn.terminal(message, replies=peer.replies("incidents", ts), width=40)
    assert "<script" not in page
    assert "<b>bold</b>" in page
    assert '<a href="https://a.test/?x=1&amp;y=2" rel="noreferrer">a *link*</a>' in page
    assert "<code>co*de</code>" in page
    assert "January 1, 1970" in page
    assert "1 reply" in page
    assert "│ A <b> & c" in lines
    assert max(len(line) for line in lines.split("\n")) <= 42


async def test_a_drawn_channel_shows_mentions_people_and_replies_that_are_shown_there_too() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS, burst=5) as peer:
        ts = (await post(peer, text="<!subteam^S123|@payments> <@U456> <#C789|ops> <!here>"))["ts"]
        await post(peer, thread_ts=ts, text="it grows", reply_broadcast=True)
        peer.say("incidents", "looking", user="kim", thread_ts=ts)
        await call(peer, "reactions.add", channel="C0INC", timestamp=ts, name="eyes")
        page = drawn.html_page(peer, "incidents")
        (message,) = peer.posts("incidents")
        lines = drawn.terminal(message)
    for said in ("@payments", "@U456", "#ops", "@here"):
        assert f'<span class="at">{said}</span>' in page
        assert said in lines
    assert page.count("it grows") == 2
    assert page.count("replied to a thread") == 1
    assert "<b>kim</b>" in page
    assert ":eyes: 1" in page


async def test_a_drawn_channel_calls_people_by_their_names() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        peer.back.names["U0ADA"] = "ada <b>"
        peer.say("incidents", "<@U0BOT> ask <@U0ADA>, not <@U0BEN>", user="U0ADA")
        page = drawn.html_page(peer, "incidents")
    assert "<b>ada &lt;b&gt;</b>" in page
    for said in ("@Stormfold", "@U0BEN"):
        assert f'<span class="at">{said}</span>' in page
    assert "U0ADA" not in page

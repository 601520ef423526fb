"""Local Teams workflows keep the documented rules of the real ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.peers.drawn_cards import card_html
from sinks.peers.teams import HIDDEN, Posted, TeamsPeer, secret_of
from sinks.peers.teams_rules import _BELOW, _KINDS, MESSAGE_BYTES, cards_of, text_of
from tests.sinks.played import Clock

TEXT = {"type": "TextBlock", "text": "hello", "wrap": True}
CARD = {"type": "AdaptiveCard", "version": "1.4", "body": [TEXT]}


def message(*cards: Any) -> dict[str, Any]:
    kind = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": kind, "content": one} for one in cards],
    }


@pytest.fixture
async def peer(clock: Clock) -> AsyncIterator[TeamsPeer]:
    async with TeamsPeer(workflows=["shop", "ops"], clock=clock) as made:
        yield made


async def post(url: str, body: Any) -> tuple[int, str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with aiohttp.ClientSession() as http, http.post(url, data=raw) as answer:
        return answer.status, await answer.text()


async def test_a_card_is_posted_and_answered_with_nothing(peer: TeamsPeer) -> None:
    assert await post(peer.workflow_url("shop"), message(CARD)) == (202, "")
    (posted,) = peer.cards("shop")
    assert (posted.card, posted.text) == (CARD, "hello")
    assert peer.cards("ops") == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"text": "hello"}, "attachments is of type 'Null', an array is expected"),
        ({"attachments": []}, "there is no attachment"),
        ({"attachments": "x"}, "attachments is of type 'str', an array is expected"),
        (message({"type": "MessageCard"}), "Property 'type' must be 'AdaptiveCard'"),
        (message({**CARD, "version": "1.6"}), "version '1.6' is not one that Teams draws"),
        (message({**CARD, "body": [{"type": "TextBlock"}]}), "TextBlock without text"),
        (message({**CARD, "body": [{**TEXT, "weight": "Bold"}]}), "TextBlock.weight is 'Bold'"),
        (message({**CARD, "body": [{**TEXT, "wraps": True}]}), "TextBlock knows no wraps"),
        (message({**CARD, "body": []}), "an empty card"),
        (
            message({**CARD, "actions": [{"type": "Action.OpenUrl", "url": "javascript:x"}]}),
            "Action.OpenUrl.url is no address",
        ),
        (
            message({**CARD, "actions": [{"type": "Action.OpenUrl", "url": "https://x"}] * 7}),
            "more than 6 actions",
        ),
    ],
)
async def test_what_cannot_be_posted_is_answered_as_if_it_were(
    peer: TeamsPeer, body: Any, why: str
) -> None:
    assert await post(peer.workflow_url("shop"), body) == (202, "")
    assert peer.posted == []
    assert peer.failed == [("shop", why)]


async def test_an_address_opens_with_its_signature_alone(peer: TeamsPeer) -> None:
    url = peer.workflow_url("shop")
    for wrong, status in (
        (url.replace("sig=", "sig=x"), 401),
        (url.partition("?")[0], 401),
        (url.replace("/workflows/", "/workflows/0"), 404),
    ):
        assert (await post(wrong, message(CARD)))[0] == status
    assert peer.posted == []
    assert secret_of("shop") in url
    assert secret_of("shop") not in repr(peer.calls)


async def test_states_are_refused_in_the_words_of_the_service(peer: TeamsPeer) -> None:
    url = peer.workflow_url("shop")
    peer.turn_off("shop")
    status, text = await post(url, message(CARD))
    assert (status, json.loads(text)["error"]["code"]) == (400, "WorkflowTriggerIsNotEnabled")
    peer.turn_on("shop")
    peer.renew("shop")
    assert (await post(url, message(CARD)))[0] == 401
    assert (await post(peer.workflow_url("shop"), message(CARD)))[0] == 202
    peer.give_back("shop")
    peer.delete_workflow("shop")
    status, text = await post(url, message(CARD))
    assert (status, json.loads(text)["error"]["code"]) == (404, "WorkflowNotFound")
    peer.restore_workflow("shop")
    assert (await post(url, message(CARD)))[0] == 202


async def test_sizes_and_what_is_no_json(peer: TeamsPeer) -> None:
    url = peer.workflow_url("shop")
    assert (await post(url, b"{"))[0] == 400
    assert (await post(url, message(CARD, CARD)))[0] == 202
    big = message({**CARD, "body": [{**TEXT, "text": "x" * MESSAGE_BYTES}]})
    assert (await post(url, big))[0] == 413
    assert len(peer.posted) == 2


async def test_four_in_a_second_and_sixty_in_thirty_are_taken(
    peer: TeamsPeer, clock: Clock
) -> None:
    url = peer.workflow_url("shop")
    statuses = [(await post(url, message(CARD)))[0] for _ in range(5)]
    assert statuses == [202] * 4 + [429]
    assert (await post(peer.workflow_url("ops"), message(CARD)))[0] == 202
    for _ in range(28):  # the first two come while the four still count
        clock.now_ms += 500
        await post(url, message(CARD))
        await post(url, message(CARD))
    clock.now_ms += 1_000
    statuses = [(await post(url, message(CARD)))[0] for _ in range(3)]
    assert statuses == [202, 202, 429]
    peer.hides_limits = True
    assert await post(url, message(CARD)) == (200, HIDDEN)
    clock.now_ms += 31_000
    assert (await post(url, message(CARD)))[0] == 202


WORDS = st.sampled_from(sorted({*_KINDS, *_BELOW, "type", "text", "facts", "version", "1.4"}))
VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_comes_is_a_card_or_a_reason(value: Any) -> None:
    cards, problem = cards_of(message(value if isinstance(value, dict) else CARD | {"body": value}))
    assert bool(cards) != bool(problem)
    text_of(value)
    for one in cards:
        card_html(Posted(0.0, "shop", one, text_of(one)))


def test_a_drawn_card_shows_its_text_and_runs_none_of_it() -> None:
    run = {"type": "TextRun", "text": "<script>x</script>", "weight": "Bolder"}
    card = {**CARD, "body": [{"type": "RichTextBlock", "inlines": [run]}]}
    drawn = card_html(Posted(0.0, "shop", card, ""))
    assert "<b>&lt;script&gt;x&lt;/script&gt;</b>" in drawn
    assert "<script" not in drawn

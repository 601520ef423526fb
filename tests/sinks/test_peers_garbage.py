"""Whatever is sent to a local service, it answers as a service: it never breaks itself."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rules import change_errors, event_errors
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_blocks import PROPERTIES, blocks_problems
from sinks.peers.slack_elements import ACCESSORIES
from sinks.peers.slack_rules import content_error, metadata_error
from tests.sinks.conftest import KEY, TOKEN
from tests.sinks.peer_calls import CHANNELS

NAMES = st.sampled_from(
    [
        "type",
        "text",
        "fields",
        "accessory",
        "elements",
        "block_id",
        "action_id",
        "url",
        "value",
        "style",
        "confirm",
        "options",
        "title",
        "deny",
        "alt_text",
        "image_url",
        "rows",
        "label",
        "element",
        "event_type",
        "event_payload",
        "payload",
        "summary",
        "source",
        "severity",
        "event_action",
        "dedup_key",
        "links",
        "images",
        "href",
        "src",
        "routing_key",
        "blocks",
    ]
)
WORDS = st.sampled_from([*PROPERTIES, *ACCESSORIES, "mrkdwn", "plain_text", "trigger", "resolve"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)


@given(st.lists(VALUES, max_size=3) | VALUES)
def test_any_value_as_blocks_is_taken_or_refused_with_a_place(blocks: Any) -> None:
    error, lines = blocks_problems(blocks)
    assert error in ("", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")
    assert bool(lines) is (error == "invalid_blocks")
    assert [one for one in lines if "[json-pointer:/blocks" not in one] == []


@given(st.text(max_size=3), VALUES, VALUES, VALUES)
def test_any_value_as_a_message_has_an_error_or_none(
    text: str, blocks: Any, attachments: Any, metadata: Any
) -> None:
    assert isinstance(content_error(text, blocks, attachments)[0], str)
    assert isinstance(metadata_error(metadata), str)


@given(OBJECTS)
def test_any_object_as_an_event_has_errors_in_words(event: dict[str, Any]) -> None:
    for found in (event_errors(event), change_errors(event)):
        assert "" not in found


BODIES = [
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b"null",
    b'"x"',
    b'{"channel": ["C0INC"], "text": {"a": 1}, "blocks": 3, "limit": [1], "cursor": {}}',
    b'{"channel": "C0INC", "text": "x", "metadata": [], "attachments": [[]], "ts": []}',
    b'{"event_action": [], "payload": [], "routing_key": {}, "dedup_key": []}',
    b"text=%ff&channel=C0INC&blocks=%5B",
]
KINDS = ["application/json", "application/x-www-form-urlencoded", "text/plain"]


@pytest.mark.parametrize("kind", KINDS)
async def test_any_body_is_answered(kind: str) -> None:
    async with (
        SlackPeer(token=TOKEN, channels=CHANNELS) as slack,
        PagerDutyPeer(routing_keys=[KEY]) as pager,
        aiohttp.ClientSession(
            headers={"Content-Type": kind, "Authorization": f"Bearer {TOKEN}"}
        ) as session,
    ):
        methods = ("chat.postMessage", "chat.update", "conversations.history", "reactions.add")
        urls = [slack.base_url + one for one in (*methods, "conversations.list")]
        urls += [slack.webhook_url("incidents"), f"{pager.base_url}/v2/enqueue"]
        urls += [f"{pager.base_url}/v2/change/enqueue"]
        for url in urls:
            for body in BODIES:
                async with session.post(url, data=body) as answer:
                    assert answer.status < 500, (url, body[:60])

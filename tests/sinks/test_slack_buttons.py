"""The buttons below a digest: what it has, what they carry, and that Slack takes them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import Digest, DigestKind
from sinks.base import Step
from sinks.peers.drawn import terminal
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_blocks import blocks_problems
from sinks.slack import SlackSink
from sinks.slack_buttons import About, Press, about, bar, environment_hash, pressed
from streams.agents.batches import target_of
from tests.sinks.conftest import TOKEN
from tests.sinks.drive import Driver
from tests.sinks.hostile import any_digest
from tests.sinks.make import attempt, digest

INC = "inc-4bb0c3f1a2d95e77"


def labels(of: Digest) -> list[str]:
    found: list[str] = []
    for block in bar(of):
        for one in block["elements"]:
            if one["type"] == "overflow":
                found.append("/".join(option["text"]["text"] for option in one["options"]))
            else:
                found.append(one["text"]["text"])
    return found


def changed(**values: Any) -> Digest:
    return msgspec.structs.replace(digest(id=INC), **values)


def test_an_open_storm_has_all_of_them_the_rare_ones_in_a_menu() -> None:
    assert labels(changed()) == [
        "Acknowledge",
        "Silence…",
        "Assign…",
        "Page the on-call",
        "Resolve",
        "Open in Sentry",
        "Why?/Not part of this…/Merge into…/False alarm",
    ]


def test_what_it_has_follows_its_state() -> None:
    assert labels(changed(acked_by="ada"))[0] == "Give back"
    assert "Page the on-call" not in labels(changed(paged=True))
    assert "Open in Sentry" not in labels(changed(url="javascript:alert(1)"))
    assert labels(changed(kind=DigestKind.REMINDER)) == ["Acknowledge", "Silence…"]
    assert bar(changed(kind=DigestKind.ISSUE_TROUBLE)) == []
    joined = changed(kind=DigestKind.JOINED, storm=False)
    assert labels(joined) == ["Not part of this…", "Open in Sentry", "Why?"]


def test_what_is_over_has_only_why_and_the_way_to_sentry() -> None:
    assert labels(changed(resolved=True)) == ["Open in Sentry", "Why?"]
    assert labels(changed(resolved=True, url="")) == ["Why?"]


@pytest.mark.parametrize(
    "kind", [DigestKind.ROLLUP, DigestKind.REPORT, DigestKind.DEPLOY, DigestKind.SPIKE]
)
def test_what_is_no_incident_has_none(kind: DigestKind) -> None:
    assert bar(changed(kind=kind)) == []


def test_a_press_says_what_its_message_was_about_and_where_it_belongs() -> None:
    (block,) = bar(changed(revision=7, environment="prod"))
    ack = block["elements"][0]
    it = About(INC, 7, environment_hash("prod"))
    assert pressed(ack["action_id"], ack["value"]) == (Press.ACKNOWLEDGE, it)
    menu = block["elements"][-1]
    chosen = menu["options"][-1]["value"]
    assert pressed(menu["action_id"], "", chosen) == (Press.FALSE_ALARM, it)
    assert it.environment % 4 == target_of("prod", 4)


@given(any_digest())
def test_slack_takes_the_buttons_of_every_digest(one: Digest) -> None:
    made = bar(one)
    assert blocks_problems([{"type": "divider"}, *made]) == ("", [])
    for block in made:
        for element in block["elements"]:
            values = [element.get("value")] + [o["value"] for o in element.get("options", [])]
            assert all(len(value) <= 150 for value in values if value is not None)


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_what_others_sent_is_no_press_of_ours(action: str, value: str, option: str) -> None:
    assert pressed(action, value, option) is None
    assert pressed("stormfold." + action, "x" + value, option) is None or value


@given(
    st.from_regex(r"[A-Za-z0-9_.:-]{1,80}", fullmatch=True),
    st.integers(0, 999_999_999),
    st.integers(0, 2**64 - 1),
)
def test_a_value_is_read_as_it_was_written(id: str, revision: int, environment: int) -> None:
    it = About(id, revision, environment)
    assert about(it.value) == it
    assert len(it.value) < 150


async def test_messages_have_buttons_only_where_somebody_takes_what_is_pressed(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    pressable = SlackSink(
        token=TOKEN,
        channels={"incidents": "#incidents"},
        buttons=True,
        base_url=slack.base_url,
        post_every_ms=6,
        posts_every_ms=1,
        edit_every_ms=8,
    )
    await slack_sink.send(attempt(Step.POST, digest("slack:ops")))
    driver = Driver(pressable)
    await driver.run(digest("slack:incidents", id=INC))
    await driver.run(digest("slack:incidents", id=INC, revision=2))
    (post,) = slack.posts("incidents")
    (reply,) = slack.replies("incidents", post.ts)
    (plain,) = slack.posts("ops")
    kinds = [[block["type"] for block in one.blocks] for one in (post, reply, plain)]
    assert [one.count("actions") for one in kinds] == [1, 0, 0]
    carried = post.blocks[-2]["elements"][0]["value"]
    assert about(carried) == About(INC, 2, environment_hash("production"))
    assert "[ Acknowledge ]" in terminal(post)
    assert slack.rejected == []
    await pressable.close()

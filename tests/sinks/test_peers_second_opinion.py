"""slack-sdk as a second opinion on the local Slack's rules, and on every message that is made."""

from __future__ import annotations

import msgspec
import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from correlators.types import DigestKind, PageAction, Rollup, RollupLine
from sinks.peers.slack_blocks import blocks_problems
from sinks.render import slack_message, slack_update
from tests.sinks.block_edges import EDGES, Json
from tests.sinks.make import digest


def sdk_refuses(block: Json) -> bool:
    """Return True when slack-sdk does not send this block."""
    try:
        parsed = Block.parse(block)
        if parsed is not None:
            parsed.to_dict()
    except (SlackObjectFormationError, TypeError):  # a property that is absent or not known
        return True
    return parsed is None


def test_whatever_slack_sdk_refuses_the_peer_refuses() -> None:
    refused = [block for _, block, _, _ in EDGES if sdk_refuses(block)]
    assert len(refused) >= 10, "the second opinion has no opinion any more"
    assert [one for one in refused if blocks_problems([one])[0] != "invalid_blocks"] == []


def test_whatever_the_peer_takes_slack_sdk_takes() -> None:
    known = [taken for taken, *_ in EDGES if Block.parse(taken) is not None]
    assert len(known) >= 25
    assert [one for one in known if sdk_refuses(one)] == []


def rollup(title: str) -> Rollup:
    lines = [
        RollupLine(
            id=f"inc-{number}",
            kind=DigestKind.OPENED,
            environment="production",
            service=title[:200],
            title=title,
            users=3,
            events=9,
        )
        for number in range(60)
    ]
    return Rollup(opened=60, lines=tuple(lines), more=7, events=540, users=3)


@pytest.mark.parametrize("kind", [*DigestKind])
def test_every_message_that_is_made_passes_both(kind: DigestKind) -> None:
    hostile = "<!channel> *x* `y` & " + "z" * 6_000
    for title in ("PaymentRefused: card", hostile):
        for page in (PageAction.NONE, PageAction.TRIGGER):
            one = digest("slack:a", kind=kind, title=title, page=page, revision=3)
            if kind is DigestKind.ROLLUP:
                one = msgspec.structs.replace(one, rollup=rollup(title))
            for message in (slack_message(one), slack_update(one, possible_repeat=True)):
                assert blocks_problems(message.blocks) == ("", [])
                assert [block for block in message.blocks if sdk_refuses(block)] == []

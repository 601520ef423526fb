"""What docs/test-kit.md shows works: its tests pass, its drawing is drawn, its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from sinks.peers import drawn
from sinks.peers.control import SWITCHES
from sinks.peers.faults import UNDONE, Fault
from sinks.peers.slack import SlackPeer

PAGE: Final = (Path(__file__).parents[2] / "docs" / "test-kit.md").read_text("utf-8")
EXAMPLES: Final = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: re.findall(r"test_\w+", text)[0])
async def test_an_example_is_a_test_that_passes(example: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(example, "docs/test-kit.md", "exec"), names)
    tests = [found for name, found in names.items() if name.startswith("test_")]
    assert tests
    for one in tests:
        await one()


def test_the_page_shows_examples() -> None:
    assert len(EXAMPLES) >= 2


def test_the_page_lists_every_fault_and_says_what_is_carried_out() -> None:
    table = PAGE.partition("| Fault |")[2].partition("\n\n")[0]
    told: dict[str, bool] = {}
    for row in table.splitlines()[2:]:
        faults, done = row.split("|")[1:3]
        names = re.findall(r"`(\w+)`", faults)
        words = [one.strip() for one in done.split(",")] * len(names)
        told |= {name: words[place] != "no" for place, name in enumerate(names)}
    assert told == {str(one): one not in UNDONE for one in Fault}


def test_the_page_names_every_state_that_can_be_switched() -> None:
    named = set(re.findall(r"`(\w+)[`(]", PAGE.partition("## States to switch")[2]))
    assert named >= SWITCHES


async def test_the_drawing_is_drawn() -> None:
    shown = PAGE.partition("## How a drawn")[2].split("```")[1].lstrip("\n")
    blocks = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": "🔴 PaymentRefused: card declined"},
        },
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "*Who is hurt:* 2 services · 412 events · 97 users\n"
                "*Release:* `payment@2.4.1`",
            },
        },
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "View in Sentry"}}
            ],
        },
    ]
    async with SlackPeer(
        token="t", channels={"C0OPS": "ops"}, clock=lambda: 1_790_000_000.0
    ) as peer:
        peer.chat.write(peer.workspace.channels["C0OPS"], {"blocks": blocks})
        (message,) = peer.posts("ops")
    assert drawn.terminal(message) + "\n" == shown

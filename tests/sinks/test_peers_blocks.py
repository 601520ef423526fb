"""The local Slack's rules for blocks, each at its edge."""

from __future__ import annotations

import pytest

from sinks.peers.slack_blocks import blocks_problems
from tests.sinks.block_edges import EDGES, Json, line, mrkdwn, section


@pytest.mark.parametrize(("taken", "refused", "what", "where"), EDGES)
def test_each_limit_is_taken_at_its_edge_and_refused_beyond_it_with_its_place(
    taken: Json, refused: Json, what: str, where: str
) -> None:
    assert blocks_problems([taken]) == ("", [])
    assert blocks_problems([refused]) == ("invalid_blocks", [line(what, where)])


def test_a_message_has_at_most_50_blocks_each_with_an_id_of_its_own() -> None:
    assert blocks_problems([section()] * 50) == ("", [])
    assert blocks_problems([section()] * 51) == (
        "invalid_blocks",
        [line("no more than 50 items allowed", "/blocks")],
    )
    assert blocks_problems([section(block_id="a"), section(block_id="a")]) == (
        "invalid_blocks",
        [line("`block_id` must be unique", "/blocks/1/block_id")],
    )


def test_all_text_of_a_message_has_a_limit_that_no_single_block_reaches() -> None:
    assert blocks_problems([section(text=mrkdwn(2_700))] * 4)[0] == ""
    assert blocks_problems([section(text=mrkdwn(2_900))] * 4) == ("msg_blocks_too_long", [])


def test_what_is_no_list_is_no_blocks_and_what_is_no_object_no_block() -> None:
    assert blocks_problems("unreadable") == ("invalid_blocks_format", [])
    assert blocks_problems(["x"]) == (
        "invalid_blocks",
        [line("must provide an object", "/blocks/0")],
    )

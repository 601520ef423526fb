"""Whatever a digest holds, Slack takes its message, and nothing in it acts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from correlators.types import Digest, ServiceLine
from sinks import render
from sinks.blocks import BLOCK_CHARS, BLOCKS, HEADER_CHARS, chars
from sinks.bounds import bounded
from sinks.lead import CHARS
from sinks.mrkdwn import cut, escape, neutral, size
from sinks.pagerduty_words import summary
from sinks.peers.slack_rules import blocks_error
from sinks.words import clean
from tests.sinks.hostile import TEXT, any_digest
from tests.sinks.make import digest

replace = msgspec.structs.replace

SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
OURS = re.compile(
    r"<!date\^\d+\^[^|<>]*\|[^<>]*>|<!subteam\^S0PAY>|"
    r"<https?://[^\s<>|]+\|(?:Sentry|Open in Sentry|Runbook|Dashboard|Status page|Open|"
    r"the rest in Sentry)>"
)


def messages(one: Digest) -> Iterator[render.Rendered]:
    for repeat in (False, True):
        yield render.slack_message(one, possible_repeat=repeat)
        yield render.slack_message(one, called=["S0PAY"], possible_repeat=repeat)
        for loud in (False, True):
            yield render.slack_update(one, loud=loud, called=["S0PAY"] if loud else [])


@SLOW
@given(any_digest())
def test_slack_takes_the_message_of_any_digest(one: Digest) -> None:
    for message in messages(one):
        assert blocks_error(message.blocks) == ("", "")
        assert len(message.blocks) <= BLOCKS
        assert chars(message.blocks) <= BLOCK_CHARS + 1_000
        assert 1 <= size(message.text) - 4 * message.text.count("&") <= 4_000
        json.dumps(message.blocks).encode()
        message.text.encode()  # no half of a pair
        for block in message.blocks:
            if block["type"] == "header":
                assert 1 <= size_of(block["text"]["text"]) <= HEADER_CHARS


def size_of(finished: str) -> int:
    return len(finished.encode("utf-16-le")) // 2


@pytest.mark.parametrize("sign", ["x", "&", "<!channel>", "\u200b", " ", "\U0001f525"])
def test_megabytes_of_text_are_a_message_too(sign: str) -> None:
    huge = sign * (5_000_000 // len(sign))
    lines = tuple(
        replace(one, service=huge, title=huge, url="https://s.test/" + huge)
        for one in digest().services
    )
    one = replace(
        digest(title=huge, services=lines), culprit=huge, owners=(huge,), id=huge, storm=False
    )
    for message in messages(one):
        assert blocks_error(message.blocks) == ("", "")
        assert 1 <= len(message.text) <= 4_000
    assert len(summary(one, 1_024)) <= 1_024


@SLOW
@given(any_digest())
def test_no_mention_link_or_markup_but_ours_is_in_it(one: Digest) -> None:
    for message in messages(one):
        for text in [message.text, *texts(message.blocks)]:
            left = OURS.sub("", text)
            assert "<" not in left
            assert ">" not in left
        for part in markup(message.blocks):
            assert part["verbatim"] is True
            assert part["text"].count("`") % 2 == 0
            for line in part["text"].split("\n"):
                assert not re.match(r"\s*(>|&gt;)", line)


def texts(value: Any) -> Iterator[str]:
    for part in markup(value, "mrkdwn", "plain_text"):
        yield part["text"]


def markup(value: Any, *kinds: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in (kinds or ("mrkdwn",)) and isinstance(value.get("text"), str):
            yield value
        for one in value.values():
            yield from markup(one, *kinds)
    elif isinstance(value, list):
        for one in value:
            yield from markup(one, *kinds)


@given(TEXT)
def test_foreign_text_formats_nothing(text: str) -> None:
    shown = neutral(clean(text))
    assert not set(shown) & set("*~`")
    assert not shown.startswith(">")
    assert not re.search(r":[a-z0-9_+-]+:", shown)
    assert not re.search(r"(?<!\w)_\S.*\S_(?!\w)", shown)
    assert len(shown) == len(clean(text))
    assert escape(text) == escape(text).replace("\n", "")


@given(TEXT, st.integers(1, 300))
def test_a_cut_text_fits_escaped_and_is_marked(text: str, most: int) -> None:
    kept = cut(text, most)
    assert size(kept) <= most
    if kept != text:
        assert kept.endswith("…")
        assert text.startswith(kept[:-1])


@SLOW
@given(any_digest())
def test_the_same_digest_gives_the_same_bytes(one: Digest) -> None:
    assert render.slack_message(one) == render.slack_message(one)
    assert bounded(bounded(one).digest).digest.title == bounded(one).digest.title


@SLOW
@given(any_digest())
def test_a_pager_summary_and_plain_text_are_made_of_anything(one: Digest) -> None:
    line = summary(one, 1_024)
    assert 1 <= len(line) <= 1_024
    assert len(line.splitlines()) == 1
    plain = render.plain_text(one)
    plain.encode()
    assert size(plain.split("\n")[0]) <= CHARS


def test_what_is_cut_says_so_and_links_to_the_rest() -> None:
    long = replace(digest(title="x" * 1_000), storm=False)
    context = render.slack_message(long).blocks[-1]["elements"][0]["text"]
    assert context.endswith(f" · shortened: <{long.url}|the rest in Sentry>")
    context = render.slack_message(replace(long, url="")).blocks[-1]["elements"][0]["text"]
    assert context.endswith(" · shortened: `stormfold explain --incident inc-1` tells the rest")
    assert "shortened" not in render.slack_message(digest()).blocks[-1]["elements"][0]["text"]


def test_services_give_way_before_what_is_hurt() -> None:
    lines = tuple(
        ServiceLine(
            service=f"service-{n}-" + "s" * 60,
            title="t" * 130,
            events=n,
            incidents=1,
            url="https://sentry.test/" + "u" * 270,
            runbook="https://wiki.test/" + "r" * 270,
        )
        for n in range(10)
    )
    many = replace(digest(services=lines), owners=("team-pay",), left=("l" * 190,) * 4)
    message = render.slack_message(many)
    said = "\n".join(texts(message.blocks))
    assert "services" in message.cuts
    assert "service-0" in said
    assert "… and " in said
    for kept in ("*Who is hurt:*", "*Since:*", "*Release:*", "*Owned by:*", "*Why one storm:*"):
        assert kept in said


def test_an_address_too_long_for_a_line_is_left_out_whole() -> None:
    message = render.slack_message(
        replace(digest(), storm=False, url="https://sentry.test/" + "u" * 500)
    )
    assert "link" in message.cuts
    assert "sentry.test" not in json.dumps(message.blocks)

"""The first 80 characters: service, what, users, since which release, whatever their lengths."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import Digest, DigestKind, PageAction
from sinks import render
from sinks.bounds import bounded
from sinks.lead import BETWEEN, CHARS, change, fair, lead, state
from sinks.mrkdwn import size
from sinks.pagerduty_words import summary
from tests.sinks.make import digest

replace = msgspec.structs.replace

LONG = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1).map(
    lambda text: (text + " x") * 40
)


@st.composite
def long(draw: st.DrawFn) -> Digest:
    """A digest of which every part of the first line is far too long."""
    made = digest(title=draw(LONG), resolved=draw(st.booleans()))
    first = replace(made.services[0], service=draw(LONG))
    return replace(
        made,
        storm=False,
        services=(first,),
        users=draw(st.integers(1, 10**12)),
        new_release=draw(LONG),
        releases=(draw(LONG),),
        escalating=draw(st.booleans()),
        acked_by=draw(st.sampled_from(["", "ann"])),
    )


@given(long())
def test_all_four_parts_survive_in_80_characters(one: Digest) -> None:
    first = render.slack_message(one).text[:CHARS].split("\n")[0]
    first = first.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for line in (lead(one), lead(one, reply=True)):
        assert size(line) <= CHARS
        parts = line.split(BETWEEN)
        assert len(parts) >= 4
        assert "user" in parts[-2]
        assert parts[-1].startswith("since ")
        assert len(parts[-1]) > len("since …")
        assert all(parts)
    assert "user" in first
    assert "since " in first


@given(long())
def test_they_stand_first_in_text_header_and_page(one: Digest) -> None:
    message = render.slack_message(one)
    said = lead(bounded(one).digest)
    line = summary(one, 1_024)
    assert line.startswith(lead(one, bare=True))
    if not one.resolved:
        header = message.blocks[0]["text"]["text"]
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            header = header.replace(entity, sign)
        assert header == said


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.integers(5, 120))
def test_parts_share_the_room_fairly(parts: list[str], room: int) -> None:
    found = fair(parts, room)
    assert sum(map(size, found)) <= max(room, len(parts))
    share = room // len(parts)
    for before, after in zip(parts, found, strict=True):
        if size(before) <= share:
            assert after == before
        elif after != before:
            assert after.endswith("…")


def test_what_matters_comes_first() -> None:
    assert lead(digest()) == (
        "🔴 payment +1 · ConnectionRefusedError: payment-db ref… · 97 users · since 2.4.1"
    )
    alone = replace(digest(title="KeyError: sku"), storm=False, new_release="", users=0)
    assert lead(alone) == "🔴 payment · KeyError: sku · 412 events · in 2.4.1"


def test_a_storms_title_is_not_said_twice() -> None:
    title = "Outage in 4 services, likely from payments-db: OperationalError: gone"
    one = replace(digest(title=title), origin="payments-db", users=1_234_567, about_users=True)
    assert lead(one, 120) == (
        "🔴 payments-db +1 · OperationalError: gone · ~1,234k users · since 2.4.1"
    )


def test_a_storm_names_the_release_of_its_likely_origin() -> None:
    releases = ("cart@1.8.0", "payment@2.4.1", "payment-mail@3.0.0")
    one = replace(digest(title="down"), origin="payment", new_release="", releases=releases)
    assert lead(one).endswith("in 2.4.1")
    assert lead(replace(one, origin="search")).endswith("in 1.8.0")
    assert lead(replace(one, origin="", releases=())).endswith("97 users")


def test_a_page_at_a_chat_says_that_it_is_one_and_when_it_is_over() -> None:
    page = digest(page=PageAction.TRIGGER)
    assert lead(page).startswith("📟 Page: payment +1 · Conn")
    taken = replace(page, page=PageAction.ACKNOWLEDGE, acked_by="ann")
    assert lead(taken).startswith("🟡 Acknowledged: payment +1 · Conn")
    gone = replace(page, kind=DigestKind.UPDATED, page=PageAction.RESOLVE, page_after="storm-2")
    assert lead(gone, reply=True).startswith("☑️ Page over: payment +1 · Conn")
    assert lead(replace(gone, resolved=True)).startswith("✅ Resolved: payment +1 · Conn")


@pytest.mark.parametrize("kind", DigestKind)
def test_every_kind_has_a_sign_and_a_line(kind: DigestKind) -> None:
    one = replace(digest(kind=kind), acked_by="ann", acked_in="slack", notice="Nobody has it")
    for sign, words in (state(one), change(one)):
        assert sign
        assert words == words.strip()
    for reply in (False, True):
        assert 10 < size(lead(one, reply=reply)) <= CHARS

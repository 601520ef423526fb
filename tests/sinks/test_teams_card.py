"""Whatever a digest holds, Teams takes its card, and nothing in it acts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from correlators.types import Digest, DigestKind, PageAction
from sinks.lead import lead
from sinks.peers.teams_rules import cards_of, text_of
from sinks.runs import Run, code, link, runs, shielded, strong
from sinks.teams_card import MESSAGE_BYTES, Card, message_of
from sinks.words import clean
from tests.sinks.hostile import TEXT, any_digest
from tests.sinks.make import digest

replace = msgspec.structs.replace
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
OURS = {"Open in Sentry", "Sentry", "Runbook", "Dashboard", "Status page"}


def cards(one: Digest) -> Iterator[Card]:
    for repeat in (False, True):
        for update in (False, True):
            yield message_of(one, update=update, possible_repeat=repeat)


def card(one: Digest, *, update: bool = False) -> dict[str, Any]:
    found, problem = cards_of(json.loads(message_of(one, update=update).body))
    assert problem == ""
    return found[0]


def links_of(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (label, address) of all that can be pressed."""
    if isinstance(value, dict):
        if value.get("type") == "Action.OpenUrl" and "title" in value:
            yield value["title"], value["url"]
        if "selectAction" in value:
            yield value["text"], value["selectAction"]["url"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from links_of(one)


@SLOW
@given(any_digest())
def test_teams_takes_the_card_of_any_digest(one: Digest) -> None:
    for made in cards(one):
        assert len(made.body) <= MESSAGE_BYTES
        found, problem = cards_of(json.loads(made.body))
        assert problem == ""
        (drawn,) = found
        assert {label for label, _ in links_of(drawn)} <= OURS
        assert all(url.startswith(("https://", "http://")) for _, url in links_of(drawn))
        for mark in ("{{DATE(", "{{TIME("):
            assert mark not in made.body.decode()


@pytest.mark.parametrize("sign", ["x", "&", '"', "\\", "*_~`<|>", "\u200b", "漢", "\U0001f525"])
def test_megabytes_of_text_are_a_card_too(sign: str) -> None:
    huge = sign * (5_000_000 // len(sign))
    lines = tuple(
        replace(one, service=huge, title=huge, url="https://s.test/" + huge)
        for one in digest().services * 20
    )
    one = replace(digest(title=huge, services=lines), culprit=huge, owners=(huge,), id=huge)
    for storm in (True, False):
        for kind in (DigestKind.OPENED, DigestKind.REPORT, DigestKind.DEPLOY):
            odd = replace(one, storm=storm, kind=kind, report=(huge,) * 50)
            for made in cards(odd):
                assert len(made.body) <= MESSAGE_BYTES
                assert cards_of(json.loads(made.body))[1] == ""
                assert made.cuts


def test_a_card_that_was_cut_says_so_and_counts_the_services_it_left_out() -> None:
    long = "https://s.test/" + "漢" * 280
    lines = tuple(
        replace(
            digest().services[0],
            service="漢" * 70 + str(at),
            title="漢" * 130,
            owner="漢" * 80,
            url=long,
            runbook=long,
        )
        for at in range(30)
    )
    made = message_of(digest(services=lines))
    said = text_of(json.loads(made.body)["attachments"][0]["content"])
    shown = said.count("• ")
    assert 1 <= shown < 10  # more than ten are never shown
    assert f"… and {30 - shown} more services" in said
    assert "shortened: stormfold explain --storm inc-1 tells the rest" in said
    assert "services" in made.cuts
    assert len(made.body) <= MESSAGE_BYTES


def test_what_a_card_would_replace_by_a_moment_stays_text() -> None:
    said = text_of(card(digest(title="{{DATE(2017-02-14T06:08:39Z)}} {{TIME(x)}} {{ 7 }}")))
    assert "{\u2060{DATE(2017-02-14T06:08:39Z)}} {\u2060{TIME(x)}} {{ 7 }}" in said
    assert "{{DATE" not in said


# ---------------------------------------------------------------- what it says


def test_the_head_says_by_its_colour_whether_somebody_should_look() -> None:
    def style(one: Digest, *, update: bool = False) -> str:
        return str(card(one, update=update)["body"][0]["style"])

    one = digest()
    assert style(one) == "attention"
    assert style(replace(one, page=PageAction.TRIGGER)) == "attention"
    assert style(replace(one, acked_by="ada")) == "warning"
    assert style(replace(one, silenced_until_ms=one.at_ms + 1)) == "emphasis"
    assert style(replace(one, resolved=True, kind=DigestKind.RESOLVED)) == "good"
    assert style(replace(one, resolved=True, kind=DigestKind.RESOLVED), update=True) == "good"
    assert style(replace(one, kind=DigestKind.DEPLOY)) == "accent"


def test_what_helps_stands_in_buttons_and_only_there() -> None:
    one = replace(
        digest(),
        storm=False,
        runbook="https://wiki.test/run",
        dashboard="https://graph.test/d",
        status_page="javascript:alert(1)",
    )
    drawn = card(one)
    assert [(each["title"], each["url"]) for each in drawn["actions"]] == [
        ("Open in Sentry", one.url),
        ("Runbook", "https://wiki.test/run"),
        ("Dashboard", "https://graph.test/d"),
    ]
    assert list(links_of(drawn["body"])) == []
    over = card(replace(one, resolved=True, kind=DigestKind.RESOLVED))
    assert [each["title"] for each in over["actions"]] == ["Open in Sentry"]


def test_the_card_says_the_same_as_the_other_chats() -> None:
    said = text_of(card(digest())["body"])
    for line in (
        "Who is hurt: 2 services · 412 events · 97 users",
        "Since: 2026-09-21 14:13 UTC in production",
        "Release: payment@2.4.1, first seen 4 min before this began",
        "• checkout · 102 events · PaymentUnavailable: <int> attempts",
        "Why one storm: the same new release, shared traces",
        "Storm inc-1 · revision 1 · 2026-09-21 14:13 UTC",
    ):
        assert line in said.split("\n"), line
    assert card(digest())["fallbackText"] == lead(digest())


def test_what_people_wrote_meanwhile_is_told_whole_in_either_form() -> None:
    notes = tuple(f"ada: {'漢' * 900} {at}" for at in range(3))
    one = replace(digest(), notes=notes, more_notes=2)
    for update in (False, True):
        said = text_of(card(one, update=update)).split("\n")
        assert [f"💬 {each}" in said for each in notes] == [True] * 3
        assert "💬 and 2 more notes" in said


# ---------------------------------------------------------------- runs


@given(TEXT, TEXT, TEXT)
def test_foreign_text_is_drawn_as_it_is_whatever_signs_it_holds(a: str, b: str, c: str) -> None:
    line = f"{shielded(a)} *Label:* {strong(b)}{code(c)}{link('Sentry', 'https://s.test/')}"
    found = runs(line)
    assert [one.text for one in found if one.url] == ["Sentry"]
    assert "".join(one.text for one in found if one.code) == (clean(c) or "?")
    drawn = "".join(one.text for one in found)
    assert drawn == f"{clean(a)} Label: {clean(b) or '?'}{clean(c) or '?'}Sentry"
    assert not any(one.struck or one.slanted for one in found)


def test_marks_of_the_templates_are_runs() -> None:
    assert runs("• *pay* · _new_ ~gone~ `a*b` <https://s.test/|Sentry>!") == (
        Run(text="• "),
        Run(text="pay", strong=True),
        Run(text=" · "),
        Run(text="new", slanted=True),
        Run(text=" "),
        Run(text="gone", struck=True),
        Run(text=" "),
        Run(text="a*b", code=True),
        Run(text=" "),
        Run(text="Sentry", url="https://s.test/"),
        Run(text="!"),
    )


def test_evidence_that_counts_what_does_not_fit_shortens_no_message() -> None:
    because = tuple(f"trace {at}" for at in range(9))
    made = message_of(replace(digest(), because=because))
    said = text_of(json.loads(made.body)["attachments"][0]["content"])
    assert "trace 0; trace 1; trace 2; and 6 others" in said
    assert "shortened" not in said
    assert "because" in made.cuts

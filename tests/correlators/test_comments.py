"""A comment in Sentry is kept with what tells its issue, and told there, silently and once."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from correlators.acts import ActDone, ActOutcome, Comment
from correlators.events import decode
from correlators.incidents import Incident
from correlators.storms import Storm
from correlators.types import ChangeKind, DigestKind, StateChange
from tests.correlators.score import MINUTE, Push, Score, event, events, ms, run, second_of

FIXTURE = Path(__file__).parents[1] / "fixtures" / "sentry" / "comment.created.json"
TEXT = "rolling back the gateway client"


def read(**more: object) -> StateChange:
    """Return what Sentry's webhook of a comment says, with other things in its data."""
    body = json.loads(FIXTURE.read_bytes())
    body["data"] |= more
    found = decode("comment", json.dumps(body).encode(), default_environment="production")
    assert isinstance(found, StateChange)
    return found


def comment(at: float, **more: object) -> Push:
    return Push(ms(at), change=read(**{"issue_id": 7, **more}))


def notes(score: Score) -> list[tuple[int, str, str]]:
    """Return (second, whose, text) of every note in a chat."""
    told = [one for one in score.to() if one.kind is DigestKind.NOTED]
    return [(second_of(one), one.act_by, one.act_text) for one in told]


def kept(score: Score) -> list[ActDone]:
    return [one for _, one in score.entries if isinstance(one, ActDone)]


def test_the_webhook_says_who_wrote_what_and_when() -> None:
    change = read()
    assert (change.kind, change.by, change.text) == (ChangeKind.COMMENT, "Ada", TEXT)
    assert change.at_ms == 1_791_188_740_101


def test_no_mail_address_of_a_comment_goes_further() -> None:
    change = read(comment="ask ben@example.com, or @oncall\nnow")
    assert change.text == "ask <email> or @oncall now"
    body = json.loads(FIXTURE.read_bytes())
    body["actor"]["name"] = "ada@example.com"
    found = decode("comment", json.dumps(body).encode(), default_environment="x")
    assert isinstance(found, StateChange)
    assert found.by == ""


def test_a_comment_shows_in_the_thread_of_what_tells_its_issue() -> None:
    score = run(events(range(60), issue="7"), comment(20))
    (found,) = kept(score)
    (incident,) = [one for _, one in score.entries if isinstance(one, Incident)]
    assert notes(score) == [(20, "Ada", TEXT)]
    assert (found.kind, found.source, found.subject, found.text, found.outcome) == (
        "comment",
        "sentry",
        incident.id,
        TEXT,
        ActOutcome.DONE,
    )
    assert found.at_ms == 1_791_188_740_101


def test_a_comment_that_is_told_again_is_told_once() -> None:
    score = run(events(range(60), issue="7"), comment(20), comment(20), comment(25))
    assert len(notes(score)) == len(kept(score)) == 1


@pytest.mark.parametrize(
    "change",
    [
        comment(20, issue_id=8),
        comment(20, comment=""),
        comment(20, comment=None),
        Push(ms(20), change=msgspec.structs.replace(read(issue_id=7), action="deleted")),
        Push(ms(20), change=msgspec.structs.replace(read(issue_id=7), kind=ChangeKind.OTHER)),
    ],
)
def test_of_anything_else_nothing_is_told(change: Push) -> None:
    score = run(events(range(60), issue="7"), change)
    assert notes(score) == []
    assert kept(score) == []


def test_of_what_is_over_it_is_not_told() -> None:
    score = run(events(range(5), issue="7"), comment(20 * MINUTE))
    assert notes(score) == []


def test_in_a_storm_it_is_told_once_by_the_storm() -> None:
    score = run(
        event(0, "checkout", "EC", trace="t", issue="7"),
        event(1, "payment", "EP", trace="t", issue="7"),
        event(2, "cart", "EK", trace="t"),
        events(range(3, 60), "checkout", "EC", issue="7"),
        comment(30),
    )
    (storm,) = [one for _, one in score.entries if isinstance(one, Storm)]
    assert notes(score) == [(30, "Ada", TEXT)]
    assert [one.subject for one in kept(score)] == [storm.id]


def test_a_comment_of_any_length_fits_an_act() -> None:
    change = read(comment="word " * 900)
    told = Comment(actor="a", source="sentry", at_ms=1, subject="x", text=change.text)
    assert told.text.startswith("word word")
    assert len(change.text) <= 1_000

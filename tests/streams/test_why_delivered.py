"""The last link of `why-not`: what waits, for whom, and whether a page reached anybody."""

from __future__ import annotations

import msgspec
import pytest

from correlators.decisions import Decision, Kind
from sinks.attempted import Attempted, attempted
from sinks.base import Answer, Step
from sinks.slack_errors import outcome_of
from sinks.smtp_words import Point, Said, refusal
from streams.why_not import lines as not_lines
from streams.why_not import why_not
from streams.why_read import Letter
from tests.sinks.make import attempt, digest
from tests.streams.test_why import (
    INC,
    KEY,
    PAGER,
    PLACES,
    SLACK,
    TICK,
    call,
    ends_at,
    opened,
    ruled,
    seen,
    told,
)


def refused(word: str, subject: str = INC) -> Attempted:
    """Return a call that waits for a person, as DELIVER writes it down."""
    outcome = outcome_of(Step.POST, word, status=200, headers={}, channel="#incidents")
    asked = attempt(Step.POST, digest(id=subject, destination=SLACK))
    return attempted(asked, Answer(key=asked.key, number=1, outcome=outcome), 2)


@pytest.mark.parametrize(
    ("word", "todo"),
    [("not_in_channel", "/invite @stormfold in #incidents"), ("token_revoked", "new bot token")],
)
def test_what_waits_for_a_person_says_what_that_one_has_to_do(word: str, todo: str) -> None:
    answer = why_not(seen(opened(), ruled(), told(), refused(word)), "checkout", PLACES)
    assert ends_at(answer) == "delivered"
    assert answer.broken is not None
    assert todo in answer.broken.do
    assert "told by itself" in answer.broken.do
    assert "needs_somebody" not in answer.broken.do


def test_so_does_a_mail_server_that_knows_us_not() -> None:
    outcome = refusal(Said(Point.LOGIN, 535, "5.7.8 Authentication credentials invalid"))
    asked = attempt(Step.POST, digest(id=INC, destination=SLACK))
    waits = attempted(asked, Answer(key=asked.key, number=1, outcome=outcome), 2)
    answer = why_not(seen(opened(), ruled(), told(), waits), "checkout", PLACES)
    assert answer.broken is not None
    assert "give the user and the password that it knows (sinks.email)" in answer.broken.do
    assert "needs_somebody" not in answer.broken.do


def test_what_was_told_before_hides_nothing_that_waits_now() -> None:
    other = "inc-fedcba9876543210"
    before = (opened(), ruled(), told(), call("delivered"))
    now = (
        Decision(tick=TICK + 60, subject=other, kind=Kind.OPENED, key=KEY, title="Other"),
        Decision(tick=TICK + 70, subject=other, kind=Kind.TOLD, to=(SLACK,), revision=1),
        refused("token_revoked", other),
    )
    answer = why_not(seen(*before, *now), "checkout", PLACES)
    assert ends_at(answer) == "delivered"
    assert any(other in line for line in not_lines(answer))
    later = msgspec.structs.replace(now[2], outcome="delivered", reason="")
    assert ends_at(why_not(seen(*before, *now, later), "checkout", PLACES)) == ""


@pytest.mark.parametrize("delivery", ["issue.41.status", "cor-0123456789abcdef", "per-01"])
def test_what_reached_sentry_or_one_person_alone_is_no_message_that_arrived(delivery: str) -> None:
    beside = msgspec.structs.replace(call("delivered"), delivery=delivery)
    answer = why_not(seen(opened(), ruled(), told(), beside), "checkout", PLACES)
    assert ends_at(answer) == "delivered"


ONCALL = "slack:oncall"


def paged_at(to: str, outcome: str) -> Attempted:
    """Return a call that opens a page, at a pager or at a chat."""
    step = Step.TRIGGER if to == PAGER else Step.POST
    return Attempted(
        at_ms=1, subject=INC, destination=to, step=step, outcome=outcome, revision=1, page=True
    )


def lost() -> Letter:
    return Letter(
        destination=PAGER, reason="invalid", detail="no key", at_ms=1, subject=INC, page=True
    )


def test_a_page_that_its_fallback_took_reached_somebody() -> None:
    before = (opened(), ruled("page", SLACK, PAGER), told(Kind.PAGED, PAGER))
    refused = paged_at(PAGER, "rejected")
    given = seen(*before, refused, paged_at(ONCALL, "delivered"), dead=(lost(),))
    answer = why_not(given, "checkout", PLACES, pages=True)
    assert ends_at(answer) == ""
    assert any(line.endswith("no key; slack:oncall was paged") for line in not_lines(answer))
    alone = why_not(seen(*before, refused, dead=(lost(),)), "checkout", PLACES, pages=True)
    assert ends_at(alone) == "delivered"
    there = why_not(given, "checkout", PLACES, destination=PAGER, pages=True)
    assert ends_at(there) == "delivered"


def test_a_page_at_a_chat_is_a_page_and_a_message_there_is_none() -> None:
    before = (opened(), ruled("page", SLACK, SLACK), told(Kind.PAGED, SLACK))
    page = why_not(seen(*before, paged_at(SLACK, "delivered")), "checkout", PLACES, pages=True)
    assert ends_at(page) == ""
    message = why_not(seen(*before, call("delivered")), "checkout", PLACES, pages=True)
    assert ends_at(message) == "delivered"

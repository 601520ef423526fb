"""Every decision has its line, and no line has what a person or an event said."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from correlators.acts import Acknowledge, Act, Assign, Comment, FalseAlarm, Resolve
from correlators.decisions import Decision, Kind
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.partition import Partition, Step
from correlators.ticks import Progress
from correlators.types import DeltaBatch
from sinks.base import Answer, Delivered, Receipt, Rejected, RejectReason, Retry, RetryReason
from sinks.base import Step as Call
from sinks.watched import PageOutcome, PageSeen
from streams import logs
from streams.agents.decision_log import LINES_MOST, SAID, say
from streams.agents.deliver_counting import count_answer
from streams.agents.handing import count_pages
from streams.metrics import Metrics
from tests.correlators.score import PAGING
from tests.sinks.make import attempt, digest

PERSONAL = (
    "ada.lovelace@example.com",
    "Ada Lovelace",
    "203.0.113.7",
    "sessionid=8f14e45f",
    "Bearer eyJhbGciOi",
    "4111 1111 1111 1111",
    "she asked for her divorce papers",
)
MAIL, NAME, ADDRESS, COOKIE, TOKEN, CARD, SAID_BY = PERSONAL
START_S = 1_800_000_000


def hostile(number: int) -> bytes:
    """An error that has personal data wherever Sentry has a place for it."""
    event = {
        "event_id": f"{number:032x}",
        "project": 1,
        "url": "https://sentry.test/api/0/projects/shop/checkout/events/1/",
        "web_url": f"https://sentry.test/issues/1/?user={MAIL}",
        "level": "fatal",
        "environment": "production",
        "release": "checkout@1.0",
        "transaction": f"/users/{MAIL}/pay",
        "user": {"id": MAIL, "email": MAIL, "username": NAME, "ip_address": ADDRESS},
        "request": {
            "url": f"https://shop.test/?mail={MAIL}",
            "headers": [["Authorization", TOKEN], ["Cookie", COOKIE]],
            "cookies": [["sessionid", COOKIE]],
            "data": {"card": CARD},
        },
        "tags": [["customer", NAME], ["ip", ADDRESS]],
        "extra": {"said": SAID_BY},
        "exception": {"values": [{"type": "Oops", "value": f"{NAME} <{MAIL}> paid with {CARD}"}]},
    }
    return json.dumps({"action": "created", "data": {"error": event}}).encode()


class Stage:
    """CORRELATE with one source: records and acts in, steps out."""

    def __init__(self) -> None:
        progress = Progress(installation="t", partitions=1, sources=(("events", 0),))
        self.partition = Partition(PAGING, progress, explains=True)
        self.fingerprinter = Fingerprinter(Fingerprinting())
        self.offset = 0
        self.steps: list[Step] = []

    def until(self, second: int, *bodies: bytes) -> None:
        at_ms = (START_S + second) * 1_000
        for body in bodies:
            self.fingerprinter.take("error", body, at_ms)
        deltas, changes = self.fingerprinter.fold.flush()
        batch = DeltaBatch(
            topic="events",
            partition=0,
            deltas=tuple(deltas),
            changes=tuple(changes),
            watermark_ms=at_ms + 1_000,
        )
        self.partition.receive(self.offset, batch)
        self.offset += 1
        while self.partition.ready():
            self.steps.append(self.partition.step(most_ticks=64))

    def act(self, act: Act) -> None:
        assert self.partition.receive_act(self.offset, act)
        self.offset += 1

    def decisions(self) -> list[Decision]:
        return [one for step in self.steps for one in step.decisions]


def acted(subject: str) -> list[Act]:
    by: dict[str, Any] = {"actor": MAIL, "source": "slack", "subject": subject}
    return [
        Acknowledge(**by, at_ms=1),
        Assign(**by, at_ms=2, assignee=NAME),
        Comment(**by, at_ms=3, text=f"{NAME}: {SAID_BY}"),
        FalseAlarm(**by, at_ms=4),
        Resolve(**by, at_ms=5),
    ]


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    made = io.StringIO()
    with_handlers = structlog.get_config()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure(json=True, level="debug", stream=made)
    yield made
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**with_handlers)
    logging.captureWarnings(False)


def lived() -> list[Decision]:
    stage = Stage()
    stage.until(0, *(hostile(number) for number in range(80)))
    stage.until(30)
    opened = next(one for one in stage.decisions() if one.kind is Kind.OPENED)
    for act in acted(opened.subject):
        stage.act(act)
    stage.until(40)
    stage.until(5_000)
    return stage.decisions()


def test_no_line_has_what_a_person_or_an_event_said(out: io.StringIO) -> None:
    decisions = lived()
    known = json.dumps([one.name for one in decisions] + [list(one.because) for one in decisions])
    assert MAIL in known  # what must not be said is there to be said
    assert SAID_BY in known
    say(decisions)
    for outcome in (
        Delivered(Receipt(id="1")),
        Rejected(RejectReason.INVALID, MAIL),
        Retry(RetryReason.UNAVAILABLE, detail=MAIL),
    ):
        call = attempt(Call.POST, digest(f"person_slack:{NAME}"))
        answer = Answer(key=call.key, number=1, outcome=outcome, began_ms=1)
        count_answer(Metrics(), call, answer, None, 2)
    written = out.getvalue()
    assert len(written.splitlines()) > 10
    assert [one for one in PERSONAL if one in written] == []


def test_each_decision_is_one_line_with_ids_and_the_words_of_its_reason(out: io.StringIO) -> None:
    decisions = lived()
    say(decisions)
    lines = [json.loads(one) for one in out.getvalue().splitlines()]
    said = [one for one in decisions if one.kind in SAID]
    assert [one["event"] for one in lines] == [SAID[one.kind] for one in said]
    assert [one["id"] for one in lines] == [one.subject for one in said]
    assert {one["level"] for one in lines} == {"info"}
    of = {one["event"]: one for one in lines}
    assert of["incident opened"]["service"] == "checkout"
    assert of["told"]["to"] == ["slack:incidents"]
    assert of["told"]["reason"] in ("opened", "noted", "acknowledged", "resolved")
    assert of["paged"]["reason"] == "fatal"
    assert of["ended"]["reason"]
    acts = [one["act"] for one in lines if one["event"] == "act taken"]
    assert sorted(acts) == sorted(f"{kind} in slack" for kind in KINDS)


KINDS = ("acknowledge", "assign", "comment", "false alarm", "resolve")


def test_a_step_of_very_many_decisions_is_a_bounded_number_of_lines() -> None:
    many = [Decision(tick=1, subject=f"inc-{n}", kind=Kind.OPENED) for n in range(5_000)]
    with capture_logs() as lines:
        say(many)
    assert len(lines) == LINES_MOST + 1
    assert lines[-1]["event"] == "more decisions"
    assert lines[-1]["opened"] == 5_000 - LINES_MOST


def test_a_call_says_which_delivery_and_which_incident_it_is_of() -> None:
    call = attempt(Call.POST, digest("slack:a", id="inc-7", revision=3))
    refused = Rejected(RejectReason.TOO_LARGE)
    with capture_logs() as lines:
        answer = Answer(key=call.key, number=1, outcome=refused)
        count_answer(Metrics(), call, answer, None, 2)
    (line,) = lines
    assert line["event"] == "refused"
    assert (line["id"], line["revision"], line["delivery"]) == ("inc-7", 3, "slack:a|inc-7")
    assert line["reason"] == "too_large"


def test_a_name_of_the_sender_is_one_line_and_short(out: io.StringIO) -> None:
    key = ("production", "a\nb" * 200, "1.0\x1b[31m", "f" * 32)
    say([Decision(tick=1, subject="inc-1", kind=Kind.OPENED, key=key)])
    (line,) = [json.loads(one) for one in out.getvalue().splitlines()]
    assert len(line["service"]) == 100
    assert line["service"].startswith("a?ba?b")
    assert line["release"] == "1.0?[31m"


def test_a_page_that_is_not_well_is_said_with_what_it_is_about() -> None:
    seen = [
        PageSeen("pagerduty:default", outcome, 61_000, "inc-1")
        for outcome in (PageOutcome.DELIVERED, PageOutcome.FALLBACK, PageOutcome.GIVEN_UP)
    ]
    with capture_logs() as lines:
        count_pages(Metrics(), seen)
    trouble, lost = lines
    assert (trouble["event"], trouble["id"], trouble["outcome"], trouble["waited_ms"]) == (
        "page in trouble", "inc-1", "fallback", 61_000
    )  # fmt: skip
    assert (lost["event"], lost["id"], lost["log_level"]) == (
        "a page reached nobody", "inc-1", "error"
    )  # fmt: skip

"""The parts of a fire drill: its event is an error of its own, and each hop is heard once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprinter import Fingerprinter, Fingerprinting, Read
from correlators.types import DigestKind, Level, PageAction
from sinks.attempted import Attempted
from sinks.base import Step
from sinks.lead import CHARS, lead
from streams import codec
from streams.addresses import intake_of
from streams.drill_event import MARK_CHARS, VALUE, body_of, mark_of, signature_of
from streams.drill_heard import Heard
from streams.intake_checks import Answer, check_signature
from streams.settings import load
from streams.topic_names import names
from tests.sinks.make import digest

TOPICS: Final = names("stormfold")
MARK: Final = mark_of(bytes(range(MARK_CHARS)))
EVERY: Final = st.binary(min_size=MARK_CHARS, max_size=MARK_CHARS).map(mark_of)
CHAT, PAGER = "slack:incidents", "pagerduty:default"
INCIDENT: Final = "inc-0123456789abcdef"


def read(mark: str) -> Read:
    """Return the event of a drill as FINGERPRINT reads it."""
    body = body_of(mark, event_id="a" * 32, service="checkout", environment="production", at_ms=1)
    return Fingerprinter(Fingerprinting()).read("error", body)


def told(to: str, **how: Any) -> bytes:
    """Return a digest of the drill's incident for a destination, as it stands on `deliveries`."""
    return codec.encode(digest(to, id=INCIDENT, title=f"{MARK}: {VALUE}", **how))


def said(to: str, step: Step, revision: int, outcome: str = "delivered", **how: Any) -> bytes:
    """Return what became of a call, as it stands on `decisions`."""
    made = Attempted(
        at_ms=1,
        subject=INCIDENT,
        destination=to,
        step=step,
        outcome=outcome,
        revision=revision,
        **how,
    )
    return codec.encode(made)


def state(heard: Heard) -> tuple[bool, bool]:
    """Return whether everybody has it, and whether they have its end."""
    return heard.arrived, heard.ended


def opened() -> Heard:
    """Return a drill whose incident has opened, and been told and paged."""
    heard = Heard(TOPICS, MARK)
    heard.incident = INCIDENT
    heard.record(TOPICS.deliveries, told(CHAT), 10)
    heard.record(TOPICS.deliveries, told(PAGER, page=PageAction.TRIGGER), 10)
    return heard


@given(EVERY, EVERY)
def test_each_drill_is_an_error_of_its_own_that_pages_as_a_fatal_one(one: str, two: str) -> None:
    first, second = read(one), read(two)
    assert (first.key == second.key) == (one == two)
    assert first.event is not None
    assert (first.event.level, first.event.service) == (Level.FATAL, "checkout")
    assert first.event.environment == "production"
    assert (first.event.issue_id, first.event.user_hash) == ("", 0)


@given(EVERY)
def test_a_drill_says_so_on_the_first_line_of_whatever_tells_it(mark: str) -> None:
    named = digest(title=f"{mark}: {VALUE}", services=())
    assert "DRILL" in lead(named)[:CHARS]


def test_the_webhook_is_signed_as_intake_wants_it() -> None:
    body = body_of(MARK, event_id="a" * 32, service="s", environment="e", at_ms=1)
    assert check_signature(signature_of(body, "x"), body, [b"x"]) is Answer.ACCEPTED
    assert check_signature(signature_of(body, "y"), body, [b"x"]) is not Answer.ACCEPTED


def test_everybody_has_it_once_each_that_was_told_has_taken_its_first_call() -> None:
    heard = opened()
    assert not state(heard)[0]
    heard.record(TOPICS.decisions, said(PAGER, Step.TRIGGER, 1), 20)
    assert not state(heard)[0]
    heard.record(TOPICS.decisions, said(CHAT, Step.POST, 1, "retry", reason="not_in_channel"), 25)
    assert not state(heard)[0]
    assert heard.refused == {CHAT: "retry not_in_channel"}
    heard.record(TOPICS.decisions, said(CHAT, Step.POST, 1), 30)
    assert state(heard) == (True, False)
    assert heard.paged == {PAGER}


def test_the_end_is_had_once_what_says_so_was_taken_and_no_edit_before_it() -> None:
    heard = opened()
    for to, step in ((PAGER, Step.TRIGGER), (CHAT, Step.POST)):
        heard.record(TOPICS.decisions, said(to, step, 1), 20)
    over = {"resolved": True, "revision": 3, "kind": DigestKind.RESOLVED}
    heard.record(TOPICS.deliveries, told(CHAT, **over), 40)
    heard.record(TOPICS.deliveries, told(PAGER, page=PageAction.RESOLVE, **over), 40)
    heard.record(TOPICS.decisions, said(CHAT, Step.EDIT, 2), 41)
    assert heard.has_end == set()
    heard.record(TOPICS.decisions, said(CHAT, Step.REPLY, 3), 42)
    assert not state(heard)[1]
    heard.record(TOPICS.decisions, said(PAGER, Step.RESOLVE, 3), 43)
    assert state(heard)[1]


def test_what_is_of_others_is_no_hop_and_what_comes_again_is_one_hop() -> None:
    heard = Heard(TOPICS, MARK)
    heard.record(TOPICS.events, b"another body", 1)
    heard.record(TOPICS.deltas, b"another delta", 1)
    heard.record(TOPICS.deliveries, codec.encode(digest(CHAT)), 1)
    heard.record(TOPICS.decisions, said(CHAT, Step.POST, 1), 1)
    assert heard.hops == []
    for at_ms in (5, 6):
        heard.record(TOPICS.events, b"..." + MARK.encode(), at_ms)
    assert [(one.name, one.after_ms) for one in heard.hops] == [("on Kafka: sentry.events", 5)]
    heard.incident = INCIDENT
    heard.record(TOPICS.deliveries, told("sentry:default"), 7)
    storm = digest(CHAT, id="storm-0123456789abcdef", title=f"{MARK} and others")
    heard.record(TOPICS.deliveries, codec.encode(storm), 7)
    assert heard.told == set()


def test_intake_is_asked_where_this_machine_reaches_it(tmp_path: Path) -> None:
    file = tmp_path / "stormfold.yaml"
    for host, reached in (("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")):
        file.write_text(f'intake: {{host: "{host}", port: 8081, secrets: [x]}}\n')
        assert intake_of(load(file, {})) == f"http://{reached}:8081"

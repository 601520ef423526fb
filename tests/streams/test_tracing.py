"""An event that is traced is followed from its webhook to its message, and decides the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.types import DigestKind
from sinks.base import Answer, Delivered, Receipt, Retry, RetryReason
from sinks.base import Step as Call
from streams.agents.correlate import CorrelateHandler
from streams.agents.fingerprint import FingerprintHandler
from streams.agents.written import Topics, outgoing
from streams.settings import Settings, SettingsError, load
from streams.trace_ids import Hop, event_id_of, is_traced, span_id, trace_id
from streams.traced_hops import (
    WAITING_MOST,
    DeliverTraces,
    FingerprintTraces,
    headers_of,
    trace_step,
)
from streams.tracing import Attributes, trace_body, tracer_of
from tests.simulation.run import play, simulate
from tests.simulation.scenario import draw
from tests.simulation.stages import Parts
from tests.sinks.make import attempt
from tests.streams.otlp import collector
from tests.streams.test_decision_log import MAIL, NAME, PERSONAL, START_S, Stage, hostile

TOPICS = Topics("incidents", "deliveries", "quarantine", "decisions")
FIRST = f"{0:032x}"


def settings_of(folder: Path, text: str) -> Settings:
    file = folder / "stormfold.yaml"
    file.write_text(text)
    return load(file, {})


def record(body: bytes, at_ms: int) -> Any:
    return ConsumerRecord("events", 0, 0, at_ms, 1, None, body, 0, 0, 0, ())


def walk(settings: Settings, bodies: Iterable[bytes]) -> str:
    """Take bodies from intake to a delivery, each part with a tracer of its own as in processes of
    their own; return the id of the incident."""
    at_ms = START_S * 1_000
    every = list(bodies)
    intake, fingerprint, correlate, deliver = (tracer_of(settings, hop.value) for hop in Hop)
    assert intake is not None
    assert fingerprint is not None
    assert correlate is not None
    assert deliver is not None
    for body in every:
        trace_body(intake, body, at_ms)
    lane = TopicPartition("events", 0)
    reading = FingerprintTraces(fingerprint)
    reading.read(lane, [record(body, at_ms) for body in every])
    stage = Stage()
    stage.until(0, *every)
    reading.flushed(lane, 1, at_ms + 100)
    stage.until(30)
    delivering = DeliverTraces(deliver)
    incident = ""
    for step in stage.steps:
        trace_step(correlate, stage.partition, step, at_ms + 20_000)
        traced = headers_of(correlate, stage.partition)
        written = outgoing(step, TopicPartition("deltas", 0), TOPICS, lambda _: 0, traced)
        plain = outgoing(step, TopicPartition("deltas", 0), TOPICS, lambda _: 0)
        assert [one._replace(headers=[]) for one in written] == [
            one._replace(headers=[]) for one in plain
        ]
        on_deliveries = [one for one in written if one.topic == TOPICS.deliveries]
        for digest, one in zip(step.digests, on_deliveries, strict=True):
            delivering.accepted(digest, one.headers)
            call = attempt(Call.POST, digest)
            again = Retry(RetryReason.UNAVAILABLE)
            delivering.answered(call, Answer(key=call.key, number=1, outcome=again), at_ms)
            done = Answer(key=call.key, number=2, outcome=Delivered(Receipt(id="1")))
            delivering.answered(call, done, digest.at_ms + 400)
            if digest.kind is DigestKind.OPENED:
                incident = digest.id
    for tracer in (intake, fingerprint, correlate, deliver):
        tracer.close()
    return incident


def told(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_an_event_is_followed_from_its_webhook_to_its_message(tmp_path: Path) -> None:
    with collector() as taken:
        settings = settings_of(tmp_path, f"tracing: {{endpoint: '{taken.endpoint}', one_in: 1}}")
        incident = walk(settings, [hostile(0)])
        taken.until(4)
        spans = taken.of(trace_id(FIRST))
    assert set(spans) == set(Hop)
    assert taken.parts == set(Hop)
    ids = {name: int.from_bytes(span.span_id, "big") for name, span in spans.items()}
    parents = {name: int.from_bytes(span.parent_span_id, "big") for name, span in spans.items()}
    assert parents == {
        "intake": 0,
        "fingerprint": ids["intake"],
        "correlate": ids["fingerprint"],
        "deliver": ids["correlate"],
    }
    assert told(spans["correlate"])["stormfold.incident"] == incident
    assert told(spans["deliver"])["stormfold.subject"] == incident
    assert {told(one)["sentry.event_id"] for one in spans.values()} == {FIRST}
    for span in spans.values():
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    of = spans["fingerprint"]
    assert (of.end_time_unix_nano - of.start_time_unix_nano) == 100 * 1_000_000


def test_no_span_has_what_an_event_said(tmp_path: Path) -> None:
    with collector() as taken:
        settings = settings_of(tmp_path, f"tracing: {{endpoint: '{taken.endpoint}', one_in: 1}}")
        walk(settings, [hostile(0), hostile(1)])
        spans = taken.until(6)
    written = "".join(map(str, spans))
    assert [one for one in PERSONAL if one in written] == []
    assert MAIL.encode() in hostile(0)
    assert NAME.encode() in hostile(0)


def test_only_chosen_events_are_followed_and_everywhere_the_same(tmp_path: Path) -> None:
    bodies = [hostile(number) for number in range(60)]
    with collector() as taken:
        settings = settings_of(tmp_path, f"tracing: {{endpoint: '{taken.endpoint}', one_in: 4}}")
        walk(settings, bodies)
        chosen = {one for one in map(event_id_of, bodies) if is_traced(one, 4)}
        taken.until(2 * len(chosen))
    of: dict[str, set[str]] = {}
    for span in taken.spans:
        of.setdefault(told(span)["sentry.event_id"], set()).add(span.name)
    assert set(of) == chosen
    assert 5 <= len(chosen) <= 30
    assert all({"intake", "fingerprint"} <= names for names in of.values())
    # Only the first event of all stands for the incident, and it is not among the chosen.
    assert not is_traced(FIRST, 4) or {"correlate", "deliver"} <= of[FIRST]


def test_a_collector_that_is_not_there_costs_nothing_but_its_spans(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, "tracing: {endpoint: 'http://127.0.0.1:9/v1/traces', one_in: 1}"
    )
    assert walk(settings, [hostile(0)])


def test_without_it_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "{}")
    assert tracer_of(settings, "intake") is None
    asks = (
        "import sys, streams.intake, streams.agents.fingerprint, streams.agents.correlate, "
        "streams.agents.deliver; print([one for one in sys.modules if 'opentelemetry' in one])"
    )
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Kept:
    """A tracer that keeps what it is told."""

    spans: list[tuple[str, Hop]]

    def __init__(self) -> None:
        self.spans = []

    def traced(self, event_id: str) -> bool:
        return bool(event_id)

    def span(
        self,
        event_id: str,
        hop: Hop,
        begin_ms: int,
        end_ms: int,
        attributes: Attributes,
        which: str = "",
    ) -> None:
        self.spans.append((event_id, hop))

    def close(self) -> None:
        """Nothing waits."""


@pytest.mark.parametrize("seed", [3, 14])
def test_the_real_stages_decide_the_same_whether_they_are_traced_or_not(seed: int) -> None:
    kept = Kept()

    class TracedFingerprint(FingerprintHandler):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named, tracer=kept)

    class TracedCorrelate(CorrelateHandler):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named, tracer=kept)

    class Traced(Parts):
        fingerprint = TracedFingerprint
        correlate = TracedCorrelate

    found, plain = play(draw(seed), Traced), simulate(seed)
    assert found.problems == ()
    assert (found.trace, found.steps) == (plain.trace, plain.steps)
    hops = {hop for _, hop in kept.spans}
    assert hops == {Hop.FINGERPRINT, Hop.CORRELATE}
    read = {one for one, hop in kept.spans if hop is Hop.FINGERPRINT}
    assert {one for one, hop in kept.spans if hop is Hop.CORRELATE} <= read


@given(st.text(max_size=40), st.integers(1, 1_000), st.integers(1, 1_000))
def test_what_is_followed_for_fewer_is_followed_for_more(
    event_id: str, one: int, other: int
) -> None:
    few, many = max(one, other), min(one, other)
    if is_traced(event_id, few):
        assert is_traced(event_id, many)
    assert not is_traced("", 1)
    assert 0 < trace_id(event_id) < 2**128
    assert len({span_id(event_id, hop, "") for hop in Hop}) == len(Hop)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"data": 3}', b'{"data": {"error": {"event_id": 5}}}', b"\xff" * 9],
)
def test_a_body_without_an_event_is_not_followed(body: bytes) -> None:
    assert event_id_of(body) == ""


@pytest.mark.parametrize(
    "given",
    ["5F1D0000-0000-4000-8000-0000000000AA", "5f1d" * 8, "Odd-ID", " padded ", "\u00e9t\u00e9"],
)
def test_intake_names_an_event_as_the_fingerprinter_does(given: str) -> None:
    body = json.dumps({"data": {"event": {"event_id": given, "message": "x"}}}).encode()
    found = Fingerprinter(Fingerprinting()).read("event_alert", body)
    assert found.event is not None
    assert event_id_of(body) == found.event.event_id


@pytest.mark.parametrize("given", ["a" * 99, "a\nb", ""])
def test_what_is_no_id_is_not_traced(given: str) -> None:
    assert event_id_of(json.dumps({"data": {"error": {"event_id": given}}}).encode()) == ""


def test_what_waits_to_be_told_is_bounded() -> None:
    kept = Kept()
    lane = TopicPartition("events", 0)
    reading = FingerprintTraces(kept)
    for number in range(3 * WAITING_MOST):
        reading.read(lane, [record(hostile(number), 1)])
    reading.flushed(lane, 0, 1)
    assert not kept.spans
    reading.flushed(lane, 1, 2)
    assert len(kept.spans) == WAITING_MOST
    reading.flushed(lane, 1, 3)
    assert len(kept.spans) == WAITING_MOST


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tracing: {one_in: 0}", "tracing.one_in"),
        ("tracing: {endpoint: 'collector:4318'}", "tracing.endpoint"),
        ("tracing: {sample: 0.1}", "tracing.sample"),
    ],
)
def test_what_is_wrong_with_it_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        settings_of(tmp_path, text)


def test_where_the_extra_is_missing_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"stormfold\[tracing\]"):
        tracer_of(settings_of(tmp_path, "tracing: {}"), "intake")

"""An event that both an issue alert and `error.created` tell is counted once and told once."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.partition import Partition
from correlators.types import DeltaBatch, Digest
from tests.correlators.score import CHAT, CONFIG, first_progress

BODY = json.loads(
    (Path(__file__).parents[1] / "fixtures/sentry/error.created.json").read_text(encoding="utf-8")
)
Sent = tuple[int, str, str]
"""(second, resource, event id)"""


def body(resource: str, event_id: str) -> bytes:
    """Return the webhook of one resource about this event, as Sentry sends both."""
    event = {**BODY["data"]["error"], "event_id": event_id, "timestamp": None, "datetime": None}
    if resource == "error":
        return json.dumps({**BODY, "action": "created", "data": {"error": event}}).encode()
    data = {"event": event, "triggered_rule": "High volume"}
    return json.dumps({**BODY, "action": "triggered", "data": data}).encode()


def told(*sent: Sent) -> list[Digest]:
    """Return what the chat hears of these webhooks until it is over."""
    fingerprinter = Fingerprinter(Fingerprinting())
    partition = Partition(CONFIG, first_progress())
    for offset, (second, resource, event_id) in enumerate(sorted(sent, key=lambda one: one[0])):
        fingerprinter.add(resource, body(resource, event_id), second * 1000)
        deltas, changes = fingerprinter.fold.flush()
        made = DeltaBatch(
            topic="events",
            partition=0,
            deltas=tuple(deltas),
            changes=tuple(changes),
            watermark_ms=second * 1000,
        )
        partition.receive(offset, made)
    end = DeltaBatch(topic="events", partition=0, watermark_ms=2_000_000)
    partition.receive(len(sent), end)
    digests = partition.step(most_ticks=10_000).digests
    return [one for one in digests if one.destination == CHAT]


A, B = "a" * 32, "b" * 32


@pytest.mark.parametrize("order", sorted({*permutations(["error", "event_alert", "event_alert"])}))
@pytest.mark.parametrize("apart", [0, 2])
def test_one_event_of_both_feeds_is_one_event_in_one_message(
    order: tuple[str, ...], apart: int
) -> None:
    digests = told(*((1_000 + at * apart, one, A) for at, one in enumerate(order)))
    assert [one.kind.value for one in digests] == ["opened", "resolved"]
    assert {(one.events, one.incidents, one.at_least) for one in digests} == {(1, 1, False)}


def test_different_events_of_both_feeds_are_counted_together_and_exactly() -> None:
    digests = told((1_000, "event_alert", A), (1_001, "error", A), (1_002, "error", B))
    assert [(one.events, one.at_least) for one in digests] == [(2, False)] * 2


def test_alerts_alone_are_a_sample_and_are_exact_from_the_first_error_on() -> None:
    assert [one.at_least for one in told((1_000, "event_alert", A))] == [True, True]
    later = told((1_000, "event_alert", A), (1_100, "error", A))
    assert [(one.events, one.at_least) for one in later] == [(1, True), (1, False)]

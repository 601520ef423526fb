"""What DELIVER counts and logs of calls and of what becomes of digests. Nothing is decided here."""

from __future__ import annotations

from typing import Final

import structlog

from correlators.types import NOTICES, DigestKind
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Delivered,
    NotFound,
    Outcome,
    Rejected,
    Retry,
    RetryReason,
    Sink,
    Step,
    Unknown,
)
from sinks.entries import Changes
from streams.agents.handing import count_pages
from streams.metrics import Metrics

PERSON: Final = "person_"
"""How the sinks are called that tell one person."""

_AGAIN: Final = frozenset({"retry", "notfound", "cannottell"})
"""Outcomes after which the call is made again."""

log = structlog.get_logger(__name__)


def count_changes(metrics: Metrics, changes: Changes) -> None:
    """Count what is written without a call: what is not sent, what waits, pages, redriven ones."""
    for dropped in changes.dropped:
        metrics.deliveries.labels(
            sink=sink_of(dropped.destination), outcome=dropped.reason.value
        ).inc()
    for kept in changes.held:
        metrics.held_resolves.labels(sink=sink_of(kept.destination), reason=kept.reason.value).inc()
    count_pages(metrics, changes.pages)
    for mark in changes.taken:
        metrics.redriven.labels(sink=sink_of(mark.destination), outcome=mark.outcome.value).inc()


def _known(destination: str, sink: Sink | None) -> str:
    """Return the destination where it stands in the configuration and is no person, else the sink
    with `other`: people link channels and are told themselves."""
    if sink is not None and destination in sink.destinations and not sink.name.startswith(PERSON):
        return destination
    return f"{sink_of(destination)}:other"


def _measure_call(
    metrics: Metrics, attempt: Attempt, answer: Answer, sink: Sink | None, now_ms: int
) -> None:
    """Measure how long a call took; one that was not made is none."""
    outcome = answer.outcome
    made = not (isinstance(outcome, Retry) and outcome.reason is RetryReason.EXPIRED)
    if made and answer.began_ms:
        seconds = max(0, now_ms - answer.began_ms) / 1000
        destination = _known(attempt.destination, sink)
        metrics.call_seconds.labels(destination=destination).observe(seconds)


def count_answer(
    metrics: Metrics, attempt: Attempt, answer: Answer, served_by: Sink | None, now_ms: int
) -> None:
    """Count what became of one call, and how long it took; log what was delivered.

    Args:
        metrics: where.
        attempt: the call.
        answer: what became of it.
        served_by: whose it was; None where it is not configured any more.
        now_ms: when the answer is taken in.
    """
    _measure_call(metrics, attempt, answer, served_by, now_ms)
    sink = sink_of(attempt.destination)
    outcome = answer.outcome
    word = type(outcome).__name__.lower()
    why = reason_of(outcome)
    metrics.delivery_attempts.labels(sink=sink, outcome=word, reason=why).inc()
    if isinstance(outcome, Retry) and outcome.reason is RetryReason.RATE_LIMITED:
        metrics.penalties.labels(sink=sink).inc()
    if isinstance(outcome, Delivered) and attempt.step is not Step.EDIT:
        metrics.deliveries.labels(sink=sink, outcome="delivered").inc()
        if attempt.digest.kind is DigestKind.REMINDER:
            metrics.page_reminders.labels(sink=sink).inc()
        if attempt.digest.kind not in NOTICES:  # those have the moment of their page
            seconds = max(0, now_ms - attempt.digest.at_ms) / 1000
            metrics.delivery_seconds.labels(sink=sink).observe(seconds)
            if attempt.digest.kind is DigestKind.OPENED:
                metrics.first_delivery_seconds.labels(sink=sink).observe(seconds)
    _say(attempt, word, why)


def _say(attempt: Attempt, outcome: str, reason: str) -> None:
    """Write one line for a call: what came through and what was refused for good at info, what is
    tried again at debug."""
    line = log.debug if outcome in _AGAIN or attempt.step is Step.EDIT else log.info
    line(
        "refused" if outcome == "rejected" else outcome,
        destination=shown(attempt.destination),
        delivery=shown(attempt.key),
        step=attempt.step.value,
        id=attempt.digest.id,
        revision=attempt.digest.revision,
        call=attempt.number,
        **({"reason": reason} if reason else {}),
    )


def shown(name: str) -> str:
    """Return a destination, or the key of a delivery, as logs name it: no person by name."""
    destination, bar, delivery = name.partition("|")
    sink, colon, _ = destination.partition(":")
    return f"{sink}{colon}*{bar}{delivery}" if sink.startswith(PERSON) else name


def reason_of(outcome: Outcome | NotFound | CannotTell) -> str:
    """Return the word for why, empty for an outcome that needs none. The word is a label."""
    return outcome.reason.value if isinstance(outcome, Retry | Rejected | Unknown) else ""


def sink_of(destination: str) -> str:
    """Return the sink part of a destination."""
    return destination.split(":", 1)[0]

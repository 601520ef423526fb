"""What DELIVER counts and logs of calls and of what becomes of digests. Nothing is decided here."""

from __future__ import annotations

import structlog

from correlators.types import NOTICES, DigestKind
from sinks.base import Answer, Attempt, Delivered, Retry, RetryReason, Step
from sinks.entries import Changes
from streams.agents.handing import count_pages
from streams.metrics import Metrics

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


def count_answer(metrics: Metrics, attempt: Attempt, answer: Answer, now_ms: int) -> None:
    """Count what became of one call; log what was delivered."""
    sink = sink_of(attempt.destination)
    outcome = answer.outcome
    word = type(outcome).__name__.lower()
    metrics.delivery_attempts.labels(sink=sink, outcome=word).inc()
    if isinstance(outcome, Retry) and outcome.reason is RetryReason.RATE_LIMITED:
        metrics.penalties.labels(sink=sink).inc()
    if isinstance(outcome, Delivered) and attempt.step is not Step.EDIT:
        metrics.deliveries.labels(sink=sink, outcome="delivered").inc()
        if attempt.digest.kind is DigestKind.REMINDER:
            metrics.page_reminders.labels(sink=sink).inc()
        if attempt.digest.kind not in NOTICES:  # those have the moment of their page
            seconds = max(0, now_ms - attempt.digest.at_ms) / 1000
            metrics.delivery_seconds.labels(sink=sink).observe(seconds)
        log.info(
            "delivered",
            destination=attempt.destination,
            step=attempt.step.value,
            id=attempt.digest.id,
            revision=attempt.digest.revision,
        )


def sink_of(destination: str) -> str:
    """Return the sink part of a destination."""
    return destination.split(":", 1)[0]

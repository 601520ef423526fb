"""What DELIVER hands to other destinations, and what it counts of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from correlators.types import Digest
from sinks.watched import PageOutcome, PageSeen
from streams import codec
from streams.metrics import Metrics
from streams.stage.state import Transaction

log = structlog.get_logger(__name__)

_THERE = (PageOutcome.DELIVERED, PageOutcome.LATE)


async def hand_on(
    transaction: Transaction,
    digests: Iterable[Digest],
    topic: str,
    partition_of: Callable[[str], int],
) -> None:
    """Write digests for other destinations, in the transaction that notes that it was done.

    So each is handed on exactly once, whatever crashes.

    Args:
        transaction: the one with the entries.
        digests: as the outbox gave them.
        topic: `deliveries`.
        partition_of: maps a destination to its partition of it.
    """
    for digest in digests:
        await transaction.send(
            topic,
            partition=partition_of(digest.destination),
            key=digest.destination.encode(),
            value=codec.encode(digest),
        )


def count_pages(metrics: Metrics, pages: Iterable[PageSeen]) -> None:
    """Count what became of pages; say aloud when one did not reach whom it was for."""
    for page in pages:
        sink = page.destination.partition(":")[0]
        metrics.page_outcomes.labels(sink=sink, outcome=page.outcome.value).inc()
        if page.outcome in _THERE:
            metrics.page_seconds.labels(sink=sink).observe(page.waited_ms / 1000)
        if page.outcome is PageOutcome.GIVEN_UP:
            log.error("a page reached nobody", destination=page.destination, id=page.id)
        elif page.outcome is not PageOutcome.DELIVERED:
            log.warning(
                "page in trouble",
                destination=page.destination,
                id=page.id,
                outcome=page.outcome.value,
                waited_ms=page.waited_ms,
            )

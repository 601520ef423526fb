"""What each part tells of the way of a traced event.

An event is told by intake and FINGERPRINT. CORRELATE goes on with it where it is the one that is
shown for the incident that it opened; DELIVER with that incident's messages, and those of its
storm. All that travels is a header on a digest's record, whose value stays as it is.

    intake        from the webhook received to Kafka's word
    fingerprint   from its record written to its delta acknowledged
    correlate     from its stream time to the commit of what it opened
    deliver       from the decision to the answer of the service
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition

from correlators.decisions import Kind
from correlators.incidents import Incident
from correlators.partition import Partition, Step
from correlators.types import Digest
from sinks.base import Answer, Attempt, Delivered
from streams.stage.state import Headers
from streams.trace_ids import Hop, event_id_of
from streams.tracing import Tracer

HEADER: Final = "traced"
"""On a digest's record: the id of its first event, where that one is traced."""

WAITING_MOST: Final = 1_000
"""Traced events of one flush, or digests on their way; further ones are not told."""


class FingerprintTraces:
    """Traced events from being read to being flushed."""

    def __init__(self, tracer: Tracer) -> None:
        """Args: tracer: of this process."""
        self._tracer = tracer
        self._open: dict[TopicPartition, list[tuple[int, str, int]]] = {}
        """(offset, id, when it was written), in the order of the offsets."""

    def read(self, tp: TopicPartition, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Note the traced ones among records that were folded."""
        waiting = self._open.setdefault(tp, [])
        for record in records:
            if len(waiting) >= WAITING_MOST:
                return
            event_id = event_id_of(record.value or b"")
            if self._tracer.traced(event_id):
                waiting.append((record.offset, event_id, int(record.timestamp)))

    def flushed(self, tp: TopicPartition, offset: int, now_ms: int) -> None:
        """Tell all that were noted below this offset: Kafka has their deltas."""
        waiting = self._open.get(tp, [])
        told = {"topic": tp.topic, "partition": tp.partition}
        while waiting and waiting[0][0] < offset:
            _, event_id, written_ms = waiting.pop(0)
            self._tracer.span(event_id, Hop.FINGERPRINT, written_ms, now_ms, told)

    def close(self) -> None:
        """Send what waits."""
        self._tracer.close()


def untraced(_: Digest) -> Headers:
    """Return no headers."""
    return []


def headers_of(tracer: Tracer, partition: Partition) -> Callable[[Digest], Headers]:
    """Return what gives a digest's record its header, if its first event is traced."""

    def traced(digest: Digest) -> Headers:
        event_id = partition.first_event(digest.id)
        return [(HEADER, event_id.encode())] if tracer.traced(event_id) else []

    return traced


def trace_step(tracer: Tracer, partition: Partition, step: Step, now_ms: int) -> None:
    """Tell which traced events opened an incident in a step that is committed."""
    opened = {one.subject for one in step.decisions if one.kind is Kind.OPENED}
    if not opened:
        return
    for entry in step.entries.values():
        if not isinstance(entry, Incident) or entry.id not in opened:
            continue
        sample = entry.sample
        if tracer.traced(sample.event_id):
            told = {"incident": entry.id, "storm": entry.storm_id}
            tracer.span(sample.event_id, Hop.CORRELATE, sample.at_ms, now_ms, told)


class DeliverTraces:
    """Digests of traced events, from being taken in to being delivered."""

    def __init__(self, tracer: Tracer | None) -> None:
        """Args: tracer: of this process; None: nothing is traced."""
        self._tracer = tracer
        self._events: OrderedDict[tuple[str, str], str] = OrderedDict()
        """Event by (destination, id of the incident or storm)."""

    def accepted(self, digest: Digest, headers: Iterable[tuple[str, bytes]]) -> None:
        """Note a digest whose record says that its event is traced."""
        if self._tracer is None:
            return
        for name, value in headers:
            if name == HEADER:
                event_id = value.decode("utf-8", "replace")
                self._events[digest.destination, digest.id] = event_id
                if len(self._events) > WAITING_MOST:
                    self._events.popitem(last=False)

    def answered(self, attempt: Attempt, answer: Answer, now_ms: int) -> None:
        """Tell a call that delivered one of them."""
        if self._tracer is None:
            return
        digest = attempt.digest
        event_id = self._events.get((attempt.destination, digest.id), "")
        if not isinstance(answer.outcome, Delivered) or not self._tracer.traced(event_id):
            return
        sink = attempt.destination.partition(":")[0]
        told: dict[str, str | int] = {
            "sink": sink,
            "subject": digest.id,
            "revision": digest.revision,
            "step": attempt.step.value,
            "calls": attempt.number,
        }
        which = f"{attempt.key} {digest.revision} {attempt.step.value}"
        self._tracer.span(event_id, Hop.DELIVER, digest.at_ms, now_ms, told, which)

    def close(self) -> None:
        """Send what waits."""
        if self._tracer is not None:
            self._tracer.close()

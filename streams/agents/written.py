"""What one step of CORRELATE writes, as records: state, digests, decisions, what was set aside.

Encoded before the transaction begins: an open one hides everybody's deliveries, and has an end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aiokafka import TopicPartition

from correlators.beats import DESTINATION, RESOURCE, Passed
from correlators.partition import Step
from correlators.types import Digest
from streams import codec
from streams.stage.state import Headers
from streams.traced_hops import untraced


class Topics(NamedTuple):
    """Where CORRELATE writes."""

    state: str
    deliveries: str
    quarantine: str
    decisions: str


class Outgoing(NamedTuple):
    """One record of a transaction."""

    topic: str
    partition: int | None
    """None where any will do."""
    key: bytes | None
    value: bytes | None
    headers: Headers


def outgoing(
    step: Step,
    tp: TopicPartition,
    topics: Topics,
    partition_of: Callable[[str], int],
    traced: Callable[[Digest], Headers] = untraced,
) -> list[Outgoing]:
    """Return the records of a step, in order.

    Args:
        step: as computed.
        tp: the input partition; the state has the same number.
        topics: where to.
        partition_of: maps a destination to its partition of `deliveries`.
        traced: the headers of a digest whose first event is traced; none for all others.
    """
    written = [
        Outgoing(
            topics.state,
            tp.partition,
            key.encode(),
            codec.encode(entry) if entry is not None else None,
            [],
        )
        for key, entry in step.entries.items()
    ]
    written += [
        Outgoing(
            topics.deliveries,
            partition_of(digest.destination),
            digest.destination.encode(),
            codec.encode(digest),
            traced(digest),
        )
        for digest in step.digests
    ]
    written += [
        Outgoing(topics.decisions, None, one.subject.encode(), codec.encode(one), [])
        for one in step.decisions
    ]
    if step.beats:
        passed = codec.encode(Passed(tp.partition, step.beats))
        to = partition_of(DESTINATION)
        # No digest: whoever reads these has nothing to read in it.
        written.append(
            Outgoing(topics.deliveries, to, DESTINATION.encode(), None, [(RESOURCE, passed)])
        )
    origin = [("topic", tp.topic.encode()), ("partition", str(tp.partition).encode())]
    written += [
        Outgoing(
            topics.quarantine,
            None,
            None,
            codec.encode(poison.what),
            [("reason", f"raised: {poison.reason}".encode()), *origin],
        )
        for poison in step.poison
    ]
    return written

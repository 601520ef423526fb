"""What DELIVER writes for a message that is sent and taken: entries of the outbox, and steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.counts.calls import Calls
from benchmarks.deliver import START_MS, digest, targets
from correlators.types import Digest
from sinks.base import Answer, Delivered, Receipt
from sinks.entries import Changes, encode
from sinks.outbox import Outbox

DIGESTS: Final = 500
AT_ONCE: Final = 8
STEP_MS: Final = 100
"""Between two digests: the limits of the channels let each go at once."""


def delivered() -> dict[str, float]:
    """Return the counts for each delivery."""
    digests = [digest(number) for number in range(DIGESTS)]
    calls = Calls()
    with calls.counting():
        written, done = _through(digests)
    entries = [entry for changes in written for entry in changes.entries.values()]
    sizes = [len(encode(entry)) for entry in entries if entry is not None]
    return {
        "transactions": sum(bool(one.entries) for one in written) / done,
        "entries": len(entries) / done,
        "bytes": sum(sizes) / done,
        "calls": calls.made / done,
    }


def _through(digests: Sequence[Digest]) -> tuple[list[Changes], int]:
    """Take them through as the stage does: what is to be called is written before the call, and
    what was answered after it. Return what was written each time, and how many are delivered."""
    outbox = Outbox(targets(1), started_ms=START_MS)
    written: list[Changes] = []
    done, now_ms = 0, START_MS
    for one in digests:
        now_ms += STEP_MS
        outbox.accept(one, now_ms)
        attempts = outbox.due(now_ms, AT_ONCE)
        written.append(outbox.take_changes())
        for attempt in attempts:
            outcome = Delivered(Receipt(id=attempt.key))
            outbox.receive(Answer(key=attempt.key, number=attempt.number, outcome=outcome), now_ms)
            done += 1
        assert not outbox.due(now_ms, AT_ONCE), "nothing else waits"
        written.append(outbox.take_changes())
    assert done == len(digests), "each was sent when it came"
    return written, done

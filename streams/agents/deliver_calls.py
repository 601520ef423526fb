"""One call of DELIVER to a service, with its end."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Retry,
    RetryReason,
    Sink,
    Unknown,
    UnknownReason,
)
from streams.stage.host import Host

log = structlog.get_logger(__name__)


async def called(sink: Sink, attempt: Attempt, host: Host) -> Answer:
    """Make one call within its deadline and return its answer.

    The deadline is checked on the wall clock, which counts a suspension of the process: one that
    wakes after it must not send what its successor is looking up already.
    """
    began_ms = host.now_ms()
    left_ms = attempt.deadline_ms - began_ms
    outcome: Any
    if left_ms <= 0:
        outcome = Retry(reason=RetryReason.EXPIRED)
    else:
        try:
            async with asyncio.timeout(left_ms / 1000):
                outcome = await (sink.find if attempt.find else sink.send)(attempt)
        except TimeoutError:
            timed_out = UnknownReason.TIMED_OUT
            outcome = CannotTell(timed_out) if attempt.find else Unknown(timed_out)
        except Exception as error:
            # A sink that raises has a bug; one digest's bug must not keep the others waiting.
            # Nobody knows how far the call came, so it is looked up, and given up in the end.
            log.error("sink raised", sink=sink.name, error=type(error).__name__, exc_info=True)
            unread = UnknownReason.UNREADABLE
            outcome = CannotTell(unread) if attempt.find else Unknown(unread)
    return Answer(key=attempt.key, number=attempt.number, outcome=outcome, began_ms=began_ms)

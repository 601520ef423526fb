"""Runs an outbox with real sinks in real time, as the DELIVER stage does; the store is a dict."""

from __future__ import annotations

import asyncio
import time

from correlators.types import Digest
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
from sinks.entries import DeadLetter, Dropped, decode, encode
from sinks.outbox import Outbox
from sinks.targets import targets


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Driver:
    """An outbox, its sinks, and the store that outlives a crash."""

    def __init__(self, *sinks: Sink) -> None:
        self.sinks = {sink.name: sink for sink in sinks}
        self.targets = targets(sinks)
        self.store: dict[str, bytes] = {}
        self.dead: list[DeadLetter] = []
        self.dropped: list[Dropped] = []
        self.outbox = Outbox(self.targets, started_ms=now_ms())

    def restart(self) -> None:
        """A new owner takes over: only what was written is left."""
        self.outbox = Outbox(self.targets, started_ms=now_ms())
        self.outbox.load(decode(entry) for entry in self.store.values())

    def commit(self) -> None:
        changes = self.outbox.take_changes()
        self.dead += changes.dead
        self.dropped += changes.dropped
        for digest in changes.handed:
            self.outbox.accept(digest, now_ms())
        for key, entry in changes.entries.items():
            if entry is None:
                self.store.pop(key, None)
            else:
                self.store[key] = encode(entry)

    async def call(self, attempt: Attempt) -> Answer:
        """Make the call within its deadline and return what became of it."""
        sink = self.sinks[attempt.destination.partition(":")[0]]
        left_s = (attempt.deadline_ms - now_ms()) / 1000
        if left_s <= 0:
            return _answer(attempt, Retry(RetryReason.EXPIRED))
        try:
            async with asyncio.timeout(left_s):
                made = sink.find(attempt) if attempt.find else sink.send(attempt)
                return Answer(key=attempt.key, number=attempt.number, outcome=await made)
        except TimeoutError:
            if attempt.find:
                return _answer(attempt, CannotTell("deadline"))
            return _answer(attempt, Unknown(UnknownReason.TIMED_OUT))

    async def run(self, *digests: Digest, within_s: float = 20.0) -> None:
        """Deliver these digests, and return when nothing is waiting any more."""
        for one in digests:
            self.outbox.accept(one, now_ms())
        running: set[asyncio.Task[Answer]] = set()
        async with asyncio.timeout(within_s):
            while True:
                due = self.outbox.due(now_ms(), room=32)
                self.commit()
                running |= {asyncio.create_task(self.call(one)) for one in due}
                if not running and not sum(self.outbox.waiting().values()):
                    return
                due_ms = self.outbox.next_due_ms(now_ms())
                wait_s = 1.0 if due_ms is None else max(0.0, (due_ms - now_ms()) / 1000)
                if not running:
                    await asyncio.sleep(wait_s)
                    continue
                done, running = await asyncio.wait(
                    running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    self.outbox.receive(task.result(), now_ms())


def _answer(attempt: Attempt, outcome: Retry | Unknown | CannotTell) -> Answer:
    return Answer(key=attempt.key, number=attempt.number, outcome=outcome)

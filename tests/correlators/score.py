"""Scores: push events at seconds, read what was told in which second.

A score runs the pure core as FINGERPRINT and CORRELATE do, one source partition, no Kafka. Seconds
count from `START`; a digest's second is the tick in which it was decided. Every score is checked
against law 4 of the design when it is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import xxhash

from correlators.decisions import Decision
from correlators.entries import Entry
from correlators.incidents import Incident, ticks
from correlators.open_deltas import Fold
from correlators.partition import Partition, Poison, Step
from correlators.rules import Pages, Routes
from correlators.storms import Storm
from correlators.suppressions import Suppressed
from correlators.telling import Config
from correlators.ticks import Progress
from correlators.types import (
    ChangeKind,
    Delta,
    DeltaBatch,
    Digest,
    Event,
    Level,
    PageAction,
    PageReason,
    Signature,
    SignatureKind,
    StateChange,
    Suppression,
    tick_of,
)
from tests.correlators.law_4 import keeps_law_4

START = 1_700_000_000
"""Second 0 of every score; slots of the page rate begin with it."""

MINUTE = 60
HOUR = 3_600
DAY = 86_400

CHAT = "slack:incidents"
PAGER = "pagerduty:default"

NO_PAGES = Pages(environments=())
CONFIG = Config(pages=NO_PAGES, routes=Routes(tell=(CHAT,), page=(PAGER,)))
PAGING = Config(pages=Pages(), routes=Routes(tell=(CHAT,), page=(PAGER,)))

_numbers = count(1)


def restart_numbers() -> None:
    """Number events from 1 again: what a sketch estimates follows from their ids, so that no test
    depends on those before it."""
    global _numbers
    _numbers = count(1)


@dataclass(frozen=True)
class Push:
    """One record of the log: an event with its signature, or a state change."""

    at_ms: int
    event: Event | None = None
    signature: Signature | None = None
    change: StateChange | None = None


def ms(second: float) -> int:
    """Return a second of the score as milliseconds since the epoch."""
    return START * 1000 + round(second * 1000)


def hash_of(text: str) -> int:
    """Return a 64-bit hash, never 0; empty text has none."""
    return xxhash.xxh3_64_intdigest(text.encode()) | 1 if text else 0


def sign(error: str) -> Signature:
    """Return the signature of an error that is known by its name."""
    return Signature(
        version=1,
        kind=SignatureKind.STACK,
        parts=(error,),
        title=error,
        fingerprint=xxhash.xxh3_128_hexdigest(error.encode()),
    )


def event(
    at: float,
    service: str = "checkout",
    error: str = "TimeoutError",
    *,
    release: str = "1.0",
    environment: str = "production",
    level: Level = Level.ERROR,
    user: str = "",
    trace: str = "",
    issue: str = "",
    happened: float | None = None,
    sampled: bool = False,
    event_id: str = "",
) -> Push:
    """Return one event at this second; `happened` is its own time where that is another one."""
    occurred = at if happened is None else happened
    return Push(
        ms(at),
        Event(
            project=service,
            event_id=event_id or f"{next(_numbers):032x}",
            service=service,
            environment=environment,
            release=release,
            level=level,
            issue_id=issue,
            user_hash=hash_of(user),
            trace_hash=hash_of(trace),
            occurred_ms=ms(occurred),
            sampled=sampled,
        ),
        sign(error),
    )


def events(times: Iterable[float], *what: str, **more: object) -> list[Push]:
    """Return one event at each of these seconds."""
    return [event(at, *what, **more) for at in times]  # type: ignore[arg-type]


def resolve(at: float, issue: str, environment: str = "") -> Push:
    """Return Sentry's word that somebody resolved an issue."""
    change = StateChange(
        kind=ChangeKind.ISSUE_RESOLVED,
        resource="issue",
        action="resolved",
        identity=f"{next(_numbers):032x}",
        issue_id=issue,
        environment=environment,
    )
    return Push(ms(at), change=change)


class Told(NamedTuple):
    """One line of what was told: when, why, about what."""

    second: int
    kind: str
    subject: str


class Paged(NamedTuple):
    """One thing asked of the pager."""

    second: int
    action: str
    why: str
    key: str


def subject(digest: Digest) -> str:
    """Return `service error` for an incident, `storm: service, service` for a storm."""
    if digest.storm:
        return "storm: " + ", ".join(sorted(line.service for line in digest.services))
    return f"{digest.services[0].service} {digest.title}"


@dataclass
class Score:
    """What a run decided."""

    digests: list[Digest] = field(default_factory=list)
    suppressed: Counter[Suppression] = field(default_factory=Counter)
    held_by: Suppressed = field(default_factory=Counter)
    """The same by reason and rule."""
    pages: Counter[PageReason] = field(default_factory=Counter)
    poison: list[Poison] = field(default_factory=list)
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Add what a step decided."""
        self.digests += step.digests
        for held, count_ in step.suppressed.items():
            self.suppressed[held.why] += count_
        self.held_by += step.suppressed
        self.pages += step.pages
        self.poison += step.poison
        self.decisions += step.decisions

    def to(self, destination: str = CHAT) -> list[Digest]:
        """Return the digests for one destination, in the order of deciding."""
        keeps_law_4(self.digests)
        return [one for one in self.digests if one.destination == destination]

    def told(self, *kinds: str) -> list[Told]:
        """Return what the chat was told, of these kinds or all."""
        return [
            Told(second_of(one), one.kind.value, subject(one))
            for one in self.to()
            if not kinds or one.kind.value in kinds
        ]

    def paged(self) -> list[Paged]:
        """Return what opened and ended pages; every page is triggered and resolved once."""
        found = [
            Paged(second_of(one), one.page.value, one.page_reason or "", one.page_key)
            for one in self.to(PAGER)
            if one.page in (PageAction.TRIGGER, PageAction.RESOLVE)
        ]
        by_key: dict[str, list[str]] = defaultdict(list)
        for one in found:
            by_key[one.key].append(one.action)
        trigger, resolved = PageAction.TRIGGER.value, PageAction.RESOLVE.value
        for key, actions in by_key.items():
            assert key
            assert actions in ([trigger], [trigger, resolved]), (key, actions)
        return found

    def storms(self) -> list[Storm]:
        """Return the storms that are remembered and were not taken over, by their beginning."""
        found = [one for _, one in self.entries if isinstance(one, Storm) and not one.merged_into]
        return sorted(found, key=lambda one: one.opened_tick)

    def incidents(self) -> list[Incident]:
        """Return the incidents that are remembered, by their beginning."""
        found = [one for _, one in self.entries if isinstance(one, Incident)]
        return sorted(found, key=lambda one: (one.opened_tick, one.key))


def second_of(digest: Digest) -> int:
    """Return the second of the score in which a digest was decided."""
    return digest.at_ms // 1000 - 1 - START


def first_progress(sources: int = 1) -> Progress:
    """Return the progress of a partition that has seen nothing."""
    return Progress(
        installation="score",
        partitions=1,
        sources=tuple(("events", partition) for partition in range(sources)),
    )


def batches(pushes: Iterable[Push], *, until: float, config: Config) -> list[DeltaBatch]:
    """Return the input log of CORRELATE for these records: one message per second that has any."""
    fold = Fold(belated_after_ms=config.windows.belated_after_ms)
    made: list[DeltaBatch] = []
    last_ms = -1

    def flush(watermark_ms: int) -> None:
        deltas, changes = fold.flush()
        made.append(
            DeltaBatch(
                topic="events",
                partition=0,
                deltas=tuple(deltas),
                changes=tuple(changes),
                watermark_ms=watermark_ms,
                heard=fold.heard.take(),
            )
        )

    for push in sorted(pushes, key=lambda one: one.at_ms):
        if last_ms >= 0 and tick_of(push.at_ms) > tick_of(last_ms):
            flush(push.at_ms)
        last_ms = push.at_ms
        if push.event is not None and push.signature is not None:
            fold.add(push.event, push.signature, push.at_ms)
        elif push.change is not None:
            fold.add_change(push.change, push.at_ms)
    flush(ms(until))
    return made


def _flat(parts: Iterable[Push | Iterable[Push]]) -> list[Push]:
    found: list[Push] = []
    for part in parts:
        found += [part] if isinstance(part, Push) else list(part)
    return found


def deltas_of(*parts: Push | Iterable[Push], config: Config = CONFIG) -> list[Delta]:
    """Return the deltas of these events, as FINGERPRINT folds them."""
    made = batches(_flat(parts), until=0, config=config)
    return [delta for batch in made for delta in batch.deltas]


def run(
    *parts: Push | Iterable[Push],
    until: float | None = None,
    config: Config = CONFIG,
    after_tick: Callable[[Partition], None] | None = None,
) -> Score:
    """Return what is decided of these events when time runs on to second `until`.

    Without `until` it runs until nothing can be open any more.
    """
    pushes = _flat(parts)
    if until is None:
        last_ms = max(push.at_ms for push in pushes)
        until = last_ms / 1000 - START + ticks(config.windows.quiet_for_ms) + 2
    partition = Partition(config, first_progress(), explains=True)
    score = Score()
    for offset, batch in enumerate(batches(pushes, until=until, config=config)):
        partition.receive(offset, batch)
        while partition.ready():
            score.take(partition.step(most_ticks=1))
            if after_tick is not None:
                after_tick(partition)
    score.entries = partition.state_entries
    return score

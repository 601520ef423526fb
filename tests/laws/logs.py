"""Hypothesis logs for the laws, and the ways to run one: plain, split, repeated, interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

from correlators.entries import PROGRESS_KEY
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.incidents import Windows
from correlators.partition import Partition, Step
from correlators.rules import Pages, Routes
from correlators.storms import Linking
from correlators.suppressions import HeldBack
from correlators.telling import Config
from correlators.ticks import Progress
from correlators.types import DeltaBatch, Digest, tick_of
from streams import codec
from streams.local import final_mark_ms

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000

# Short lives, so that a log of a few dozen records sees every transition.
CONFIG = Config(
    windows=Windows(
        settle_ms=5_000,
        update_every_ms=MINUTE_MS,
        quiet_for_ms=4 * MINUTE_MS,
        max_life_ms=30 * MINUTE_MS,
        reopen_within_ms=10 * MINUTE_MS,
        remember_ms=40 * MINUTE_MS,
        flap_within_ms=15 * MINUTE_MS,
        belated_after_ms=MINUTE_MS,
        stale_after_ms=10 * MINUTE_MS,
    ),
    linking=Linking(link_within_ms=30_000, storm_quiet_ms=MINUTE_MS, release_news_ms=5 * MINUTE_MS),
    pages=Pages(environments=("production",), events=4, within_ms=2 * MINUTE_MS),
    routes=Routes(tell=("slack:incidents", "console:default"), page=("pagerduty:default",)),
)
FINGERPRINTING = Fingerprinting(belated_after_ms=CONFIG.windows.belated_after_ms)


@dataclass(frozen=True)
class Rec:
    """One record of a log."""

    at_ms: int
    resource: str
    body: bytes


def _event(at_ms: int, draw: st.DrawFn) -> bytes:
    service = draw(st.sampled_from(["checkout", "payment", "catalogue", "cart"]))
    event: dict[str, object] = {
        "event_id": f"{draw(st.integers(0, 40)):032x}",
        "project": service,
        "environment": draw(st.sampled_from(["production", "production", "staging"])),
        "release": draw(st.sampled_from(["1.0", "1.0", "1.1", ""])),
        "level": draw(st.sampled_from(["error", "error", "error", "fatal", "warning"])),
        "transaction": draw(st.sampled_from(["GET /a", "GET /b"])),
        "exception": {
            "values": [{"type": draw(st.sampled_from(["TimeoutError", "KeyError"])), "value": "x"}]
        },
        "user": {"id": draw(st.sampled_from(["u1", "u2", "u3"]))},
        "issue_id": draw(st.sampled_from(["71", "72"])),
    }
    trace = draw(st.sampled_from(["", "", "", "a" * 32, "b" * 32]))
    if trace:
        event["contexts"] = {"trace": {"trace_id": trace}}
    behind_ms = draw(st.sampled_from([0, 0, 0, 90_000, 5 * MINUTE_MS, 20 * MINUTE_MS]))
    event["timestamp"] = (at_ms - behind_ms) / 1000
    return json.dumps(event).encode()


def _change(draw: st.DrawFn) -> bytes:
    issue = {"id": draw(st.sampled_from(["71", "72"])), "title": "x"}
    action = draw(st.sampled_from(["resolved", "resolved", "ignored", "unresolved"]))
    return json.dumps({"action": action, "data": {"issue": issue}}).encode()


def _deploy(at_ms: int, draw: st.DrawFn) -> bytes:
    deploy = {
        "service": draw(st.sampled_from(["checkout", "payment"])),
        "release": draw(st.sampled_from(["1.0", "1.1"])),
        "environment": draw(st.sampled_from(["production", "staging"])),
        "at": draw(st.sampled_from([START_MS, at_ms, at_ms + MINUTE_MS])) / 1000,
    }
    return json.dumps(deploy).encode()


def _metric_alert(draw: st.DrawFn) -> bytes:
    services = ["checkout", "payment", "catalogue", "cart"]
    alert = {
        "id": draw(st.sampled_from([None, "1", "2"])),
        "title": "Failure rate",
        "projects": draw(st.lists(st.sampled_from(services), max_size=2)),
        "alert_rule": {
            "id": draw(st.sampled_from([8, 9])),
            "environment": draw(st.sampled_from([None, "production", "staging"])),
        },
    }
    action = draw(st.sampled_from(["critical", "warning", "resolved", "open"]))
    return json.dumps({"action": action, "data": {"metric_alert": alert}}).encode()


@st.composite
def logs(draw: st.DrawFn, min_size: int = 1, max_size: int = 25) -> list[Rec]:
    """Draw a log: records in the order of stream time."""
    gaps = st.sampled_from(
        [0, 0, 1, 300, 1_000, 4_000, 11_000, 31_000, 61_000, 241_000, 605_000, 1_801_000]
    )
    at_ms = START_MS
    records = []
    for _ in range(draw(st.integers(min_size, max_size))):
        at_ms += draw(gaps)
        kind = draw(
            st.sampled_from(["event"] * 12 + ["issue", "junk", "metric", "metric", "deploy"])
        )
        if kind == "event":
            records.append(Rec(at_ms, "event", _event(at_ms, draw)))
        elif kind == "issue":
            records.append(Rec(at_ms, "issue", _change(draw)))
        elif kind == "deploy":
            records.append(Rec(at_ms, "deploy", _deploy(at_ms, draw)))
        elif kind == "metric":
            records.append(Rec(at_ms, "metric_alert", _metric_alert(draw)))
        else:
            records.append(Rec(at_ms, "event", b"{"))
    return records


@dataclass
class Outcome:
    """What a run decided; two runs of one log must be equal in all of it."""

    digests: list[Digest] = field(default_factory=list)
    state: dict[str, bytes] = field(default_factory=dict)
    """The stored entries as bytes, without `@progress`."""
    suppressed: dict[HeldBack, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        assert not step.poison
        self.digests += step.digests
        for key, entry in step.entries.items():
            if entry is None:
                self.state.pop(key, None)
            elif key != PROGRESS_KEY:
                self.state[key] = codec.encode(entry)
        for why, count in step.suppressed.items():
            self.suppressed[why] = self.suppressed.get(why, 0) + count
        for reason, count in step.pages.items():
            self.pages[reason] = self.pages.get(reason, 0) + count


def first_progress(partitions: int) -> Progress:
    sources = tuple(("events", partition) for partition in range(partitions))
    return Progress(installation="laws", partitions=1, sources=sources)


def plain_messages(log: Sequence[Rec]) -> list[DeltaBatch]:
    """Return the input log that one unhurried FINGERPRINT writes: one message per tick."""
    return list(_batches(log, 0, lambda: False))


def end_of(log: Sequence[Rec]) -> int:
    """Return when everything is over: a metric alert ends by Sentry's word or `max_life` alone."""
    alerts = any(record.resource == "metric_alert" for record in log)
    return final_mark_ms(log[-1].at_ms, CONFIG) + (CONFIG.windows.max_life_ms if alerts else 0)


def _batches(
    records: Sequence[Rec], partition: int, early: Callable[[], bool]
) -> Iterator[DeltaBatch]:
    fingerprinter = Fingerprinter(FINGERPRINTING)
    last_ms = -1
    for record in records:
        if last_ms >= 0 and tick_of(record.at_ms) > tick_of(last_ms):
            yield _flush(fingerprinter, partition, record.at_ms)
        elif early():
            yield _flush(fingerprinter, partition, -1)
        last_ms = record.at_ms
        fingerprinter.add(record.resource, record.body, record.at_ms)
    end_ms = end_of(records) if records else START_MS
    yield _flush(fingerprinter, partition, end_ms)


def _flush(fingerprinter: Fingerprinter, partition: int, watermark_ms: int) -> DeltaBatch:
    deltas, changes = fingerprinter.fold.flush()
    return DeltaBatch(
        topic="events",
        partition=partition,
        deltas=tuple(deltas),
        changes=tuple(changes),
        watermark_ms=watermark_ms,
        heard=fingerprinter.fold.heard.take() if watermark_ms >= 0 else (),
    )


def split_messages(log: Sequence[Rec], partitions: int, random: Random) -> list[DeltaBatch]:
    """Return an input log of the same events over several source partitions, in a random order.

    Each partition flushes at random; its messages keep their order, those of different ones do
    not. Any message may be written again later, as a restarted FINGERPRINT does.
    """
    parts: list[list[Rec]] = [[] for _ in range(partitions)]
    for record in log:
        random.choice(parts).append(record)
    end_ms = end_of(log)
    queues = []
    for partition, records in enumerate(parts):
        queue = list(_batches(records, partition, lambda: random.random() < 0.3))
        queue.append(DeltaBatch(topic="events", partition=partition, watermark_ms=end_ms))
        queues.append(queue)
    written: list[DeltaBatch] = []
    while any(queues):
        queue = random.choice([queue for queue in queues if queue])
        written.append(queue.pop(0))
        if random.random() < 0.2:
            written.append(random.choice(written))
    return written


def run(messages: Sequence[DeltaBatch], *, partitions: int = 1, config: Config = CONFIG) -> Outcome:
    """Run an input log, each message applied as far as it completes ticks."""
    outcome = Outcome()
    partition = Partition(config, first_progress(partitions))
    for offset, batch in enumerate(messages):
        partition.receive(offset, batch)
        outcome.take(partition.step(most_ticks=1_000))
    outcome.take(partition.step(most_ticks=1_000_000))
    return outcome


def run_interrupted(
    messages: Sequence[DeltaBatch],
    *,
    partitions: int,
    random: Random,
    crash: float,
    config: Config = CONFIG,
) -> Outcome:
    """Run it in random bites, and now and then go on from what is stored, as a new owner does.

    A crash loses what was read and computed since the last stored step; the input is read again
    from the stored offset.
    """
    outcome = Outcome()
    progress = first_progress(partitions)
    partition = Partition(config, progress)
    offset = 0
    crashes = 0
    while offset < len(messages):
        partition.receive(offset, messages[offset])
        offset += 1
        if random.random() < 0.6:
            step = partition.step(most_ticks=random.choice([1, 1, 2, 1_000]))
            outcome.take(step)
            progress = step.progress
        if crashes < 30 and random.random() < crash:
            crashes += 1
            entries = [codec.entry(raw) for raw in outcome.state.values()]
            random.shuffle(entries)
            partition = Partition(config, progress, entries)
            offset = progress.input_offset
    while partition.ready():
        outcome.take(partition.step(most_ticks=random.choice([1, 7])))
    return outcome

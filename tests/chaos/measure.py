"""The measure of every case: what was lost, decided twice, told again or late, and for how long
nothing moved; and whether what stands on the topics, replayed in this process, decides the same.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson

from correlators import sets
from correlators.incidents import Incident
from correlators.types import DeltaBatch, Digest, PageAction
from streams import record, replay
from streams.exit_status import DONE
from streams.local import Pipeline
from streams.recording import Record, Recording
from streams.settings import Settings
from tests.chaos.cluster import UPDATE_TICKS, Cluster
from tests.chaos.observer import Observer
from tests.kafka.chain import CHANNEL, PATIENCE_S, until


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    case: str
    times: int
    """How often the case did what it does: kills, joins, outages."""
    events: int
    """Different events that were accepted."""
    lost: int
    """Accepted events that no incident counts."""
    twice: int
    """Revisions decided more than once for a destination, messages and pages sent again."""
    equal: bool | None
    """Digests and assignments are those of the same log in process; None after a stall."""
    pause_s: float
    """Longest time in which no further tick was applied everywhere."""
    redelivered: int
    """Events that FINGERPRINT wrote more than once."""
    late: int
    """Deltas that came after their tick was applied."""
    digests: int
    seed: int = 0
    remarks: dict[str, float | int | str] = {}


async def settled(cluster: Cluster, *, delivered: bool = True) -> None:
    """Return once everything that was sent has been decided, told, and read by the observer.

    Args:
        delivered: wait also until nothing is still to be sent.
    """
    observer = cluster.observer
    await observer.caught_up()
    events = [one for one in observer.events if one.value]
    last_tick = max(int(one.timestamp) for one in events) // 1000
    wanted = last_tick + UPDATE_TICKS + 1
    await until(
        lambda: observer.applied_everywhere >= wanted,
        within_s=PATIENCE_S,
        what=lambda: f"applied {observer.applied}, wanted {wanted}\n{cluster.chain.logs()}",
    )
    await observer.caught_up()
    if delivered:
        await until(
            lambda: observer.delivered,
            within_s=PATIENCE_S,
            what=lambda: f"{observer.outbox}\n{cluster.chain.logs()}",
        )


async def measured(
    cluster: Cluster,
    case: str,
    *,
    times: int,
    events: int,
    seed: int = 0,
    reproducible: bool = True,
    parked: int = -1,
    remarks: Mapping[str, float | int | str] | None = None,
) -> Measured:
    """Return the row of a case that is `settled`.

    Args:
        reproducible: compare with the replay in process; after a stall nothing promises equality.
        parked: the partition that is.
        remarks: what else the case measured.
    """
    observer = cluster.observer
    noted = dict(remarks or {})
    await observer.caught_up()
    equal = None
    if reproducible:
        different = await asyncio.to_thread(
            differences, cluster.settings, observer, cluster.chain.folder
        )
        equal = not different
        if different:
            (cluster.chain.folder / "differences.txt").write_text("\n".join(different))
            noted["differences"] = " | ".join(different[:3])
    return Measured(
        case=case,
        times=times,
        events=events,
        lost=events - counted(observer),
        twice=len(twice(cluster)),
        equal=equal,
        pause_s=round(pause_ms(observer, without=parked) / 1000, 1),
        redelivered=redelivered(observer.deltas),
        late=sum(one.late for one in observer.progress.values()),
        digests=len(observer.digests),
        seed=seed,
        remarks=noted,
    )


def counted(observer: Observer) -> int:
    """Return how many events the incidents hold, each incident at its last entry."""
    last = {entry.id: entry for entry in observer.entries if isinstance(entry, Incident)}
    return sum(sets.count(incident.events).value for incident in last.values())


def twice(cluster: Cluster) -> list[str]:
    """Return what was decided or sent more than once."""
    found = []
    decided = Counter(
        (one.id, one.revision, one.destination) for _, one in cluster.observer.digests
    )
    found += [f"decided {key}" for key, count in decided.items() if count > 1]
    said: Counter[tuple[str, ...]] = Counter()
    for message in cluster.chain.slack.messages(CHANNEL):
        assert message.metadata is not None
        payload = message.metadata["event_payload"]
        said["message", payload["id"], str(payload["revision"]), payload["step"]] += 1
        if payload["step"] == "post":
            said["thread", payload["id"]] += 1
    pages = Counter(alert.dedup_key for alert in cluster.chain.pagerduty.alerts)
    said.update({("page", key): count for key, count in pages.items()})
    found += [f"sent {key}" for key, count in said.items() if count > 1]
    triggers = {
        one.page_key for _, one in cluster.observer.digests if one.page is PageAction.TRIGGER
    }
    found += ["pages without a decision"] * max(0, len(pages) - len(triggers))
    return found


def pause_ms(observer: Observer, *, since_ms: int = 0, without: int = -1) -> int:
    """Return the longest time in which the smallest applied tick stood still.

    Counted from the moment at which every partition had told one, or from the one given.

    Args:
        since_ms: nothing before that counts.
        without: a partition that is parked.
    """
    applied: dict[int, int] = {}
    slowest, moved_ms, longest_ms = -1, 0, 0
    for at_ms, told in sorted(observer.told, key=lambda heard: heard.at_ms):
        if told.applied_tick < 0 or told.partition == without:
            continue
        applied[told.partition] = max(told.applied_tick, applied.get(told.partition, -1))
        if len(applied) < observer.partitions - (without >= 0) or min(applied.values()) <= slowest:
            continue
        if slowest >= 0 and at_ms > since_ms:
            longest_ms = max(longest_ms, at_ms - max(moved_ms, since_ms))
        slowest, moved_ms = min(applied.values()), at_ms
    return longest_ms


def redelivered(log: list[tuple[int, DeltaBatch]]) -> int:
    """Return how many events stand in more than one delta of the log."""
    written: Counter[Any] = Counter()
    union: dict[Any, bytes] = defaultdict(lambda: sets.EMPTY)
    for target, batch in log:
        for delta in batch.deltas:
            place = (target, batch.topic, batch.partition, delta.key, delta.tick)
            written[place] += sets.count(delta.events).value
            union[place] = sets.union(union[place], delta.events)
    return sum(count - sets.count(union[place]).value for place, count in written.items())


# ---------------------------------------------------------------- the same log, in process


def differences(settings: Settings, observer: Observer, folder: Path) -> list[str]:
    """Return where what was decided differs from what its recording decides in this process.

    `stormfold record` and `stormfold replay --via local` tell the digests and the assignments, by
    event id, up to the last tick that was applied; digests are compared whole, too.
    """
    recording = folder / "recorded.jsonl"
    live, again = (
        {name: folder / f"{way}-{name}.jsonl" for name in ("digests", "assignments")}
        for way in ("record", "replay")
    )
    said, errors = io.StringIO(), io.StringIO()
    recorded = record.Options(
        out=recording, digests=live["digests"], assignments=live["assignments"], json=True
    )
    assert record.run(settings, recorded, said, errors, now_ms=0) == DONE, errors.getvalue()
    counts = orjson.loads(said.getvalue())
    replayed = replay.Options(
        files=(recording,), digests=again["digests"], assignments=again["assignments"]
    )
    assert replay.run(settings, replayed, said, errors) == DONE, errors.getvalue()
    last_ms = counts["applied_ms"] + 1
    rows = [row for row in _rows(again["digests"]) if row["at_ms"] <= last_ms]
    found = _different("digest", _rows(live["digests"]), rows)
    lines = slice(counts["applied_records"])
    found += _different(
        "assignment", _rows(live["assignments"])[lines], _rows(again["assignments"])[lines]
    )
    whole = {_place(digest): digest for _, digest in observer.digests if digest.at_ms <= last_ms}
    same = {
        _place(digest): digest
        for digest in _decided(settings, recording)
        if digest.at_ms <= last_ms
    }
    places = sorted(whole.keys() | same.keys())
    return found + [f"whole {place}" for place in places if whole.get(place) != same.get(place)]


def _place(digest: Digest) -> tuple[str, str, int]:
    return digest.destination, digest.id, digest.revision


def _rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _different(what: str, live: list[dict[str, Any]], again: list[dict[str, Any]]) -> list[str]:
    left, right = {orjson.dumps(row) for row in live}, {orjson.dumps(row) for row in again}
    found = [f"{what} only on the topics: {row.decode()}" for row in sorted(left - right)]
    found += [f"{what} only in process: {row.decode()}" for row in sorted(right - left)]
    if not found and len(live) != len(again):
        found = [f"{what}: {len(live)} on the topics, {len(again)} in process"]
    return found


def _decided(settings: Settings, recording: Path) -> list[Digest]:
    """Return every digest that the recording gives in this process."""
    found: list[Digest] = []
    pipeline = Pipeline(
        settings.correlation(), settings.fingerprinting(), lambda step: found.extend(step.digests)
    )
    for line in Recording([recording]):
        assert isinstance(line, Record)
        pipeline.add(line.resource, line.body, line.at_ms)
    pipeline.finish()
    return found

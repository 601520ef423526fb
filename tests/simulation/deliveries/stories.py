"""What is written to `deliveries` in one run: the lives of some incidents, told and paged."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

import msgspec

from correlators.types import Digest, DigestKind, PageAction
from streams import codec
from tests.simulation.cluster import EPOCH_MS
from tests.sinks.make import digest


class Record(NamedTuple):
    """One record, written together with those of the same moment."""

    at_s: float
    destination: str
    value: bytes
    aborted: bool = False
    """Its transaction is aborted: nobody must be told of it."""


def draw(
    random: Random, channels: tuple[str, ...], pagers: tuple[str, ...], span_s: float, count: int
) -> tuple[Record, ...]:
    """Return the records of so many incidents, in order of time."""
    found: list[Record] = []
    for number in range(count):
        found += _life(random, f"inc{number}", channels, pagers, span_s)
    if pagers and random.random() < 0.5:
        found += _handover(random, random.choice(pagers), span_s)
    found += _beside(random, found)
    return tuple(sorted(found, key=lambda one: one.at_s))


def _life(
    random: Random, id: str, channels: tuple[str, ...], pagers: tuple[str, ...], span_s: float
) -> list[Record]:
    """Return an incident that is told, changes, ends, and may come back; some are paged, and taken
    on and given back by people."""
    told = tuple(random.sample(channels, random.choice((1, 1, 1, min(2, len(channels))))))
    paged = random.sample(pagers, min(len(pagers), random.choice((0, 0, 1, len(pagers)))))
    if random.random() < 0.2:
        paged.append(random.choice(channels))
    at_s = random.random() * span_s * 0.6
    found: list[Record] = []
    storm = random.random() < 0.2
    fallback = random.choice(("", *channels, *pagers))
    page, key, resolved = PageAction.NONE, "", False
    for revision in range(1, random.choice((1, 2, 3, 5, 8)) + 1):
        kind, asks = DigestKind.OPENED if revision == 1 else DigestKind.UPDATED, PageAction.NONE
        is_open = page is not PageAction.NONE
        if resolved:
            kind, resolved = DigestKind.REOPENED, False
        elif revision > 1 and random.random() < 0.3:
            kind, resolved = DigestKind.RESOLVED, True
        elif is_open and random.random() < 0.5:
            kind, asks = _BACK if page is PageAction.ACKNOWLEDGE else _TAKEN
        if resolved and is_open:
            asks = PageAction.RESOLVE
        elif not resolved and not is_open and random.random() < 0.7:
            asks, key = PageAction.TRIGGER, f"{id}.{revision}"
        if asks is not PageAction.NONE:
            page = PageAction.NONE if asks is PageAction.RESOLVE else asks
        for one in told:
            found.append(_record(at_s, one, id, revision, kind, PageAction.NONE, storm=storm))
        for one in paged if asks is not PageAction.NONE else ():
            by = fallback if fallback != one else ""
            asked = _record(at_s, one, id, revision, kind, asks, key=key, fallback=by, told=told)
            found.append(asked)
        at_s += random.choice((1.0, 1.0, 3.0, 7.0)) * (0.2 + random.random())
    return found


_TAKEN: Final = (DigestKind.ACKNOWLEDGED, PageAction.ACKNOWLEDGE)
_BACK: Final = (DigestKind.UNACKNOWLEDGED, PageAction.UNACKNOWLEDGE)


def _handover(random: Random, pager: str, span_s: float) -> list[Record]:
    """Return a page that another one takes the place of, told together, and both their ends."""
    at_s = random.random() * span_s * 0.4
    later_s = at_s + random.choice((0.3, 2.0, 6.0))
    ended_s = later_s + random.choice((0.5, 3.0, 20.0))
    trigger, resolve = PageAction.TRIGGER, PageAction.RESOLVE
    return [
        _record(at_s, pager, "old", 1, DigestKind.OPENED, trigger, key="old.1"),
        _record(later_s, pager, "new", 1, DigestKind.OPENED, trigger, key="new.1"),
        _record(later_s, pager, "old", 2, DigestKind.JOINED, resolve, key="old.1", after="new.1"),
        _record(ended_s, pager, "new", 2, DigestKind.RESOLVED, resolve, key="new.1"),
    ]


def _record(
    at_s: float,
    destination: str,
    id: str,
    revision: int,
    kind: DigestKind,
    page: PageAction,
    *,
    key: str = "",
    after: str = "",
    storm: bool = False,
    fallback: str = "",
    told: tuple[str, ...] = (),
) -> Record:
    made = digest(
        destination,
        id=id,
        revision=revision,
        resolved=kind is DigestKind.RESOLVED,
        page=page,
        at_ms=EPOCH_MS + int(at_s) * 1000 + revision,
        kind=kind,
        services=(),
    )
    # A roll-up's line tells how many events, and so which revision.
    made = msgspec.structs.replace(
        made,
        events=revision,
        storm=storm,
        page_key=key,
        page_after=after,
        page_fallback=fallback,
        page_told=told,
        joined_services=(f"s{revision}",) if storm and kind is DigestKind.UPDATED else (),
    )
    return Record(at_s, destination, codec.encode(made))


def _beside(random: Random, records: list[Record]) -> list[Record]:
    """Return what must change nothing: repeated records, unreadable ones, aborted ones."""
    found = []
    for one in records:
        draw = random.random()
        if draw < 0.03:
            found.append(one._replace(at_s=one.at_s + 2 * random.random()))
        elif draw < 0.05:
            found.append(one._replace(value=b"\xc1" + bytes([random.randrange(256)])))
        elif draw < 0.08:
            wrong = msgspec.structs.replace(codec.digest(one.value), id="aborted")
            found.append(one._replace(value=codec.encode(wrong), aborted=True))
    return found


def digests(records: tuple[Record, ...]) -> list[Digest]:
    """Return every digest that must be told, in order."""
    readable = [one for one in records if not one.aborted and not one.value.startswith(b"\xc1")]
    return [codec.digest(one.value) for one in readable]

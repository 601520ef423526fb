"""The digests of the storm: incidents with their lives over the channels, some of them paged."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from correlators.types import Digest, DigestKind, Level, PageAction, PageReason, ServiceLine

PAGED_SHARE: Final = 0.05
PAGER: Final = "pagerduty:default"


class Due(NamedTuple):
    """One digest, and when it is put on Kafka, in seconds from the beginning."""

    after_s: float
    digest: Digest


def channels(count: int) -> dict[str, str]:
    """Return the channels: id by name."""
    return {f"c{number:02}": f"C0SHOW{number:02}" for number in range(count)}


def draw(seed: int, incidents: int, names: list[str], over_s: float) -> list[Due]:
    """Return the digests of so many incidents, in order; `at_ms` is to be set when one is put.

    Args:
        seed: the same gives the same.
        incidents: how many.
        names: of the channels, taken in turn.
        over_s: how long new ones come.
    """
    random = Random(f"deliveries {seed}")
    found: list[Due] = []
    for number in range(incidents):
        after_s = random.random() * over_s
        paged = random.random() < PAGED_SHARE
        revisions = random.choice((1, 2, 2, 3))
        for revision in range(1, revisions + 1):
            last = revision == revisions and revision > 1
            kind = DigestKind.OPENED if revision == 1 else DigestKind.UPDATED
            made = _digest(
                number,
                f"slack:{names[number % len(names)]}",
                revision,
                DigestKind.RESOLVED if last else kind,
                PageAction.NONE,
            )
            found.append(Due(after_s, made))
            if paged and (revision == 1 or last):
                page = PageAction.RESOLVE if last else PageAction.TRIGGER
                found.append(Due(after_s, _digest(number, PAGER, revision, made.kind, page)))
            after_s += random.uniform(5, 60)
    return sorted(found, key=lambda one: one.after_s)


def _digest(
    number: int, destination: str, revision: int, kind: DigestKind, page: PageAction
) -> Digest:
    id = f"inc-{number:016x}"
    paged = page is not PageAction.NONE
    return Digest(
        id=id,
        revision=revision,
        kind=kind,
        at_ms=0,
        destination=destination,
        storm=False,
        resolved=kind is DigestKind.RESOLVED,
        environment="production",
        title=f"TimeoutError in service-{number}",
        incidents=1,
        events=3 * revision,
        users=2,
        level=Level.ERROR,
        first_ms=0,
        last_ms=0,
        services=(
            ServiceLine(
                service=f"service-{number}", title="TimeoutError", events=3 * revision, incidents=1
            ),
        ),
        page=page,
        page_reason=PageReason.EVENT_RATE if paged else None,
        page_key=id if paged else "",
    )

"""The digest that tells many others at once: how many, and those that hurt most. Pure content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import xxhash

from correlators import personal
from correlators.types import Digest, DigestKind, Level, Rollup, RollupLine
from sinks.attempted import Attempted, subject_of
from sinks.base import Step
from sinks.entries import ROLLUP_PREFIX, Delivery
from sinks.words import many, short

LINES: Final = 20
"""Incidents that a roll-up names; the others are counted."""
TEXT_CHARS: Final = 120
URL_CHARS: Final = 500


def add(rollup: Rollup, told: Iterable[tuple[Digest, bool]]) -> Rollup:
    """Return the roll-up with these digests in it, in whatever order they come.

    Args:
        rollup: so far.
        told: digests, each with whether its incident was told before. One that has a line already
            gets a newer one and is not counted again.
    """
    counts = {"opened": rollup.opened, "updated": rollup.updated, "resolved": rollup.resolved}
    by_id = {one.id: one for one in rollup.lines}
    events, users = rollup.events, rollup.users
    for digest, before in told:
        known = by_id.get(digest.id)
        if known is not None:
            before = known.before
            counts[_word(known)] -= 1
            events -= known.events
        by_id[digest.id] = line = _line(digest, before)
        counts[_word(line)] += 1
        events += digest.events
        users = max(users, digest.users)
    lines = list(by_id.values())
    lines.sort(key=lambda one: (one.resolved, -one.users, -one.events, one.id))
    return Rollup(
        **counts,
        lines=tuple(lines[:LINES]),
        more=rollup.more + max(0, len(lines) - LINES),
        events=events,
        users=users,
    )


def total(rollup: Rollup) -> int:
    """Return how many incidents it tells."""
    return rollup.opened + rollup.updated + rollup.resolved


def digest_of(rollup: Rollup, *, id: str, revision: int, destination: str, now_ms: int) -> Digest:
    """Return the digest that tells this roll-up.

    Its counts of users are those of the incident with the most: nobody knows how many are the same.
    """
    theirs = destination.partition(":")[0] in (personal.SLACK, personal.MAIL)
    environments = sorted({one.environment for one in rollup.lines})
    number = total(rollup)
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (rollup.opened, "new"),
            (rollup.updated, "updated"),
            (rollup.resolved, "resolved"),
        )
        if count
    ]
    return Digest(
        id=id,
        revision=revision,
        kind=DigestKind.ROLLUP,
        at_ms=now_ms,
        destination=destination,
        storm=False,
        resolved=bool(number) and rollup.resolved == number,
        environment=", ".join(environments[:3]) + (" …" if len(environments) > 3 else ""),
        title=f"Assigned to you: {many(number, 'incident')}"
        if theirs
        else f"{many(number, 'incident')} in one message: {', '.join(parts)}",
        incidents=number,
        events=rollup.events,
        users=rollup.users,
        about=any(one.about for one in rollup.lines),
        level=Level.ERROR,
        first_ms=now_ms,
        last_ms=now_ms,
        rollup=rollup,
    )


def name_of(destination: str, now_ms: int, covered: Iterable[str]) -> str:
    """Return the name of a new roll-up, derived from when it began and with what."""
    said = "\n".join((destination, str(now_ms), *sorted(covered)))
    return f"{ROLLUP_PREFIX}{xxhash.xxh3_128_hexdigest(said.encode())[:24]}"


def telling(entry: Delivery, rollup: Delivery, now_ms: int) -> Attempted:
    """Return that this was told, and by which message."""
    subject = subject_of(entry.newest) if entry.newest is not None else entry.name
    return Attempted(
        at_ms=now_ms,
        subject=subject,
        destination=entry.destination,
        step=Step.POST,
        outcome="delivered",
        reason=f"in roll-up {rollup.name}",
        revision=entry.covered.revision,
        receipt=rollup.root,
        delivery="" if entry.name == subject else entry.name,
    )


def told_before(entry: Delivery) -> bool:
    """Return True where its destination was told of it before, in whatever message."""
    return entry.root is not None or entry.thread is not None


def same(left: Digest, right: Digest | None) -> bool:
    """Return True when both say the same, but for the revision and the moment."""
    if right is None:
        return False
    alike = msgspec.structs.replace(
        left,
        revision=right.revision,
        at_ms=right.at_ms,
        first_ms=right.first_ms,
        last_ms=right.last_ms,
    )
    return alike == right


def _word(line: RollupLine) -> str:
    return "resolved" if line.resolved else "updated" if line.before else "opened"


def _line(digest: Digest, before: bool) -> RollupLine:
    first = digest.services[0] if digest.services else None
    releases = (digest.new_release, *digest.releases)
    url = digest.url or (first.url if first else "")
    return RollupLine(
        id=digest.id,
        kind=digest.kind,
        environment=short(digest.environment, 60),
        service=short(first.service if first else "", 80),
        title=short(digest.title, TEXT_CHARS),
        users=digest.users,
        events=digest.events,
        release=short(next((one for one in releases if one), ""), 80),
        owner=short(digest.owners[0] if digest.owners else digest.assignee, 60),
        url=url if len(url) <= URL_CHARS else "",
        resolved=digest.resolved,
        about=digest.about or digest.about_users,
        before=before,
    )

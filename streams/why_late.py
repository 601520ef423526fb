"""`stormfold why-late`: where the time goes between the first event and the message, and which part
is the longest. Pure: `why_read` reads."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec

from correlators.decisions import Decision, Kind
from sinks.attempted import Attempted
from streams.settings import Settings
from streams.stories import at_ms
from streams.why_links import many
from streams.why_read import Seen

SLOWEST_MOST: Final = 5


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One message or page from its first event to its arrival, in milliseconds."""

    subject: str
    destination: str
    page: bool
    decided_after_ms: int
    """From the incident's first event to the decision: `settle`, and what held it back."""
    delivered_after_ms: int
    """From the decision to the service's answer; -1 where it has not come."""
    calls: int
    held: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time goes."""

    ways: tuple[Way, ...]
    """First messages and pages, the slowest first."""
    waiting: int
    """Of them, not delivered yet."""
    refusals: dict[str, int]
    troubles: tuple[str, ...]
    verdict: str


def why_late(seen: Seen, settings: Settings, *, destination: str = "", service: str = "") -> Answer:
    """Return where the time went of what was first told since then.

    Args:
        seen: what stands on the topics.
        settings: `settle` is theirs.
        destination: only this one; empty takes all.
        service: only its incidents and storms; empty takes all.
    """
    ways = _ways(seen, destination, service)
    refusals: Counter[str] = Counter(
        f"{one.destination} {one.outcome} {one.reason}".strip()
        for one in seen.said
        if isinstance(one, Attempted)
        and one.outcome != "delivered"
        and (not destination or one.destination == destination)
    )
    waiting = sum(way.delivered_after_ms < 0 for way in ways)
    return Answer(
        ways=tuple(ways),
        waiting=waiting,
        refusals=dict(refusals.most_common(20)),
        troubles=seen.troubles,
        verdict=_verdict(ways, seen, settings, refusals),
    )


def _ways(seen: Seen, destination: str, service: str) -> list[Way]:
    began: dict[str, int] = {}
    services: dict[str, set[str]] = {}
    held: dict[str, dict[str, None]] = {}
    first: dict[tuple[str, str, bool], int] = {}
    for one in seen.said:
        if not isinstance(one, Decision):
            continue
        if one.key is not None:
            began.setdefault(one.subject, at_ms(one))
            services.setdefault(one.subject, set()).add(one.key[1])
        if one.kind is Kind.JOINED and one.other:
            start = began.get(one.subject, at_ms(one))
            began[one.other] = min(began.get(one.other, start), start)
            services.setdefault(one.other, set()).update(services.get(one.subject, ()))
        if one.kind is Kind.HELD:
            held.setdefault(one.subject, {})[f"{one.why} {one.name}".strip()] = None
        if one.kind in (Kind.TOLD, Kind.PAGED) and one.subject in began:
            for place in one.to:
                first.setdefault((one.subject, place, one.kind is Kind.PAGED), at_ms(one))
    found = []
    for (subject, place, page), decided in first.items():
        if destination and place != destination:
            continue
        if service and service not in services.get(subject, ()):
            continue
        delivered, calls, refused = _calls(seen, subject, place, decided)
        found.append(
            Way(
                subject=subject,
                destination=place,
                page=page,
                decided_after_ms=max(0, decided - began[subject]),
                delivered_after_ms=delivered,
                calls=calls,
                held=tuple(held.get(subject, ())),
                refused=refused,
            )
        )
    return sorted(
        found,
        key=lambda way: (
            way.delivered_after_ms >= 0,
            -(way.decided_after_ms + max(0, way.delivered_after_ms)),
            way.subject,
        ),
    )


def _calls(seen: Seen, subject: str, place: str, decided: int) -> tuple[int, int, tuple[str, ...]]:
    """Return how long until the first call was taken, how many it took, and the refusals."""
    refused: dict[str, None] = {}
    calls = 0
    for one in seen.said:
        if not isinstance(one, Attempted) or (one.subject, one.destination) != (subject, place):
            continue
        calls += 1
        if one.outcome == "delivered":
            return max(0, one.at_ms - decided), calls, tuple(refused)
        refused[f"{one.outcome} {one.reason}".strip()] = None
    return -1, calls, tuple(refused)


def _verdict(ways: list[Way], seen: Seen, settings: Settings, refusals: Counter[str]) -> str:
    if seen.troubles:
        return f"a stage stands still or is behind: {seen.troubles[0]}"
    if not ways:
        return "nothing was first told in this time; `stormfold why-not` says why"
    settle = settings.correlation().windows.settle_ms
    decided = sorted(way.decided_after_ms for way in ways)[len(ways) // 2]
    arrived = sorted(way.delivered_after_ms for way in ways if way.delivered_after_ms >= 0)
    delivered = arrived[len(arrived) // 2] if arrived else -1
    waiting = len(ways) - len(arrived)
    limited = sum(count for name, count in refusals.items() if "rate_limited" in name)
    if waiting:
        why = f", {refusals.most_common(1)[0][0]}" if refusals else ""
        return f"{waiting} of {len(ways)} are decided and not taken by the service yet{why}"
    if limited and delivered > decided:
        calls = "1 call was" if limited == 1 else f"{limited} calls were"
        return f"the service limits us: {calls} told to wait"
    if delivered > 2_000 and delivered > decided:
        return "the calls take long: the network, or the service itself"
    if decided > settle + 2_000:
        held = Counter(reason for way in ways for reason in way.held)
        why = f": {held.most_common(1)[0][0]}" if held else ""
        return f"it is decided late{why or ': what came later or was held'}"
    return (
        f"nothing is late: {decided / 1000:.1f} s until it is decided, of which `settle` is "
        f"{settle / 1000:g} s, and {delivered / 1000:.1f} s until it is taken"
    )


def lines(answer: Answer) -> list[str]:
    """Return the answer in lines for people."""
    found = [f"{len(answer.ways)} first messages and pages, {answer.waiting} not taken yet"]
    for way in answer.ways[:SLOWEST_MOST]:
        arrived = (
            f"taken {way.delivered_after_ms / 1000:.1f} s later"
            if way.delivered_after_ms >= 0
            else "not taken yet"
        )
        what = "page" if way.page else "message"
        found.append(
            f"  {way.subject} {what} to {way.destination}: decided "
            f"{way.decided_after_ms / 1000:.1f} s after its first event, {arrived}, "
            f"{many(way.calls, 'call')}"
        )
        found += [f"    held: {one}" for one in way.held]
        found += [f"    {one}" for one in way.refused]
    found += [
        f"  {count} {'time' if count == 1 else 'times'} {name}"
        for name, count in answer.refusals.items()
    ]
    found += [f"  {trouble}" for trouble in answer.troubles]
    found.append(f"Why: {answer.verdict}")
    return found


def plain(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(answer)
    return found

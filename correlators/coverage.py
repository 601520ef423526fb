"""What an acknowledgement covers, and what came to a storm since that it does not. Only the
judgement."""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.entries import Episode
from correlators.evidence import shown
from correlators.storms import SERVICES_KEPT, Ack, Storm, name_hash
from correlators.types import LEVEL_RANK, Level, PageReason

SERVICES_SAID: Final = 3


def gained(storm: Storm) -> PageReason | None:
    """Return what came to an acknowledged storm since then that its acknowledgement does not
    cover."""
    if storm.ack is None:
        return None
    if storm.overtaken:
        return PageReason.TOOK_OVER_PAGE
    if _new_services(storm):
        return PageReason.GAINED_SERVICE
    if LEVEL_RANK[storm.level] > LEVEL_RANK[storm.ack.level]:
        return PageReason.HIGHER_URGENCY
    return PageReason.NEW_ORIGIN if storm.origin.service != storm.ack.origin else None


def gained_words(storm: Storm) -> str:
    """Return that for people, in half a sentence; empty where nothing came."""
    ack = storm.ack
    match gained(storm):
        case PageReason.TOOK_OVER_PAGE:
            return "a page that nobody had acknowledged became part of it"
        case PageReason.GAINED_SERVICE:
            new = [shown(one) for one in _new_services(storm)]
            more = [f"{len(new) - SERVICES_SAID} more"] if len(new) > SERVICES_SAID else []
            *some, last = [*new[:SERVICES_SAID], *more]
            names = f"{', '.join(some)} and {last}" if some else last
            return f"{names} joined after the acknowledgement"
        case PageReason.HIGHER_URGENCY if ack is not None:
            return f"it is {storm.level} now, and was {ack.level} when it was acknowledged"
        case PageReason.NEW_ORIGIN if ack is not None and ack.origin:
            service, before = shown(storm.origin.service), shown(ack.origin)
            return f"it likely began in {service}, not in {before} as was thought then"
        case PageReason.NEW_ORIGIN:
            return f"it likely began in {shown(storm.origin.service)}"
        case _:
            return ""


def covered(episode: Episode, level: Level) -> bool:
    """Return whether somebody has acknowledged an error when it was no less severe than this."""
    acked = episode.acked_level
    return episode.acked_by[1] != "" and (acked is None or LEVEL_RANK[level] <= LEVEL_RANK[acked])


def both_covered(into: Storm, other: Storm, *, takes: bool) -> Ack | None:
    """Return the acknowledgement of what both become; one of a page that stays counts first.

    A page that nobody has acknowledged stays so, whoever had what it was not opened for. Without
    any page whoever has one of them has what was in it, and what was in the other is new.
    """
    if takes:
        return _both(other.ack, into.ack)
    if into.ack is None and not into.page_key:
        return other.ack
    return _both(into.ack, other.ack)


def _both(one: Ack | None, two: Ack | None) -> Ack | None:
    if one is None or two is None:
        return one
    # The sooner end: whoever said no more is asked again rather than too late.
    ends = [(ack.until_tick, ack.for_ticks) for ack in (one, two) if ack.until_tick >= 0]
    until, for_ticks = min(ends, default=(-1, 0))
    return msgspec.structs.replace(
        one,
        services=tuple(dict.fromkeys((*one.services, *two.services)))[:SERVICES_KEPT],
        until_tick=until,
        for_ticks=for_ticks,
    )


def ack_ends(entry: Storm | Episode) -> int:
    """Return the tick in which its acknowledgement ends by itself; -1 where none does."""
    if isinstance(entry, Episode):
        return entry.acked_until if entry.acked_by[1] else -1
    stands = entry.ack is not None and (entry.open or entry.page_left)
    return entry.ack.until_tick if stands and entry.ack is not None else -1


def lapse_words(for_ticks: int) -> str:
    """Return why an acknowledgement that was to last so long ended, in half a sentence."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if for_ticks % length == 0:
            return f"nobody said more for {for_ticks // length}{unit}"
    return f"nobody said more for {for_ticks}s"


def _new_services(storm: Storm) -> list[str]:
    covered = storm.ack.services if storm.ack is not None else ()
    return [one for one in storm.services if name_hash(one) not in covered]

"""Evidence: why incidents are one outage, in named pieces that are weighed and added up.

Weights are decibans: ten times the decimal logarithm of how much likelier the observation is when
both incidents are one outage than when they are not. Independent pieces add; `LINKS` is enough.

Source: I. J. Good, Probability and the Weighing of Evidence, 1950.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from correlators.types import Evidence

LINKS: Final = 30
"""So much weight links two incidents: a thousand to one."""

TRACE: Final = 40
RELEASE: Final = 30
NEW_SIGNATURE: Final = 30
"""The same error, seen for the first time in both services."""
COLD_SIGNATURE: Final = 15
"""The same error in an environment so young that everything in it is seen for the first time."""
OLD_SIGNATURE: Final = 10
"""The same error, which at least one of the services knows from quieter days."""
DEPENDENCY: Final = 15
LEARNT: Final = 12
SERVICE: Final = 10
"""A service that is active in the storm already."""
CLOSE_MOST: Final = 25
"""Most that closeness in time adds to another piece; it never links by itself."""
BY_HAND: Final = 100

PIECES_KEPT: Final = 16
"""Pieces that a storm keeps: the weightiest."""
PIECES_BYTES: Final = 1_000
"""Bytes of their names and details."""
PIECES_TOLD: Final = 5
_NAME_CHARS: Final = 40


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One reason why incidents are one outage."""

    kind: Evidence
    weight: int
    """Decibans."""
    services: tuple[str, ...]
    """The services that it ties together, as they are shown; none for a burst."""
    detail: str
    """What it says, for people: bounded, and without anything but names and counts."""


def piece(kind: Evidence, weight: int, services: Iterable[str], detail: str) -> Piece:
    """Return the piece, its services once each and by name."""
    return Piece(kind, weight, tuple(sorted({shown(name) for name in services})), detail)


def kept(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return what a storm keeps of these pieces: one per kind and services, the weightiest.

    Of every kind at least one stays, so that no reason is lost by the bounds.
    """
    best: dict[tuple[Evidence, tuple[str, ...]], Piece] = {}
    for one in pieces:
        place = (one.kind, one.services)
        known = best.get(place)
        if known is None or _rank(one) < _rank(known):
            best[place] = one
    ordered = sorted(best.values(), key=_rank)
    firsts = {one.kind: one for one in reversed(ordered)}
    if len(ordered) <= PIECES_KEPT and sum(map(_bytes, ordered)) <= PIECES_BYTES:
        return tuple(ordered)
    left = PIECES_BYTES - sum(map(_bytes, firsts.values()))
    found = list(firsts.values())
    for one in ordered:
        if firsts[one.kind] is one:
            continue
        left -= _bytes(one)
        if left < 0 or len(found) == PIECES_KEPT:
            break
        found.append(one)
    return tuple(sorted(found, key=_rank))


def kinds(pieces: Iterable[Piece]) -> tuple[Evidence, ...]:
    """Return the different kinds of these pieces, by their word."""
    return tuple(sorted({one.kind for one in pieces}))


def told(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Return what a digest says of these pieces: of each kind the weightiest first."""
    ordered = sorted(pieces, key=_rank)
    firsts = {one.kind: one for one in reversed(ordered)}
    first = sorted(firsts.values(), key=_rank)
    rest = [one for one in ordered if firsts[one.kind] is not one]
    return tuple(dict.fromkeys(one.detail for one in [*first, *rest]))[:PIECES_TOLD]


def shown(name: str) -> str:
    """Return a name as it stands in a detail."""
    return name if len(name) <= _NAME_CHARS else name[: _NAME_CHARS - 1] + "…"


def both(left: str, right: str) -> str:
    """Return two services as a detail names them."""
    one, two = sorted((left, right))
    return shown(one) if one == two else f"{shown(one)} and {shown(two)}"


def _bytes(one: Piece) -> int:
    texts = (one.detail, *one.services)
    return sum(
        [
            len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            for text in texts
        ]
    )


def _rank(one: Piece) -> tuple[int, Evidence, tuple[str, ...], str]:
    return (-one.weight, one.kind, one.services, one.detail)

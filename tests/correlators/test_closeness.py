"""Closeness: what the time between two onsets adds hangs on what is known, not on its order."""

from __future__ import annotations

import pytest

from correlators.baseline import SLOT_TICKS, Slots
from correlators.candidates import Candidate, Spread, Surroundings
from correlators.closeness import Closeness
from correlators.evidence import Piece, piece
from correlators.types import Evidence

ONSET = 1_700_000_040
SLOT = ONSET // SLOT_TICKS
PAST: Slots = ((SLOT - 3, 40),)
PRESENT: Slots = ((SLOT, 40),)
"""Begun as often, but in the slot of the onset itself, which says nothing of what is usual."""


def candidate(service: str, fingerprint: str) -> Candidate:
    return Candidate(
        onset_tick=ONSET,
        service=service,
        title="Refused",
        id=service,
        fingerprint=fingerprint,
        release_news="",
        release="",
        traces=(),
        all_traces=True,
        loud=False,
    )


def adds(one: str, two: str, slots: tuple[Slots, Slots]) -> list[Piece]:
    young = [candidate("checkout", one), candidate("payment", two)]
    errors = {name: Spread(0, known) for name, known in zip((one, two), slots, strict=True)}
    around = Surroundings(since_tick=ONSET - 7_200, tick=ONSET, errors=errors)
    shared = [piece(Evidence.CAUSE, 10, ("checkout", "payment"), "the same cause")]
    return Closeness(young, around, 30).adds(0, 1, shared)


@pytest.mark.parametrize("number", range(8))
def test_of_two_errors_that_begin_as_often_names_decide_nothing(number: int) -> None:
    one, two = f"one-{number}", f"two-{number}"
    found = adds(one, two, (PAST, PRESENT))
    assert found
    assert adds(one, two, (PRESENT, PAST)) == found

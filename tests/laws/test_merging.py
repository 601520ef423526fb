"""Law 2 of the design: merging deltas is idempotent, commutative and associative, byte for byte."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from correlators import sets
from correlators.deltas import merge, place_of
from correlators.fingerprinter import Fingerprinter
from correlators.open_deltas import Fold
from correlators.types import Delta, Event, Signature
from streams import codec
from tests.laws.logs import FINGERPRINTING, Rec, logs

RANDOMS = st.integers(0, 2**32 - 1).map(Random)


def _readable(log: list[Rec]) -> list[tuple[Event, Signature, int]]:
    reader = Fingerprinter(FINGERPRINTING)
    found = [(reader.read(rec.resource, rec.body), rec.at_ms) for rec in log]
    return [
        (read.event, read.signature, at_ms)
        for read, at_ms in found
        if read.event is not None and read.signature is not None
    ]


def _folded(events: list[tuple[Event, Signature, int]]) -> list[Delta]:
    fold = Fold(belated_after_ms=FINGERPRINTING.belated_after_ms)
    for event, signature, at_ms in events:
        fold.add(event, signature, at_ms)
    return fold.flush()[0]


def _merged(deltas: list[Delta]) -> dict[object, bytes]:
    merged: dict[object, Delta] = {}
    for delta in deltas:
        place = place_of(delta)
        merged[place] = merge(merged[place], delta) if place in merged else delta
    return {place: codec.encode(delta) for place, delta in merged.items()}


@given(logs(), RANDOMS)
def test_law_2_any_split_order_and_repetition_merge_to_the_same_bytes(
    log: list[Rec], random: Random
) -> None:
    events = _readable(log)
    pieces: list[list[tuple[Event, Signature, int]]] = [[] for _ in range(random.randint(1, 5))]
    for event in events:
        for piece in random.choices(pieces, k=random.randint(1, 2)):
            piece.append(event)
    deltas: list[Delta] = []
    for piece in pieces:
        random.shuffle(piece)
        deltas += _folded(piece)
    deltas += random.choices(deltas, k=random.randint(0, 5)) if deltas else []
    random.shuffle(deltas)
    assert _merged(deltas) == _merged(_folded(events))


@given(logs(min_size=3), RANDOMS)
def test_law_2_merge_is_idempotent_commutative_and_associative(
    log: list[Rec], random: Random
) -> None:
    deltas = _folded(_readable(log))
    assume(deltas)
    place = deltas[0]
    one, two, three = (
        msgspec.structs.replace(
            delta,
            key=place.key,
            aliases=place.aliases,
            tick=place.tick,
            belated_tick=place.belated_tick,
        )
        for delta in random.choices(deltas, k=3)
    )
    assert merge(one, one) == one
    assert merge(one, two) == merge(two, one)
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=40),
    st.integers(0, 3_000),
    st.integers(1, 6),
    RANDOMS,
)
def test_law_2_sets_have_one_byte_form_in_any_order_and_split(
    drawn: list[int], many: int, pieces: int, random: Random
) -> None:
    members = drawn + [random.getrandbits(64) for _ in range(many)]
    whole = sets.of(members)
    parts: list[list[int]] = [[] for _ in range(pieces)]
    for member in members:
        for part in random.choices(parts, k=random.randint(1, 2)):
            part.append(member)
    found = sets.EMPTY
    for part in random.sample(parts, k=len(parts)):
        random.shuffle(part)
        found = sets.union(found, sets.of(part))
    assert found == whole
    assert sets.union(found, whole) == whole
    distinct = len(set(members))
    if distinct <= sets.EXACT_UP_TO:
        assert sets.count(whole) == (distinct, False)
    else:
        assert sets.count(whole).about

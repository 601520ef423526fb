"""Sets of hashes: exact up to 512, one byte form in any order and split, honest above."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators import sets

HASHES = st.integers(0, 2**64 - 1)
SOME = st.lists(HASHES, max_size=60)
RANDOMS = st.integers(0, 2**32).map(Random)
"""Drawn by seed: what is drawn of them is no part of the example, so examples stay small."""


def drawn(random: Random, many: int) -> list[int]:
    return [random.getrandbits(64) for _ in range(many)]


def test_the_empty_set_counts_nothing() -> None:
    assert sets.of([]) == sets.EMPTY
    assert sets.count(sets.EMPTY) == (0, False)


@given(st.sets(HASHES, max_size=80))
def test_a_set_counts_its_different_members(members: set[int]) -> None:
    assert sets.count(sets.of(members)) == (len(members), False)


@given(RANDOMS, st.integers(500, 512))
@settings(max_examples=30)
def test_up_to_512_members_are_counted_exactly_whatever_the_split(
    random: Random, many: int
) -> None:
    members = drawn(random, many)
    cut = random.randint(0, many)
    both = sets.union(sets.of(members[:cut]), sets.of(members[random.randint(0, cut) :]))
    assert sets.count(both) == (many, False)
    assert both == sets.of(members)


@given(RANDOMS, st.integers(513, 6_000))
@settings(max_examples=30)
def test_above_512_the_count_is_an_estimate_and_says_so(random: Random, many: int) -> None:
    counted = sets.count(sets.of(drawn(random, many)))
    assert counted.about
    # Four standard errors of a theta sketch with k = 512.
    assert abs(counted.value - many) <= many * 4 / 512**0.5


@given(SOME, RANDOMS, st.integers(0, 1_500))
def test_order_and_repetition_do_not_show(members: list[int], random: Random, more: int) -> None:
    members = members + drawn(random, more)
    again = members + random.choices(members, k=len(members)) if members else []
    random.shuffle(again)
    assert sets.of(again) == sets.of(members)


@given(SOME, SOME, SOME, RANDOMS, st.integers(0, 900))
def test_union_is_idempotent_commutative_and_associative(
    one: list[int], two: list[int], three: list[int], random: Random, more: int
) -> None:
    a, b, c = (sets.of(part + drawn(random, more)) for part in (one, two, three))
    assert sets.union(a, a) == a
    assert sets.union(a, b) == sets.union(b, a)
    assert sets.union(sets.union(a, b), c) == sets.union(a, sets.union(b, c))
    assert sets.union(a, sets.EMPTY) == a == sets.union(sets.EMPTY, a)


@given(RANDOMS, st.integers(30, 520) | st.integers(500, 3_000), st.integers(0, 10))
@settings(max_examples=300)
def test_a_few_put_into_many_give_the_bytes_of_all_of_them(
    random: Random, many: int, few: int
) -> None:
    left = drawn(random, many)
    new = random.randint(0, few)
    right = drawn(random, new) + random.sample(left, few - new)
    assert sets.union(sets.of(left), sets.of(right)) == sets.of(left + right)


@given(RANDOMS)
@settings(max_examples=20)
def test_a_set_never_takes_more_than_4_kib_and_a_header(random: Random) -> None:
    assert len(sets.of(drawn(random, 20_000))) <= 8 * sets.EXACT_UP_TO + 32


@given(st.binary(max_size=64))
def test_bytes_that_are_no_set_are_refused_by_name(garbage: bytes) -> None:
    good = sets.of([1, 2, 3])
    if garbage in (sets.EMPTY, good):
        return
    for wrong in (good[:-1], good[:8], b"", b"\0" * 24):
        with pytest.raises(ValueError, match="not a set"):
            sets.count(wrong)
        with pytest.raises(ValueError, match="not a set"):
            sets.union(good, wrong)
        with pytest.raises(ValueError, match="not a set"):
            sets.check(wrong)
    try:
        sets.check(garbage)
    except ValueError as error:
        assert "not a set" in str(error)  # noqa: PT017 - most garbage raises, some may parse

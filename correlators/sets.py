"""Sets of 64-bit hashes that can be merged in any order: how events and users are counted.

A set is bytes: the compact, ordered theta sketch of the hashes put in. The same hashes give the
same bytes in every order, split and repetition, so sets can stand in state that must be equal byte
for byte. Counts are exact up to `EXACT_UP_TO`; above it they are estimates, and `count` says so.

Source: Dasgupta, Lang, Rhodes, Thaler, "A Framework for Estimating Stream Expression Cardinalities"
(theta sketches); the canonical form holds for the result of a union, so every set here is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from datasketches import (
    compact_theta_sketch,
    theta_a_not_b,
    theta_union,
    update_theta_sketch,
)

_LG_K: Final = 9
EXACT_UP_TO: Final = 1 << _LG_K
"""Largest number of different hashes that is counted exactly."""

_SIGN_BIT: Final = 1 << 63
_WRAP: Final = 1 << 64


class Count(NamedTuple):
    """How many different hashes a set holds: `about` is True when `value` is an estimate."""

    value: int
    about: bool


def _empty() -> bytes:
    result: bytes = theta_union(_LG_K).get_result().serialize()
    return result


EMPTY: Final = _empty()
"""The set without members."""


def of(hashes: Iterable[int]) -> bytes:
    """Return the set of these unsigned 64-bit hashes."""
    sketch = update_theta_sketch(_LG_K)
    for value in hashes:
        sketch.update(value - _WRAP if value & _SIGN_BIT else value)
    union = theta_union(_LG_K)
    union.update(sketch)
    result: bytes = union.get_result().serialize()
    return result


def union(left: bytes, right: bytes) -> bytes:
    """Return the set of all members of both.

    Idempotent, commutative and associative, byte for byte.

    Raises:
        ValueError: one of them is not the bytes of a set.
    """
    if left == right or right == EMPTY:
        return left
    if left == EMPTY:
        return right
    both = theta_union(_LG_K)
    both.update(_read(left))
    both.update(_read(right))
    result: bytes = both.get_result().serialize()
    return result


def without(members: bytes, removed: bytes) -> bytes:
    """Return the set of the members that are not in `removed`, in the one byte form.

    Raises:
        ValueError: one of them is not the bytes of a set.
    """
    if removed == EMPTY or members == EMPTY:
        return members
    left = theta_union(_LG_K)
    left.update(theta_a_not_b().compute(_read(members), _read(removed)))
    result: bytes = left.get_result().serialize()
    return result


def count(members: bytes) -> Count:
    """Return how many members the set has, and whether that is an estimate.

    Raises:
        ValueError: these are not the bytes of a set.
    """
    if members == EMPTY:
        return Count(0, about=False)
    sketch = _read(members)
    return Count(round(sketch.get_estimate()), about=sketch.is_estimation_mode())


def check(members: bytes) -> None:
    """Return nothing when these are the bytes of a set.

    Raises:
        ValueError: they are not.
    """
    if members != EMPTY:
        _read(members)


def _read(members: bytes) -> compact_theta_sketch:
    try:
        return compact_theta_sketch.deserialize(members)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ValueError(f"not a set: {len(members)} bytes that do not parse") from error

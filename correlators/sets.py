"""Sets of 64-bit hashes that can be merged in any order: how events and users are counted.

A set is bytes: the compact, ordered theta sketch of the hashes put in. The same hashes give the
same bytes in every order, split and repetition, so sets can stand in state that must be equal byte
for byte. Counts are exact up to `EXACT_UP_TO`; above it they are estimates, and `count` says so.

Source: Dasgupta, Lang, Rhodes, Thaler, "A Framework for Estimating Stream Expression Cardinalities"
(theta sketches); the canonical form holds for the result of a union, so every set here is one.
"""

from __future__ import annotations

from bisect import bisect_left
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


_HEAD_BYTES: Final = 8
_LIST_AT: Final = 16
_LISTS_ALL: Final = of((1, 2))[:_HEAD_BYTES]
"""How a set of several hashes begins that is counted exactly; after it their number, four bytes
more, and the hashes, eight bytes each."""
_IS_ONE: Final = of((1,))[:_HEAD_BYTES]
"""How a set of one begins; after it the hash."""
_ESTIMATE_AT: Final = 24
_ESTIMATES: Final = of(range(4 * EXACT_UP_TO))[:_HEAD_BYTES]
"""How a set begins that is an estimate; after it the number of hashes, four bytes more, the
threshold below which all of them lie, and the hashes."""
_SPLICED_FROM: Final = 8 * 32
"""Bytes of the many for each of the few: smaller sets are read as fast."""
_LITTLE: Final = memoryview((1).to_bytes(8, "little")).cast("Q")[0] == 1
"""Hashes are stored as this machine reads numbers."""


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
    if len(left) >= _SPLICED_FROM and _LITTLE and (spliced := _spliced(left, right)):
        return spliced
    both = theta_union(_LG_K)
    both.update(_read(left))
    both.update(_read(right))
    result: bytes = both.get_result().serialize()
    return result


def _spliced(left: bytes, right: bytes) -> bytes:
    """Return the union of a set of many with one of few, without reading the many; nothing where
    that takes the long way.

    The hashes of a set are listed in order. What is listed already, or lies above the threshold
    under which an estimate keeps hashes, changes nothing; else it is put into its place, as long as
    all of them are still counted exactly.
    """
    if right[:_HEAD_BYTES] == _IS_ONE and len(right) == _LIST_AT:
        few, at = 1, _HEAD_BYTES
    else:
        few, at = _listed(right), _LIST_AT
    if not few or len(left) < few * _SPLICED_FROM:
        return b""
    hashes = memoryview(right)[at:].cast("Q")
    many = _listed(left)
    if many:
        at, below = _LIST_AT, _WRAP
    elif left[:_HEAD_BYTES] == _ESTIMATES and len(left) == _ESTIMATE_AT + 8 * _number(left):
        at, below = _ESTIMATE_AT, int.from_bytes(left[_LIST_AT:_ESTIMATE_AT], "little")
    else:
        return b""
    listed = memoryview(left)[at:].cast("Q")
    found = left
    for value in hashes:
        place = bisect_left(listed, value)
        if value >= below or (place < len(listed) and listed[place] == value):
            continue
        if not many or many == EXACT_UP_TO:
            return b""
        many += 1
        cut = _LIST_AT + 8 * place
        number = many.to_bytes(4, "little")
        found = b"".join(
            (
                _LISTS_ALL,
                number,
                found[_HEAD_BYTES + 4 : cut],
                value.to_bytes(8, "little"),
                found[cut:],
            )
        )
        listed = memoryview(found)[_LIST_AT:].cast("Q")
    return found


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
    listed = _listed(members)
    if listed:
        return Count(listed, about=False)
    sketch = _read(members)
    return Count(round(sketch.get_estimate()), about=sketch.is_estimation_mode())


def check(members: bytes) -> None:
    """Return nothing when these are the bytes of a set.

    Raises:
        ValueError: they are not.
    """
    if members != EMPTY and not _listed(members):
        _read(members)


def _listed(members: bytes) -> int:
    """Return how many hashes a set lists that lists all of them, 0 where its bytes are to be read
    to know.

    Its first bytes say that it does, the next ones how many there are, and no byte is left over:
    so reading them would say the same.
    """
    if members[:_HEAD_BYTES] != _LISTS_ALL:
        return 0
    listed = _number(members)
    return listed if len(members) == _LIST_AT + 8 * listed else 0


def _number(members: bytes) -> int:
    return int.from_bytes(members[_HEAD_BYTES : _HEAD_BYTES + 4], "little")


def _read(members: bytes) -> compact_theta_sketch:
    try:
        return compact_theta_sketch.deserialize(members)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ValueError(f"not a set: {len(members)} bytes that do not parse") from error

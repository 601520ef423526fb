"""How alike two signatures look: alignment, bounds, and which pairs are found at which cost."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprint import signature
from correlators.similarity import (
    BUCKET_MOST,
    FRAMES_READ,
    KEYS_EACH,
    Rarity,
    Shape,
    align,
    candidates,
    pair_of,
    pairs,
    shape_of,
)
from correlators.types import Event, ExceptionValue, Frame, Level

STACKS = st.lists(st.sampled_from("abcd"), max_size=12)
RANDOMS = st.integers(0, 2**32 - 1).map(Random)


def event(
    *functions: str, error: str = "TimeoutError", value: str = "no answer", **more: object
) -> Event:
    """Return an event whose stack has these functions, the newest first."""
    frames = tuple(Frame(function=one, module="shop.db", in_app=True) for one in functions)
    raised = ExceptionValue(type=error, value=value, frames=frames[::-1])
    fields: dict[str, object] = {
        "project": "shop",
        "event_id": "e",
        "service": "shop",
        "environment": "production",
        "level": Level.ERROR,
        "platform": "python",
        "exceptions": (raised,),
    }
    return Event(**(fields | more))  # type: ignore[arg-type]


def shape(*functions: str, name: str = "", **more: str) -> Shape:
    """Return the shape of such an event, with a fingerprint of its own."""
    made = event(*functions, **more)
    found = shape_of(made, signature(made))
    assert found is not None
    return Shape(
        fingerprint=name or " ".join(functions),
        title=found.title,
        types=found.types,
        spots=found.spots,
        words=found.words,
    )


def score(left: Shape, right: Shape, *others: Shape) -> float:
    return pair_of(left, right, Rarity([left, right, *others])).score


OTHERS = [shape(f"other{letter}", f"caller{letter}", "main") for letter in "abcdefgh"]


@given(
    st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12)
)
def test_every_frame_is_paired_with_one_of_its_name_in_order_and_as_often_as_both_have_it(
    ours: list[str], theirs: list[str]
) -> None:
    left, right = shape(*ours, name="l"), shape(*theirs, name="r")
    found = align(left, right)
    assert len(found) == sum(min(ours.count(one), theirs.count(one)) for one in "abcd")
    for one in found:
        assert left.spots[one.left].name == right.spots[one.right].name == one.name
    for name in "abcd":
        of_name = [(one.left, one.right) for one in found if one.name.endswith(f" {name}")]
        assert of_name == sorted(of_name)
        assert len({right for _, right in of_name}) == len(of_name)
    assert [one.left for one in found] == sorted(one.left for one in found)


@given(
    st.lists(st.sampled_from("abcdef"), max_size=9), st.lists(st.sampled_from("abcdef"), max_size=9)
)
def test_likeness_is_the_same_from_both_sides_within_bounds_and_whole_for_the_same(
    ours: list[str], theirs: list[str]
) -> None:
    left, right = shape(*ours, name="l"), shape(*theirs, name="r")
    assert score(left, right, *OTHERS) == score(right, left, *OTHERS)
    assert 0 <= score(left, right, *OTHERS) <= 1
    if ours:
        assert score(left, left, *OTHERS) == 1


def test_a_frame_more_in_between_changes_little_and_another_crash_much() -> None:
    plain = shape("query", "load", "handle", "main")
    wrapped = shape("query", "retry", "load", "handle", "main")
    elsewhere = shape("render", "page", "handle", "main")
    assert score(plain, wrapped, *OTHERS) > 0.6
    assert score(plain, elsewhere, *OTHERS) < 0.5
    assert score(plain, wrapped, *OTHERS) > score(plain, elsewhere, *OTHERS)


def test_frames_near_the_crash_and_rare_ones_say_more() -> None:
    whole = shape("a", "b", "c", "d")
    near, far = shape("a", "b", "x", "y"), shape("x", "y", "c", "d")
    assert score(whole, near, *OTHERS) > score(whole, far, *OTHERS)
    common = [shape("main", f"m{letter}") for letter in "abcdefgh"]
    rare = score(shape("query", "p"), shape("query", "q"), *common)
    shared = score(shape("main", "p"), shape("main", "q"), *common)
    assert rare > shared


def test_numbers_in_names_do_not_count() -> None:
    assert align(shape("lambda$12", name="l"), shape("lambda$7", name="r"))


def test_messages_count_alone_only_where_no_stack_is() -> None:
    one, two = (shape(value=f"disk {at} is full", name=at, error="Full") for at in ("a", "b"))
    assert score(one, two) > 0.5
    assert score(one, shape("write", name="w", value="disk a is full", error="Full")) == 0
    assert score(one, shape(value="disk b is full", error="Empty", name="c")) < 0.5


@pytest.mark.parametrize("fingerprint", [("by-hand",), ("{{ default }}", "tenant")])
def test_what_the_program_itself_groups_is_left_alone(fingerprint: tuple[str, ...]) -> None:
    made = event("query", sentry_fingerprint=fingerprint)
    assert shape_of(made, signature(made)) is None


def test_only_the_newest_frames_are_read() -> None:
    assert len(shape(*(f"f{chr(97 + at % 26)}" for at in range(500))).spots) == FRAMES_READ


@given(RANDOMS)
def test_pairs_do_not_depend_on_the_order_of_signatures(random: Random) -> None:
    shapes = [
        shape(*random.choices("abcdefgh", k=4), name=f"{at:03}", error=random.choice("EF"))
        for at in range(20)
    ]
    shuffled = random.sample(shapes, k=len(shapes))
    assert pairs(shuffled, threshold=0.3) == pairs(shapes, threshold=0.3)


def test_pairs_are_those_above_the_threshold_the_most_alike_first() -> None:
    shapes = [shape("query", "load", "main"), shape("query", "again", "load", "main"), *OTHERS]
    (found,) = pairs(shapes)
    assert {found.left.fingerprint, found.right.fingerprint} == {
        one.fingerprint for one in shapes[:2]
    }
    assert [one.name.split()[-1] for one in found.aligned] == ["query", "load", "main"]
    scores = [one.score for one in pairs(shapes, threshold=0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == found.score


def test_candidates_grow_with_signatures_and_not_with_their_pairs() -> None:
    for many in (200, 400, 800):
        # All of them share two frames; neighbours share a rare one.
        shapes = [
            shape(f"f{_word(at // 2)}", "run", "main", name=f"{at:04}", value=_word(at))
            for at in range(many)
        ]
        found = candidates(shapes, Rarity(shapes))
        assert len(found) <= many * KEYS_EACH * BUCKET_MOST / 2
        assert {(at, at + 1) for at in range(0, many, 2)} <= set(found)
        assert len(found) < 3 * many


def test_what_everything_shares_finds_nobody() -> None:
    shapes = [
        shape("run", "main", name=f"{at:04}", value=_word(at)) for at in range(BUCKET_MOST + 1)
    ]
    assert candidates(shapes, Rarity(shapes)) == []


def _word(number: int) -> str:
    """Return a word without digits, another for each number."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:04}")

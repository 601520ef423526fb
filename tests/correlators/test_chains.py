"""The laws of chains and groups: how often and in which order a failure is held is chance."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.chains import CHAIN_READ, TREE_READ
from correlators.fingerprint import explain, signature
from correlators.types import Event, ExceptionValue, Frame


def one(kind: str, number: int = -1, parent: int = -1, *, group: bool = False) -> ExceptionValue:
    frames = (Frame(function="run" + kind, module="shop", in_app=True),)
    return ExceptionValue(
        type=kind, frames=frames, group=group, exception_id=number, parent_id=parent
    )


def parts(*chain: ExceptionValue) -> tuple[str, ...]:
    return signature(event(*chain)).parts


def event(*chain: ExceptionValue) -> Event:
    return Event(
        project="p",
        event_id="e",
        service="s",
        environment="x",
        platform="python",
        exceptions=chain,
    )


ROOT = one("Group", 0, group=True)


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_number_and_order_of_the_members_of_a_group_do_not_count(
    kinds: list[str], random: object
) -> None:
    shuffled = list(kinds) + kinds[:1]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (
        parts(*(one(kind, at, 0) for at, kind in enumerate(held, start=1)), ROOT)
        for held in (kinds, shuffled)
    )
    assert first == second
    assert ("type Group" in first) == (len(set(kinds)) > 1)


def test_a_group_of_one_failure_is_that_failure_with_its_cause() -> None:
    alone = parts(one("Cause"), one("A"))
    assert parts(one("Cause", 2, 1), one("A", 1, 0), ROOT) == alone
    inner = one("Group", 1, 0, group=True)
    assert parts(one("Cause", 3, 2), one("A", 2, 1), inner, ROOT) == alone


def test_members_that_differ_in_their_cause_are_two() -> None:
    made = parts(one("C", 3, 1), one("D", 4, 2), one("A", 1, 0), one("A", 2, 0), ROOT)
    assert "type Group" in made


@pytest.mark.parametrize(
    "chain",
    [
        (one("A", 1, 0), one("A", 1, 0), ROOT),
        (one("A", 1, 7), ROOT),
        (one("A", 1, 1), ROOT),
        (one("A", 1, 2), one("B", 2, 1), ROOT),
        (one("A"), ROOT),
        (one("A", 1, 0), one("B", 2), ROOT),
        (*(one("A", at, 0) for at in range(1, TREE_READ + 1)), ROOT),
    ],
    ids=["twice", "no parent", "its own parent", "a loop", "no number", "two roots", "too large"],
)
def test_a_broken_tree_is_read_as_a_list(chain: tuple[ExceptionValue, ...]) -> None:
    plain = tuple(
        msgspec.structs.replace(each, group=False, exception_id=-1, parent_id=-1) for each in chain
    )
    assert parts(*chain) == parts(*plain)


@pytest.mark.parametrize(
    "kind", ["InvocationTargetException", "java.util.concurrent.ExecutionException"]
)
def test_what_only_carries_its_cause_does_not_count(kind: str) -> None:
    assert parts(one("A"), one(kind)) == parts(one("A"))
    assert f"type {kind}" in parts(one(kind))
    assert any("only carries its cause" in line for line in explain(event(one("A"), one(kind))))


def test_of_a_long_chain_the_oldest_and_the_newest_count() -> None:
    kinds = [f"E{at}x" for at in range(CHAIN_READ + 3)]
    made = parts(*(one(kind) for kind in kinds))
    assert f"type {kinds[0]}" in made
    assert f"type {kinds[-1]}" in made
    assert sum(part.startswith("type ") for part in made) == CHAIN_READ

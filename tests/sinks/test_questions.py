"""A resolve waits for a page that another outbox has: exactly as long as for one of its own."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import Digest, PageAction
from sinks.base import Attempt, Outcome
from sinks.successors import SUCCESSOR_MS
from tests.sinks.desks import AWAY, LOST, REFUSED, SERVED, A, Desks, P, Q, R, T, page
from tests.sinks.world import START_MS

OLD, NEW = "inc-1.1", "storm-1.1"


def end(second: int, *, after_to: tuple[str, ...] = (Q,), to: str = P, key: str = OLD) -> Digest:
    """Return the resolve of the old page, for which the new one goes on."""
    made = page(R, key, second, to=to)
    return msgspec.structs.replace(made, page_after=NEW, page_after_to=after_to)


def opens(second: int, *, to: str = Q, fallback: str = "") -> Digest:
    """Return the new page."""
    return page(T, NEW, second, to=to, fallback=fallback, told=())


def resolved_ms(desks: Desks, to: str = P, key: str = OLD) -> int | None:
    """Return when the old page was first resolved, after the start; a pager may hear it again."""
    found = [one.at_ms - START_MS for one in desks.done if one.what == (to, "resolve", key)]
    return found[0] if found else None


def test_a_page_elsewhere_that_is_there_lets_the_old_one_go_at_once() -> None:
    desks = Desks()
    desks.run(100, (0, page(T)), (20, opens(20)), (50, end(50)))
    found = resolved_ms(desks)
    assert found is not None
    assert 50_000 <= found < 51_000


def test_a_page_elsewhere_that_is_on_its_way_is_waited_for_however_long_it_takes() -> None:
    back_ms = START_MS + 150_000
    desks = Desks(lambda now, one: AWAY if one.destination == Q and now < back_ms else None)
    desks.run(140, (0, page(T)), (40, opens(40)), (50, end(50)))
    assert 50_000 + SUCCESSOR_MS < 140_000
    assert resolved_ms(desks) is None
    desks.run(400)
    there = next(one.at_ms - START_MS for one in desks.done if one.what == (Q, "trigger", NEW))
    found = resolved_ms(desks)
    assert found is not None
    assert there < found < there + 2_000


def test_a_page_elsewhere_that_is_given_up_leaves_the_old_one_until_its_own_end() -> None:
    desks = Desks(lambda _, one: REFUSED if one.destination == Q else None)
    desks.run(1_000, (0, page(T)), (40, opens(40)), (50, end(50)))
    assert resolved_ms(desks) is None
    desks.run(1_100, (1_050, page(R, NEW, 1_050, to=Q)))
    found = resolved_ms(desks)
    assert found is not None
    assert 1_050_000 <= found < 1_052_000


def test_a_page_elsewhere_that_its_fallback_took_is_asked_about_there() -> None:
    held_ms = START_MS + 80_000

    def says(now_ms: int, one: Attempt) -> Outcome | None:
        if one.destination == Q:
            return REFUSED
        return AWAY if one.destination == A and now_ms < held_ms else None

    desks = Desks(says)
    desks.run(79, (0, page(T)), (40, opens(40, fallback=A)), (50, end(50)))
    assert resolved_ms(desks) is None
    desks.run(300)
    there = next(one.at_ms - START_MS for one in desks.done if one.what == (A, "post", NEW))
    found = resolved_ms(desks)
    assert found is not None
    assert there < found < there + 2_000


def test_of_a_page_that_is_forgotten_or_served_no_longer_nobody_waits() -> None:
    desks = Desks()
    desks.run(100, (0, page(T)), (50, end(50)))
    found = resolved_ms(desks)
    assert found is not None
    assert found < 52_000
    desks = Desks(targets={one: target for one, target in SERVED.items() if one != Q})
    desks.run(100, (0, page(T)), (40, opens(40)), (50, end(50)))
    found = resolved_ms(desks)
    assert found is not None
    assert found < 52_000


def test_one_that_goes_on_at_the_same_destination_too_is_waited_for_there() -> None:
    desks = Desks(lambda _, one: REFUSED if one.destination == Q else None)
    desks.run(
        100, (0, page(T)), (40, opens(40, to=P)), (40, opens(40)), (50, end(50, after_to=(Q, P)))
    )
    found = resolved_ms(desks)
    assert found is not None
    assert found < 52_000


def test_pages_that_name_each_other_over_two_outboxes_end() -> None:
    desks = Desks()
    one = msgspec.structs.replace(page(R, OLD, 50), page_after=NEW, page_after_to=(Q,))
    two = msgspec.structs.replace(page(R, NEW, 50, to=Q), page_after=OLD, page_after_to=(P,))
    desks.run(200, (0, page(T)), (0, opens(0)), (50, one), (50, two))
    assert {one.what[1:] for one in desks.done} >= {("resolve", OLD), ("resolve", NEW)}


FAULTS = st.lists(st.sampled_from([None, AWAY, LOST]), max_size=25)


@pytest.mark.parametrize("fallback", ["", A])
@given(
    FAULTS,
    st.lists(st.integers(1, 60), max_size=5),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_no_crash_has_the_old_page_end_before_the_new_one_is_there_or_stay(
    fallback: str, faults: list[Outcome | None], crashes: list[int], new_s: int, wait_s: int
) -> None:
    left = list(faults)
    desks = Desks(lambda now, one: left.pop(0) if left else None, crashes=crashes)
    old_s = new_s + wait_s
    desks.run(
        9_000, (0, page(T, told=())), (new_s, opens(new_s, fallback=fallback)), (old_s, end(old_s))
    )
    opened = [
        one.at_ms - START_MS
        for one in desks.done
        if one.attempt.digest.page_key == NEW and one.attempt.digest.page is PageAction.TRIGGER
    ]
    found = resolved_ms(desks)
    assert found is not None or (P, "trigger", OLD) not in desks.what()
    if found is not None:
        assert min(opened) <= found
    questions = [one for _, one in desks.handed if one.kind.value.startswith("page_a")]
    assert len(questions) == len({(one.kind, one.destination) for one in questions})

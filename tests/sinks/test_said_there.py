"""What a pager has said of its page itself it is not told: an acknowledgement, and the end."""

from __future__ import annotations

import msgspec
import pytest

from correlators.types import Digest, PageAction
from sinks.base import Step
from sinks.entries import DropReason
from sinks.notices import handed_on
from tests.sinks.desks import ACK, LOST, A, Desks, P, Q, R, T, page


def heard(action: PageAction, second: int) -> Digest:
    return msgspec.structs.replace(page(action, second=second), page_heard=True)


@pytest.mark.parametrize("crash", [False, True])
def test_a_pager_is_not_told_the_end_that_it_told(crash: bool) -> None:
    desks = Desks()
    desks.run(100, (0, page(T)), (10, heard(ACK, 10)))
    if crash:
        desks.crash()
    desks.run(900, (200, heard(R, 200)))
    assert desks.what() == [(P, "trigger", "inc-1.1")]
    why = [one.reason for one in desks.dropped]
    assert why == [DropReason.SAID_THERE] * 2
    assert desks.notices() == []


def test_what_it_did_not_tell_it_is_told() -> None:
    desks = Desks()
    desks.run(900, (0, page(T)), (10, heard(ACK, 10)), (200, page(R, second=200)))
    assert [one[1] for one in desks.what()] == ["trigger", "resolve"]


def test_where_a_trigger_may_still_arrive_the_end_follows_it() -> None:
    """It would open the page again, of what is over."""
    desks = Desks(lambda now, one: LOST if one.step is Step.TRIGGER else None)
    desks.run(900, (0, page(T)), (3, heard(R, 3)))
    assert [one[1] for one in desks.what()] == ["resolve"]
    lost = [LOST]
    desks = Desks(lambda now, one: lost.pop() if one.step is Step.TRIGGER and lost else None)
    desks.run(900, (0, page(T)), (12, heard(R, 12)))
    assert [one[1] for one in desks.what()] == ["trigger", "resolve"]


def test_whoever_was_paged_instead_has_said_nothing() -> None:
    assert not handed_on(heard(R, 9), Q).page_heard
    assert handed_on(heard(R, 9), A).destination == A

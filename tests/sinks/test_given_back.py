"""An acknowledgement that is taken back: a chat is reminded again, a pager hears nothing."""

from __future__ import annotations

import msgspec
import pytest

from correlators.types import DigestKind, PageAction
from sinks.base import Step
from sinks.page_watch import WAIT_MS
from tests.sinks.desks import ACK, AWAY, LOST, A, B, Desks, P, Q, R, T, page, refuses
from tests.sinks.world import START_MS

BACK = PageAction.UNACKNOWLEDGE


def reminders(desks: Desks, to: str = A) -> list[int]:
    """Return in which seconds a chat was reminded."""
    return [
        (one.at_ms - START_MS) // 1_000
        for one in desks.done
        if one.attempt.digest.kind is DigestKind.REMINDER and one.attempt.destination == to
    ]


def near(seconds: list[int]) -> list[int]:
    """Return them to the next 20 s: a call waits for its turn."""
    return [round(second / 20) * 20 for second in seconds]


@pytest.mark.parametrize("crash", [False, True])
def test_reminders_at_a_chat_begin_again(crash: bool) -> None:
    desks = Desks()
    desks.run(1_500, (0, page(T, to=A)), (400, page(ACK, second=400, to=A)))
    assert near(reminders(desks)) == [300]
    if crash:
        desks.crash()
    desks.run(2_900, (2_000, page(BACK, second=2_000, to=A)))
    assert near(reminders(desks)) == [300, 2_300, 2_600]
    assert desks.notices()[-1] == "Acknowledged by nobody for 10 min: reminder 2 of 48"
    back = [one.attempt for one in desks.done if one.attempt.digest.page is BACK]
    assert [one.step for one in back] == [Step.REPLY, Step.EDIT]
    desks.run(6_000, (3_000, page(R, second=3_000, to=A)))
    assert len(reminders(desks)) == 4


def test_taken_on_and_given_back_in_one_second_it_is_repeated_as_if_nobody_had_had_it() -> None:
    desks = Desks()
    taken = page(ACK, second=100, to=A)
    later = msgspec.structs.replace(page(BACK, second=100, to=A), revision=taken.revision + 1)
    desks.run(900, (0, page(T, to=A)), (100, taken), (100, later))
    assert len(reminders(desks)) == 2


def test_a_pager_is_asked_nothing() -> None:
    desks = Desks()
    desks.run(900, (0, page(T)), (100, page(ACK, second=100)), (200, page(BACK, second=200)))
    assert [one[1] for one in desks.what()] == ["trigger", "acknowledge"]
    desks.run(1_500, (1_000, page(R, second=1_000)))
    assert [one[1] for one in desks.what()] == ["trigger", "acknowledge", "resolve"]


def test_whoever_was_paged_instead_is_reminded_again() -> None:
    desks = refuses(P)
    desks.run(
        1_500,
        (0, page(T, fallback=B, told=())),
        (100, page(ACK, second=100)),
        (1_000, page(BACK, second=1_000)),
    )
    assert near(reminders(desks, B)) == [1_300]


@pytest.mark.parametrize("to", [A, P])
def test_what_was_not_sent_for_its_acknowledgement_is_sent_once_that_is_taken_back(
    to: str,
) -> None:
    back_ms = START_MS + 30_000
    desks = Desks(lambda now, one: AWAY if one.destination == to and now < back_ms else None)
    desks.run(
        200,
        (0, page(T, to=to)),
        (10, page(ACK, second=10, to=to)),
        (50, page(BACK, second=50, to=to)),
    )
    (paged,) = [one for one in desks.done if one.attempt.digest.page is T]
    assert paged.attempt.destination == to
    assert 50_000 <= paged.at_ms - START_MS < 52_000
    assert desks.handed == []


def test_nor_is_it_taken_for_sent_where_a_pager_acknowledges_what_it_may_never_have_had() -> None:
    lost_ms = START_MS + 20_000
    desks = Desks(lambda now, one: LOST if one.step is Step.TRIGGER and now < lost_ms else None)
    desks.run(90, (0, page(T)), (10, page(ACK, second=10)), (50, page(BACK, second=50)))
    assert [one[1] for one in desks.what()] == ["acknowledge", "trigger"]
    desks.run(200, (100, page(R, second=100)))
    assert [one[1] for one in desks.what()] == ["acknowledge", "trigger", "resolve"]


def test_it_has_its_minute_anew_until_its_fallback_is_paged() -> None:
    desks = refuses(P, with_=AWAY)
    desks.run(
        300,
        (0, page(T, fallback=Q, told=())),
        (30, page(ACK, second=30)),
        (100, page(BACK, second=100)),
    )
    assert [(at, one.destination, one.page) for at, one in desks.handed] == [
        (START_MS + 100_000 + WAIT_MS, Q, T)
    ]


def test_after_its_end_nobody_gives_it_back() -> None:
    desks = Desks()
    desks.run(
        900,
        (0, page(T, to=A)),
        (100, page(R, second=100, to=A)),
        (200, page(BACK, second=200, to=A)),
    )
    assert BACK not in {one.attempt.digest.page for one in desks.done}
    assert reminders(desks) == []

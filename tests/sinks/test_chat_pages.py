"""A page at a chat: a message of its own, repeated until taken on, closed at last."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from correlators.types import DigestKind, PageAction
from sinks.base import (
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
)
from sinks.entries import DropReason
from sinks.watched import PageOutcome
from tests.sinks.desks import (
    ACK,
    SERVED,
    A,
    B,
    Desks,
    P,
    Q,
    R,
    T,
    page,
    refuses,
)
from tests.sinks.make import CHAT, digest
from tests.sinks.world import START_MS


def test_a_page_at_a_chat_is_a_message_of_its_own_whose_end_is_told_below_and_shown() -> None:
    desks = Desks()
    told = digest(A, id="inc-1", revision=1, at_ms=START_MS)
    desks.run(100, (0, told), (0, page(T, to=A, fallback=Q)), (60, page(R, second=60, to=A)))
    paged = [one.attempt for one in desks.done if one.attempt.digest.page is not PageAction.NONE]
    assert [(one.step, one.digest.page) for one in paged] == [
        (Step.POST, T),
        (Step.REPLY, R),
        (Step.EDIT, R),
    ]
    assert {one.key for one in paged} == {"slack:a|inc-1.1"}
    assert desks.done[0].attempt.digest.page is T  # before the first message of the same thing
    assert len([one for one in desks.done if one.attempt.step is Step.POST]) == 2
    assert desks.outcomes() == [(A, PageOutcome.DELIVERED)]


@pytest.mark.parametrize("crash", [False, True])
def test_a_page_at_a_chat_is_repeated_until_somebody_takes_it_on(crash: bool) -> None:
    desks = Desks()
    desks.run(900, (0, page(T, to=A, fallback=Q)))
    if crash:
        desks.crash()
    desks.run(4_000, (1_000, page(ACK, second=1_000, to=A)))
    posts = [one for one in desks.done if one.attempt.step is Step.POST]
    paged, *reminders = posts
    assert [one.attempt.digest.kind for one in reminders] == [DigestKind.REMINDER] * 3
    waits = [(one.at_ms - paged.at_ms) // 1_000 for one in reminders]
    assert waits == [300, 600, 900]
    assert {one.attempt.root and one.attempt.root.id for one in reminders} == {str(paged.at_ms)}
    assert reminders[1].attempt.digest.notice == (
        "Acknowledged by nobody for 10 min: reminder 2 of 48"
    )
    assert [one[1] for one in desks.what()][-2:] == ["reply", "edit"]
    assert len([one for _, one in desks.handed if one.kind is DigestKind.REMINDER]) == 3


def test_what_fell_due_while_nobody_was_there_is_one_reminder() -> None:
    desks = Desks()
    desks.run(100, (0, page(T, to=A, fallback=Q)))
    desks.now_ms = START_MS + 2_000_000
    desks.crash()
    desks.run(2_050)
    said = [one.attempt.digest.notice for one in desks.done if one.attempt.digest.notice]
    assert said == ["Acknowledged by nobody for 33 min: reminder 6 of 48"]
    desks.run(2_150)
    assert desks.notices()[1:] == ["Acknowledged by nobody for 35 min: reminder 7 of 48"]


def test_a_reminder_that_comes_after_the_acknowledgement_is_not_told() -> None:
    desks = Desks()
    desks.run(400, (0, page(T, to=A, fallback=Q)))
    reminding = next(one for _, one in desks.handed if one.kind is DigestKind.REMINDER)
    late = msgspec.structs.replace(reminding, revision=2)
    desks.run(500, (410, page(ACK, second=410, to=A)), (420, late))
    assert len(desks.notices()) == 1
    assert DropReason.SUPERSEDED in [one.reason for one in desks.dropped]


def test_reminders_have_an_end() -> None:
    desks = Desks(remind_every_ms=60_000)
    desks.run(10_000, (0, page(T, to=A, fallback=Q)))
    kinds = Counter(one.attempt.digest.kind for one in desks.done)
    assert kinds[DigestKind.REMINDER] == 48


def test_a_chat_that_is_the_fallback_is_reminded_and_a_pager_is_not() -> None:
    desks = refuses(P)
    desks.run(1_000, (0, page(T, fallback=B, told=())))
    kinds = [one.attempt.digest.kind for one in desks.done if one.attempt.destination == B]
    assert kinds.count(DigestKind.REMINDER) == 3
    desks = Desks()
    desks.run(4_000, (0, page(T)))
    assert desks.what() == [(P, "trigger", "inc-1.1")]


def test_nobody_is_reminded_of_what_was_taken_on_while_the_reminder_waited() -> None:
    quiet = Retry(RetryReason.RATE_LIMITED, 120_000, Scope.DESTINATION)
    reminding = [quiet]
    desks = Desks(
        lambda _, one: (
            reminding.pop() if one.digest.kind is DigestKind.REMINDER and reminding else None
        )
    )
    desks.run(1_000, (0, page(T, to=A)), (310, page(ACK, second=310, to=A)))
    assert DigestKind.REMINDER not in {one.attempt.digest.kind for one in desks.done}
    assert [one[1] for one in desks.what()] == ["post", "reply", "edit"]


def test_a_page_at_a_chat_is_no_part_of_a_roll_up_and_waits_behind_nothing_but_one_call() -> None:
    rolling = msgspec.structs.replace(CHAT, rollup=True)
    targets = {**SERVED, A: Target(account="slack", plan=rolling)}
    desks = Desks(targets=targets)
    flood = [
        (1, msgspec.structs.replace(digest(A, id=f"one-{n}", at_ms=START_MS), storm=False))
        for n in range(300)
    ]
    desks.run(4_000, *flood, (30, page(T, to=A, told=())), (40, page(R, second=40, to=A)))
    (paged,) = [one for one in desks.done if one.attempt.digest.page is T]
    assert paged.attempt.key == "slack:a|inc-1.1"
    assert paged.at_ms - START_MS < 32_000
    assert any(one.attempt.digest.kind is DigestKind.ROLLUP for one in desks.done)
    assert len([one for one in desks.done if one.what == (A, "post", "")]) < 300
    ends = [one.attempt.step for one in desks.done if one.attempt.digest.page is R]
    assert ends == [Step.REPLY, Step.EDIT]

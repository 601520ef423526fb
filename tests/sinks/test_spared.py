"""A call that is written down while the service asks for silence is not made."""

from __future__ import annotations

import pytest

from sinks.base import Answer, Attempt, CannotTell, Delivered, Outcome, Receipt, Retry, Scope, Step
from sinks.base import RetryReason as Why
from sinks.spared import spared
from tests.sinks.make import TARGETS, attempt, digest

POST_A = attempt(Step.POST, digest("slack:a"))
EDIT_A = attempt(Step.EDIT, digest("slack:a"), root=Receipt(id="1"))
POST_B = attempt(Step.POST, digest("slack:b"))
FIND_B = attempt(Step.POST, digest("slack:b"), find=True)
PAGE = attempt(Step.TRIGGER, digest("pagerduty:p"))


def heard(one: Attempt, outcome: Outcome | CannotTell) -> list[tuple[Attempt, Answer]]:
    return [(one, Answer(key=one.key, number=one.number, outcome=outcome))]


@pytest.mark.parametrize(
    ("scope", "spares"),
    [
        (Scope.DESTINATION, [POST_A]),
        (Scope.METHOD, [POST_A, POST_B]),
        (Scope.ACCOUNT, [POST_A, EDIT_A, POST_B, FIND_B]),
    ],
)
def test_a_refusal_spares_what_its_scope_holds(scope: Scope, spares: list[Attempt]) -> None:
    answers = heard(POST_A, Retry(Why.RATE_LIMITED, 1_000, scope))
    for one in (POST_A, EDIT_A, POST_B, FIND_B, PAGE):
        assert spared(one, answers, TARGETS) is (one in spares), one


def test_a_refused_look_up_spares_look_ups_only() -> None:
    answers = heard(FIND_B, CannotTell("rate_limited", 1_000, Scope.METHOD))
    assert spared(FIND_B, answers, TARGETS)
    assert not spared(POST_B, answers, TARGETS)


def test_no_other_answer_spares_anything() -> None:
    assert not spared(POST_A, heard(POST_A, Retry(Why.UNAVAILABLE, 1_000)), TARGETS)
    assert not spared(POST_A, heard(POST_A, Retry(Why.EXPIRED, 0, Scope.ACCOUNT)), TARGETS)
    assert not spared(POST_A, heard(POST_A, Delivered(Receipt(id="1"))), TARGETS)
    gone = attempt(Step.POST, digest("slack:gone"))
    assert not spared(POST_A, heard(gone, Retry(Why.RATE_LIMITED, 9, Scope.ACCOUNT)), TARGETS)

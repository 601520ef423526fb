"""Whether a service that has just asked for silence means a call that is about to be made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sinks.base import Answer, Attempt, Limit, Scope, Target
from sinks.steps import limits_for


def spared(
    attempt: Attempt, heard: Iterable[tuple[Attempt, Answer]], targets: Mapping[str, Target]
) -> bool:
    """Return whether one of these answers asks to be spared this call.

    They came while the call was written down: the outbox has decided it without them.

    Args:
        attempt: about to be made.
        heard: answers that the outbox has not taken in yet.
        targets: every destination.
    """
    return any(
        _means(scope, refused, attempt, targets)
        for refused, answer in heard
        if (scope := getattr(answer.outcome, "scope", None)) is not None
        and getattr(answer.outcome, "after_ms", 0) > 0
    )


def _means(scope: Scope, refused: Attempt, one: Attempt, targets: Mapping[str, Target]) -> bool:
    if refused.destination not in targets or one.destination not in targets:
        return False
    if targets[refused.destination].account != targets[one.destination].account:
        return False
    if scope is Scope.ACCOUNT:
        return True
    theirs, mine = _limits(refused, targets), _limits(one, targets)
    if theirs[0].name not in {limit.name for limit in mine}:
        return False
    return scope is Scope.METHOD or refused.destination == one.destination


def _limits(attempt: Attempt, targets: Mapping[str, Target]) -> tuple[Limit, ...]:
    plan = targets[attempt.destination].plan
    if attempt.find and plan.find:
        return plan.find
    return limits_for(plan, attempt.step, attempt.digest)

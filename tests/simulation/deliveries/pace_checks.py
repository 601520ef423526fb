"""How often services were called: within every limit, and never inside a penalty."""

from __future__ import annotations

from collections import defaultdict

from sinks.base import CannotTell, Limit, Retry, Scope
from sinks.steps import limits_for
from tests.simulation.deliveries.journal import Journal, named
from tests.simulation.deliveries.letters import account_of
from tests.simulation.deliveries.line import Call
from tests.simulation.deliveries.services import plan_of
from tests.simulation.deliveries.world import World

Bucket = tuple[Scope, str, str]


def limits_of(call: Call) -> tuple[Limit, ...]:
    """Return the limits that a call counts in."""
    attempt, plan = call.attempt, plan_of(call.attempt.destination)
    return plan.find if attempt.find else limits_for(plan, attempt.step, attempt.digest)


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    return [*_rates(world), *_penalties(world, journal)]


def _rates(world: World) -> list[str]:
    """No window of length W sees more than burst + W / every calls: neither as they are decided,
    nor, but for how long some took to be written down, as they are made."""
    buckets: dict[tuple[Bucket, Limit], list[Call]] = defaultdict(list)
    for call in world.line.calls:
        for limit in limits_of(call):
            destination = call.attempt.destination
            own = limit.scope is Scope.DESTINATION
            whose = destination if own else account_of(destination)
            buckets[(limit.scope, whose, limit.name), limit].append(call)
    wrong = []
    for (bucket, limit), calls in buckets.items():
        decided = [(_decided_s(world, call), call) for call in calls]
        made = [(call.begun_s, call) for call in calls]
        late_s = max(call.begun_s - at_s for at_s, call in decided)
        for what, times, allowed_s in (("decided", decided, 0.0), ("made", made, late_s)):
            early_s, call = _earliest(limit, times)
            if early_s > allowed_s + 0.002 * (1 + world.scenario.skew_ms):
                wrong.append(
                    f"{what} {early_s:.3f} s too early: {bucket[1]} {limit.name} "
                    f"at {call.begun_s:.3f} by {call.process}"
                )
    return wrong


def _decided_s(world: World, call: Call) -> float:
    return (call.attempt.deadline_ms - plan_of(call.attempt.destination).attempt_ms) / 1000 - (
        world.wall_ms(0) / 1000
    )


def _earliest(limit: Limit, times: list[tuple[float, Call]]) -> tuple[float, Call]:
    """Return by how much the call that came soonest came too soon."""
    every_s, free_s = limit.every_ms / 1000, 0.0
    found = 0.0, times[0][1]
    for at_s, call in sorted(times, key=lambda one: one[0]):
        early_s = free_s - (limit.burst - 1) * every_s - at_s
        if early_s > found[0]:
            found = early_s, call
        free_s = max(free_s, at_s) + every_s
    return found


def _penalties(world: World, journal: Journal) -> list[str]:
    """Nobody calls who has heard, or could have read, that the scope is to be spared."""
    written_s = {named(one): at_s for at_s, one in journal.attempted}
    wrong = []
    for refused in world.line.calls:
        answer = refused.answer
        if not isinstance(answer, Retry | CannotTell) or answer.scope is None:
            continue
        until_s = refused.arrived_s + answer.after_ms / 1000
        for call in world.line.calls:
            if not _spares(refused, answer.scope, call):
                continue
            own = call.process == refused.process
            since_s = refused.heard_s if own else written_s.get(refused.key, until_s)
            if since_s < call.begun_s < until_s - 0.001 * 2 * world.scenario.skew_ms:
                wrong.append(
                    f"called inside a penalty: {call.attempt.destination} at {call.begun_s:.3f} by "
                    f"{call.process}, refused at {refused.heard_s:.3f} until {until_s:.3f}"
                )
    return wrong


def _spares(refused: Call, scope: Scope, call: Call) -> bool:
    """Return whether a penalty of this call's covers the other one."""
    mine, other = refused.attempt.destination, call.attempt.destination
    if account_of(mine) != account_of(other) or call is refused:
        return False
    if scope is Scope.ACCOUNT:
        return True
    if limits_of(refused)[0].name != limits_of(call)[0].name:
        return False
    return scope is Scope.METHOD or mine == other

"""Teams against local workflows on real sockets: what an answer means, and what a revision is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from structlog.testing import capture_logs

from sinks.base import (
    CannotTell,
    Delivered,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
)
from sinks.peers.serve import Fault
from sinks.peers.teams import TeamsPeer
from sinks.teams import RATE_WAIT_MS, TeamsSink
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest

HERE = "teams:shop"


@pytest.fixture
async def teams() -> AsyncIterator[TeamsPeer]:
    async with TeamsPeer(workflows=["shop"]) as peer:
        yield peer


@pytest.fixture
async def sink(teams: TeamsPeer) -> AsyncIterator[TeamsSink]:
    made = TeamsSink(workflows={"shop": teams.workflow_url("shop")}, every_ms=5)
    yield made
    await made.close()


async def test_every_revision_is_a_card_and_later_ones_tell_what_is_new(
    teams: TeamsPeer, sink: TeamsSink
) -> None:
    driver = Driver(sink)
    await driver.run(digest(HERE))
    await driver.run(digest(HERE, revision=2))
    await driver.run(digest(HERE, revision=3, resolved=True))
    first, second, third = [one.text for one in teams.cards("shop")]
    assert first.startswith("🔴 payment +1 · ConnectionRefusedError")
    assert "Why one storm: the same new release, shared traces" in first
    assert "Why one storm" not in second
    assert second.startswith("🔴 payment +1 · ConnectionRefusedError")
    assert third.startswith("✅ Resolved: payment +1")
    assert teams.rejected == []
    assert teams.failed == []


async def test_what_may_have_arrived_is_sent_again_and_says_so(
    teams: TeamsPeer, sink: TeamsSink
) -> None:
    teams.fail_next("workflow", Fault.DROP_AFTER)
    await Driver(sink).run(digest(HERE), within_s=30)
    first, second = [one.text for one in teams.cards("shop")]
    assert "possible repeat" not in first
    assert "revision 1 · 2026-09-21 14:13 UTC · possible repeat" in second


async def test_nothing_is_looked_up(sink: TeamsSink) -> None:
    found = await sink.find(attempt(Step.POST, digest(HERE), find=True))
    assert found == CannotTell("a workflow does not read")


async def test_a_success_gives_a_receipt(sink: TeamsSink) -> None:
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert outcome == Delivered(Receipt(id="inc-1.1"))


BREAKS: dict[str, Callable[[TeamsPeer], None]] = {
    "status 401 DirectApiAuthorizationRequired: copy the workflow's address": lambda peer: (
        peer.renew("shop")
    ),
    "status 404 WorkflowNotFound: the workflow is gone": lambda peer: peer.delete_workflow("shop"),
    "status 400 WorkflowTriggerIsNotEnabled: the workflow is turned off": lambda peer: (
        peer.turn_off("shop")
    ),
}


@pytest.mark.parametrize("says", BREAKS)
async def test_what_a_person_has_to_put_right_is_waited_for_and_said_once(
    teams: TeamsPeer, sink: TeamsSink, says: str
) -> None:
    BREAKS[says](teams)
    with capture_logs() as logs:
        outcomes = [await sink.send(attempt(Step.POST, digest(HERE))) for _ in range(3)]
    for outcome in outcomes:
        assert isinstance(outcome, Retry)
        assert (outcome.reason, outcome.scope) == (RetryReason.NEEDS_SOMEBODY, Scope.DESTINATION)
        assert outcome.detail.startswith(says)
    (line,) = logs
    assert line["log_level"] == "error"
    assert line["error"] == outcomes[0].detail  # type: ignore[union-attr]
    _, refusals = sink.notes.take()
    assert sum(refusals.values()) == 3


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("400", RejectReason.INVALID),
        ("405", RejectReason.INVALID),
        ("413", RejectReason.TOO_LARGE),
    ],
)
async def test_a_message_that_is_refused_for_good_says_why(
    teams: TeamsPeer, sink: TeamsSink, word: str, reason: RejectReason
) -> None:
    teams.fail(Fault.REFUSED, word=word, calls=1)
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is reason
    assert outcome.detail.startswith(f"status {word}")


async def test_a_redirect_is_not_followed(teams: TeamsPeer, sink: TeamsSink) -> None:
    teams.fail(Fault.REFUSED, word="302", calls=1)
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Retry)
    assert outcome.reason is RetryReason.NEEDS_SOMEBODY
    assert "redirects are not followed" in outcome.detail
    assert teams.posted == []


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED_BODY, Fault.RATE_LIMITED_FLOOD])
async def test_a_refusal_for_the_rate_without_a_time_waits_for_the_window(
    teams: TeamsPeer, sink: TeamsSink, fault: Fault
) -> None:
    """The first hides in an answer 200."""
    teams.fail(fault, calls=1)
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert outcome == Retry(RetryReason.RATE_LIMITED, RATE_WAIT_MS, Scope.DESTINATION)
    assert teams.posted == []


async def test_a_refusal_for_the_rate_waits_as_told(teams: TeamsPeer, sink: TeamsSink) -> None:
    teams.fail(Fault.RATE_LIMITED, calls=1, retry_after_s=7)
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert outcome == Retry(RetryReason.RATE_LIMITED, 7_000, Scope.DESTINATION)


@pytest.mark.parametrize("fault", [Fault.ERROR_502, Fault.GARBAGE, Fault.GARBAGE_BEFORE])
async def test_what_somebody_on_the_way_says_is_unknown(
    teams: TeamsPeer, sink: TeamsSink, fault: Fault
) -> None:
    teams.fail(fault, calls=1)
    assert isinstance(await sink.send(attempt(Step.POST, digest(HERE))), Unknown)


def test_the_usual_pace_stays_below_both_windows() -> None:
    made = TeamsSink(workflows={"shop": "https://teams.test/"})
    (limit,) = made.plan(HERE).steps[Step.POST]
    assert limit.burst + 1_000 // limit.every_ms <= 4
    assert limit.burst + 30_000 // limit.every_ms <= 60

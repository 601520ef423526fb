"""What others lose in silence: behind a refusal for the rate, behind a name, behind a cut.

Source: DependencyTrack 1159, SigNoz 12891, Grafana OnCall 5204, getsentry/sentry 22386 and 80443,
prometheus/alertmanager 3145.
"""

from __future__ import annotations

import msgspec
import pytest
from structlog.testing import capture_logs

from correlators.types import DigestKind
from sinks.base import CannotTell, Delivered, NotFound, Step
from sinks.notes import Notes
from sinks.peers.faults import Fault
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from tests.sinks.case import Case
from tests.sinks.make import attempt, digest
from tests.sinks.played import Clock
from tests.sinks.suite import broken_waits, play
from tests.sinks.test_hour_away import Listened


async def test_what_opens_and_ends_behind_a_refusal_for_the_rate_is_told_as_over(
    served: Case, clock: Clock
) -> None:
    assert served.peer is not None
    served.peer.fail(Fault.RATE_LIMITED, calls=1, retry_after_s=40)
    played = play(served, clock)
    first = served.digest()
    await played.play(first, for_s=5)
    over = served.digest(revision=2, resolved=True, at_ms=first.at_ms + 6_000)
    await played.run(over)
    assert played.dead == []
    assert broken_waits(served) == []
    plan = served.sink.plan(served.sink.destinations[0])
    if plan.pages:
        assert served.told("inc-1") == []  # nobody is woken for what is over
    else:
        assert served.over("inc-1")


async def test_a_roll_up_that_is_refused_for_the_rate_too_is_told_after_its_wait(
    served: Case, clock: Clock
) -> None:
    plan = served.sink.plan(served.sink.destinations[0])
    if not plan.rollup or plan.pages:
        return
    assert served.peer is not None
    played = Listened(clock, [served.sink])
    await served.peer.stop_listening()
    single = {"storm": False, "evidence": ()}  # a storm is told by itself
    waiting = [
        msgspec.structs.replace(served.digest(f"inc-{number}"), **single) for number in range(200)
    ]
    await played.play(*waiting, for_s=120)
    await served.peer.listen()
    served.peer.fail(Fault.RATE_LIMITED, calls=3, retry_after_s=20)
    await played.run()
    assert played.dead == []
    assert broken_waits(served) == []
    told = [one.digest for _, one, outcome in played.made if isinstance(outcome, Delivered)]
    rolled = [line.id for one in told if one.rollup is not None for line in one.rollup.lines]
    more = sum(one.rollup.more for one in told if one.rollup is not None)
    alone = [one.id for one in told if one.kind is not DigestKind.ROLLUP]
    assert rolled
    assert len(set(rolled) | set(alone)) + more == len(waiting)
    assert len(set(rolled)) == len(rolled)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.RATE_LIMITED_BODY])
async def test_a_refusal_while_a_channel_is_looked_up_by_name_is_told_and_stops_no_message(
    slack: SlackPeer, slack_sink: SlackSink, fault: Fault
) -> None:
    slack.fail(fault, method="conversations.list", calls=1, retry_after_s=9)
    looked = attempt(Step.POST, digest("slack:incidents"), find=True)
    found = await slack_sink.find(looked)
    assert isinstance(found, CannotTell)
    assert found.after_ms > 0
    assert isinstance(
        await slack_sink.send(attempt(Step.POST, digest("slack:incidents"))), Delivered
    )
    assert isinstance(await slack_sink.find(looked), Delivered | NotFound)


def test_whoever_runs_it_reads_that_a_message_was_shortened_once_in_a_while() -> None:
    notes = Notes()
    with capture_logs() as logs:
        for _ in range(3):
            notes.cut("teams:ops", ("title",))
    assert [(one["log_level"], one["event"], one["limit"]) for one in logs] == [
        ("warning", "message shortened", "title")
    ]
    assert notes.take()[0] == {"title": 3}

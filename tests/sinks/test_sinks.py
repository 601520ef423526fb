"""One behaviour suite for every sink: each law here is checked on each of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from correlators.types import Digest, PageAction
from sinks import SINKS, sink_class
from sinks.base import Delivered, Rejected, Retry, Sink, Step, Unknown, targets
from sinks.console import ConsoleSink
from sinks.file import FileSink
from sinks.pagerduty import PagerDutySink
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Fault, Peer
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from tests.sinks.conftest import KEY, TOKEN
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest


@dataclass
class Case:
    """A sink with the service behind it."""

    sink: Sink
    told: Callable[[], int]
    """How many messages or pages stand there."""
    peer: Peer | None = None
    method: str = ""

    def digest(self, *, id: str = "inc-1", revision: int = 1) -> Digest:
        destination = self.sink.destinations[0]
        pager = Step.TRIGGER in self.sink.plan(destination).steps
        page = PageAction.TRIGGER if pager else PageAction.NONE
        return digest(destination, id=id, revision=revision, page=page)

    @property
    def first_step(self) -> Step:
        return next(iter(self.sink.plan(self.sink.destinations[0]).steps))


@pytest.fixture(params=sorted(SINKS))
async def case(
    request: pytest.FixtureRequest,
    slack: SlackPeer,
    slack_sink: SlackSink,
    pagerduty: PagerDutyPeer,
    pagerduty_sink: PagerDutySink,
    tmp_path: Path,
) -> Case:
    out = io.StringIO()
    file = tmp_path / "told.jsonl"
    return {
        "slack": Case(slack_sink, lambda: len(slack.posts("incidents")), slack, "chat.postMessage"),
        "pagerduty": Case(pagerduty_sink, lambda: len(pagerduty.pages), pagerduty, "enqueue"),
        "console": Case(ConsoleSink(out=out), lambda: out.getvalue().count("─" * 72)),
        "file": Case(FileSink(file), lambda: len(file.read_text().splitlines())),
    }[request.param]


async def test_a_digest_is_told_once(case: Case) -> None:
    driver = Driver(case.sink)
    await driver.run(case.digest())
    await driver.run(case.digest())
    assert case.told() == 1


async def test_every_digest_is_told(case: Case) -> None:
    driver = Driver(case.sink)
    await driver.run(*[case.digest(id=f"inc-{n}") for n in range(5)])
    assert case.told() == 5
    assert driver.dead == []


async def test_a_call_that_succeeds_gives_a_receipt(case: Case) -> None:
    outcome = await case.sink.send(attempt(case.first_step, case.digest()))
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.id


async def test_faults_of_the_service_end_in_one_message(case: Case) -> None:
    if case.peer is None:
        return
    case.peer.fail_next(case.method, Fault.ERROR_500, Fault.DROP_AFTER, Fault.DROP_BEFORE)
    await Driver(case.sink).run(case.digest())
    assert case.told() == 1


async def test_every_destination_has_an_account_and_a_plan(case: Case) -> None:
    found = targets([case.sink])
    assert tuple(found) == case.sink.destinations
    for destination, target in found.items():
        assert destination.partition(":")[0] == case.sink.name
        for secret in (TOKEN, KEY):
            assert secret not in target.account + repr(case.sink) + repr(target)


async def test_a_call_ends_within_an_attempt(case: Case) -> None:
    timeouts = {"slack": 3_500, "pagerduty": 3_500, "console": 0, "file": 0}
    plan = case.sink.plan(case.sink.destinations[0])
    assert timeouts[case.sink.name] < plan.attempt_ms


def test_the_registry_names_the_class_of_each_sink() -> None:
    for name in SINKS:
        assert getattr(sink_class(name), "name", "") == name


async def test_a_service_that_answers_too_slowly_leaves_an_unknown_outcome(
    slack: SlackPeer, pagerduty: PagerDutyPeer
) -> None:
    slow_slack = SlackSink(
        token=TOKEN, channels={"a": "C0INC"}, base_url=slack.base_url, timeout_ms=200
    )
    slow_pager = PagerDutySink(routing_keys={"a": KEY}, base_url=pagerduty.base_url, timeout_ms=200)
    slack.fail_next("chat.postMessage", Fault.SLOW_AFTER)
    pagerduty.fail_next("enqueue", Fault.SLOW_AFTER)
    post = attempt(Step.POST, digest("slack:a"))
    page = attempt(Step.TRIGGER, digest("pagerduty:a", page=PageAction.TRIGGER))
    assert isinstance(await slow_slack.send(post), Unknown)
    assert isinstance(await slow_pager.send(page), Unknown)
    await slow_slack.close()
    await slow_pager.close()


async def test_a_closed_console_rejects() -> None:
    out = io.StringIO()
    out.close()
    outcome = await ConsoleSink(out=out).send(attempt(Step.POST, digest("console:default")))
    assert isinstance(outcome, Rejected)


async def test_a_pager_that_nobody_serves_is_certainly_not_reached() -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as gone:
        base_url = gone.base_url
    sink = PagerDutySink(routing_keys={"a": KEY}, base_url=base_url)
    page = attempt(Step.TRIGGER, digest("pagerduty:a", page=PageAction.TRIGGER))
    assert isinstance(await sink.send(page), Retry)
    await sink.close()


async def test_a_file_that_cannot_be_written_is_refused_and_is_its_owners_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "told.jsonl"
    assert isinstance(
        await FileSink(path).send(attempt(Step.POST, digest("file:default"))), Delivered
    )
    assert path.stat().st_mode & 0o777 == 0o600
    outcome = await FileSink(tmp_path / "none" / "x").send(
        attempt(Step.POST, digest("file:default"))
    )
    assert isinstance(outcome, Rejected)


async def test_a_full_disk_is_tried_again() -> None:
    outcome = await FileSink(Path("/dev/full")).send(attempt(Step.POST, digest("file:default")))
    assert isinstance(outcome, Retry)

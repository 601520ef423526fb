"""A test message: every sink tells it as a test, and what a page opens is closed again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from sinks.base import (
    Attempt,
    Delivered,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    Retry,
    RetryReason,
    Sink,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.pagerduty import PagerDutySink
from sinks.peers.faults import Fault
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.trial import RESOLVES_MOST, TITLE, Trial, Tried, digest_of
from tests.sinks.case import Case
from tests.sinks.cases import CASES, KEY, SECRETS

ID: Final = "test-1"
NOW_MS: Final = 1_790_000_000_000
TOLD: Final = sorted(set(CASES) - {"sentry", "slack_ephemeral"})
"""Sinks that take messages which are no answer to a person's press."""


def now_ms() -> int:
    return round(time.time() * 1000)


@contextlib.asynccontextmanager
async def pager() -> AsyncIterator[tuple[PagerDutyPeer, PagerDutySink]]:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        sink = PagerDutySink(
            routing_keys={"default": KEY}, changes=["default"], base_url=peer.base_url
        )
        try:
            yield peer, sink
        finally:
            await sink.close()


async def tried(sink: Sink, destination: str) -> tuple[bool, list[Tried]]:
    found: list[Tried] = []
    made = Trial(sink, destination, id=ID, now_ms=now_ms, told=found.append)
    return await made.run(), found


@pytest.mark.parametrize("name", TOLD)
async def test_every_sink_tells_a_test_as_one_and_leaves_nothing_open(
    name: str, tmp_path: Path
) -> None:
    async with CASES[name](time.time, tmp_path) as case:
        fine, calls = await tried(case.sink, case.sink.destinations[0])
        told = case.told(ID)
        assert fine
        assert all(isinstance(one.answer, Delivered) for one in calls)
        assert told
        assert all(TITLE in one or "TEST" in one for one in told)
        # What can be edited or resolved is over in the end; of a person nothing is open at all.
        over = ("slack", "pagerduty", "console", "file", "person_slack", "person_mail")
        assert case.over(ID) == (name in over)
        assert not any(secret in repr(calls) for secret in SECRETS)
        _was_tried_whole(case, calls)


def _was_tried_whole(case: Case, calls: list[Tried]) -> None:
    """Every kind of call that this sink makes alone was made: to look for it, edit it, close it."""
    plan = case.sink.plan(case.sink.destinations[0])
    steps = [one.step for one in calls if not one.find]
    if plan.pages:
        assert steps == [Step.TRIGGER, Step.RESOLVE]
        return
    assert steps == [Step.POST, *([Step.EDIT] if Step.EDIT in plan.steps else [])]
    assert any(one.find for one in calls) == bool(plan.find)


@pytest.mark.parametrize(
    "fault", [Fault.ERROR_AFTER, Fault.DROP_AFTER, Fault.HALF, Fault.GARBAGE], ids=str
)
async def test_a_page_whose_answer_is_lost_is_closed_all_the_same(fault: Fault) -> None:
    async with pager() as (peer, sink):
        peer.fail_next("enqueue", fault)
        fine, calls = await tried(sink, "pagerduty:default")
        assert not fine
        assert isinstance(calls[0].answer, Unknown)
        assert calls[-1].step is Step.RESOLVE
        assert [one.status for one in peer.alerts] == ["resolved"]


async def test_a_resolve_that_gets_lost_is_made_again() -> None:
    async with pager() as (peer, sink):
        seen: list[Tried] = []

        def told(one: Tried) -> None:
            seen.append(one)
            if one.step is Step.TRIGGER:
                peer.fail_next("enqueue", *[Fault.ERROR_503] * (RESOLVES_MOST - 1))

        trial = Trial(sink, "pagerduty:default", id=ID, now_ms=now_ms, told=told)
        assert await trial.run()
        assert [one.status for one in peer.alerts] == ["resolved"]
        assert [one.step for one in seen] == [Step.TRIGGER, Step.RESOLVE]


async def test_a_page_that_nobody_took_is_not_closed() -> None:
    async with pager() as (peer, sink):
        peer.remove_key(KEY)
        fine, calls = await tried(sink, "pagerduty:default")
        assert not fine
        assert [type(one.answer) for one in calls] == [Rejected]
        assert [one.method for one in peer.calls] == ["enqueue"]


async def test_whoever_stops_a_test_leaves_no_page_open() -> None:
    async with pager() as (peer, sink):
        peer.fail_next("enqueue", Fault.SLOW_AFTER)
        task = asyncio.create_task(tried(sink, "pagerduty:default"))
        await peer.until(lambda: len(peer.alerts) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [one.status for one in peer.alerts] == ["resolved"]


async def test_a_record_of_changes_is_told_a_deploy_and_opens_nothing() -> None:
    async with pager() as (peer, sink):
        fine, _ = await tried(sink, "pagerduty:default/changes")
        assert fine
        assert peer.alerts == []
        assert [one.method for one in peer.calls] == ["change"]


@pytest.mark.parametrize("reason", list(RetryReason), ids=str)
async def test_a_page_is_closed_after_every_refusal_but_those_that_opened_none_for_sure(
    reason: RetryReason,
) -> None:
    class Refuses(PagerDutySink):
        """It does not take the first call."""

        async def send(self, attempt: Attempt) -> Outcome:
            if attempt.step is Step.TRIGGER:
                return Retry(reason)
            return Delivered(Receipt(id="p"))

    fine, calls = await tried(Refuses(routing_keys={"default": KEY}), "pagerduty:default")
    nothing = {"not_connected", "rate_limited", "needs_somebody"}
    assert not fine
    assert [one.step for one in calls[1:]] == [Step.RESOLVE] * (reason not in nothing)


async def test_a_call_that_hangs_ends_in_time_and_says_that_nobody_can_tell() -> None:
    class Hangs(PagerDutySink):
        """Its plan leaves no time for an answer."""

        def plan(self, destination: str) -> Plan:
            return msgspec.structs.replace(super().plan(destination), attempt_ms=1)

        async def send(self, attempt: Attempt) -> Outcome:
            await asyncio.Event().wait()
            raise AssertionError

    fine, calls = await tried(Hangs(routing_keys={"default": KEY}), "pagerduty:default")
    assert not fine
    assert [one.answer for one in calls] == [Unknown(UnknownReason.TIMED_OUT)] * 2


def test_two_tests_share_neither_page_nor_thread() -> None:
    one, two = (digest_of("pagerduty:p", id, NOW_MS, pages=True, over=False) for id in "ab")
    assert one.page_key != two.page_key
    assert one.id != two.id

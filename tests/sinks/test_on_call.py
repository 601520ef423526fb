"""Who is on call, asked of a local PagerDuty: kept, asked anew, and never waited for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from sinks.on_call import AGAIN_S, FRESH_S, STALE_S, OnCall
from sinks.pagerduty_rest import PagerDutyRest
from sinks.peers.faults import Fault
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from tests.sinks.conftest import KEY

TOKEN = "read-only"


@pytest.fixture
async def rest() -> AsyncIterator[PagerDutyRestPeer]:
    async with (
        PagerDutyPeer(routing_keys=[KEY]) as account,
        PagerDutyRestPeer(account, token=TOKEN) as peer,
    ):
        peer.on_call = {"PPAY01": [(2, "Boss"), (1, "Ada"), (1, "Bo")], "PSHOP1": [(1, "Ada")]}
        yield peer


class Time:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


async def settled(on_call: OnCall) -> None:
    """Wait until nothing is asked any more."""
    while on_call._running:
        await asyncio.wait(on_call._running.values())
        await asyncio.sleep(0)


async def test_the_first_level_is_named_and_asked_once_while_it_is_fresh(
    rest: PagerDutyRestPeer,
) -> None:
    time = Time()
    on_call = OnCall(PagerDutyRest(token=TOKEN, api_url=rest.base_url), clock=time, wait_s=5.0)
    assert await on_call.names(["PPAY01"]) == ("Ada", "Bo")
    assert await on_call.names(["PPAY01", "PSHOP1"]) == ("Ada", "Bo")
    assert await on_call.names([]) == ()
    assert len(rest.calls) == 2
    rest.on_call["PPAY01"] = [(1, "Cy")]
    time.now_s += FRESH_S
    assert await on_call.names(["PPAY01"]) == ("Ada", "Bo")  # told while it is asked for anew
    await settled(on_call)
    assert await on_call.names(["PPAY01"]) == ("Cy",)
    await on_call.close()


async def test_what_cannot_be_had_is_left_out_and_not_asked_for_each_message(
    rest: PagerDutyRestPeer,
) -> None:
    time = Time()
    on_call = OnCall(PagerDutyRest(token=TOKEN, api_url=rest.base_url), clock=time, wait_s=5.0)
    assert await on_call.names(["PPAY01"]) == ("Ada", "Bo")
    rest.fail(Fault.ERROR_503)
    time.now_s += STALE_S
    for _ in range(5):
        assert await on_call.names(["PPAY01"]) == ()
    assert len(rest.calls) == 2
    rest.heal()
    time.now_s += AGAIN_S
    assert await on_call.names(["PPAY01"]) == ("Ada", "Bo")
    await on_call.close()


async def test_a_message_waits_a_moment_and_no_longer(rest: PagerDutyRestPeer) -> None:
    on_call = OnCall(PagerDutyRest(token=TOKEN, api_url=rest.base_url), wait_s=0.01)
    rest.fail(Fault.SLOW_BEFORE)
    assert await on_call.names(["PPAY01"]) == ()
    assert len(on_call._running) == 1  # it goes on beside the message
    await on_call.close()


@pytest.mark.parametrize("token", ["wrong", TOKEN])
async def test_no_log_names_anybody(rest: PagerDutyRestPeer, token: str) -> None:
    on_call = OnCall(PagerDutyRest(token=token, api_url=rest.base_url), wait_s=5.0)
    with capture_logs() as logs:
        names = await on_call.names(["PPAY01"])
    assert names == (("Ada", "Bo") if token == TOKEN else ())
    assert "Ada" not in str(logs)
    await on_call.close()

"""Every fault that can be switched on does what it says, and only to the calls it is for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from sinks.peers.faults import UNDONE, Fault, Trouble, Troubles
from sinks.peers.slack import LIMITED_WORDS, SlackPeer
from tests.sinks.conftest import TOKEN
from tests.sinks.peer_calls import CHANNELS, Clock, ask, call, post

TWO = {"C0INC": "incidents", "C0OPS": "ops"}


def peer_of(clock: Clock | None = None) -> SlackPeer:
    return SlackPeer(token=TOKEN, channels=TWO, burst=100, seed=7, clock=clock or Clock())


async def outcome(peer: SlackPeer, **args: str) -> str:
    """Return what a caller sees of one message."""
    try:
        status, told, headers = await call(
            peer, "chat.postMessage", **{"channel": "C0INC", "text": "x", **args}
        )
    except aiohttp.ContentTypeError as error:
        return str(error.status)
    except (aiohttp.ClientPayloadError, ValueError):
        return "half"
    except aiohttp.ClientError:
        return "cut"
    said = told.get("error", "ok")
    return f"{status} {said} {headers.get('Retry-After', '-')} {told.get('retry_after', '-')}"


SEEN = {
    Fault.RATE_LIMITED: "429 ratelimited 1 -",
    Fault.RATE_LIMITED_BODY: "429 rate_limited - 1",
    Fault.RATE_LIMITED_FLOOD: "200 message_limit_exceeded - -",
    Fault.ERROR_500: "500",
    Fault.ERROR_502: "502",
    Fault.ERROR_503: "503",
    Fault.ERROR_504: "504",
    Fault.ERROR_AFTER: "500",
    Fault.DROP_BEFORE: "cut",
    Fault.DROP_AFTER: "cut",
    Fault.GARBAGE: "200",
    Fault.GARBAGE_BEFORE: "200",
    Fault.HALF: "half",
}


@pytest.mark.parametrize("fault", SEEN)
async def test_what_the_caller_sees_and_whether_it_was_carried_out(fault: Fault) -> None:
    clock = Clock()
    async with peer_of(clock) as peer:
        peer.fail_next("chat.postMessage", fault)
        assert await outcome(peer) == SEEN[fault]
        carried_out = fault not in UNDONE
        assert len(peer.posts("incidents")) == (1 if carried_out else 0)
        assert [one.outcome == "ok" for one in peer.calls] == [carried_out]
        assert peer.troubled == [(clock.now, "chat.postMessage", fault)]
        clock.now += 1.0
        assert await outcome(peer) == "200 ok - -"


async def test_a_refusal_on_demand_has_the_word_it_was_given() -> None:
    async with peer_of() as peer:
        peer.fail(Fault.REFUSED, method="chat.postMessage", calls=2, word="fatal_error")
        assert [await outcome(peer) for _ in range(3)] == [
            "200 fatal_error - -",
            "200 fatal_error - -",
            "200 ok - -",
        ]


async def test_a_call_inside_a_penalty_on_demand_is_a_violation() -> None:
    clock = Clock()
    async with peer_of(clock) as peer:
        peer.fail(Fault.RATE_LIMITED, method="chat.postMessage", calls=1, retry_after_s=5)
        assert await outcome(peer) == "429 ratelimited 5 -"
        clock.now += 3.0
        assert await outcome(peer) == "429 ratelimited 2 -"
        assert await outcome(peer, channel="C0OPS") == "200 ok - -"
        assert [one.violation for one in peer.calls] == ["", "inside_penalty", ""]
        clock.now += 2.0
        assert await outcome(peer) == "200 ok - -"


@pytest.mark.parametrize("form", [*LIMITED_WORDS])
async def test_a_limit_that_is_reached_asks_to_wait_in_the_form_that_was_chosen(
    form: Fault,
) -> None:
    async with SlackPeer(token=TOKEN, channels=TWO, burst=1, clock=Clock()) as peer:
        peer.limited_as = form
        assert await outcome(peer) == "200 ok - -"
        assert await outcome(peer) == SEEN[form]


async def test_the_wait_can_be_told_as_a_date() -> None:
    clock = Clock()
    clock.now += 0.4
    async with peer_of(clock) as peer:
        peer.fail(Fault.RATE_LIMITED, calls=1, retry_after_s=30, as_date=True)
        _, _, headers = await call(peer, "chat.postMessage", channel="C0INC", text="x")
        until = parsedate_to_datetime(headers["Retry-After"])
        assert until == datetime.fromtimestamp(1_790_000_031, UTC)
        assert parsedate_to_datetime(headers["Date"]) == datetime.fromtimestamp(1_790_000_000, UTC)


async def test_faults_can_be_for_one_channel_one_method_and_a_time() -> None:
    clock = Clock()
    async with peer_of(clock) as peer:
        peer.fail(Fault.ERROR_503, method="chat.postMessage", destination="C0OPS", for_s=60.0)
        assert await outcome(peer) == "200 ok - -"
        assert await outcome(peer, channel="ops") == "503"
        assert (await ask(peer, "conversations.history", channel="C0OPS"))["ok"]
        clock.now += 60.0
        assert await outcome(peer, channel="C0OPS") == "200 ok - -"
        peer.fail(Fault.ERROR_502)
        assert await outcome(peer) == "502"
        peer.heal()
        assert await outcome(peer) == "200 ok - -"


def test_a_share_is_drawn_by_the_seed_and_comes_out_about_right() -> None:
    def drawn(seed: int) -> list[bool]:
        troubles = Troubles(seed)
        troubles.add(Trouble(Fault.ERROR_500, share=0.25))
        return [troubles.meet("m", "", 0.0) is not None for _ in range(1_000)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 200 <= sum(drawn(1)) <= 300


@pytest.mark.parametrize(
    "how", [{"share": 1.5}, {"calls": -1}, {"retry_after_s": -1}, {"fault": Fault.REFUSED}]
)
def test_a_fault_that_makes_no_sense_is_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        Trouble(**{"fault": Fault.ERROR_500, **how})  # type: ignore[arg-type]


async def test_a_slow_call_goes_on_when_it_is_released_even_if_nobody_waits_any_more() -> None:
    async with peer_of() as peer:
        peer.fail_next("chat.postMessage", Fault.SLOW_BEFORE)
        waiting = asyncio.create_task(outcome(peer))
        await peer.until(lambda: bool(peer.troubled))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert peer.posts("incidents") == []
        peer.release()
        await peer.until(lambda: bool(peer.calls))
        assert len(peer.posts("incidents")) == 1


async def test_a_slow_answer_comes_after_the_time_it_was_given() -> None:
    async with peer_of() as peer:
        peer.fail(Fault.SLOW_AFTER, calls=1, slow_s=0.01)
        assert await outcome(peer) == "200 ok - -"


async def test_a_peer_that_stops_listening_refuses_and_comes_back_with_what_it_held() -> None:
    async with peer_of() as peer:
        await post(peer)
        base_url = peer.base_url
        await peer.stop_listening()
        assert await outcome(peer) == "cut"
        await peer.listen()
        assert peer.base_url == base_url
        assert await outcome(peer) == "200 ok - -"
        assert len(peer.posts("incidents")) == 2


async def test_a_webhook_meets_faults_too() -> None:
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        peer.fail_next("webhook", Fault.DROP_AFTER, Fault.RATE_LIMITED)
        async with aiohttp.ClientSession() as session:
            url = peer.webhook_url("incidents")
            with pytest.raises(aiohttp.ClientError):
                await session.post(url, json={"text": "x"})
            async with session.post(url, json={"text": "x"}) as answer:
                assert (answer.status, (await answer.json())["retry_after"]) == (429, 1)
        assert len(peer.posts("incidents")) == 1

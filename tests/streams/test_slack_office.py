"""The calls that an answer needs: what is read is kept for a while, and nothing raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.peers.serve import Fault
from sinks.peers.slack import SlackPeer
from sinks.slack_buttons import About, bar, environment_hash
from streams.live import Live, LiveError
from streams.slack_book import AGAIN_MS, EFFECT_MS, KEPT_MS, NEWEST_MS, Book
from streams.slack_office import (
    MEMBERS_AGAIN_MS,
    MEMBERS_AT_MOST_MS,
    MEMBERS_FOR_MS,
    Office,
    subject_of,
)
from tests.correlators.score import PAGING
from tests.sinks.make import digest
from tests.streams.slack_stand import INC, TOKEN


class Clock:
    now_ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack() -> AsyncIterator[SlackPeer]:
    async with SlackPeer(token=TOKEN, channels={"C0INC": "incidents"}, per_second=1_000.0) as peer:
        yield peer


@pytest.fixture
async def office(slack: SlackPeer, clock: Clock) -> AsyncIterator[Office]:
    made = Office(token=TOKEN, base_url=slack.base_url, now_ms=clock)
    yield made
    await made.close()


def asked(slack: SlackPeer, method: str) -> int:
    return sum(one.method == method for one in slack.calls)


async def test_members_are_read_once_a_minute_and_used_for_an_hour_where_slack_says_nothing(
    slack: SlackPeer, office: Office, clock: Clock
) -> None:
    slack.back.groups["S0CALL"] = ["U0ADA"]
    assert await office.members("S0CALL") == frozenset({"U0ADA"})
    slack.back.groups["S0CALL"] = ["U0BOB"]
    assert await office.members("S0CALL") == frozenset({"U0ADA"})
    clock.now_ms += MEMBERS_FOR_MS
    assert await office.members("S0CALL") == frozenset({"U0BOB"})
    slack.take_scope("usergroups:read")
    clock.now_ms += MEMBERS_FOR_MS
    assert await office.members("S0CALL") == frozenset({"U0BOB"})
    clock.now_ms += MEMBERS_AT_MOST_MS
    assert await office.members("S0CALL") is None


async def test_slack_is_left_alone_for_a_moment_where_it_does_not_say_who_is_in_a_group(
    slack: SlackPeer, office: Office, clock: Clock
) -> None:
    slack.take_scope("usergroups:read")
    for _ in range(5):
        assert await office.members("S0CALL") is None
    assert asked(slack, "usergroups.users.list") == 1
    slack.give_scope("usergroups:read")
    slack.back.groups["S0CALL"] = ["U0ADA"]
    clock.now_ms += MEMBERS_AGAIN_MS
    assert await office.members("S0CALL") == frozenset({"U0ADA"})


async def test_a_name_is_read_once_and_is_the_id_where_slack_says_nothing(
    slack: SlackPeer, office: Office
) -> None:
    slack.back.names["U0ADA"] = "ada"
    assert [await office.name("U0ADA") for _ in range(3)] == ["ada"] * 3
    assert await office.name("U0NONE") == "U0NONE"
    assert asked(slack, "users.info") == 2


async def test_an_answer_goes_to_slack_alone(slack: SlackPeer, office: Office) -> None:
    async with SlackPeer(token=TOKEN, channels={"C0INC": "incidents"}) as other:
        assert not await office.respond(other.response_url("C0INC", "U0ADA"), "secret")
        assert other.calls == []
    for url in ("", "file:///etc/passwd", "http://[", "https://hooks.slack.com.evil.test/x"):
        assert not await office.respond(url, "secret")
    assert await office.respond(slack.response_url("C0INC", "U0ADA"), "done")
    assert [one.text for one in slack.back.ephemerals] == ["done"]


@pytest.mark.parametrize(
    "fault", [Fault.DROP_BEFORE, Fault.GARBAGE, Fault.RATE_LIMITED, Fault.HALF]
)
async def test_whatever_slack_answers_nothing_raises(
    slack: SlackPeer, office: Office, fault: Fault
) -> None:
    slack.fail(fault, retry_after_s=1)
    assert await office.members("S0CALL") is None
    assert await office.name("U0ADA") == "U0ADA"
    assert await office.colleague("U0ADA", "T0STORM") is None
    assert await office.open_view("x", {}) == ""
    assert not await office.update_view("x", {})
    assert not await office.tell("C0INC", "U0ADA", "hello")
    assert await office.thread("C0INC", "1.0", "A0STORM") is None


async def test_another_token_is_used_from_the_next_call_on(
    slack: SlackPeer, office: Office
) -> None:
    slack.back.names["U0ADA"] = "ada"
    office.renew("xoxb-wrong", slack.base_url)
    assert await office.name("U0ADA") == "U0ADA"
    office.renew(TOKEN, slack.base_url)
    assert await office.name("U0ADA") == "ada"


def test_a_message_is_about_what_its_buttons_carry_else_about_what_its_metadata_names() -> None:
    named = {"event_payload": {"id": f"slack:incidents|{INC}"}}
    carried = About(INC, 1, environment_hash("production"))
    assert subject_of({"blocks": bar(digest(id=INC)), "metadata": named}) == carried
    assert subject_of({"blocks": [], "metadata": named}) == INC
    assert subject_of({"text": "lunch?"}) == ""


async def test_what_looks_like_ours_is_about_something_only_where_it_is_ours(
    slack: SlackPeer, office: Office
) -> None:
    blocks = bar(digest(id=INC))
    carried = About(INC, 1, environment_hash("production"))
    assert await office.about({"blocks": blocks, "app_id": "A0STORM"}, "A0STORM") == carried
    assert asked(slack, "auth.test") == 0
    assert await office.about({"blocks": blocks, "bot_id": "B0STORM"}, "") == carried
    assert await office.about({"blocks": blocks, "bot_id": "B0OTHER", "app_id": "A0"}, "A0X") == ""
    assert await office.about({"blocks": blocks}, "") == ""
    assert asked(slack, "auth.test") == 1


async def test_while_slack_does_not_say_whose_a_message_is_it_is_about_nothing(
    slack: SlackPeer, office: Office
) -> None:
    slack.fail(Fault.DROP_BEFORE)
    assert await office.about({"blocks": bar(digest(id=INC)), "bot_id": "B0STORM"}, "") is None


JSON = st.recursive(
    st.none() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["blocks", "block_id", "elements", "value", "metadata", "event_payload"]
            ),
            inner | st.just("stormfold"),
        )
    ),
)


@given(JSON)
def test_no_message_raises(message: Any) -> None:
    assert isinstance(subject_of(message), str | About)


# ---------------------------------------------------------------- the state


async def test_one_reading_serves_all_who_ask_meanwhile_and_for_a_moment_after(
    clock: Clock,
) -> None:
    begun, go = 0, asyncio.Event()

    async def read() -> Live:
        nonlocal begun
        begun += 1
        await go.wait()
        return Live(PAGING, [], clock.now_ms)

    book = Book(read, clock)
    assert await book.live(within_s=0.0) is None
    waiting = [asyncio.create_task(book.live(within_s=60.0)) for _ in range(3)]
    go.set()
    first, *others = await asyncio.gather(*waiting)
    assert first is not None
    assert all(one is first for one in others)
    clock.now_ms += KEPT_MS - 1
    assert await book.live() is first
    assert begun == 1
    assert await book.live(newest=True) is not first
    clock.now_ms += KEPT_MS
    await book.live()
    assert begun == 3
    await book.close()


async def test_what_was_read_before_an_act_could_have_its_effect_is_not_shown_after_it(
    clock: Clock,
) -> None:
    begun = 0

    async def read() -> Live:
        nonlocal begun
        begun += 1
        return Live(PAGING, [], clock.now_ms)

    book = Book(read, clock)
    before = await book.live()
    book.acted()
    clock.now_ms += EFFECT_MS // 2
    assert await book.live() is not before
    clock.now_ms += EFFECT_MS // 2
    after = await book.live()
    assert begun == 3
    clock.now_ms += KEPT_MS - 1
    assert await book.live() is after
    await book.close()


async def test_however_many_ask_for_what_is_unknown_it_is_read_anew_once_in_a_moment(
    clock: Clock,
) -> None:
    begun = 0

    async def read() -> Live:
        nonlocal begun
        begun += 1
        # It takes longer than a reading is kept.
        clock.now_ms += 2 * KEPT_MS
        return Live(PAGING, [], clock.now_ms)

    book = Book(read, clock)
    await book.live()
    for _ in range(50):
        await book.live(newest=True)
    assert begun == 2
    clock.now_ms += NEWEST_MS
    await asyncio.gather(*[book.live(newest=True) for _ in range(50)])
    assert begun == 3
    book.acted()
    for _ in range(50):
        await book.live()
        await book.live(newest=True)
    assert begun == 5
    clock.now_ms += AGAIN_MS
    await book.live()
    assert begun == 6
    await book.close()


async def test_another_configuration_judges_from_the_next_look_on(clock: Clock) -> None:
    go = asyncio.Event()

    async def before() -> Live:
        await go.wait()
        return Live(PAGING, [], 1)

    async def after() -> Live:
        return Live(PAGING, [], 2)

    book = Book(before, clock)
    waiting = asyncio.create_task(book.live(within_s=60.0))
    assert await book.live(within_s=0.0) is None
    book.renew(after)
    now = await book.live()
    assert now is not None
    assert now.now_ms == 2
    go.set()
    asked_before = await waiting
    assert asked_before is not None
    assert asked_before.now_ms == 1
    assert await book.live() is now
    await book.close()


async def test_a_state_that_cannot_be_read_is_none_and_is_read_again(clock: Clock) -> None:
    answers: list[Live | None] = [None, Live(PAGING, [], 0)]

    async def read() -> Live:
        found = answers.pop(0)
        if found is None:
            raise LiveError("Kafka does not answer")
        return found

    book = Book(read, clock)
    assert await book.live() is None
    assert await book.live() is not None
    await book.close()

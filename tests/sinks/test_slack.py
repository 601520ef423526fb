"""The Slack sink against a local Slack on a real socket."""

from __future__ import annotations

import time

import pytest

from sinks.base import (
    Delivered,
    Gone,
    NotFound,
    Outcome,
    Receipt,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.peers.serve import Fault
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from sinks.slack_errors import outcome_of
from tests.sinks.conftest import TOKEN
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest

HERE = "slack:incidents"


async def _posted(sink: SlackSink) -> Receipt:
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Delivered)
    return outcome.receipt


async def test_a_storm_is_one_post_its_updates_replies_and_the_post_shows_the_last_state(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    driver = Driver(slack_sink)
    await driver.run(digest(HERE))
    await driver.run(digest(HERE, revision=2))
    await driver.run(digest(HERE, revision=3, resolved=True))
    (post,) = slack.posts("incidents")
    replies = slack.replies("incidents", post.ts)
    assert ["Now:" in one.blocks[0]["text"]["text"] for one in replies] == [True, False]
    assert "Resolved" in replies[1].blocks[0]["text"]["text"]
    assert post.edits == 2
    assert post.blocks[0]["text"]["text"].startswith("✅ *Resolved* after 11 s: ~payment +1 · Conn")
    assert slack.rejected == []


async def test_500_messages_for_one_channel_are_all_told_and_none_inside_a_penalty(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    driver = Driver(slack_sink)
    await driver.run(*[digest(HERE, id=f"inc-{n}") for n in range(500)], within_s=40)
    ids = [one.metadata["event_payload"]["id"] for one in slack.posts("incidents") if one.metadata]
    assert sorted(ids) == sorted(f"inc-{n}" for n in range(500))
    assert slack.violations == []
    assert driver.dead == []


async def test_a_429_is_obeyed_and_the_digest_told_after_it() -> None:
    async with SlackPeer(token=TOKEN, channels={"C0INC": "incidents"}, per_second=2.0) as peer:
        hasty = SlackSink(
            token=TOKEN,
            channels={"incidents": "C0INC"},
            base_url=peer.base_url,
            post_every_ms=1,
            posts_every_ms=1,
        )
        await Driver(hasty).run(*[digest(HERE, id=f"inc-{n}") for n in range(6)])
        await hasty.close()
        assert "ratelimited" in {one.outcome for one in peer.rejected}
        assert peer.violations == []
        assert len(peer.posts("incidents")) == 6


async def test_a_post_whose_answer_is_lost_is_found_and_not_posted_again(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    slack.fail_next("chat.postMessage", Fault.DROP_AFTER)
    driver = Driver(slack_sink)
    await driver.run(digest(HERE))
    assert len(slack.messages("incidents")) == 1
    methods = [one.method for one in slack.calls]
    assert methods == ["chat.postMessage", "conversations.list", "conversations.history"]


async def test_a_post_that_never_arrived_is_looked_up_and_made_again(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    slack.fail_next("chat.postMessage", Fault.DROP_BEFORE)
    driver = Driver(slack_sink)
    await driver.run(digest(HERE))
    assert len(slack.messages("incidents")) == 1


async def test_a_reply_whose_answer_is_lost_is_found_in_its_thread(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    driver = Driver(slack_sink)
    await driver.run(digest(HERE))
    slack.fail_next("chat.postMessage", Fault.DROP_AFTER)
    await driver.run(digest(HERE, revision=2))
    (post,) = slack.posts("incidents")
    assert len(slack.replies("incidents", post.ts)) == 1
    assert post.edits == 1


async def test_an_attempt_of_an_owner_that_died_after_the_call_is_not_repeated(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    driver = Driver(slack_sink)
    driver.outbox.accept(digest(HERE), _now_ms())
    (one,) = await _first_due(driver)
    driver.commit()
    await driver.call(one)
    driver.restart()
    await driver.run(within_s=30)
    assert len(slack.messages("incidents")) == 1


async def test_a_deleted_post_is_posted_afresh(slack: SlackPeer, slack_sink: SlackSink) -> None:
    driver = Driver(slack_sink)
    await driver.run(digest(HERE))
    (post,) = slack.posts("incidents")
    slack.delete("incidents", post.ts)
    await driver.run(digest(HERE, revision=2))
    (fresh,) = slack.posts("incidents")
    assert fresh.blocks[0]["type"] == "header"
    assert slack.replies("incidents", fresh.ts) == []


async def test_an_edit_of_a_deleted_post_says_that_it_is_gone(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    root = await _posted(slack_sink)
    slack.delete("incidents", root.id)
    outcome = await slack_sink.send(attempt(Step.EDIT, digest(HERE, revision=2), root=root))
    assert outcome == Gone()


async def test_only_the_same_digest_revision_and_step_is_found(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    root = await _posted(slack_sink)
    same = await slack_sink.find(attempt(Step.POST, digest(HERE), find=True))
    assert same == Delivered(root)
    for other in (digest(HERE, revision=2), digest(HERE, id="other")):
        assert await slack_sink.find(attempt(Step.POST, other, find=True)) == NotFound()


async def test_a_message_further_back_than_a_page_is_found(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    driver = Driver(slack_sink)
    await driver.run(*[digest(HERE, id=f"inc-{n}") for n in range(230)], within_s=30)
    oldest = slack.posts("incidents")[0]
    assert oldest.metadata is not None
    first = digest(HERE, id=oldest.metadata["event_payload"]["id"])
    outcome = await slack_sink.find(attempt(Step.POST, first, find=True))
    assert outcome == Delivered(Receipt(place="C0INC", id=oldest.ts))


async def test_nobody_listening_is_certainly_not_sent() -> None:
    async with SlackPeer(token=TOKEN, channels={"C0INC": "incidents"}) as gone:
        base_url = gone.base_url
    sink = SlackSink(token=TOKEN, channels={"incidents": "C0INC"}, base_url=base_url)
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    await sink.close()
    assert outcome == Retry(RetryReason.NOT_CONNECTED)


async def test_an_error_500_is_an_unknown_outcome(slack: SlackPeer, slack_sink: SlackSink) -> None:
    slack.fail_next("chat.postMessage", Fault.ERROR_500)
    outcome = await slack_sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    ("step", "error", "status", "headers", "expected"),
    [
        (
            Step.POST,
            "ratelimited",
            429,
            {"Retry-After": "7"},
            Retry(RetryReason.RATE_LIMITED, 7_000, Scope.DESTINATION),
        ),
        (
            Step.EDIT,
            "rate_limited",
            429,
            {"retry-after": "1.5"},
            Retry(RetryReason.RATE_LIMITED, 1_500, Scope.METHOD),
        ),
        (Step.POST, "", 429, {}, Retry(RetryReason.RATE_LIMITED, 1_000, Scope.DESTINATION)),
        (
            Step.POST,
            "message_limit_exceeded",
            200,
            {},
            Retry(RetryReason.RATE_LIMITED, 60_000, Scope.ACCOUNT),
        ),
        (Step.POST, "fatal_error", 200, {}, Unknown(UnknownReason.SERVER_ERROR)),
        (Step.POST, "", 502, {}, Unknown(UnknownReason.SERVER_ERROR)),
        (Step.POST, "service_unavailable", 503, {}, Retry(RetryReason.UNAVAILABLE)),
    ],
)
def test_slacks_words_mean_what_its_pages_say(
    step: Step, error: str, status: int, headers: dict[str, str], expected: Outcome
) -> None:
    assert outcome_of(step, error, status=status, headers=headers) == expected


async def test_the_token_stands_in_no_repr(slack_sink: SlackSink) -> None:
    assert TOKEN not in repr(slack_sink)
    assert TOKEN not in repr(slack_sink._client)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _first_due(driver: Driver) -> list:  # type: ignore[type-arg]
    due = driver.outbox.next_due_ms(_now_ms())
    assert due is not None
    return driver.outbox.due(due, room=4)

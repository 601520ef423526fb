"""Looking a message up: what is found, what proves that it is not there, what proves nothing."""

from __future__ import annotations

from structlog.testing import capture_logs

from correlators.types import DigestKind
from sinks.base import CannotTell, Delivered, NotFound, Receipt, Step
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from tests.sinks.make import attempt, digest

HERE = "slack:incidents"
BACK = digest(HERE, revision=2, kind=DigestKind.REOPENED)


async def posted(sink: SlackSink) -> Receipt:
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Delivered)
    return outcome.receipt


async def test_a_loud_reply_is_found_in_its_thread_and_is_no_message_of_its_own(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    root = await posted(slack_sink)
    sent = await slack_sink.send(attempt(Step.REPLY, BACK, root=root))
    found = await slack_sink.find(attempt(Step.REPLY, BACK, root=root, find=True))
    assert found == sent
    assert isinstance(found, Delivered)
    assert not found.receipt.top


async def test_a_loud_reply_whose_parent_is_gone_is_found_in_the_channel_as_a_reply(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    root = await posted(slack_sink)
    sent = await slack_sink.send(attempt(Step.REPLY, BACK, root=root))
    assert isinstance(sent, Delivered)
    slack.delete("incidents", root.id)
    found = await slack_sink.find(attempt(Step.REPLY, BACK, root=root, find=True))
    assert isinstance(found, Delivered)
    assert found.receipt.id == sent.receipt.id


async def test_a_reply_that_slack_put_into_the_channel_is_found_as_a_message_of_its_own(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    root = await posted(slack_sink)
    slack.delete("incidents", root.id)
    sent = await slack_sink.send(attempt(Step.REPLY, BACK, root=root))
    assert isinstance(sent, Delivered)
    assert sent.receipt.top
    assert await slack_sink.find(attempt(Step.REPLY, BACK, root=root, find=True)) == sent


async def test_a_thread_that_is_gone_and_a_channel_without_it_prove_that_it_is_not_there(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    root = await posted(slack_sink)
    slack.delete("incidents", root.id)
    assert await slack_sink.find(attempt(Step.REPLY, BACK, root=root, find=True)) == NotFound()


async def test_without_the_scope_for_history_nobody_can_tell_and_the_scope_is_named_once(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    await posted(slack_sink)
    slack.take_scope("channels:history")
    asked = attempt(Step.POST, digest(HERE), find=True)
    with capture_logs() as logs:
        first, second = [await slack_sink.find(asked) for _ in range(2)]
    assert isinstance(first, CannotTell)
    assert first == second
    assert "channels:history" in first.reason
    assert (first.after_ms, first.scope) == (0, None)
    unread = [one for one in logs if one["event"] == "history cannot be read"]
    assert len(unread) == 1
    assert "channels:history" in unread[0]["error"]


async def test_a_channel_whose_name_is_not_there_proves_nothing(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    slack.rename("incidents", "alarms")
    found = await slack_sink.find(attempt(Step.POST, digest(HERE), find=True))
    assert found == CannotTell("channel_not_found")


async def test_a_name_longer_than_metadata_takes_is_found_by_its_hash(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    long = digest(HERE, id="x" * 50_000)
    sent = await slack_sink.send(attempt(Step.POST, long))
    assert isinstance(sent, Delivered)
    assert await slack_sink.find(attempt(Step.POST, long, find=True)) == sent
    other = digest(HERE, id="x" * 50_001)
    assert await slack_sink.find(attempt(Step.POST, other, find=True)) == NotFound()

"""Slack by incoming webhook against a local Slack on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from structlog.testing import capture_logs

from correlators.types import DigestKind
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
from sinks.http import Reply
from sinks.peers.serve import Fault
from sinks.peers.slack import SlackPeer
from sinks.slack_webhook import SlackWebhookSink, _error_of
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest

HERE = "slack_webhook:shop"


@pytest.fixture
async def sink(slack: SlackPeer) -> AsyncIterator[SlackWebhookSink]:
    made = SlackWebhookSink(
        webhooks={"shop": slack.webhook_url("incidents"), "ops": slack.webhook_url("ops")},
        mentions={"team-pay": "S0PAYTEAM"},
        post_every_ms=6,
    )
    yield made
    await made.close()


async def test_every_revision_is_a_post_of_its_own(
    slack: SlackPeer, sink: SlackWebhookSink
) -> None:
    driver = Driver(sink)
    await driver.run(digest(HERE))
    await driver.run(digest(HERE, revision=2))
    await driver.run(digest(HERE, revision=3, resolved=True))
    posts = slack.posts("incidents")
    assert [one.edits for one in posts] == [0, 0, 0]
    assert posts[-1].blocks[0]["text"]["text"].startswith("*✅ Resolved: payment +1 · Connect")
    assert slack.rejected == []


async def test_what_may_have_arrived_is_sent_again_and_says_so(
    slack: SlackPeer, sink: SlackWebhookSink
) -> None:
    slack.fail_next("webhook", Fault.DROP_AFTER)
    driver = Driver(sink)
    await driver.run(digest(HERE), within_s=30)
    first, second = slack.posts("incidents")
    assert "possible repeat" not in first.text
    assert second.text.endswith("possible repeat")
    assert second.blocks[-1]["elements"][0]["text"].endswith("possible repeat")


async def test_nothing_is_looked_up(sink: SlackWebhookSink) -> None:
    found = await sink.find(attempt(Step.POST, digest(HERE), find=True))
    assert found == CannotTell("a webhook does not read")


async def test_a_loud_revision_mentions_the_owner(slack: SlackPeer, sink: SlackWebhookSink) -> None:
    back = msgspec.structs.replace(digest(HERE, kind=DigestKind.REOPENED), owners=("team-pay",))
    assert isinstance(await sink.send(attempt(Step.POST, back)), Delivered)
    (post,) = slack.posts("incidents")
    assert post.blocks[1]["text"]["text"] == "<!subteam^S0PAYTEAM>"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("no_service", RejectReason.NO_SUCH_PLACE),
        ("action_prohibited", RejectReason.NOT_ALLOWED),
        ("channel_is_archived", RejectReason.NOT_ALLOWED),
        ("invalid_payload", RejectReason.INVALID),
    ],
)
async def test_a_refusal_in_text_says_what_to_do(
    slack: SlackPeer, sink: SlackWebhookSink, word: str, reason: RejectReason
) -> None:
    slack.close_webhook("incidents", word)
    with capture_logs() as logs:
        outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is reason
    assert outcome.detail.startswith(f"{word}: ")
    assert slack.webhook_url("incidents") not in str(logs) + repr(outcome) + repr(sink)
    assert len(logs) == 1


async def test_a_webhook_that_is_too_fast_waits_as_told(
    slack: SlackPeer, sink: SlackWebhookSink
) -> None:
    slack.fail_next("webhook", Fault.RATE_LIMITED)
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.scope) == (RetryReason.RATE_LIMITED, Scope.DESTINATION)
    assert outcome.after_ms >= 1_000


async def test_a_500_is_unknown(slack: SlackPeer, sink: SlackWebhookSink) -> None:
    slack.fail_next("webhook", Fault.ERROR_500)
    assert isinstance(await sink.send(attempt(Step.POST, digest(HERE))), Unknown)


async def test_a_success_gives_a_receipt(sink: SlackWebhookSink) -> None:
    outcome = await sink.send(attempt(Step.POST, digest(HERE)))
    assert outcome == Delivered(Receipt(id="inc-1.1"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("no_service\n", "no_service"),
        ('{"retry_after":1,"ok":false,"error":"rate_limited"}', "rate_limited"),
        ("{broken", "status_404"),
        ("<html>proxy</html>", "status_404"),
        ("", "status_404"),
    ],
)
def test_the_word_of_an_answer_is_found_in_either_form(text: str, word: str) -> None:
    assert _error_of(Reply(status=404, headers={}, text=text)) == word

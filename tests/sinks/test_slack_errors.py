"""What Slack refuses: how each word is handled, and that it says what a person has to do."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sinks.base import (
    PERSON_WAIT_MS,
    Answer,
    CannotTell,
    Delivered,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
)
from sinks.entries import DeadLetter, DeadReason
from sinks.notes import Notes
from sinks.outbox import Outbox
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from sinks.slack_errors import MEANINGS, meaning_of, outcome_of, word_of
from sinks.targets import targets
from tests.sinks.conftest import TOKEN
from tests.sinks.make import attempt, digest

HERE = "slack:incidents"
OPS = "slack:ops"
PAGE = Path(__file__).parents[2] / "docs" / "slack.md"


async def test_an_app_that_is_not_invited_waits_for_the_invitation_and_says_how(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    slack.remove_bot("ops")
    with capture_logs() as logs:
        outcomes = [await slack_sink.send(attempt(Step.POST, digest(OPS))) for _ in range(3)]
    outcome = outcomes[0]
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.scope) == (RetryReason.NEEDS_SOMEBODY, Scope.DESTINATION)
    assert outcome.detail == "not_in_channel: invite the app: /invite @stormfold in C0OPS"
    loud = [one for one in logs if one["log_level"] == "error"]
    assert [(one["destination"], one["error"]) for one in loud] == [(OPS, outcome.detail)]
    assert slack_sink.notes.take()[1] == {"not_in_channel": 3}


async def test_a_token_that_is_revoked_holds_the_whole_workspace(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    slack.revoke_token()
    outcome = await slack_sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.scope) == (RetryReason.NEEDS_SOMEBODY, Scope.ACCOUNT)
    assert outcome.detail.startswith("token_revoked: install the app again")
    assert TOKEN not in repr(outcome)


async def test_history_that_may_not_be_read_proves_nothing_and_is_said_once(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    await slack_sink.send(attempt(Step.POST, digest(HERE)))
    slack.revoke_token()
    with capture_logs() as logs:
        asked = attempt(Step.POST, digest(HERE), find=True)
        outcome, _ = [await slack_sink.find(asked) for _ in range(2)]
    assert isinstance(outcome, CannotTell)
    assert outcome.reason.startswith("token_revoked")
    assert outcome.scope is None
    assert [one["event"] for one in logs].count("history cannot be read") == 1


def test_what_waits_for_a_person_is_given_up_in_the_end_with_what_to_do() -> None:
    sink = SlackSink(token=TOKEN, channels={"ops": "C0OPS"})
    now_ms = 1_790_000_000_000
    outbox = Outbox(targets([sink]), started_ms=now_ms)
    outbox.accept(digest(OPS), now_ms)
    refusal = outcome_of(Step.POST, "not_in_channel", status=200, headers={}, channel="C0OPS")
    calls: list[int] = []
    dead: tuple[DeadLetter, ...] = ()
    while not dead and (due_ms := outbox.next_due_ms(now_ms)) is not None:
        now_ms = max(now_ms, due_ms)
        for one in outbox.due(now_ms, room=4):
            calls.append(now_ms)
            outbox.receive(Answer(key=one.key, number=one.number, outcome=refusal), now_ms)
        dead = outbox.take_changes().dead
    waits = [later - before for before, later in pairwise(calls)]
    assert min(waits) >= PERSON_WAIT_MS
    assert max(waits) <= 2 * PERSON_WAIT_MS
    assert [one.reason for one in dead] == [DeadReason.RETRIES_EXHAUSTED]
    assert dead[0].detail == "not_in_channel: invite the app: /invite @stormfold in C0OPS"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("is_archived", RejectReason.NOT_ALLOWED),
        ("restricted_action_read_only_channel", RejectReason.NOT_ALLOWED),
        ("restricted_action_thread_only_channel", RejectReason.NOT_ALLOWED),
        ("msg_blocks_too_long", RejectReason.TOO_LARGE),
        ("cant_update_message", RejectReason.NOT_EDITABLE),
        ("brand_new_word", RejectReason.INVALID),
    ],
)
def test_what_nobody_changes_soon_is_given_up_at_once(error: str, reason: RejectReason) -> None:
    outcome = outcome_of(Step.POST, error, status=200, headers={}, channel="#incidents")
    assert isinstance(outcome, Rejected)
    assert outcome.reason is reason
    assert outcome.detail.startswith(error)


async def test_a_missing_scope_names_the_scope() -> None:
    said = outcome_of(
        Step.POST,
        "missing_scope",
        status=200,
        headers={},
        detail="needs channels:history, the token has chat:write",
    )
    assert isinstance(said, Retry)
    assert said.scope is Scope.METHOD
    assert said.detail == (
        "missing_scope needs channels:history, the token has chat:write: "
        "add the scope and install the app again"
    )


async def test_a_channel_that_was_renamed_is_still_reached_once_its_id_is_known(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    await slack_sink.send(attempt(Step.POST, digest(HERE)))
    slack.rename("incidents", "alarms")
    outcome = await slack_sink.send(attempt(Step.POST, digest(HERE, id="inc-2")))
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.place == "C0INC"
    late = SlackSink(token=TOKEN, channels={"a": "#incidents"}, base_url=slack.base_url)
    refused = await late.send(attempt(Step.POST, digest("slack:a")))
    await late.close()
    assert isinstance(refused, Retry)
    assert "where it was renamed, configure its id" in refused.detail


async def test_the_id_of_a_channel_is_asked_for_once(
    slack: SlackPeer, slack_sink: SlackSink
) -> None:
    for n in range(3):
        await slack_sink.find(attempt(Step.POST, digest(HERE, id=f"inc-{n}"), find=True))
    assert [one.method for one in slack.calls].count("conversations.list") == 1


def test_every_word_has_its_handling_on_the_page() -> None:
    """docs/slack.md lists each word with what is done and what to do."""
    rows = re.findall(r"^\| (`[a-z_`, ]+`[^|]*) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(), re.M)
    listed = {
        word: handling for words, handling, _ in rows for word in re.findall("`(.+?)`", words)
    }
    for word, meaning in MEANINGS.items():
        waits = "waits" in listed[word]
        assert waits == (meaning.waits is not None), word


def test_every_detail_is_a_line_that_fits_a_dead_letter() -> None:
    for word in MEANINGS:
        said = outcome_of(Step.POST, word, status=200, headers={}, channel="#" + "c" * 40)
        assert isinstance(said, Retry | Rejected)
        assert len(said.detail) <= 200
        assert "{" not in said.detail
        assert word_of(word) == word


def test_words_are_counted_under_a_bounded_label() -> None:
    assert word_of("restricted_action_whatever") == "restricted_action"
    assert word_of("<!channel>") == "other"
    assert meaning_of("<!channel>").reason is RejectReason.INVALID


def test_the_same_thing_is_logged_once_in_a_while() -> None:
    now_s = 0.0
    notes = Notes(clock=lambda: now_s)
    with capture_logs() as logs:
        for _ in range(5):
            notes.cut(HERE, ["title"])
        now_s = 601.0
        notes.cut(HERE, ["title"])
    assert len(logs) == 2
    assert notes.take()[0] == {"title": 6}
    assert notes.take()[0] == {}
    assert "Connection" not in json.dumps(logs)

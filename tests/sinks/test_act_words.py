"""What a chat reads of what people did."""

from __future__ import annotations

import msgspec
import pytest

from correlators.types import DigestKind
from sinks.render import plain_text, slack_message, slack_update
from tests.sinks.make import digest

SAYS = [
    (DigestKind.NOTED, "comment", "the <pool> is full", "anna: the &lt;pool&gt; is full"),
    (DigestKind.NOTED, "assign", "payments", "Assigned to *payments* by anna in Slack."),
    (DigestKind.NOTED, "assign", "", "Assigned to nobody by anna in Slack."),
    (DigestKind.NOTED, "resolve", "EK in cart", "EK in cart: over by anna in Slack."),
    (DigestKind.NOTED, "false_alarm", "EK in cart", "EK in cart: a false alarm, says anna."),
    (DigestKind.RESOLVED, "resolve", "", "Resolved by anna in Slack."),
    (DigestKind.RESOLVED, "false_alarm", "", "A false alarm, says anna."),
    (DigestKind.UPDATED, "page_now", "", "Paged by anna in Slack."),
]


@pytest.mark.parametrize(("kind", "act", "text", "said"), SAYS)
def test_a_reply_says_who_did_what(kind: DigestKind, act: str, text: str, said: str) -> None:
    one = msgspec.structs.replace(
        digest(revision=3),
        kind=kind,
        resolved=kind is DigestKind.RESOLVED,
        act=act,
        act_by="anna",
        act_in="slack",
        act_text=text,
    )
    blocks = slack_update(one).blocks
    assert said in blocks[0]["text"]["text"]
    unescaped = said.replace("*", "").replace("&lt;", "<").replace("&gt;", ">")
    assert unescaped in plain_text(one)


@pytest.mark.parametrize("kind", [DigestKind.ACKNOWLEDGED, DigestKind.UPDATED])
@pytest.mark.parametrize("escalating", [False, True])
def test_a_reply_that_says_acknowledged_says_by_whom(kind: DigestKind, *, escalating: bool) -> None:
    one = msgspec.structs.replace(
        digest(revision=3), kind=kind, acked_by="anna", acked_in="pagerduty", escalating=escalating
    )
    said = slack_update(one).blocks[0]["text"]["text"]
    assert said.startswith("🟡 *Acknowledged:* by anna in PagerDuty; ")


def test_what_sentry_did_not_take_is_said_once_and_with_one_sign() -> None:
    one = msgspec.structs.replace(
        digest(revision=1), kind=DigestKind.ISSUE_TROUBLE, notice="Sentry said no: issue 1"
    )
    assert slack_update(one).blocks[0]["text"]["text"] == "⚠️ Sentry said no: issue 1."


@pytest.mark.parametrize("text", ["> quoted", "```\ncode", "*a*", "<!channel>", "x" * 1_000])
def test_a_comment_is_text_whatever_it_holds(text: str) -> None:
    one = msgspec.structs.replace(
        digest(revision=3), kind=DigestKind.NOTED, act="comment", act_by="anna", act_text=text
    )
    said = slack_update(one).blocks[0]["text"]["text"]
    assert said.startswith("💬 *Noted:* anna: ")
    assert "<!channel>" not in said
    assert "\n>" not in said


def test_a_comment_is_told_whole() -> None:
    text = ("the pool is full & nobody knows why " * 28)[:1_000].strip()
    one = msgspec.structs.replace(
        digest(revision=3), kind=DigestKind.NOTED, act="comment", act_by="anna", act_text=text
    )
    reply = slack_update(one)
    assert text.replace("&", "&amp;") in reply.blocks[0]["text"]["text"]
    assert reply.cuts == ()
    assert text in plain_text(one)


@pytest.mark.parametrize("kind", [DigestKind.NOTED, DigestKind.UPDATED, DigestKind.RESOLVED])
def test_the_message_says_who_has_it_until_it_is_said_anew(kind: DigestKind) -> None:
    one = msgspec.structs.replace(
        digest(revision=3), kind=kind, resolved=kind is DigestKind.RESOLVED, assignee="<pay>"
    )
    message = slack_message(one)
    assert str(message.blocks).count("ssigned to") == 1
    assert "\\n*Assigned to:* &lt;pay&gt;" in str(message.blocks)
    assert "Assigned to <pay>\n" in plain_text(one)
    assert "· assigned to &lt;pay&gt;" in str(slack_update(one).blocks[-1])
    nobody = msgspec.structs.replace(one, assignee="")
    assert "ssigned to" not in str(slack_message(nobody)) + plain_text(nobody)


def test_a_reply_that_says_it_says_it_once() -> None:
    one = msgspec.structs.replace(
        digest(revision=3),
        kind=DigestKind.NOTED,
        assignee="pay",
        act="assign",
        act_by="anna",
        act_in="slack",
        act_text="pay",
    )
    assert str(slack_update(one).blocks).count("ssigned to") == 1
    assert plain_text(one).count("ssigned to") == 1

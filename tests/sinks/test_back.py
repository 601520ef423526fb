"""A storm of what came back is told as back: in its first line, by whom it was over, and loudly."""

from __future__ import annotations

import re

import msgspec
import pytest

from correlators.returns import Back
from correlators.types import Digest, DigestKind
from sinks import render
from sinks.broadcast import Heard, heard
from sinks.carried import carried
from sinks.mail import letter
from tests.sinks.make import digest
from tests.sinks.test_mail import ENVELOPE, NOW_MS, text


def back(by: str = "ada", where: str = "slack", *, storm: str = "storm-38de2383d6c8e017") -> Digest:
    one = digest()
    before = Back(one.first_ms - 15_000, storm, by, where)
    return msgspec.structs.replace(one, back=before)


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (back(), "resolved 15 s before by ada in Slack (`storm-38de2383d6c8e017`)"),
        (back("Ben", "pagerduty", storm=""), "resolved 15 s before by Ben in PagerDuty"),
        (back("", "sentry", storm=""), "resolved 15 s before in Sentry"),
        (back("", "", storm=""), "over 15 s before"),
    ],
)
def test_a_message_says_when_it_was_over_and_who_said_so(one: Digest, says: str) -> None:
    message = render.slack_message(one)
    assert message.blocks[0]["text"]["text"].startswith("🔴 Back again: payment")
    hurt = "\n".join(str(block["text"]["text"]) for block in message.blocks[1:3])
    assert f"*Back again:* {says}\n" in hurt
    assert f"\nBack again: {says.replace('`', '')}\n" in render.plain_text(one)


def test_replies_and_the_end_do_not_say_it_again() -> None:
    later = msgspec.structs.replace(back(), revision=2, kind=DigestKind.UPDATED)
    assert render.slack_update(later).blocks[0]["text"]["text"].startswith("🔴 *Now:*")
    over = msgspec.structs.replace(later, kind=DigestKind.RESOLVED, resolved=True)
    assert "ack again" not in str(render.slack_message(over).blocks)


def test_a_storm_that_is_back_is_as_loud_as_what_reopened() -> None:
    assert heard(digest()) is Heard.SILENT
    assert heard(back()) is Heard.CHANNEL
    later = msgspec.structs.replace(back(), revision=2, kind=DigestKind.UPDATED)
    assert heard(later) is Heard.SILENT
    told = carried(back(), later)
    assert (heard(told), told.untold) == (Heard.CHANNEL, (DigestKind.REOPENED,))


def test_a_mail_says_so_in_its_text_and_in_its_table() -> None:
    mail = letter(back(), ENVELOPE, now_ms=NOW_MS)
    says = "resolved 15 s before by ada in Slack (storm-38de2383d6c8e017)"
    assert f"\nBack again: {says}" in text(mail)
    html = text(mail, "html")
    assert ">Back again</td>" in html
    assert says in re.sub(r"<[^>]+>", "", html)


def test_whatever_a_name_holds_formats_nothing() -> None:
    text = str(render.slack_message(back("<!channel> *x*")).blocks)
    assert "<!channel>" not in text

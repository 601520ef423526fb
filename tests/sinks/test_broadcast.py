"""Which replies the channel sees and whom they call; an edit calls nobody."""

from __future__ import annotations

import json

import msgspec
import pytest

from correlators.types import Digest, DigestKind, PageAction
from sinks.base import Delivered, Receipt, Step
from sinks.broadcast import Heard, called, heard
from sinks.peers.slack import SlackPeer
from sinks.render import slack_update
from sinks.slack import SlackSink
from tests.sinks.conftest import TOKEN
from tests.sinks.make import attempt, digest

replace = msgspec.structs.replace

HERE = "slack:incidents"
LOUD = {DigestKind.REOPENED, DigestKind.PAGE_TROUBLE, DigestKind.REMINDER}
MENTIONS = {"team-pay": "S0PAYTEAM", "team-shop": "U0SHOP"}


@pytest.mark.parametrize("kind", DigestKind)
def test_every_kind_is_loud_or_silent_by_itself(kind: DigestKind) -> None:
    plain = digest(kind=kind, resolved=kind is DigestKind.RESOLVED)
    assert (heard(plain) is Heard.CHANNEL) == (kind in LOUD)


@pytest.mark.parametrize(
    ("change", "loud"),
    [
        ({"joined_services": ("mail",)}, True),
        ({"escalating": True, "escalated_now": True}, True),
        ({"escalating": True}, False),
        ({"joined_incidents": 3}, False),
        ({"joined_services": ("mail",), "silenced_until_ms": 1_790_000_100_000}, False),
        ({"joined_services": ("mail",), "ignored": True}, False),
        ({"joined_services": ("mail",), "past": True}, False),
        ({"regressed": True}, False),
    ],
)
def test_an_update_is_loud_for_a_new_service_and_an_escalation(
    change: dict[str, object], loud: bool
) -> None:
    one = replace(digest(revision=2), **change)
    assert (heard(one) is Heard.CHANNEL) == loud


def test_the_end_is_loud_where_somebody_was_paged() -> None:
    over = digest(revision=3, resolved=True)
    assert heard(over) is Heard.SILENT
    assert heard(replace(over, paged=True)) is Heard.CHANNEL


def test_the_owner_is_called_and_the_owners_of_what_joined() -> None:
    first, second = digest().services
    joined = replace(second, owner="team-shop", joined=True)
    one = replace(
        digest(revision=2),
        owners=("team-pay", "team-shop"),
        joined_services=("checkout",),
        services=(first, joined),
    )
    assert called(one, MENTIONS) == ("S0PAYTEAM", "U0SHOP")
    assert called(one, {}) == ()
    assert called(replace(one, joined_services=()), MENTIONS) == ()
    page = replace(digest(), owners=("team-pay",), page=PageAction.TRIGGER)
    assert called(page, MENTIONS) == ("S0PAYTEAM",)


def _owned(**change: object) -> Digest:
    return replace(digest(HERE, revision=2), owners=("team-pay",), **change)


async def test_a_loud_reply_is_shown_in_the_channel_and_calls_the_owner(slack: SlackPeer) -> None:
    sink = SlackSink(
        token=TOKEN,
        channels={"incidents": "C0INC"},
        mentions=MENTIONS,
        base_url=slack.base_url,
    )
    posted = await sink.send(attempt(Step.POST, replace(digest(HERE), owners=("team-pay",))))
    assert isinstance(posted, Delivered)
    root = posted.receipt
    back = _owned(kind=DigestKind.REOPENED)
    await sink.send(attempt(Step.REPLY, back, root=root))
    await sink.send(attempt(Step.REPLY, _owned(), root=root))
    await sink.send(attempt(Step.EDIT, back, root=root))
    await sink.close()
    post, loud, silent, edit = slack.calls
    assert [str(one.args.get("reply_broadcast", "")) for one in slack.calls] == ["", "True", "", ""]
    assert "<!subteam^S0PAYTEAM>" in json.dumps(loud.args["blocks"])
    for one in (post, silent, edit):
        assert "subteam" not in json.dumps(one.args)
    text = loud.args["blocks"][0]["text"]["text"]
    assert text.startswith("*🔴 Back again: payment +1 · ConnectionRefusedError")
    assert loud.args["text"].startswith("🔴 Back again: payment +1 · ")


async def test_a_notice_is_told_below_the_message_that_it_is_about(slack: SlackPeer) -> None:
    sink = SlackSink(
        token=TOKEN, channels={"incidents": "C0INC"}, mentions=MENTIONS, base_url=slack.base_url
    )
    posted = await sink.send(attempt(Step.POST, digest(HERE)))
    assert isinstance(posted, Delivered)
    notice = _owned(kind=DigestKind.PAGE_TROUBLE, notice="The page to <pagerduty> is lost")
    root: Receipt = posted.receipt
    await sink.send(attempt(Step.POST, notice, root=root))
    await sink.close()
    (reply,) = slack.replies("incidents", root.id)
    assert slack.calls[-1].args["reply_broadcast"] is True
    said = reply.blocks[0]["text"]["text"]
    assert "The page to &lt;pagerduty&gt; is lost." in said
    assert said.endswith("<!subteam^S0PAYTEAM>")
    assert "The page to &lt;pagerduty&gt; is lost." in reply.text


def test_a_notice_that_begins_like_a_quote_quotes_nothing() -> None:
    notice = replace(_owned(kind=DigestKind.REMINDER), notice="> > quoted")
    lines = slack_update(notice, loud=True).blocks[0]["text"]["text"].split("\n")
    assert lines[1] == "⚠️ \u203a \u203a quoted."

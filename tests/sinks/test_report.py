"""A scheduled report as Slack, Teams, mails and plain lines show it."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.report_text import lines
from correlators.reported import ACTIONS_MOST, TOP_MOST, Reported, ReportLine
from correlators.types import Digest, DigestKind
from sinks import render
from sinks.blocks import BLOCK_CHARS, chars
from sinks.bounds import bounded
from sinks.covered import foldable
from sinks.mail import letter
from sinks.peers.slack_rules import blocks_error
from sinks.peers.teams_rules import cards_of
from sinks.teams_card import MESSAGE_BYTES, message_of
from tests.sinks.hostile import any_digest, struct
from tests.sinks.make import digest
from tests.sinks.test_mail import ENVELOPE, made, text

LINE = ReportLine(
    id="inc-1",
    service="checkout",
    title="TimeoutError: no answer within <int> ms",
    events=5_120,
    users=340,
    about=True,
    new=True,
    open=True,
    release="checkout@1.2.4",
    owner="team-shop",
    url="https://sentry.test/issues/41/",
)
WEEK = Reported(
    name="Week",
    period="Mon 23 Nov 08:00 to Mon 30 Nov 08:00 Europe/Berlin",
    from_ms=0,
    to_ms=1,
    team="team-shop",
    new=1,
    resolved=3,
    open=1,
    errors=4,
    storms=1,
    paged=2,
    events=12_345,
    about=True,
    hourly=73,
    hourly_before=51,
    acknowledged=2,
    acknowledge_s=240,
    resolved_by_hand=1,
    resolve_s=7_500,
    lasted_s=720,
    top=(LINE, msgspec.structs.replace(LINE, id="inc-2", url="", events=0, back=True, new=False)),
    more=2,
    actions=("open, and nobody has it: checkout: TimeoutError", "no team owns cart"),
)


def of(reported: Reported, **more: object) -> Digest:
    whole = msgspec.structs.replace(
        digest(kind=DigestKind.REPORT, title="Week, production: 1 new, 3 over, 1 open"),
        storm=False,
        services=(),
        report=lines(reported),
        reported=reported,
        evidence=(),
        new_release="",
        releases=(),
    )
    return msgspec.structs.replace(whole, **more)


def texts(one: Digest) -> list[str]:
    return [
        block["text"]["text"] if "text" in block else block["elements"][0]["text"]
        for block in render.slack_message(one).blocks
    ]


def test_slack_shows_the_counts_the_errors_and_what_is_to_do_apart() -> None:
    head, counts, top, todo, ends = texts(of(WEEK))
    assert head == "📋 Week, production: 1 new, 3 over, 1 open"
    assert counts.split("\n") == [
        "*Mon 23 Nov 08:00 to Mon 30 Nov 08:00 Europe/Berlin*; only what team-shop owns",
        "about 12,345 events, 73 an hour (51 before), 1 storm, 2 pages",
        "Acknowledged 2 in 4 min on average; resolved 1 in 2 h 5 min on average; "
        "what is over lasted 12 min on average",
    ]
    assert top.split("\n") == [
        "*Most events*",
        "1. *checkout* · `TimeoutError: no answer within &lt;int&gt; ms` · about 5,120 events · "
        "340 users · new · still open · `checkout@1.2.4` · team-shop · "
        "<https://sentry.test/issues/41/|Sentry>",
        "2. *checkout* · `TimeoutError: no answer within &lt;int&gt; ms` · 340 users · came back · "
        "still open · `checkout@1.2.4` · team-shop · `inc-2`",
        "… and 2 more errors",
    ]
    assert todo.split("\n") == ["*To do*", *(f"• {one}" for one in WEEK.actions)]
    assert ends.startswith("Report `inc-1` · revision 1")


def test_parts_that_say_nothing_are_left_out() -> None:
    bare = msgspec.structs.replace(
        WEEK, top=(), more=0, actions=(), acknowledged=0, resolved_by_hand=0, lasted_s=0
    )
    _, counts, _ = texts(of(bare))
    assert len(counts.split("\n")) == 2


def test_plain_lines_say_the_same_and_all_of_them_fit() -> None:
    many = msgspec.structs.replace(
        WEEK, top=(LINE,) * TOP_MOST, actions=WEEK.actions[:1] * ACTIONS_MOST
    )
    one = of(many)
    assert bounded(one).cuts == ()
    said = render.plain_text(one).split("\n")
    assert said[1:-1] == list(lines(many))
    assert said[-1] == "Report inc-1, revision 1"


def test_what_is_cut_of_the_errors_is_counted_among_the_others() -> None:
    many = msgspec.structs.replace(WEEK, top=(LINE,) * (TOP_MOST + 3))
    found = bounded(of(many))
    assert found.digest.reported is not None
    assert (len(found.digest.reported.top), found.digest.reported.more) == (TOP_MOST, 5)


def test_a_message_that_was_cut_names_the_command_that_tells_of_the_report() -> None:
    long = msgspec.structs.replace(LINE, title="x" * 400)
    ends = texts(of(msgspec.structs.replace(WEEK, top=(long,)), url="", id="rep-1"))[-1]
    assert "shortened: `stormfold explain --digest rep-1@1` tells the rest" in ends


def test_a_mail_shows_the_same_in_a_table_and_nothing_in_it_acts() -> None:
    hostile = msgspec.structs.replace(LINE, title="<script>x</script>", service="a<b>")
    one = of(msgspec.structs.replace(WEEK, top=(hostile,), actions=("<img src=x>",)))
    html = text(made(one), "html")
    assert "Mon 23 Nov 08:00 to Mon 30 Nov 08:00 Europe/Berlin; only what team-shop owns" in html
    assert "about 12,345 events, 73 an hour (51 before), 1 storm, 2 pages" in html
    assert "about 5,120" in html
    assert "… and 2 more errors" in html
    assert "<script" not in html
    assert "<img" not in html
    assert "<em>still open</em>" in html
    assert [line for line in lines(WEEK)[:3] if line not in text(made(of(WEEK)))] == []


def test_a_mail_shows_each_error_with_its_marks_below() -> None:
    made = message_from_bytes(letter(of(WEEK), ENVELOPE, now_ms=0).raw, policy=default)
    body = made.get_body(("html",))
    assert body is not None
    shown = body.get_content()
    assert "<em>new</em> · <em>still open</em> · checkout@1.2.4 · <a " in shown
    assert "prefers-color-scheme: dark" in shown


def test_a_card_of_teams_shows_the_errors_marked_linked_and_apart_from_what_is_to_do() -> None:
    (found,), problem = cards_of(json.loads(message_of(of(WEEK)).body))
    assert problem == ""
    blocks = found["body"][1:]
    lines = ["".join(run["text"] for run in one["inlines"]) for one in blocks]
    assert lines[:3] == texts(of(WEEK))[1].replace("*", "").split("\n")
    assert lines[3] == "Most events"
    assert lines[4] == (
        "1. checkout · TimeoutError: no answer within <int> ms · about 5,120 events · 340 users · "
        "new · still open · checkout@1.2.4 · team-shop · Sentry"
    )
    assert lines[6:-1] == ["… and 2 more errors", "To do", *(f"• {one}" for one in WEEK.actions)]
    apart = [
        line for line, one in zip(lines, blocks, strict=True) if one.get("spacing") == "Medium"
    ]
    assert apart[1:3] == ["Most events", "To do"]
    (link,) = [run for run in blocks[4]["inlines"] if "selectAction" in run]
    assert link["selectAction"]["url"] == LINE.url
    strong = [run["text"] for run in blocks[4]["inlines"] if run.get("weight") == "Bolder"]
    assert strong == ["checkout"]


@given(any_digest(), struct(Reported, 30), st.booleans())
def test_teams_takes_any_report(one: Digest, reported: Reported, repeat: bool) -> None:
    report = msgspec.structs.replace(one, kind=DigestKind.REPORT, resolved=False, reported=reported)
    body = message_of(report, possible_repeat=repeat).body
    assert len(body) <= MESSAGE_BYTES
    assert cards_of(json.loads(body))[1] == ""


def test_a_report_of_megabytes_is_a_card_that_counts_nothing_away() -> None:
    huge = msgspec.structs.replace(LINE, title="漢" * 5_000_000, owner="漢" * 9_000)
    most = msgspec.structs.replace(WEEK, top=(huge,) * 10, actions=("漢" * 9_000,) * 5)
    made_of_it = message_of(of(most))
    assert len(made_of_it.body) <= MESSAGE_BYTES
    assert "reportline_title" in made_of_it.cuts
    assert cards_of(json.loads(made_of_it.body))[1] == ""


def test_no_roll_up_takes_a_report_in() -> None:
    assert not foldable(of(WEEK))


@given(any_digest(), struct(Reported, 30), st.booleans())
def test_slack_takes_any_report(one: Digest, reported: Reported, repeat: bool) -> None:
    report = msgspec.structs.replace(one, kind=DigestKind.REPORT, resolved=False, reported=reported)
    message = render.slack_message(report, possible_repeat=repeat)
    assert blocks_error(message.blocks) == ("", "")
    assert chars(message.blocks) <= BLOCK_CHARS
    assert render.plain_text(report)

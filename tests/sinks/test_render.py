"""What a message says, and that no error text can make it say anything else."""

from __future__ import annotations

import html
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import (
    SERVICES_TOLD,
    AlertLine,
    Digest,
    DigestKind,
    Doubt,
    Evidence,
    PageOver,
    PageReason,
    ServiceLine,
)
from sinks import render, words
from sinks.broadcast import Heard, heard
from sinks.lead import lead
from sinks.pagerduty_words import summary
from sinks.peers.slack_rules import UPDATE_TEXT_CHARS, blocks_error
from tests.sinks.make import digest

replace = msgspec.structs.replace

NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("<>&|`*_~\n\r\t@#!:{}%\u202e\u0000 "), st.characters(codec="utf-8")
    ),
    max_size=400,
) | st.sampled_from(
    ["<!channel>", "<@U123>", "{{ 7 * 7 }}", "<https://evil.test|click>", "&" * 999]
)


@st.composite
def hostile(draw: st.DrawFn) -> Digest:
    """A digest whose every text was written by an attacker."""
    lines = tuple(
        ServiceLine(
            service=draw(NASTY),
            title=draw(NASTY),
            events=draw(st.integers(1, 10**9)),
            incidents=draw(st.integers(1, 500)),
            releases=(draw(NASTY),),
            url=draw(NASTY),
            owner=draw(NASTY),
            runbook=draw(NASTY),
        )
        for _ in range(draw(st.integers(0, SERVICES_TOLD)))
    )
    return msgspec.structs.replace(
        digest(services=lines, revision=draw(st.integers(1, 99)), resolved=draw(st.booleans())),
        title=draw(NASTY),
        storm=draw(st.booleans()),
        kind=draw(st.sampled_from(DigestKind)),
        environment=draw(NASTY),
        culprit=draw(NASTY),
        transaction=draw(NASTY),
        url=draw(NASTY),
        new_release=draw(NASTY),
        evidence=draw(st.sets(st.sampled_from(Evidence)).map(sorted).map(tuple)),
        storm_id=draw(st.sampled_from(["", "storm-1"])),
        storm_title=draw(NASTY),
        left=tuple(draw(st.lists(NASTY, max_size=5))),
        page_replaces=draw(st.sampled_from(["", "storm-1.1"])),
        page_why=draw(NASTY),
        owners=(draw(NASTY),),
        alerts=tuple(
            AlertLine(draw(NASTY), "critical", 1_789_999_988_000, until_ms, draw(NASTY))
            for until_ms in draw(st.sampled_from([(), (0,), (0, 1_790_000_000_000, 0, 0, 0)]))
        ),
        metric_alert=draw(st.booleans()),
        runbook=draw(NASTY),
        dashboard=draw(NASTY),
        status_page=draw(st.sampled_from(["", "https://status.test/"])),
        about=draw(st.booleans()),
        at_least=draw(st.booleans()),
        delayed=draw(st.booleans()),
        more_services=draw(st.integers(0, 40)),
        unconfirmed=draw(st.none() | st.sampled_from(Doubt)),
        page_stays=draw(st.booleans()),
        page_over=draw(st.none() | st.sampled_from(PageOver)),
    )


@given(hostile())
def test_slack_takes_every_message(one: Digest) -> None:
    for message in (render.slack_message(one), render.slack_update(one)):
        assert blocks_error(message.blocks) == ("", "")
        assert 1 <= len(message.text) <= UPDATE_TEXT_CHARS


@given(hostile())
def test_error_text_mentions_nobody_and_draws_no_link(one: Digest) -> None:
    for message in (render.slack_message(one), render.slack_update(one)):
        said = json.dumps(message.blocks, ensure_ascii=False) + message.text
        for part in said.split("<")[1:]:
            links = [one.url, one.status_page]
            links += [line.url for line in one.services] + [line.url for line in one.alerts]
            own_link = any(link.startswith("http") for link in links)
            assert part.startswith("!date^") or (own_link and part.startswith("http"))


@given(hostile())
def test_the_same_digest_gives_the_same_bytes(one: Digest) -> None:
    assert render.slack_message(one) == render.slack_message(one)


def test_the_first_message_says_what_broke_who_is_hurt_since_when_and_why_it_is_one() -> None:
    message = render.slack_message(digest())
    said = [
        one["text"]["text"] if "text" in one else one["elements"][0]["text"]
        for one in message.blocks
    ]
    assert said[0] == (
        "🔴 payment +1 · ConnectionRefusedError: payment-db ref… · 97 users · since 2.4.1"
    )
    what, hurt, since, release = said[1].split("\n")
    assert what == "*What:* `ConnectionRefusedError: payment-db refused the connection`"
    assert hurt == "*Who is hurt:* 2 services · 412 events · 97 users"
    moment = "<!date^1789999988^{date_short_pretty} {time}|2026-09-21 14:13 UTC>"
    assert since == f"*Since:* {moment} in *production*"
    assert release == "*Release:* `payment@2.4.1`, first seen 4 min before this began"
    assert said[2].split("\n") == [
        "• *payment* · 310 events in 2 incidents"
        " · <https://sentry.test/organizations/shop/issues/41/|Sentry>",
        "• *checkout* · 102 events · `PaymentUnavailable: &lt;int&gt; attempts`",
    ]
    assert said[3] == "*Why one storm:* the same new release, shared traces"
    assert said[4].startswith("Storm `inc-1` · revision 1 · <!date^1790000000^")
    assert message.cuts == ()


def test_the_text_says_the_same_as_the_blocks() -> None:
    assert render.slack_message(digest()).text.split("\n") == [
        "🔴 payment +1 · ConnectionRefusedError: payment-db ref… · 97 users · since 2.4.1",
        "ConnectionRefusedError: payment-db refused the connection",
        "2 services · 412 events · 97 users, since 2026-09-21 14:13 UTC in production",
        "release payment@2.4.1, first seen 4 min before this began",
        "- payment: 310 events, ConnectionRefusedError: payment-db refused the connection",
        "- checkout: 102 events, PaymentUnavailable: &lt;int&gt; attempts",
        "One storm because of the same new release, shared traces",
        "Storm inc-1, revision 1",
    ]


def test_counts_are_said_as_exactly_as_they_are_known() -> None:
    one = digest()
    assert words.counts(one) == "412 events · 97 users"
    assert words.counts(msgspec.structs.replace(one, about=True)).startswith("about 412 events")
    sampled = msgspec.structs.replace(one, at_least=True, users=0)
    assert words.counts(sampled) == "at least 412 events"


def test_what_does_not_fit_is_cut_at_a_limit_that_has_a_name() -> None:
    lines = tuple(
        ServiceLine(service=f"s{n}", title="<" * 300, events=1, incidents=1) for n in range(10)
    )
    long = msgspec.structs.replace(digest(services=lines), title="&" * 300, environment="&" * 1_500)
    cuts = render.slack_message(long).cuts
    assert set(cuts) >= {"title", "environment", "serviceline_title"}


def test_kinds_of_updates_say_what_happened() -> None:
    def said(kind: DigestKind, *, resolved: bool = False) -> str:
        one = digest(revision=2, kind=kind, resolved=resolved)
        one = msgspec.structs.replace(one, storm_id="storm-9")
        text: str = render.slack_update(one).blocks[0]["text"]["text"]
        return text

    assert said(DigestKind.RESOLVED, resolved=True).startswith(
        "✅ *Resolved:* after 11 s, 2 services"
    )
    assert said(DigestKind.REOPENED).startswith("🔴 *Back again:* 2 services")
    assert said(DigestKind.UPDATED).startswith("🔴 *Now:* 2 services")


def test_what_went_into_a_storm_or_left_it_says_where_it_went() -> None:
    storm = msgspec.structs.replace(
        digest(revision=2), storm_id="storm-9", storm_title="Outage <4>"
    )
    incident = msgspec.structs.replace(storm, storm=False, evidence=(), title="EK")

    def said(of: Digest, kind: DigestKind) -> tuple[str, str, str]:
        one = msgspec.structs.replace(
            of, kind=kind, resolved=of.storm and kind is DigestKind.PARTED
        )
        first = render.slack_message(one).blocks
        reply = render.slack_update(one).blocks[0]["text"]["text"]
        for blocks in (first, render.slack_update(one).blocks):
            assert blocks_error(blocks) == ("", "")
        assert first[1]["text"]["text"] in reply
        assert first[1]["text"]["text"].replace("*", "").replace("`", "") in (
            render.slack_message(one).text
        )
        return first[0]["text"]["text"], first[1]["text"]["text"], reply[:2]

    where = "the storm *Outage &lt;4&gt;* (`storm-9`)"
    assert said(incident, DigestKind.JOINED) == (
        "➡️ Part of a storm: payment · EK · 97 users · since 2.4.1",
        f"Part of {where}, which tells how it goes on.",
        "➡️",
    )
    assert said(storm, DigestKind.JOINED)[1] == f"Merged into {where}, which tells how it goes on."
    assert said(incident, DigestKind.PARTED) == (
        "🔴 payment · EK · 97 users · since 2.4.1",
        f"No longer part of {where}: told by itself again.",
        "↩️",
    )
    assert said(storm, DigestKind.PARTED)[1] == (
        f"Over as a storm; what goes on of it is told by {where}."
    )
    header, went, _ = said(msgspec.structs.replace(storm, storm_id=""), DigestKind.PARTED)
    assert header.startswith("➡️ Taken apart: ")
    assert went == "Over as a storm: what was in it is told by itself."


def test_a_storm_says_why_it_pages_again_and_what_people_took_out_of_it() -> None:
    one = msgspec.structs.replace(
        digest(revision=2),
        page_replaces="storm-1.1",
        page_why="mail joined after the acknowledgement",
        left=("EK in cart",),
    )
    why = "Paged again: mail joined after the acknowledgement."
    left = "Not part of it, a person says: EK in cart. Told by itself from now on."
    assert render.slack_message(one).blocks[1]["text"]["text"].split("\n") == [why, left]
    assert render.slack_update(one).blocks[0]["text"]["text"].split("\n")[1:] == [why, left]
    assert render.plain_text(one).split("\n")[2:4] == [why, left]
    assert " · [production] · mail joined after the acknowledgement · " in summary(one, 300)


def test_a_possible_repeat_says_so() -> None:
    message = render.slack_message(digest(), possible_repeat=True)
    assert message.blocks[-1]["elements"][0]["text"].endswith("possible repeat")
    assert message.text.endswith("possible repeat")


def test_a_spike_says_that_the_rest_waits_and_of_nobody_that_they_are_hurt() -> None:
    title = "Spike protection: 3 messages in this hour"
    told = msgspec.structs.replace(
        digest(kind=DigestKind.SPIKE, title=title, id="spike-1", services=()),
        storm=False,
        releases=(),
        new_release="",
        evidence=(),
    )
    made = render.slack_message(told)
    assert blocks_error(made.blocks) == ("", "")
    assert [block["type"] for block in made.blocks] == ["header", "context"]
    assert "hurt" not in json.dumps(made.blocks)
    assert made.text.splitlines() == [f"⏸️ {title}", "Spike spike-1, revision 1"]


def test_what_became_of_an_error_leads_the_message() -> None:
    for flag, begins in (
        ("flapping", "🔁 Flapping: "),
        ("escalating", "📈 Escalating: "),
        ("regressed", "🔴 Regressed: "),
    ):
        told = msgspec.structs.replace(digest(revision=2), **{flag: True})
        assert lead(told).startswith(begins)
        assert blocks_error(render.slack_update(told).blocks) == ("", "")
    deployed = msgspec.structs.replace(digest(), deployed=True)
    assert "deployed 4 min before this began" in render.slack_message(deployed).text


def test_quiet_that_is_not_confirmed_is_called_no_resolution() -> None:
    for doubt, why in words.DOUBTS.items():
        quiet = replace(digest(revision=3, kind=DigestKind.UPDATED), unconfirmed=doubt)
        over = digest(revision=4, kind=DigestKind.RESOLVED, resolved=True)
        over = replace(over, unconfirmed=doubt)
        for one, says in ((quiet, "Quiet, not confirmed"), (over, "Over, not confirmed")):
            messages = (render.slack_message(one), render.slack_update(one))
            texts = [json.dumps(blocks.blocks, ensure_ascii=False) for blocks in messages]
            for text in (*texts, render.plain_text(one)):
                assert says in text
                assert why in text
                assert "Resolved" not in text
    assert set(words.DOUBTS) == set(Doubt)


def test_a_page_that_is_left_is_said_to_stay_open() -> None:
    one = replace(digest(revision=3, kind=DigestKind.RESOLVED, resolved=True), page_stays=True)
    messages = (render.slack_message(one), render.slack_update(one))
    texts = [json.dumps(blocks.blocks, ensure_ascii=False) for blocks in messages]
    for text in (*texts, render.plain_text(one)):
        assert "Resolved" in text
        assert "stays open, for whoever acknowledged it to resolve" in text


@pytest.mark.parametrize("why", list(PageOver))
def test_once_it_is_resolved_its_message_and_a_silent_reply_say_so_and_by_whom(
    why: PageOver,
) -> None:
    by = {PageOver.HAND: "resolve", PageOver.GIVEN_BACK: ""}
    one = replace(
        digest(revision=4, kind=DigestKind.RESOLVED, resolved=True),
        paged=True,
        page_over=why,
        act=by.get(why, ""),
        act_by="ben <b>" if why in by else "",
        act_in="pagerduty" if why in by else "",
    )
    says = {
        PageOver.HAND: "resolved by ben &lt;b&gt; in PagerDuty",
        PageOver.GIVEN_BACK: "resolved: nobody has it any more, ben &lt;b&gt; gave it back",
    }.get(why, f"resolved: {words.LEFT_PAGE_OVER[why]}")
    edit, reply = render.slack_message(one), render.slack_update(one)
    for blocks in (edit, reply):
        text = json.dumps(blocks.blocks, ensure_ascii=False)
        assert says in text
        assert "stays open" not in text
        assert "Resolved by" not in text
    assert reply.text.startswith("✅ Page resolved: ")
    assert html.unescape(says) in render.plain_text(one)
    assert heard(one) is Heard.SILENT
    assert heard(replace(one, page_over=None)) is Heard.CHANNEL


@pytest.mark.parametrize(
    ("until_ms", "had_until_ms", "says"),
    [
        (
            0,
            1_790_003_600_000,
            "by ben in Slack, without an end; ada &amp; co had it until <!date^",
        ),
        (0, 0, "by ben in Slack; ada &amp; co had it; "),
        (1_790_003_600_000, 0, "; ada &amp; co had it without an end; "),
    ],
)
def test_who_takes_over_what_somebody_else_had_is_said_with_who_that_was(
    until_ms: int, had_until_ms: int, says: str
) -> None:
    one = replace(
        digest(revision=3, kind=DigestKind.ACKNOWLEDGED),
        acked_by="ben",
        acked_in="slack",
        acked_until_ms=until_ms,
        had_by="ada & co",
        had_until_ms=had_until_ms,
    )
    assert says in render.slack_update(one).blocks[0]["text"]["text"]
    assert "ada & co had it" in render.plain_text(one)
    assert "had it" not in json.dumps(render.slack_message(one).blocks)


def test_a_message_says_that_somebody_was_paged_and_why() -> None:
    def said(one: Digest) -> list[str]:
        blocks = render.slack_message(one).blocks
        lines = [line for b in blocks for line in b.get("text", {}).get("text", "").split("\n")]
        paged = [line for line in lines if line.startswith("*Paged:*")]
        plain = [line for line in render.plain_text(one).split("\n") if line.startswith("Paged:")]
        assert len(paged) == len(plain)
        return paged + plain

    opened = replace(digest(), paged=True)
    for reason, why in words.PAGED_BECAUSE.items():
        slack, plain = said(replace(opened, page_reason=reason))
        assert slack == f"*Paged:* the on-call ({why})"
        assert plain == f"Paged: the on-call ({why})"
    by_rule = said(replace(opened, page_reason=PageReason.RULE, rule="loud"))
    assert by_rule == [
        "*Paged:* the on-call by the rule `loud`",
        "Paged: the on-call by the rule loud",
    ]
    assert said(replace(opened, revision=2))[1] == "Paged: the on-call"
    assert not said(digest())
    assert not said(replace(opened, kind=DigestKind.RESOLVED, resolved=True))
    assert not said(replace(opened, kind=DigestKind.JOINED, storm_id="storm-1"))
    assert set(words.PAGED_BECAUSE) == set(PageReason)


def test_a_place_that_sentry_names_twice_is_told_once() -> None:
    one = replace(digest(), storm=False, culprit="shop.pay", transaction="shop.pay")
    assert json.dumps(render.slack_message(one).blocks).count("shop.pay") == 1
    other = json.dumps(render.slack_message(replace(one, transaction="/pay")).blocks)
    assert "`shop.pay` in `/pay`" in other


def test_a_message_names_the_owner_and_links_to_what_helps() -> None:
    first, second = digest().services
    one = msgspec.structs.replace(
        digest(),
        owners=("team-pay", "team-shop"),
        runbook="https://wiki.test/pay",
        status_page="https://status.test/",
        services=(
            first,
            msgspec.structs.replace(second, owner="team-shop", runbook="https://wiki.test/shop"),
        ),
    )
    hurt, services = (block["text"]["text"] for block in render.slack_message(one).blocks[1:3])
    assert hurt.split("\n")[4:] == [
        "*Owned by:* team-pay, team-shop",
        "*Help:* <https://wiki.test/pay|Runbook> · <https://status.test/|Status page>",
    ]
    assert services.endswith(" · <https://wiki.test/shop|Runbook> · team-shop")
    plain = render.plain_text(one).split("\n")
    assert "Owned by team-pay, team-shop" in plain
    assert "Runbook: https://wiki.test/pay" in plain
    assert "Status page: https://status.test/" in plain
    assert any(line.endswith("owned by team-shop") for line in plain)
    assert "Dashboard" not in render.plain_text(one)


def test_a_message_tells_the_metric_alerts_of_its_service_as_lines() -> None:
    line = AlertLine("Failure rate", "critical", 1_790_000_000_000, 0, "https://sentry.test/a/")
    over = AlertLine("Latency", "warning", 1_790_000_000_000, 1_790_000_060_000)
    one = msgspec.structs.replace(digest(), alerts=(line, over))
    plain = render.plain_text(one).split("\n")
    assert "Sentry metric alert Failure rate is critical since 2026-09-21 14:13 UTC" in plain
    assert "Sentry metric alert Latency was warning from 2026-09-21 14:13 UTC to 14:14 UTC" in plain
    hurt = render.slack_message(one).blocks[1]["text"]["text"]
    assert "📊 Sentry metric alert *Failure rate* is critical since" in hurt
    assert "<https://sentry.test/a/|Sentry>" in hurt
    assert "*Failure rate* is critical" in render.slack_update(one).blocks[0]["text"]["text"]


def test_the_message_of_a_metric_alert_tells_no_events() -> None:
    line = AlertLine("Failure rate", "critical", 1_790_000_000_000)
    one = msgspec.structs.replace(
        digest(), storm=False, events=0, users=0, metric_alert=True, alerts=(line,)
    )
    text = render.plain_text(one)
    assert "Sentry metric alert, critical" in text
    assert "event" not in text


def test_the_message_of_a_deploy_says_what_where_when_and_by_whom() -> None:
    one = msgspec.structs.replace(
        digest(kind=DigestKind.DEPLOY, title="Deploy of payment: 2.4.1", services=()),
        storm=False,
        releases=("2.4.1",),
        release_before="2.4.0",
        by="ci",
        url="https://ci.test/1",
        owners=("team-pay",),
        new_release="",
        evidence=(),
    )
    header, said, context = render.slack_message(one).blocks
    assert header["text"]["text"] == "🚀 Deploy of payment: 2.4.1"
    release, when, owner = said["text"]["text"].split("\n")
    assert release == "*Release:* `2.4.1`, after `2.4.0` in *production*"
    assert when.endswith(" · by ci · <https://ci.test/1|Open>")
    assert owner == "*Owned by:* team-pay"
    assert context["elements"][0]["text"].startswith("Deploy `inc-1`")
    assert render.plain_text(one).split("\n")[1:3] == [
        "release 2.4.1, after 2.4.0 in production, 2026-09-21 14:13 UTC, by ci",
        "Owned by team-pay",
    ]

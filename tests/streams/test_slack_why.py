"""`why` tells reasons: the rule, the evidence, the page or why there is none, what holds it back,
who did what."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from correlators.acts import Acknowledge, Act, AddSilence, Assign, Comment, PageNow, Resolve
from correlators.conditions import AtLeast, When
from correlators.judging import Config
from correlators.rulings import Rule, Urgency
from correlators.types import tick_of
from streams.live import Live, Part
from streams.slack_why import ACTS_SHOWN, TEXT_CHARS, why_text
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import CHAT, MINUTE, PAGER, PAGING, event, ms
from tests.streams.slack_stand import stand

RULED = msgspec.structs.replace(
    PAGING,
    rules=(
        Rule(
            name="busy",
            when=When(events=AtLeast(20, 5 * 60_000)),
            urgency=Urgency.PAGE,
            to=(CHAT,),
            page=(PAGER,),
        ),
        Rule(name="rest", to=(CHAT,)),
    ),
)


def played(
    until: int, *pushes: Any, acts: list[tuple[int, Act]] | None = None, config: Config = PAGING
) -> tuple[Stage, Live]:
    stage = Stage(config=config)
    stage.run(until, *pushes, acts=acts or [])
    return stage, live_of(stage, config)


def live_of(stage: Stage, config: Config = PAGING) -> Live:
    return Live(config, [Part(0, stage.state, tick_of(ms(stage.now)) - 1)], ms(stage.now))


def test_a_storm_says_its_rule_its_evidence_and_its_page() -> None:
    stage, live = played(20, *outage())
    text = why_text(live, stage.storm().id)
    rule = "`environment production and storm_services 3`"
    assert f"*Told to* `{CHAT}`, by the rule `storm`: {rule}." in text
    assert "*One storm:* `shared trace in cart and payment`" in text
    assert "*Likely origin:* `payment`, `2 services share its traces`." in text
    assert (
        f"*Paged:* a storm over several services (the rule `storm`); the page at `{PAGER}` is open."
        in text
    )
    assert "*Held back:* by nothing.\n*Who did what:* nobody did anything yet." in text
    member = stage.incident("checkout").id
    text = why_text(live, member)
    assert f"*Told* by its storm, `{stage.storm().id}`" in text
    assert "*One storm:* `shared trace in checkout and payment`.\n" in text
    assert f"the page at `{PAGER}` is open" in text


def test_what_did_not_page_says_what_each_rule_that_pages_asks_for() -> None:
    stage, live = played(20, event(0, "mail", "EM"), config=RULED)
    text = why_text(live, stage.incident("mail").id)
    assert f"*Told to* `{CHAT}`, by the rule `rest`: `always`." in text
    assert "*Paged:* nobody, the rule `busy` pages only for `events 20 in 5m`." in text


def test_rules_of_other_environments_are_named_only_where_there_are_no_others() -> None:
    def paged(name: str, when: When) -> Rule:
        return Rule(name=name, when=when, urgency=Urgency.PAGE, to=(CHAT,), page=(PAGER,))

    away = tuple(paged(f"away{at}", When(environment=(f"e{at}",))) for at in range(5))
    config = msgspec.structs.replace(RULED, rules=(*away, *RULED.rules))
    stage, live = played(20, event(0, "mail", "EM"), config=config)
    mail = stage.incident("mail").id
    assert "*Paged:* nobody, the rule `busy` pages only for" in why_text(live, mail)
    only = msgspec.structs.replace(RULED, rules=(*away, RULED.rules[-1]))
    stage, live = played(20, event(0, "mail", "EM"), config=only)
    text = why_text(live, stage.incident("mail").id)
    assert "the rule `away0` pages only for `environment e0`" in text
    assert "; and 2 more rules." in text


def test_the_rules_that_told_and_paged_are_named_also_once_they_fit_no_more() -> None:
    burst = [event(second / 4, "mail", "EM") for second in range(40)]
    stage, _ = played(20, *burst, config=RULED)
    stage.run(400, event(390, "mail", "EM"))
    live = live_of(stage, RULED)
    text = why_text(live, stage.incident("mail").id)
    assert "by the rule `rest`: `always`." in text  # that told it last
    assert f"*Paged:* the rule `busy`; the page at `{PAGER}` is open." in text
    fewer = Live(PAGING, live.parts, live.now_ms)
    text = why_text(fewer, stage.incident("mail").id)
    assert "by the rule `rest`, which the configuration has no more." in text


@pytest.mark.parametrize("until", [30, 20 * MINUTE])
def test_who_did_what_stands_last_in_order_and_what_is_over_says_how(until: int) -> None:
    stage, _ = played(20, *outage())
    storm = stage.storm().id
    did: list[tuple[int, Act]] = [
        (21, Acknowledge(subject=storm, **ANNA)),
        (22, Assign(subject=storm, assignee="pay", **ANNA)),
        (23, Resolve(subject=storm, **ANNA)),
    ]
    stage.run(until, acts=did)
    text = why_text(live_of(stage), storm)
    assert "*Over:* a person said so." in text
    assert "*Paged:* a storm over several services (the rule `storm`); it is over." in text
    assert re.findall(r"UTC (\w+) by anna", text) == ["acknowledge", "assign", "resolve"]
    assert text.endswith(f"\nEvery decision: `stormfold explain --storm {storm}`")
    assert "Held back" not in text


def test_what_is_back_says_how_it_was_over() -> None:
    stage, _ = played(20, *outage())
    before = stage.storm().id
    stage.run(60, *outage(40), acts=[(25, Resolve(subject=before, **ANNA))])
    text = why_text(live_of(stage), stage.storm().id)
    says = f"it was over 15 s before by anna in Slack, told by `{before}` until then."
    assert f"*Back again:* {says}" in text


def test_a_silence_that_holds_it_says_how_it_is_ended() -> None:
    stage, _ = played(20, event(0, "mail", "EM"))
    mail = stage.incident("mail").id
    act = AddSilence(subject=mail, to_ms=ms(4_000), **{**ANNA, "at_ms": ms(21)})
    stage.run(30, acts=[(21, act)])
    text = why_text(live_of(stage), mail)
    assert re.search(
        r"\*Silenced\* by anna until .* UTC; `/stormfold unsilence sil-[0-9a-f]{16}` ends it\.",
        text,
    )
    assert "Held back:* by nothing" not in text


def test_a_page_by_hand_and_one_that_somebody_had_before_say_so() -> None:
    stage, _ = played(20, event(0, "mail", "EM"))
    mail = stage.incident("mail").id
    stage.run(30, acts=[(21, PageNow(subject=mail, **ANNA))])
    assert "*Paged:* a person wants it; the page at" in why_text(live_of(stage), mail)


def test_however_much_was_said_it_fits_and_formats_nothing() -> None:
    stage, _ = played(20, *outage())
    storm = stage.storm().id
    loud = "<!channel> `*x*` " + "y" * 900
    by = {**ANNA, "actor": "<!here>"}
    did: list[tuple[int, Act]] = [
        (21 + at, Comment(subject=storm, text=f"{at} {loud}", **{**by, "at_ms": at}))
        for at in range(30)
    ]
    stage.run(60, acts=did)
    text = why_text(live_of(stage), storm)
    assert f"… and {30 - ACTS_SHOWN} before" in text
    assert "'29 " in text
    assert "<!" not in text
    assert len(text) <= TEXT_CHARS + 200
    assert text.endswith(f"explain --storm {storm}`")


async def test_why_is_said_by_word_and_by_button_and_status_stays_what_it_was() -> None:
    async with stand() as it:
        stage, it.live = played(20, *outage())
        storm = stage.storm().id
        why = (await it.ada.command(f"why {storm}")).body["text"]
        assert why == why_text(it.live, storm)
        assert "one storm: shared trace" in (await it.ada.command(f"status {storm}")).body["text"]
        gone = (await it.ada.command("why storm-0000000000000000")).body["text"]
        assert gone == "Nothing is called `storm-0000000000000000`."

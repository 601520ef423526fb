"""An acknowledgement that was to last for some time ends, told, and whoever is paged is paged
again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import Acknowledge, Act, AddSilence, Resolve, Unacknowledge
from correlators.rules import Pages
from correlators.storms import Ack
from correlators.types import Digest, DigestKind, Level, PageAction
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import CHAT, CONFIG, PAGER, PAGING, event, ms, second_of

BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 1}
MINUTE_MS = 60_000
ENDS = msgspec.structs.replace(PAGING, pages=Pages(ack_for_ms=5 * MINUTE_MS))


def told(stage: Stage) -> list[tuple[int, str]]:
    return [(second_of(one), one.kind.value) for one in stage.chats()]


def last(stage: Stage) -> Digest:
    return stage.chats()[-1]


def fatal(*, restore: bool = False, config: Any = PAGING) -> Stage:
    stage = Stage(restore=restore, config=config)
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    return stage


def ack(stage: Stage, at: int, for_ms: int = 0, **who: Any) -> tuple[int, Act]:
    subject = stage.incident("checkout").id
    return at, Acknowledge(subject=subject, for_ms=for_ms, **(who or ANNA))


@pytest.mark.parametrize("restore", [False, True])
def test_when_it_ends_it_is_told_and_the_page_goes_on_as_a_new_one(restore: bool) -> None:
    stage = fatal(restore=restore)
    id = stage.incident("checkout").id
    stage.run(300, acts=[ack(stage, 25, 2 * MINUTE_MS)])
    assert last(stage).kind is DigestKind.UNACKNOWLEDGED
    assert told(stage) == [(10, "opened"), (25, "acknowledged"), (145, "unacknowledged")]
    assert stage.chats()[1].acked_until_ms == ms(145)
    gone = last(stage)
    assert (gone.acked_by, gone.acked_until_ms, gone.page_why) == (
        "",
        0,
        "nobody said more for 2m",
    )
    assert stage.pages() == [
        ("trigger", "fatal", f"{id}.1", ""),
        ("trigger", "ack_ended", f"{id}.3", f"{id}.1"),
        ("resolve", "", f"{id}.1", f"{id}.3"),
    ]
    assert [one.page_fallback for one in stage.digests if one.page is PageAction.TRIGGER][1] == CHAT
    stage.run(1_000)
    assert stage.pages()[3:] == [("resolve", "", f"{id}.3", "")]


@pytest.mark.parametrize("restore", [False, True])
def test_a_storm_likewise(restore: bool) -> None:
    stage = Stage(restore=restore)
    stage.run(20, *outage())
    storm = stage.storm().id
    act = Acknowledge(subject=storm, for_ms=MINUTE_MS, **ANNA)
    stage.run(100, acts=[(25, act)])
    assert told(stage) == [(10, "opened"), (25, "acknowledged"), (85, "unacknowledged")]
    assert [one[:3] for one in stage.pages()] == [
        ("trigger", "storm_services", f"{storm}.1"),
        ("trigger", "ack_ended", f"{storm}.2"),
        ("resolve", "", f"{storm}.1"),
    ]
    assert stage.storm().ack is None


def test_without_an_end_of_its_own_it_ends_as_the_configuration_says_or_never() -> None:
    events = [event(at, "checkout", "EC", level=Level.FATAL) for at in range(30, 900, 60)]
    for config, ends in ((ENDS, [325]), (PAGING, [])):
        stage = fatal(config=config)
        stage.run(900, *events, acts=[ack(stage, 25)])
        assert [at for at, kind in told(stage) if kind == "unacknowledged"] == ends


def test_what_was_acknowledged_without_a_page_says_why_and_the_rules_are_asked_again() -> None:
    stage = Stage()
    stage.run(5, event(0, "checkout", "EC"))
    worse = [event(at, "checkout", "EC") for at in range(20, 120)]
    stage.run(200, *worse, acts=[ack(stage, 12, 2 * MINUTE_MS)])
    word = next(one for one in stage.chats() if one.kind is DigestKind.UNACKNOWLEDGED)
    assert (second_of(word), word.act_text, word.acked_by) == (132, "nobody said more for 2m", "")
    # Fifty events had come in five minutes, and nobody was paged while somebody had it.
    pages = [one for one in stage.digests if one.destination == PAGER]
    assert [(second_of(one), one.page_reason) for one in pages] == [(132, "event_rate")]


def test_said_again_it_lasts_from_then_on_and_pressed_twice_it_is_one() -> None:
    stage = fatal()
    acts = [
        ack(stage, 25, 2 * MINUTE_MS),
        ack(stage, 26, 2 * MINUTE_MS, **BEN),
        ack(stage, 100, 2 * MINUTE_MS, **{**BEN, "at_ms": 2}),
    ]
    stage.run(300, acts=acts)
    assert told(stage)[1:] == [(25, "acknowledged"), (100, "acknowledged"), (220, "unacknowledged")]
    assert {one.value: many for (_, one), many in stage.acts.items()} == {
        "done": 2,
        "unchanged": 1,
    }


@pytest.mark.parametrize("restore", [False, True])
def test_of_two_people_that_one_has_it_who_said_so_for_longer_and_the_thread_names_both(
    restore: bool,
) -> None:
    stage = fatal(restore=restore)
    acts = [
        ack(stage, 25, 5 * MINUTE_MS),
        ack(stage, 30, 2 * MINUTE_MS, **BEN),  # shorter: anna has it already
        ack(stage, 40, **{**BEN, "at_ms": 2}),
        ack(stage, 50, 10 * MINUTE_MS, **{**ANNA, "at_ms": 3}),
    ]
    stage.run(60, acts=acts)
    heard = [one for one in stage.chats() if one.kind is DigestKind.ACKNOWLEDGED]
    assert [
        (second_of(one), one.acked_by, one.acked_until_ms, one.had_by, one.had_until_ms)
        for one in heard
    ] == [
        (25, "anna", ms(325), "", 0),
        (40, "ben", 0, "anna", ms(325)),
    ]
    assert {one.value: many for (_, one), many in stage.acts.items()} == {
        "done": 2,
        "unchanged": 2,
    }


def test_who_says_more_about_what_they_have_themselves_took_it_from_nobody() -> None:
    stage = fatal()
    stage.run(40, acts=[ack(stage, 25, MINUTE_MS), ack(stage, 30)])
    assert [one.had_by for one in stage.chats()] == ["", "", ""]


def test_who_acknowledges_a_storm_that_grew_has_all_of_it_and_its_thread_says_who_had_it() -> None:
    stage = Stage(config=CONFIG)  # nobody is paged
    stage.run(20, *outage())
    id = stage.storm().id
    grown = [event(30, "search", "EC", trace="t")]
    first: Act = Acknowledge(subject=id, **ANNA)
    stage.run(50, *grown, acts=[(22, first), (45, Acknowledge(subject=id, **BEN))])
    heard = [one for one in stage.chats() if one.kind is DigestKind.ACKNOWLEDGED]
    assert [(one.acked_by, one.had_by) for one in heard] == [("anna", ""), ("ben", "anna")]


def test_whoever_says_more_in_the_very_tick_of_its_end_is_in_time() -> None:
    stage = fatal()
    stage.run(160, acts=[ack(stage, 25, MINUTE_MS), ack(stage, 85, 2 * MINUTE_MS, **BEN)])
    assert told(stage)[1:] == [(25, "acknowledged"), (85, "acknowledged")]
    assert [one[0] for one in stage.pages()] == ["trigger"]


@pytest.mark.parametrize("kind", [Unacknowledge, Resolve])
def test_what_is_taken_back_or_over_before_does_not_end_again(kind: Any) -> None:
    stage = fatal()
    done = (40, kind(subject=stage.incident("checkout").id, **BEN))
    stage.run(550, acts=[ack(stage, 25, MINUTE_MS), done])
    assert len([one for one in told(stage) if one[1] == "unacknowledged"]) == (
        kind is Unacknowledge
    )
    assert [one[0] for one in stage.pages()].count("trigger") == 1


def test_while_a_silence_mutes_it_nobody_is_woken_and_then_it_ends() -> None:
    stage = fatal()
    silence = AddSilence(
        subject=stage.incident("checkout").id, to_ms=ms(400), **{**BEN, "at_ms": ms(30)}
    )
    stage.run(390, acts=[ack(stage, 25, MINUTE_MS), (30, silence)])
    assert [one[0] for one in stage.pages()] == ["trigger"]
    stage.run(500)
    words = [one for one in told(stage) if one[1] == "unacknowledged"]
    assert words == [(400, "unacknowledged")]
    assert [one[0] for one in stage.pages()] == ["trigger", "trigger", "resolve"]


def test_a_page_that_was_left_to_whoever_had_it_is_resolved_when_nobody_says_more() -> None:
    stage = fatal()
    stage.run(700, acts=[ack(stage, 25, 15 * MINUTE_MS)])
    assert stage.incident("checkout").page_left
    stage.run(2_000)
    pages = [(second_of(one), one.page.value) for one in stage.digests if one.destination == PAGER]
    assert pages[-1] == (925, "resolve")


def test_an_incident_brings_the_end_of_its_acknowledgement_to_the_storm_that_it_joins() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", trace="t"))
    acts = [ack(stage, 25, 5 * MINUTE_MS)]
    stage.run(
        60, event(41, "cart", "EK", trace="t"), event(42, "checkout", "EC", trace="t"), acts=acts
    )
    ack_of_storm = stage.storm().ack
    assert isinstance(ack_of_storm, Ack)
    assert ack_of_storm.until_tick * 1000 == ms(325)

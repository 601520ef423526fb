"""What `stormfold silences` and `incidents` show of a state."""

from __future__ import annotations

import json
from typing import Any

from correlators.acts import (
    Acknowledge,
    Act,
    AddSilence,
    Assign,
    ExpireSilence,
    FalseAlarm,
    silence_id,
)
from correlators.conditions import When
from correlators.types import tick_of
from streams import live_lines
from streams.live import Live, Part
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import MINUTE, PAGING, event, events, ms


def live(stage: Stage) -> Live:
    part = Part(0, stage.state, tick_of(ms(stage.now)) - 1)
    return Live(PAGING, [part], ms(stage.now))


def matching(to: int, **when: Any) -> AddSilence:
    return AddSilence(
        actor="ada",
        source="cli",
        at_ms=ms(0),
        to_ms=ms(to),
        environment="production",
        when=When(**when),
        comment="known\x1b[31m",
    )


def test_what_is_open_is_listed_once_storms_in_place_of_their_incidents() -> None:
    stage = Stage()
    stage.run(20, *outage(), event(5, "mail", "EM"))
    stage.run(21, acts=[(20, Acknowledge(subject=stage.storm().id, **ANNA))])
    look = live(stage)
    storm, mail = [live_lines.thing(part.state, one) for part, one in look.open()]
    assert (storm.kind, storm.incidents, storm.acked_by) == ("storm", 3, "anna")
    assert (mail.kind, mail.services, mail.events) == ("incident", ("mail",), 1)
    line = str(storm)
    assert line.startswith(f"{storm.id} · checkout, payment, cart · 3 incidents · 3 events · since")
    assert line.endswith("acknowledged by anna")
    assert "EM · 1 event ·" in str(mail)


def test_a_silence_is_shown_with_its_author_its_end_and_what_it_mutes() -> None:
    stage = Stage()
    act = matching(MINUTE, service=("mail",), text=("e*",))
    stage.run(40, *events([5, 30], "mail", "EM"), acts=[(1, act)])
    look = live(stage)
    ((part, one),) = look.silences()
    shown = live_lines.silence(part.state, one, look.muted(part, one))
    text = str(shown)
    assert text.startswith(f"{silence_id(act)} until 2023-11-14 22:14:20 UTC by ada (cli)")
    assert "production: service mail and text e* · mutes 1 now · known" in text
    assert "\x1b" not in text
    read = json.loads(live_lines.as_json([shown]))
    assert read[0]["mutes"]["incidents"][0]["held"] == f"silenced:{silence_id(act)}"


def test_what_would_be_muted_is_shown_before_there_is_a_silence() -> None:
    stage = Stage()
    stage.run(20, *outage(), event(5, "mail", "EM"))
    look = live(stage)
    act = AddSilence(
        actor="ada", source="cli", at_ms=ms(20), to_ms=ms(99), subject=stage.storm().id
    )
    found = look.would_be(act)
    assert found is not None
    part, silence = found
    shown = live_lines.silence(part.state, silence, look.muted(part, silence))
    assert shown.what == f"{stage.storm().id} (3 errors)"
    assert [line.strip().partition(" ")[0] for line in shown.mutes.lines()] == [stage.storm().id]
    assert (
        look.would_be(
            AddSilence(actor="ada", source="cli", at_ms=ms(20), to_ms=ms(99), subject="storm-0")
        )
        is None
    )
    some = look.would_be(matching(99, service=("cart", "mail")))
    assert some is not None
    lines = live_lines.muted(part.state, look.muted(*some)).lines()
    assert len(lines) == 2
    assert "it fits 1 incident inside storms, but those are told" in lines[1]


def test_a_storm_is_shown_with_its_incidents_and_who_did_what_about_it() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm()
    mute = matching(9_999, service=("*",))
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=storm.id, **ANNA)),
        (21, Acknowledge(subject=storm.id, **(ANNA | {"at_ms": 1}))),
        (22, mute),
    ]
    stage.run(30, acts=acts)
    look = live(stage)
    found = look.find(storm.id)
    assert found is not None
    detail = live_lines.detail(found[0].state, found[1], look.mutes(*found))
    lines = detail.lines()
    assert len(detail.incidents) == 3
    assert f"silenced by {silence_id(mute)}" in lines
    assert [one.partition("acknowledge")[2] for one in lines[-2:]] == [
        " by anna (slack): done",
        " by anna (slack): nothing changed: it was so already",
    ]
    cart = look.find(stage.incident("cart").id)
    assert cart is not None
    assert f"told by {storm.id}" in live_lines.detail(cart[0].state, cart[1], []).lines()
    stage.run(31, acts=[(30, ExpireSilence(**(ANNA | {"subject": silence_id(mute)})))])
    assert not list(live(stage).silences())


def test_what_people_did_in_one_tick_is_shown_in_the_order_in_which_they_did_it() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm()
    who = [f"person {turn}" for turn in range(8)]
    stage.run(
        30,
        acts=[
            (20, Acknowledge(subject=storm.id, actor=name, source="slack", at_ms=turn))
            for turn, name in enumerate(who)
        ],
    )
    found = live(stage).find(storm.id)
    assert found is not None
    shown = live_lines.detail(found[0].state, found[1], []).lines()[-len(who) :]
    assert [line.partition(" by ")[2].partition(" (")[0] for line in shown] == who


def test_what_is_over_is_shown_with_who_did_what_and_how_often_nothing_was_wrong() -> None:
    stage = Stage()
    stage.run(20, event(5, "mail", "EM"))
    id = stage.incident("mail").id
    acts: list[tuple[int, Act]] = [
        (20, Assign(subject=id, assignee="ops", **ANNA)),
        (21, Acknowledge(subject=id, for_ms=60_000, **ANNA)),
    ]
    stage.run(30, acts=acts)
    found = live(stage).find(id)
    assert found is not None
    until = "acknowledged by anna until 2023-11-14 22:14:41 UTC · assigned to ops"
    assert str(live_lines.thing(found[0].state, found[1])).endswith(until)
    stage.run(40, acts=[(35, FalseAlarm(subject=id, **ANNA))])
    assert live(stage).find(id) is None
    remembered = live(stage).find_remembered(id)
    assert remembered is not None
    lines = live_lines.detail(remembered[0].state, remembered[1], []).lines()
    assert "over · " in lines[0]
    assert "false alarms before: 1" in lines[0]
    assert [one.partition(" UTC ")[2] for one in lines[1:]] == [
        "assign by anna (slack), 'ops': done",
        "acknowledge by anna (slack): done",
        "false alarm by anna (slack): done",
    ]

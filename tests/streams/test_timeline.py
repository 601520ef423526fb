"""`stormfold timeline`: everything that happened, in order, and nothing of anybody but acts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from correlators.acts import (
    Acknowledge,
    Act,
    Assign,
    Comment,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
)
from correlators.decisions import Decision, Kind
from correlators.partition import Partition
from sinks.attempted import Attempted
from sinks.base import Receipt, Step
from streams.cli import app
from streams.codec import Said
from streams.config_places import Places
from streams.settings import load
from streams.stories import Match, Recorded, StoryError
from streams.story_words import sentence
from streams.timeline import Timeline, What, lines, markdown, timeline_of
from tests.correlators.acted import outage
from tests.correlators.score import (
    CHAT,
    PAGING,
    Push,
    batches,
    event,
    first_progress,
    ms,
)

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "recordings" / "shop-outage.jsonl.gz"
PLACES = Places("")
ANNA: dict[str, Any] = {"actor": "anna", "source": "slack", "at_ms": 1}
BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 2}


class Given:
    """Decisions that were made here, and calls that came of them."""

    name = "what is given"

    def __init__(self, said: list[Said]) -> None:
        self._said = said

    def said(self, match: Match) -> Iterable[Said]:
        return filter(match, self._said)


def lived(*pushes: Push, acts: Iterable[tuple[int, Act]], until: int) -> list[Said]:
    """Return all decisions about events and acts at these seconds."""
    partition = Partition(PAGING, first_progress(), explains=True)
    waiting = sorted(acts, key=lambda one: one[0])
    said: list[Said] = []
    offset = 0
    marks = [event(at, "noise", "E", environment="staging") for at in range(0, until, 5)]
    for batch in batches([*pushes, *marks], until=until, config=PAGING):
        while waiting and ms(waiting[0][0]) < batch.watermark_ms:
            assert partition.receive_act(offset, waiting.pop(0)[1])
            offset += 1
        partition.receive(offset, batch)
        offset += 1
        while partition.ready():
            said += partition.step(most_ticks=1).decisions
        partition.ticks.pass_to(partition.ticks.complete_tick())
    return said


def opened(said: list[Said], service: str) -> str:
    return next(
        one.subject for one in said if (key := getattr(one, "key", None)) and key[1] == service
    )


def acted(service: str = "checkout") -> tuple[str, list[Said]]:
    """Return an incident that two people handled."""
    push = event(0, service, "EC")
    id = opened(lived(push, acts=[], until=20), service)
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=id, **ANNA)),
        (30, Unacknowledge(subject=id, **BEN)),
        (40, PageNow(subject=id, **BEN)),
        (50, Comment(subject=id, text="| the *pool* <b>is</b> full", **ANNA)),
        (60, Resolve(subject=id, **ANNA)),
    ]
    return id, lived(push, event(90, service, "EC"), acts=acts, until=120)


def rows(found: Timeline, *what: What) -> list[str]:
    return [row.lines[0] for row in found.rows if row.what in what]


def test_what_two_people_did_is_there_in_order_with_what_came_of_it() -> None:
    id, said = acted()
    found = timeline_of(Given(said), id, PLACES)
    assert rows(found, What.PERSON) == [
        "anna: acknowledge in slack (done)",
        "acknowledged by anna in slack",
        "ben: unacknowledge in cli (done)",
        "acknowledged no more",
        "ben: page now in cli (done)",
        "anna: comment in slack (done)",
        "anna: resolve in slack (done)",
    ]
    assert [one.partition(";")[0] for one in rows(found, What.PAGE)] == [
        "paged pagerduty:default because by_hand",
        f"page {id}.4 resolved at pagerduty:default",
    ]
    assert [one for one in rows(found, What.STATE) if one.startswith(("over", "open"))] == [
        "opened: no incident of this error was open here",
        "over: a person says so",
        next(one for one in rows(found, What.STATE) if one.startswith("open again")),
    ]
    times = [row.at_ms for row in found.rows]
    assert times == sorted(times)
    assert found.ended_ms == 0
    assert found.acknowledged_ms > found.told_ms > found.opened_ms > 0
    undone = next(row for row in found.rows if row.lines[0].startswith("open again"))
    assert undone.lines[1:] == ("a person had said that it is over",)


def test_messages_and_pages_that_arrived_stand_beside_those_that_were_decided() -> None:
    id, said = acted()
    receipt = Receipt(id="1700.1", place="C0INC")
    calls: list[Said] = [
        Attempted(
            at_ms=ms(12), subject=id, destination=CHAT, step=step, outcome=outcome, receipt=of
        )
        for step, outcome, of in (
            (Step.POST, "retry", None),
            (Step.POST, "delivered", receipt),
            (Step.EDIT, "delivered", receipt),
            (Step.TRIGGER, "rejected", None),
        )
    ]
    found = timeline_of(Given([*said, *calls]), id, PLACES)
    arrived = [row for row in found.rows if row.at_ms == ms(12)]
    assert [row.what for row in arrived] == [What.MESSAGE, What.PAGE]
    assert "delivered" in arrived[0].lines[0]
    assert "refused for good" in arrived[1].lines[0]


def test_of_a_storm_it_is_told_what_its_incidents_went_through() -> None:
    source = Recorded(load(ROOT / "stormfold.yaml", {}), [SHOP])
    ids = {one.subject for one in source.said(lambda one: one.subject.startswith("storm-"))}
    found = timeline_of(source, min(ids), PLACES)
    members = {row.subject for row in found.rows if row.of}
    assert members
    assert all(row.of.startswith(row.subject) for row in found.rows if row.of)
    assert any("(checkout: " in row.of for row in found.rows)
    assert {What.STATE, What.MESSAGE, What.PAGE} <= {row.what for row in found.rows}
    assert found.ended_ms > found.told_ms > found.opened_ms


def test_a_storm_says_whether_it_went_quiet_a_person_ended_it_or_it_fell_apart() -> None:
    whole = lived(*outage(), acts=[], until=20)
    storm = next(one.subject for one in whole if one.subject.startswith("storm-"))
    payment = opened(whole, "payment")
    two = outage()[:2]
    ends: list[tuple[str, list[Push], list[tuple[int, Act]]]] = [
        ("quiet for long enough", outage(), []),
        ("a person says so", outage(), [(30, Resolve(subject=storm, **ANNA))]),
        ("what goes on of it", two, [(30, Separate(subject=payment, **ANNA))]),
    ]
    for words, pushes, acts in ends:
        said = lived(*pushes, acts=acts, until=400)
        found = timeline_of(Given(said), storm, PLACES)
        over = [one.lines[0] for one in found.rows if one.subject == storm]
        assert [words in one for one in over if one.startswith("over: ")] == [True]


def test_very_many_decisions_are_cut_and_all_that_is_left_out_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = lived(*outage(), acts=[], until=20)
    storm = next(one.subject for one in said if one.subject.startswith("storm-"))
    payment = opened(said, "payment")
    flaps = [
        Decision(tick=1_700_000_100 + at, subject=payment, kind=kind)
        for at in range(100)
        for kind in (Kind.CLOSED, Kind.REOPENED)
    ]
    whole = timeline_of(Given([*said, *flaps]), storm, PLACES)
    assert whole.left_out == 0
    monkeypatch.setattr("streams.timeline.KEPT_MOST", 10)
    found = timeline_of(Given([*said, *flaps]), storm, PLACES)
    assert found.rows == whole.rows[:10]
    assert found.left_out == len(whole.rows) - 10
    assert found.ended_ms == whole.ended_ms


def test_that_a_page_is_acknowledged_no_more_stands_beside_who_said_so() -> None:
    id = acted()[0]
    did: list[Act] = [PageNow(subject=id, **BEN), Acknowledge(subject=id, **ANNA)]
    did.append(Unacknowledge(subject=id, **BEN))
    said = Given(lived(event(0, "checkout", "EC"), acts=enumerate(did, 20), until=60))
    told = lines(timeline_of(said, id, PLACES))
    assert any("acknowledged no more, as told to" in one for one in told)


@pytest.mark.parametrize("storm", [False, True])
def test_who_takes_over_what_somebody_had_is_told_with_who_that_was(storm: bool) -> None:
    pushes = outage() if storm else [event(0, "checkout", "EC")]
    before = lived(*pushes, acts=[], until=20)
    id = opened(before, "checkout")
    if storm:
        opens = [one for one in before if getattr(one, "kind", None) is Kind.STORM_OPENED]
        id = opens[0].subject
    did: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=id, for_ms=600_000, **ANNA)),
        (25, Acknowledge(subject=id, **BEN)),
    ]
    found = timeline_of(Given(lived(*pushes, acts=did, until=60)), id, PLACES)
    assert [row.lines for row in found.rows if row.lines[0].startswith("acknowledged")] == [
        ("acknowledged by anna in slack",),
        ("acknowledged by ben in cli", "anna had it until then"),
    ]


def test_what_ended_a_page_that_quiet_had_left_stands_beside_its_end() -> None:
    id = acted()[0]
    did: list[tuple[int, Act]] = [
        (20, PageNow(subject=id, **BEN)),
        (25, Acknowledge(subject=id, **ANNA)),
        (3_000, Resolve(subject=id, **BEN)),
    ]
    said = Given(lived(event(0, "checkout", "EC"), acts=did, until=3_100))
    found = timeline_of(said, id, PLACES)
    assert rows(found, What.PAGE)[-1].endswith(" resolved at pagerduty:default: ben says so")
    gone = decided(Kind.PAGE_RESOLVED, "given_back", name="ben")
    assert sentence(gone, PLACES, {}) == [
        "page p resolved at a: nobody has it any more, ben gave it back"
    ]
    gone = decided(Kind.PAGE_RESOLVED, "sentry")
    assert sentence(gone, PLACES, {}) == ["page p resolved at a: its issue is resolved in Sentry"]
    assert sentence(decided(Kind.PAGE_RESOLVED, ""), PLACES, {}) == ["page p resolved at a"]


def decided(kind: Kind, why: str, name: str = "") -> Decision:
    return Decision(tick=1, subject="i", kind=kind, why=why, name=name, other="p", to=("a",))


def test_markdown_is_a_table_whatever_was_said() -> None:
    id, said = acted()
    text = markdown(timeline_of(Given(said), id, PLACES))
    table = [one for one in text if one.startswith("| ")]
    assert all(one.replace("\\|", "").count("|") == 4 for one in table)
    comment = next(one for one in table if "pool" in one)
    assert "\\| the \\*pool\\* &lt;b&gt;is&lt;/b&gt; full" in comment
    assert text[0] == "# EC"
    assert "- **Acknowledged:** " in "\n".join(text)


def test_whom_a_person_assigned_it_to_is_no_word_of_sentrys_and_why_nobody_has_it_is_said() -> None:
    id = opened(lived(event(0, "checkout", "EC"), acts=[], until=20), "checkout")
    acts: list[tuple[int, Act]] = [
        (20, Assign(subject=id, assignee="payments", **ANNA)),
        (25, Acknowledge(subject=id, for_ms=60_000, **ANNA)),
    ]
    said = lived(event(0, "checkout", "EC"), acts=acts, until=120)
    found = timeline_of(Given(said), id, PLACES)
    assert rows(found, What.SENTRY) == []
    assert rows(found, What.PERSON) == [
        "anna: assign in slack (done)",
        "assigned to payments by anna",
        "anna: acknowledge in slack (done)",
        "acknowledged by anna in slack",
        "acknowledged no more: nobody said more for 1m",
    ]


def test_lines_are_for_a_terminal() -> None:
    id, said = acted()
    text = lines(timeline_of(Given(said), id, PLACES))
    assert text[0].startswith(id)
    assert any(one.endswith("| the *pool* <b>is</b> full") for one in text)


def test_what_is_not_known_says_so() -> None:
    with pytest.raises(StoryError, match="not known to what is given"):
        timeline_of(Given([]), "inc-0000000000000000", PLACES)


@pytest.mark.parametrize("form", ["--md", "--json", None])
def test_the_command_tells_a_recording(form: str | None) -> None:
    source = Recorded(load(ROOT / "stormfold.yaml", {}), [SHOP])
    id = min(one.subject for one in source.said(lambda one: one.subject.startswith("storm-")))
    asked = ["timeline", id, "--recording", str(SHOP), "--config", str(ROOT / "stormfold.yaml")]
    done = CliRunner().invoke(app, [*asked, *([form] if form else [])])
    assert (done.exit_code, done.stderr) == (0, "")
    if form == "--json":
        assert json.loads(done.stdout)["subject"] == id
    else:
        assert "Outage in 3 services" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("arguments", [["inc-1"], ["storm-0000000000000000", "--md", "--json"]])
def test_what_cannot_be_asked_is_one_line(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["timeline", *arguments])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_what_was_asked_of_sentry_and_what_it_answered_are_sentrys() -> None:
    id, said = acted()
    asked = Decision(
        tick=ms(60) // 1000,
        subject=id,
        kind=Kind.SENTRY_ASKED,
        why="resolve",
        name="slack",
        to=("41",),
        revision=1,
    )
    answer = Attempted(
        at_ms=ms(62),
        subject=id,
        destination="sentry:default",
        step=Step.POST,
        outcome="delivered",
        delivery="issue.41.status",
    )
    found = timeline_of(Given([*said, asked, answer]), id, PLACES)
    assert rows(found, What.SENTRY) == [
        "Sentry is asked to resolve, by slack: issue 41",
        "sentry:default: status of issue 41: delivered",
    ]

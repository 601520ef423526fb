"""The timeline of a storm: in the order in which it came about, and of what came back not the
outage before it."""

from __future__ import annotations

import re

import pytest

from correlators.acts import Acknowledge, Act, Resolve
from correlators.decisions import Decision, Kind
from streams.codec import Said
from streams.settings import load
from streams.stories import Recorded
from streams.timeline import What, timeline_of
from tests.correlators.score import event, ms
from tests.streams.test_timeline import ANNA, PLACES, ROOT, SHOP, Given, lived, opened, rows


def test_of_a_storm_of_what_came_back_it_is_told_from_its_return() -> None:
    services = ("payment", "checkout", "cart")
    outage = [event(at, one, f"E-{one}", trace="t") for at in (0, 2, 60, 62) for one in services]
    storms = [one.subject for one in lived(*outage, acts=(), until=30) if _opens(one)]
    (first,) = dict.fromkeys(storms)
    said = lived(*outage, acts=[(40, Resolve(subject=first, **ANNA))], until=90)
    both = dict.fromkeys(one.subject for one in said if _opens(one))
    assert next(iter(both)) == first
    (again,) = [one for one in both if one != first]
    before, after = (timeline_of(Given(said), one, PLACES) for one in (first, again))
    assert before.ended_ms < after.opened_ms
    assert before.rows[0].at_ms < before.ended_ms < after.rows[0].at_ms
    assert any("open again" in row for row in rows(after, What.STATE))
    over = [row for row in rows(before, What.STATE) if row.startswith("over")]
    assert over == 4 * ["over: a person says so"], "the storm and its three, none by quiet"


@pytest.mark.parametrize("first", range(8))
def test_what_people_did_in_one_tick_stands_in_the_order_in_which_they_did_it(first: int) -> None:
    push = event(0, "checkout", "EC")
    id = opened(lived(push, acts=[], until=20), "checkout")
    who = [f"{first}-{turn}" for turn in range(4)]
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=id, actor=name, source="slack", at_ms=ms(20) + turn))
        for turn, name in enumerate(who)
    ]
    said = lived(push, acts=acts, until=40)
    acted = rows(timeline_of(Given(said), id, PLACES), What.PERSON)
    assert [row.partition(":")[0] for row in acted if "in slack (" in row] == who


def _opens(said: Said) -> bool:
    return isinstance(said, Decision) and said.kind is Kind.STORM_OPENED


def test_an_incident_of_a_storm_opens_before_it_is_part_of_it() -> None:
    source = Recorded(load(ROOT / "stormfold.yaml", {}), [SHOP])
    found = timeline_of(source, "storm-7f4ac26c308e979e", PLACES)
    begun: list[str] = []
    for row in found.rows:
        if row.lines[0].startswith("opened:"):
            begun.append(row.subject)
        if "became part of it" in row.lines[0]:
            joined = re.findall("inc-[0-9a-f]{16}", row.lines[0])
            assert joined
            assert set(joined) <= set(begun)
    assert len(begun) > 10

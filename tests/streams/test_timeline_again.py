"""The timeline of a storm of what came back: that outage, and not the one before it."""

from __future__ import annotations

from correlators.acts import Resolve
from correlators.decisions import Decision, Kind
from streams.codec import Said
from streams.timeline import What, timeline_of
from tests.correlators.score import event
from tests.streams.test_timeline import ANNA, PLACES, Given, lived, rows


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


def _opens(said: Said) -> bool:
    return isinstance(said, Decision) and said.kind is Kind.STORM_OPENED

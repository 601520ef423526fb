"""Whether anybody may be woken is told without all the facts, and never wrongly denied."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.conditions import AtLeast, Facts, Lifecycle, When, why_not
from correlators.incidents import Incident
from correlators.rates import Rate
from correlators.types import IncidentKey, Level, Sample
from correlators.waking import Waking, standing_of

RATE_TICKS = 300
TICK = 10_000
SAMPLE = Sample(at_ms=0, event_id="a" * 32, title="Boom", culprit="", web_url="")

RATES: st.SearchStrategy[Rate] = st.lists(
    st.tuples(st.integers(TICK - 20, TICK), st.integers(1, 40)), max_size=4
).map(lambda found: tuple(sorted(dict(found).items())))
INCIDENTS = st.builds(
    lambda release, level, regressed, escalated, past, rate: Incident(
        id="inc-1",
        key=IncidentKey("production", "cart", release, "f"),
        opened_tick=TICK - 30,
        last_tick=TICK,
        onset_tick=TICK - 30,
        first_ms=0,
        last_ms=0,
        level=level,
        events=b"",
        users=b"",
        sample=SAMPLE,
        regressed=regressed,
        escalated=escalated,
        past=past,
        rate=rate,
    ),
    st.sampled_from(["1", "2"]),
    st.sampled_from(Level),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    RATES,
)
MAYBE = st.none() | st.booleans()
CONDITIONS = st.builds(
    When,
    environment=st.sampled_from([(), ("production",), ("stag*",)]),
    service=st.sampled_from([(), ("c*",), ("other",)]),
    release=st.sampled_from([(), ("1",)]),
    min_level=st.none() | st.sampled_from(Level),
    lifecycle=st.sampled_from([(), (Lifecycle.UPDATED,), (Lifecycle.OPENED,)]),
    regression=MAYBE,
    escalating=MAYBE,
    events=st.none() | st.builds(AtLeast, st.integers(1, 60), st.just(60_000)),
    text=st.sampled_from([(), ("boom",), ("other",)]),
    storm=MAYBE,
)


def facts_of(incidents: list[Incident]) -> Facts:
    standing = standing_of(incidents, None)
    return Facts(
        environment=standing.environment,
        services=(standing.service,),
        releases=standing.releases,
        level=standing.level,
        lifecycle=Lifecycle.UPDATED,
        first_seen=standing.first_seen,
        regression=standing.regression,
        escalating=standing.escalating,
        metric_alert=standing.metric_alert,
        titles=tuple(one.sample.title for one in incidents),
        tick=TICK,
        rate_ticks=RATE_TICKS,
        event_rates=tuple(one.rate for one in incidents if not one.past),
    )


@given(st.lists(INCIDENTS, min_size=1, max_size=3), st.lists(CONDITIONS, max_size=3))
def test_what_holds_is_never_denied(incidents: list[Incident], conditions: list[When]) -> None:
    waking = Waking(conditions, RATE_TICKS)
    facts = facts_of(incidents)
    held = any(why_not(when, facts) is None for when in conditions)
    exact = all(not when.text for when in conditions)
    for _ in range(2):  # asked anew, and as it is remembered
        may = waking.may(incidents, standing_of(incidents, None), TICK)
        assert may == held if exact else may or not held


@given(INCIDENTS)
def test_the_events_of_now_are_asked_for_each_time(incident: Incident) -> None:
    waking = Waking([When(events=AtLeast(10, 60_000))], RATE_TICKS)
    still = msgspec.structs.replace(incident, rate=(), past=False)
    often = msgspec.structs.replace(still, rate=((TICK, 10),))
    assert standing_of([still], None) == standing_of([often], None)
    assert not waking.may([still], standing_of([still], None), TICK)
    assert waking.may([often], standing_of([often], None), TICK)

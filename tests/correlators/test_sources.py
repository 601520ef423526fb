"""What matches the source of an inhibition is found without looking at what is open."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.conditions import AtLeast, Facts, Lifecycle, When, why_not
from correlators.holds import Inhibition
from correlators.incidents import Incident, Windows, opened
from correlators.rates import add_rate, lasts_until, rate_within
from correlators.sources import Sources
from correlators.types import Level
from tests.correlators.score import START, deltas_of, event

RATE_TICKS = 300
INHIBITIONS = (
    Inhibition(name="fatal", source=When(level=(Level.FATAL,)), when=When()),
    Inhibition(name="db", source=When(service=("db",)), when=When(), any_service=True),
    Inhibition(name="loud", source=When(events=AtLeast(5, 60_000)), when=When(), any_service=True),
    Inhibition(
        name="users",
        source=When(users=AtLeast(2, 120_000), events=AtLeast(3, 300_000)),
        when=When(),
    ),
)
DELTA = deltas_of(event(0, "checkout", "TimeoutError"))[0]


def incident(
    number: int, service: str, level: Level, rate: list[tuple[int, int]], *, is_open: bool
) -> Incident:
    key = msgspec.structs.replace(DELTA.key, service=service, fingerprint=f"{number:032x}")
    one = opened(
        msgspec.structs.replace(DELTA, key=key), tick=START, windows=Windows(), rate_ticks=300
    )
    events: tuple[tuple[int, int], ...] = ()
    for ago, new in sorted(rate, reverse=True):
        events = add_rate(events, new, START - ago, RATE_TICKS)
    return msgspec.structs.replace(
        one,
        id=f"inc-{number}",
        level=level,
        rate=events,
        user_rate=events[:1],
        closed_tick=-1 if is_open else START,
    )


def matches(inhibition: Inhibition, one: Incident, tick: int) -> bool:
    facts = Facts(
        environment=one.key.environment,
        services=(one.key.service,),
        level=one.level,
        lifecycle=Lifecycle.UPDATED,
        tick=tick,
        rate_ticks=RATE_TICKS,
        event_rates=(one.rate,),
        user_rates=(one.user_rate,),
    )
    return one.open and why_not(inhibition.source, facts) is None


CHANGES = st.lists(
    st.builds(
        incident,
        st.integers(0, 4),
        st.sampled_from(["db", "checkout"]),
        st.sampled_from([Level.ERROR, Level.FATAL]),
        st.lists(st.tuples(st.integers(0, 280), st.integers(1, 6)), max_size=3),
        is_open=st.sampled_from([True, True, False]),
    ),
    max_size=12,
)


@given(
    CHANGES,
    st.lists(st.integers(0, 400), min_size=1, max_size=3).map(sorted),
    st.sets(st.integers(0, 4), max_size=2),
    st.sets(st.sampled_from(["db", "checkout", "mail"])),
)
def test_it_names_what_a_look_at_every_incident_names(
    changes: list[Incident], later: list[int], own: set[int], services: set[str]
) -> None:
    sources = Sources(INHIBITIONS, RATE_TICKS)
    entries: dict[str, Incident] = {}
    for one in changes:
        kept = entries.get(one.id)
        if kept is not None:  # an entry's key never changes
            one = msgspec.structs.replace(one, key=kept.key)
        sources.change(kept, one)
        entries[one.id] = one
    ids = {f"inc-{number}" for number in own}
    for after in later:
        tick = START + after
        expected = tuple(
            inhibition.name
            for inhibition in INHIBITIONS
            if any(
                matches(inhibition, one, tick)
                for one in entries.values()
                if one.id not in ids and (inhibition.any_service or one.key.service in services)
            )
        )
        found = sources.names("production", sorted(services), ids, tick)
        assert found == expected
        assert sources.names("production", sorted(services), ids, tick) == found


@given(
    st.lists(st.tuples(st.integers(0, 280), st.integers(1, 6)), max_size=5),
    st.integers(1, 12),
    st.integers(1, RATE_TICKS),
)
def test_a_rate_is_reached_until_the_tick_that_is_said(
    drawn: list[tuple[int, int]], count: int, within: int
) -> None:
    rate: tuple[tuple[int, int], ...] = ()
    for ago, new in sorted(drawn, reverse=True):
        rate = add_rate(rate, new, START - ago, RATE_TICKS)
    last = lasts_until(rate, count, rate_ticks=RATE_TICKS, within=within)
    for tick in range(START, START + 2 * RATE_TICKS, 7):
        reached = rate_within(rate, tick=tick, rate_ticks=RATE_TICKS, within=within) >= count
        assert reached == (tick <= last)

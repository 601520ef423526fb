"""Which storms are weighed with what begins beside them: those left out weigh nothing."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from correlators.candidates import Candidate, Surroundings
from correlators.dependencies import Neighbours
from correlators.hosts import PATIENCE_TICKS
from correlators.pairs import Pairs
from correlators.types import Evidence

SERVICES = ("cart", "checkout", "ledger", "mail", "payment", "search")
STORMS = {
    "storm-1": ("cart", "ledger"),
    "storm-2": ("checkout", "mail", "payment"),
    "storm-3": ("mail", "search"),
    "storm-4": ("cart", "checkout", "search"),
}
TIED = frozenset({"storm-1", "storm-4"})
TICK = 10_000
WITHIN = 60
MANY = 3
CAUSE = ("type OSError", "in app.read")
ERROR = ("type ValueError", "in app.parse")


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    found = []
    for number in range(draw(st.integers(2, 12))):
        storm = draw(st.sampled_from(["", "", *STORMS]))
        release = draw(st.sampled_from(["", "", "1.0", "1.1"]))
        cause = draw(st.sampled_from([(), (), CAUSE]))
        found.append(
            Candidate(
                onset_tick=TICK - draw(st.sampled_from([0, 0, 1, 9, 30, 60, 70])),
                id=f"inc-{number}",
                service=draw(st.sampled_from(STORMS.get(storm, SERVICES))),
                fingerprint=draw(st.sampled_from([f"own {number}"] * 4 + ["shared", "older"])),
                aliases=draw(st.sampled_from([(), (), (), ("older",)])),
                release=release,
                release_news=release if draw(st.booleans()) else "",
                traces=draw(st.sampled_from([(), (), (1,), (number + 10,)])),
                all_traces=True,
                loud=draw(st.booleans()),
                title="an error",
                fresh=draw(st.booleans()),
                error=draw(st.sampled_from([(f"type E{number}",), ERROR, CAUSE])),
                cause=cause,
                storm_id=storm,
                anchor=draw(st.sampled_from([False, False, True])),
            )
        )
    return sorted(found)


@st.composite
def surroundings(draw: st.DrawFn) -> Surroundings:
    gains = st.sampled_from([0.0, 0.001, 0.05, 1.0])
    one, two, three, four = draw(st.permutations(SERVICES))[:4]
    return Surroundings(
        since_tick=draw(st.sampled_from([0, TICK - 100])),
        tick=TICK,
        depends={one: (two,)},
        neighbours={
            three: Neighbours(environment="production", service=three, seen=((four, 5, TICK - 50),))
        },
        services=STORMS,
        tied=TIED,
        inside={
            (storm, service): draw(gains)
            for storm, services in STORMS.items()
            for service in (*services, "")
        },
    )


def beside(young: list[Candidate], pairs: Pairs) -> Iterator[tuple[int, int]]:
    """Yield every candidate that may be drawn into a storm with every storm that is near."""
    sharing = {
        index
        for pair in pairs.found()
        if any(one.kind is Evidence.TRACE for one in pairs.pieces(*pair))
        for index in pair
    }
    for index, one in enumerate(young):
        if one.storm_id in TIED or (one.traces and index not in sharing):
            continue
        for storm in STORMS.keys() - {one.storm_id}:
            near = [
                member
                for member, other in enumerate(young)
                if other.storm_id == storm and abs(other.onset_tick - one.onset_tick) <= WITHIN
            ]
            if near:
                yield min(near[-1], index), max(near[-1], index)


@given(candidates(), surroundings())
@settings(max_examples=500)
def test_nothing_can_be_said_of_a_storm_that_is_left_out(
    young: list[Candidate], around: Surroundings
) -> None:
    pairs = Pairs(young, around, WITHIN, MANY)
    found = set(pairs.found())
    for left, right in set(beside(young, pairs)) - found:
        assert pairs.pieces(left, right) == []
        assert pairs.closeness(left, right, []) == []


def of_storm(number: int, onset_tick: int) -> Candidate:
    return made(f"service-{number}", f"{number:04}", onset_tick, storm_id=f"storm-{number}")


def made(service: str, name: str, onset_tick: int, storm_id: str = "") -> Candidate:
    return Candidate(
        onset_tick=onset_tick,
        id=f"inc-{name}",
        service=service,
        fingerprint=name,
        release_news="",
        release="",
        traces=(),
        all_traces=True,
        loud=True,
        title=name,
        storm_id=storm_id,
    )


def test_a_member_of_one_storm_is_weighed_with_another_storm_in_a_service_of_its_own() -> None:
    young = [
        made("checkout", "first", TICK - 30, "storm-2"),
        made("payment", "latest", TICK - 20, "storm-2"),
        made("mail", "beside", TICK - 10, "storm-3"),
    ]
    inside = {(storm, one): 1.0 for storm, names in STORMS.items() for one in names}
    around = Surroundings(tick=TICK, services=STORMS, tied=TIED, inside=inside)
    assert Pairs(young, around, WITHIN, MANY).found() == [(0, 2), (1, 2)]


def weighed(storms: int) -> int:
    """Return how many pairs are weighed when some errors begin beside so many small storms."""
    young = [of_storm(number, TICK - 40) for number in range(storms)]
    young += [made(f"other-{number}", f"new {number}", TICK) for number in range(20)]
    young += [made(f"late-{number}", f"late {number}", TICK - 30) for number in range(20)]
    young.append(made("service-1", "in a storm's service", TICK - PATIENCE_TICKS))
    services = {f"storm-{number}": (f"service-{number}",) for number in range(storms)}
    inside = {
        (storm, service): 1.0 for storm, (name,) in services.items() for service in (name, "")
    }
    around = Surroundings(tick=TICK, services=services, inside=inside)
    return len(Pairs(sorted(young), around, WITHIN, MANY).found())


def test_how_many_storms_are_open_elsewhere_adds_nothing_to_what_is_weighed() -> None:
    assert weighed(200) == weighed(5) == 21

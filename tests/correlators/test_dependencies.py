"""Dependencies: declared ones link what begins close together, learnt ones once seen often enough,
and they say where a storm began."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.dependencies import (
    APART_TICKS,
    HALVES_TICKS,
    LEARNT_FROM,
    NEIGHBOURS_KEPT,
    Neighbours,
    learnt,
    met,
    upstream,
)
from correlators.evidence import kinds
from correlators.types import Evidence
from tests.correlators.score import CONFIG, HOUR, MINUTE, Push, event, events, run

DEPENDS = msgspec.structs.replace(
    CONFIG, depends={"web": ("checkout",), "checkout": ("payment",), "payment": ("web",)}
)
CALM = [event(0, "elsewhere", "Old")]
LATER = 2 * HOUR


def pair(apart: float) -> list[Push]:
    return [event(LATER, "checkout", "EC"), event(LATER + apart, "payment", "EP")]


def test_a_declared_dependency_links_what_begins_close_together() -> None:
    (storm,) = run(CALM, pair(5), config=DEPENDS).storms()
    assert kinds(storm.evidence) == (Evidence.DEPENDENCY, Evidence.ONSET)
    details = [piece.detail for piece in storm.evidence]
    assert "checkout depends on payment" in details


def test_without_a_dependency_closeness_links_nothing() -> None:
    assert run(CALM, pair(5)).storms() == []


def test_a_dependency_links_nothing_where_something_begins_all_the_time() -> None:
    noise = [
        event(LATER - 1_800 + n * 20 + apart, service, f"Noise{n}")
        for n in range(89)
        for apart, service in ((0, "checkout"), (10, "payment"))
    ]
    score = run(CALM, noise, pair(5), config=DEPENDS)
    pair_ids = {one.id for one in score.incidents() if one.sample.title in ("EC", "EP")}
    assert all(not pair_ids <= {*storm.members} for storm in score.storms())


def test_a_dependency_alone_links_nothing_a_minute_apart() -> None:
    assert run(CALM, pair(61), config=DEPENDS).storms() == []


def test_a_dependency_is_learnt_from_traces_seen_together_several_times() -> None:
    def met_at(times: int) -> list[Push]:
        return [
            event(900 + n * HOUR, service, f"Met{n}", trace=f"t{n}")
            for n in range(times)
            for service in ("checkout", "payment")
        ]

    def last_pair(times: int) -> list[Push]:
        at = 900 + times * HOUR
        return [event(at, "checkout", "EC"), event(at + 3, "payment", "EP")]

    def learnt_after(times: int) -> bool:
        score = run(CALM, met_at(times), last_pair(times))
        return any(Evidence.LEARNT in kinds(storm.evidence) for storm in score.storms())

    assert not learnt_after(LEARNT_FROM - 1)
    assert learnt_after(LEARNT_FROM)


def test_the_likely_origin_is_what_the_others_need_even_when_heard_of_later() -> None:
    depends = msgspec.structs.replace(
        CONFIG, depends={"web": ("checkout",), "checkout": ("payment",)}
    )
    onset = [
        event(LATER, "web", "EW", trace="t", release="1"),
        event(LATER + 3, "checkout", "EC", trace="t", release="2"),
        event(LATER + 9, "payment", "EP", trace="t", release="3"),
    ]
    digest = run(CALM, onset, config=depends).to()[-1]
    assert digest.releases == ("3", "1", "2")
    assert (digest.origin, digest.origin_reason) == ("payment", "2 services depend on it")
    assert digest.title == "Outage in 3 services, likely from payment: EP"
    assert run(CALM, onset).to()[-1].origin == "web"


def test_services_are_told_by_hurt_and_what_joined_is_named() -> None:
    onset = [event(LATER, "checkout", "EC", trace="t"), event(LATER, "payment", "EP", trace="t")]
    users = [event(LATER + 2, "payment", "EP", user=f"u{n}") for n in range(3)]
    loud = events([LATER + 3] * 9, "checkout", "EC")
    goes_on = events(range(LATER + 10, LATER + 400, 20), "checkout", "EC", trace="u")
    late = event(LATER + 60, "cart", "EK", trace="u")
    digests = [one for one in run(CALM, onset, users, loud, goes_on, late).to() if one.storm]
    assert [line.service for line in digests[0].services] == ["payment", "checkout"]
    assert digests[0].services[0].users == 3
    update = digests[1]
    assert (update.joined_incidents, update.joined_services) == (1, ("cart",))
    assert [line.service for line in update.services if line.joined] == ["cart"]
    assert update.at_ms > digests[0].at_ms + 4 * MINUTE * 1000


def test_services_are_upstream_through_others_and_cycles_end() -> None:
    depends = {"a": ("b",), "b": ("c",), "c": ("a",), "d": ("x",)}
    assert upstream("a", "abc", depends) == {"a", "b", "c"}
    assert upstream("a", "ac", depends) == set()
    assert upstream("d", "abcd", depends) == set()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10_000)), max_size=200))
def test_what_is_learnt_is_bounded_and_one_moment_counts_once(seen: list[tuple[int, int]]) -> None:
    known = Neighbours(environment="e", service="s")
    for other, tick in sorted(seen, key=lambda one: one[1]):
        known = met(known, f"o{other}", tick)
        assert met(known, f"o{other}", tick) == known
    assert len(known.seen) <= NEIGHBOURS_KEPT


def test_what_was_learnt_fades() -> None:
    known = Neighbours(environment="e", service="s")
    for n in range(LEARNT_FROM):
        known = met(known, "o", n * APART_TICKS)
    last = (LEARNT_FROM - 1) * APART_TICKS
    assert learnt(known, "o", last) == LEARNT_FROM
    assert learnt(known, "o", last + HALVES_TICKS) == 0
    assert learnt(None, "o", 0) == 0

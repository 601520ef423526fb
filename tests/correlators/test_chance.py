"""What is no evidence: what begins often comes close to itself by chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import msgspec
import pytest

from correlators.evidence import kinds
from correlators.types import Evidence
from tests.correlators.score import HOUR, MINUTE, Push, Score, event, events, run

LATER = 2 * HOUR
SERVICES = [f"s{n}" for n in range(8)]


def trickle(seed: int, seconds: int, many: int, errors: int = 10) -> list[Push]:
    """Return steady errors of a few libraries in eight services."""
    random = Random(seed)
    return [
        event(random.uniform(0, seconds), random.choice(SERVICES), f"Lib{random.randrange(errors)}")
        for _ in range(many)
    ]


def linked(*parts: Push | Iterable[Push]) -> tuple[Evidence, ...] | None:
    """Return the evidence of the one storm that comes of it, None when there is none."""
    found = run(*parts).storms()
    assert len(found) <= 1
    return kinds(found[0].evidence) if found else None


def inside(score: Score) -> set[str]:
    """Return the errors that stand in storms."""
    members = {one for storm in score.storms() for one in storm.members}
    return {one.sample.title for one in score.incidents() if one.id in members}


@pytest.mark.parametrize("seed", range(3))
def test_steady_errors_of_a_library_start_no_storm(seed: int) -> None:
    assert run(trickle(seed, HOUR, 600)).storms() == []


@pytest.mark.parametrize("seed", range(3))
def test_600_ambient_errors_around_a_fault_do_not_join_it(seed: int) -> None:
    fault = [
        event(HOUR / 2 + n, service, "Fault", trace=f"t{n}")
        for n in range(0, 240, 2)
        for service in ("s0", "s1")
    ]
    score = run(trickle(seed, HOUR, 600), fault)
    assert inside(score) == {"Fault"}


def test_an_error_that_several_services_have_now_and_then_links_two_at_once() -> None:
    seldom = [event(n * 40 * MINUTE, f"s{n}", "Timeout") for n in range(3)]
    both = [event(LATER, "checkout", "Timeout"), event(LATER + 3, "payment", "Timeout")]
    assert linked(seldom, both) == (Evidence.ONSET, Evidence.SIGNATURE)


def test_an_error_that_begins_somewhere_every_other_minute_does_not() -> None:
    often = [event(n * 2 * MINUTE, f"s{n % 6}", "Timeout") for n in range(59)]
    both = [event(LATER, "checkout", "Timeout"), event(LATER + 3, "payment", "Timeout")]
    assert linked(often, both) is None


def test_an_error_new_to_two_services_is_not_new_where_a_third_has_it() -> None:
    often = [event(n * 2 * MINUTE, f"s{n % 6}", "Timeout") for n in range(59)]
    both = [event(LATER, "checkout", "Timeout"), event(LATER + 50, "payment", "Timeout")]
    assert linked(often, both) is None
    calm = [event(n * 20 * MINUTE, "cart", f"Old{n}") for n in range(6)]
    assert linked(calm, both) == (Evidence.SIGNATURE,)


def test_even_a_frequent_error_that_begins_in_many_services_at_once_is_an_outage() -> None:
    often = [event(n * 10 * MINUTE, f"s{n % 6}", "Timeout") for n in range(12)]
    at_once = [event(LATER + n, f"other{n}", "Timeout") for n in range(4)]
    found = linked(often, at_once)
    assert found is not None
    assert Evidence.SIGNATURE in found


def test_right_after_the_start_two_services_with_one_error_may_be_chance() -> None:
    both = [event(100, "checkout", "Timeout"), event(130, "payment", "Timeout")]
    assert linked(both) is None


def test_an_outage_teaches_no_dependency_that_draws_in_what_breaks_beside_it() -> None:
    outage = [
        event(LATER + n, service, error, trace=f"t{n}")
        for n in range(0, 300, 2)
        for service, error in (("checkout", "A"), ("payment", "B"))
    ]
    calm = [
        event(n * 7 * MINUTE, service, f"Old {service} {n}")
        for n in range(17)
        for service in ("checkout", "payment", "cart")
    ]
    beside = event(LATER + 250, "payment", "Other")
    score = run(calm, outage, beside)
    assert inside(score) == {"A", "B"}


def test_what_shares_a_trace_now_is_linked_however_long_ago_it_began() -> None:
    one = [event(LATER + n, "checkout", "A", trace=f"t{n}") for n in range(0, 600, 10)]
    two = [event(LATER + n, "payment", "B", trace=f"t{n}") for n in range(300, 600, 10)]
    score = run(one, two)
    (storm,) = score.storms()
    assert kinds(storm.evidence) == (Evidence.TRACE,)
    assert storm.services == ("checkout", "payment")
    assert storm.opened_tick == score.incidents()[0].onset_tick
    assert score.to()[-1].events == 90


def test_two_old_ones_are_linked_when_their_first_shared_trace_is_seen() -> None:
    one = events(range(0, 600, 10), "checkout", "A")
    two = events(range(0, 600, 10), "payment", "B")
    met = [event(503, "checkout", "A", trace="t"), event(505, "payment", "B", trace="t")]
    assert run(one, two).storms() == []
    assert len(run(one, two, met).storms()) == 1


def test_an_old_one_that_shares_a_trace_with_a_member_joins_its_storm() -> None:
    alone = events(range(0, 600, 10), "cart", "C")
    storm = [
        event(300 + n, service, error, trace=f"t{n}")
        for n in range(0, 300, 10)
        for service, error in (("checkout", "A"), ("payment", "B"))
    ]
    met = event(451, "cart", "C", trace="t150")
    (found,) = run(alone, storm, met).storms()
    assert set(found.services) == {"cart", "checkout", "payment"}


def test_a_trace_of_more_than_a_minute_ago_links_nothing() -> None:
    one = [event(0, "checkout", "A", trace="t"), *events(range(10, 200, 10), "checkout", "A")]
    late = event(75, "payment", "B", trace="t")
    assert run(one, late).storms() == []


def test_a_reopened_one_brings_only_its_present_stretch_into_a_storm() -> None:
    before = events(range(0, 50), "checkout", "A")
    again = [event(900 + n, "checkout", "A", trace=f"t{n}") for n in range(0, 300, 10)]
    other = [event(900 + n, "payment", "B", trace=f"t{n}") for n in range(200, 300, 10)]
    score = run(before, again, other)
    (storm,) = score.storms()
    assert next(one for one in score.to() if one.storm and one.resolved).events == 40
    assert storm.opened_tick == score.incidents()[0].onset_tick


def caused(at: float, service: str, error: str, *parts: str) -> Push:
    """Return an event with these parts of a signature, the oldest exception first."""
    made = event(at, service, error)
    assert made.signature is not None
    return replace(made, signature=msgspec.structs.replace(made.signature, parts=parts))


POOL = ("type NoConnection", "frame db.pool take")


def test_what_was_raised_from_another_services_error_is_linked_to_it() -> None:
    calm = [event(0, "a", "Old")]
    root = caused(LATER, "parcels", "NoConnection", *POOL)
    wrapped = caused(LATER + 30, "tariffs", "StorageFailed", *POOL, "type StorageFailed", "frame x")
    assert linked(calm, root, wrapped) == (Evidence.CAUSE,)
    both = caused(LATER, "parcels", "Failed", *POOL, "type Failed", "frame y")
    assert linked(calm, both, wrapped) == (Evidence.CAUSE,)


def test_the_type_of_a_cause_alone_is_none() -> None:
    calm = [event(0, "a", "Old")]
    root = caused(LATER, "parcels", "TimeoutError", "type TimeoutError")
    wrapped = caused(LATER + 30, "tariffs", "Failed", "type TimeoutError", "type Failed", "frame x")
    assert linked(calm, root, wrapped) is None

"""Which incidents are one outage: every kind of evidence alone, and what is none."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from correlators.evidence import kinds
from correlators.storms import Linking
from correlators.types import Evidence
from tests.correlators.score import (
    CONFIG,
    HOUR,
    Push,
    event,
    events,
    run,
)

LATER = 2 * HOUR
"""Long after the first words of every service, so that nothing is young and nothing is news."""


def known(*services: str, release: str = "1.0", environment: str = "production") -> list[Push]:
    """Return old, unrelated words of these services, so that their first release is no news."""
    return [
        event(60.0 * 15 * n, one, f"Old{n}", release=release, environment=environment)
        for n, one in enumerate(services)
    ]


def pair(at: float, one: str = "KeyError", two: str = "TypeError", **more: str) -> list[Push]:
    """Return an onset in checkout and, 20 s later, one in payment."""
    return [
        event(at, "checkout", one, **more),  # type: ignore[arg-type]
        event(at + 20, "payment", two, **more),  # type: ignore[arg-type]
    ]


def linked(*parts: Push | Iterable[Push]) -> tuple[Evidence, ...] | None:
    """Return the evidence of the one storm that comes of it, None when there is none."""
    found = run(*parts).storms()
    assert len(found) <= 1
    return kinds(found[0].evidence) if found else None


def test_nothing_shared_means_no_storm_and_each_is_told() -> None:
    score = run(pair(LATER))
    assert score.storms() == []
    assert score.told("opened") == [
        (LATER + 10, "opened", "checkout KeyError"),
        (LATER + 30, "opened", "payment TypeError"),
    ]


def test_a_release_just_out_that_two_services_share_links() -> None:
    assert linked(known("checkout", "payment"), pair(LATER, release="2.0")) == (Evidence.RELEASE,)


def test_a_release_just_out_links_two_errors_of_one_service() -> None:
    onset = [event(LATER, error="KeyError", release="2.0"), event(LATER, error="A", release="2.0")]
    assert linked(known("checkout"), onset) == (Evidence.RELEASE,)


def test_the_first_release_ever_seen_of_a_service_is_no_evidence() -> None:
    assert linked(pair(LATER, release="2.0")) is None


def test_an_old_release_is_no_evidence() -> None:
    before = [
        event(LATER - 5_000, "checkout", "Hello", release="2.0"),
        event(LATER - 4_000, "payment", "World", release="2.0"),
    ]
    assert linked(known("checkout", "payment"), before, pair(LATER, release="2.0")) is None


def test_a_release_is_news_for_an_hour_and_no_longer() -> None:
    def after(seconds: int) -> tuple[Evidence, ...] | None:
        onset = [event(LATER + seconds, error=one, release="2.0") for one in ("A", "B")]
        return linked(known("checkout"), event(LATER, error="Hello", release="2.0"), onset)

    assert after(HOUR) == (Evidence.RELEASE,)
    assert after(HOUR + 1) is None


def test_an_old_error_under_a_new_release_is_no_evidence() -> None:
    old = [event(0, "checkout", "KeyError"), event(0, "payment", "TypeError")]
    assert linked(old, pair(LATER, release="2.0")) is None


def test_one_error_under_two_new_releases_is_one_episode_and_no_storm() -> None:
    onset = [event(LATER, release="2.0"), event(LATER + 5, release="2.1")]
    assert linked(known("checkout"), onset) is None


def test_one_signature_in_two_services_links() -> None:
    warm = known("checkout", "payment")
    both = (Evidence.SIGNATURE,)
    assert linked(warm, pair(LATER, "TimeoutError", "TimeoutError")) == both


def test_a_signature_links_every_release_of_a_service_whichever_began_last() -> None:
    # Which of two that begin together comes last is decided by their ids.
    for service in ("payment", "basket"):
        warm = known("checkout", service)
        releases = [event(LATER, service, "TimeoutError", release=one) for one in ("2.0", "3.0")]
        score = run(*warm, *releases, event(LATER, "checkout", "TimeoutError"))
        (storm,) = score.storms()
        assert storm.joined == 3


def test_a_shared_trace_links() -> None:
    assert linked(pair(LATER, trace="abc")) == (Evidence.TRACE,)


def test_different_traces_do_not_link() -> None:
    onset = [event(LATER, trace="abc"), event(LATER, "payment", "KeyError", trace="def")]
    assert linked(onset) is None


def burst(at: float, services: int, *, loud: bool = True, apart: float = 1) -> list[Push]:
    """Return onsets of different errors in so many services, each `apart` after the one before."""
    found = []
    for n in range(services):
        found += events([at + n * apart] * (2 if loud else 1), f"service-{n}", f"Error{n}")
    return found


def test_loud_onsets_in_three_services_are_a_burst() -> None:
    assert linked(known("a"), burst(LATER, 3)) == (Evidence.BURST,)


def test_loud_onsets_in_two_services_are_none() -> None:
    assert linked(known("a"), burst(LATER, 2)) is None


def test_right_after_the_start_a_burst_needs_more_because_everything_begins_then() -> None:
    assert linked(burst(LATER, 3)) is None
    assert linked(burst(LATER, 8)) == (Evidence.BURST,)


def test_single_events_in_six_services_are_no_burst_and_in_seven_they_are() -> None:
    assert linked(known("a"), burst(LATER, 6, loud=False)) is None
    assert linked(known("a"), burst(LATER, 7, loud=False)) == (Evidence.BURST,)


def test_what_begins_as_often_as_always_is_no_burst() -> None:
    usual = [
        event(60 * minute + 6 * n, f"service-{n}", f"Error{minute}.{n}")
        for minute in range(60)
        for n in range(9)
    ]
    at_once = [event(HOUR + n, f"service-{n}", f"Last{n}") for n in range(5)]
    assert linked(usual, at_once) is None


def test_quiet_onsets_that_carry_traces_which_nobody_shares_are_left_out_of_a_burst() -> None:
    lone = [event(LATER, f"service-{n}", f"Error{n}", trace=f"t{n}") for n in range(12)]
    assert linked(lone) is None


def test_all_evidence_is_named() -> None:
    onset = [
        event(LATER, "checkout", "TimeoutError", trace="abc"),
        event(LATER, "payment", "TimeoutError"),
        event(LATER, "cart", "KeyError", trace="abc"),
    ]
    assert linked(known("a"), onset) == (Evidence.SIGNATURE, Evidence.TRACE)


def test_60_seconds_apart_links_and_61_does_not() -> None:
    def apart(seconds: int) -> tuple[Evidence, ...] | None:
        onset = [event(LATER, trace="abc"), event(LATER + seconds, "payment", trace="abc")]
        return linked(known("a"), onset)

    assert apart(60) == (Evidence.SIGNATURE, Evidence.TRACE)
    assert apart(61) is None


@pytest.mark.parametrize("evidence", ["signature", "trace", "release", "burst"])
def test_nothing_links_across_environments(evidence: str) -> None:
    one, two = "production", "staging"
    before = known("checkout") + known("payment", environment=two)
    shared = {"release": {"release": "2.0"}, "trace": {"trace": "abc"}}.get(evidence, {})
    error = "TimeoutError" if evidence == "signature" else "KeyError"
    onset = [
        event(LATER, "checkout", "TimeoutError", environment=one, **shared),  # type: ignore[arg-type]
        event(LATER, "payment", error, environment=two, **shared),  # type: ignore[arg-type]
    ]
    if evidence == "burst":
        onset = [
            push
            for n, where in enumerate([one, one, two, two])
            for push in events([LATER] * 2, f"s{n}", f"E{n}", environment=where)
        ]
    assert linked(before, onset) is None


def test_what_the_past_tells_links_nothing() -> None:
    old = [event(LATER, one, happened=LATER - HOUR - 5, trace="abc") for one in ("cart", "payment")]
    assert linked(old) is None


@pytest.mark.parametrize(
    "wrong",
    [{"link_within_ms": 999}, {"burst_services": 1}, {"burst_services": 4, "burst_onsets": 3}],
)
def test_linking_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Linking(**wrong)


def test_a_wider_link_window_links_what_is_further_apart() -> None:
    wide = msgspec.structs.replace(CONFIG, linking=Linking(link_within_ms=120_000))
    onset = [event(0, trace="abc"), event(100, "payment", "KeyError", trace="abc")]
    assert run(onset).storms() == []
    assert len(run(onset, event(100, trace="abc"), config=wide).storms()) == 1

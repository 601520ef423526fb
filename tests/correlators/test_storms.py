"""How a storm is told, and its life: growth, merge, end, and what comes back after it."""

from __future__ import annotations

import msgspec

from correlators import storms
from correlators.entries import Membership
from correlators.types import Evidence, Level, Suppression
from tests.correlators.score import (
    CONFIG,
    DAY,
    HOUR,
    MINUTE,
    START,
    Push,
    event,
    events,
    resolve,
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


OUTAGE = "storm: checkout, payment"


def test_a_storm_is_told_once_for_all_and_resolved_once() -> None:
    score = run(pair(0, trace="abc"), pair(30, trace="abc"))
    assert score.told() == [
        (10, "opened", "checkout KeyError"),
        (20, "opened", OUTAGE),
        (20, "joined", "checkout KeyError"),
        (50 + 2 * MINUTE, "resolved", OUTAGE),
    ]
    storm = [one for one in score.to() if one.storm]
    assert [(one.incidents, one.events) for one in storm][-1] == (2, 4)
    assert all(one.evidence == (Evidence.TRACE,) for one in storm)
    assert score.suppressed[Suppression.TOLD_BY_STORM] >= 2


def test_incidents_linked_before_they_settled_are_told_by_the_storm_alone() -> None:
    onset = [event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    score = run(onset)
    assert score.told() == [(10, "opened", OUTAGE), (5 + 2 * MINUTE, "resolved", OUTAGE)]
    digest = score.to()[0]
    assert digest.title == "Outage in 2 services, likely from checkout: TimeoutError"
    assert [line.service for line in digest.services] == ["checkout", "payment"]
    assert len(score.storms()[0].members) == 2


def test_an_incident_already_told_is_told_joined_once() -> None:
    score = run(pair(0, trace="abc"), events(range(40, 400, 20)))
    assert score.told("joined") == [(20, "joined", "checkout KeyError")]
    joined = [one.storm_id for one in score.to() if one.kind == "joined"]
    assert joined == [score.storms()[0].id]


def test_a_storm_after_one_of_the_same_first_error_has_an_id_of_its_own() -> None:
    # Onsets stay young for longer than a storm is quiet: the first one ends between them.
    linking = storms.Linking(link_within_ms=240_000, storm_quiet_ms=60_000)
    config = msgspec.structs.replace(CONFIG, linking=linking)
    onset = [event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    score = run(onset, event(70, "cart", "Late", trace="abc"), config=config)
    first, second = sorted(score.storms(), key=lambda storm: storm.last_tick)
    assert first.id != second.id
    assert (first.closed_tick, second.services) == (START + 65, ("checkout", "payment", "cart"))
    assert len(score.told("resolved")) == 2


def test_an_ambient_error_is_told_apart() -> None:
    ambient = event(3, "catalogue", "ValueError")
    score = run(ambient, event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc"))
    assert score.told() == [
        (10, "opened", OUTAGE),
        (13, "opened", "catalogue ValueError"),
        (125, "resolved", OUTAGE),
        (603, "resolved", "catalogue ValueError"),
    ]
    assert score.incidents()[1].storm_id == ""


def test_a_late_comer_that_shares_with_an_active_member_joins_the_storm() -> None:
    first = [event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    goes_on = events(range(10, 310, 10), trace="def")
    late = event(300, "cart", "ValueError", trace="def")
    score = run(first, goes_on, late)
    (storm,) = score.storms()
    assert storm.services == ("checkout", "payment", "cart")


def test_a_storm_is_updated_at_most_every_five_minutes() -> None:
    score = run(
        events(range(0, 700, 10), trace="abc"), event(1, "payment", "KeyError", trace="abc")
    )
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (310, "updated"),
        (610, "updated"),
        (690 + 120, "resolved"),
    ]


def test_a_storm_ends_after_exactly_storm_quiet() -> None:
    onset = [event(0, trace="abc"), event(0, "payment", "KeyError", trace="abc")]
    assert run(onset, until=120).told("resolved") == []
    assert run(onset, until=121).told("resolved") == [(120, "resolved", OUTAGE)]
    assert run(onset, event(119)).told("resolved")[0].second == 119 + 120


def test_a_storm_is_cut_at_max_life_and_its_incidents_linked_anew() -> None:
    times = range(0, DAY + 10 * MINUTE, MINUTE)
    score = run(events(times, trace="abc"), events(times, "payment", "KeyError", trace="abc"))
    assert next(one.second for one in score.told("resolved")) == DAY
    assert len(score.storms()) == 2


def test_active_again_after_the_storm_an_incident_is_told_by_itself() -> None:
    onset = [event(0, trace="abc"), event(0, "payment", "KeyError", trace="abc")]
    score = run(onset, event(300))
    assert score.told() == [
        (10, "opened", OUTAGE),
        (120, "resolved", OUTAGE),
        (310, "opened", "checkout TimeoutError"),
        (900, "resolved", "checkout TimeoutError"),
    ]


def test_an_incident_that_joined_and_is_active_again_alone_is_told_reopened() -> None:
    score = run(pair(0, trace="abc"), event(400, "checkout", "KeyError"))
    assert score.told()[-2:] == [
        (410, "reopened", "checkout KeyError"),
        (1_000, "resolved", "checkout KeyError"),
    ]


def test_active_again_together_they_are_a_new_storm() -> None:
    score = run(
        [event(0, trace="abc"), event(0, "payment", "KeyError", trace="abc")],
        [event(300, trace="def"), event(310, "payment", "KeyError", trace="def")],
    )
    assert score.told() == [
        (10, "opened", OUTAGE),
        (120, "resolved", OUTAGE),
        (310, "opened", OUTAGE),
        (430, "resolved", OUTAGE),
    ]
    first, second = score.storms()
    assert first.id != second.id
    # Each storm counts its own events only.
    assert [one.events for one in score.to()] == [2, 2, 2, 2]


def test_a_reopened_incident_brings_only_its_new_events_into_a_storm() -> None:
    score = run(
        events(range(100)),
        [event(1_000, trace="abc"), event(1_003, "payment", "KeyError", trace="abc")],
    )
    storm = next(one for one in score.to() if one.storm)
    assert (storm.events, storm.incidents) == (2, 2)
    assert [line.events for line in storm.services] == [1, 1]
    assert storm.first_ms == run(event(1_000)).to()[0].first_ms


def test_an_incident_that_comes_back_to_the_same_storm_is_counted_once() -> None:
    score = run(
        events(range(0, 200, 10), trace="abc", issue="71"),
        events(range(0, 200, 10), "payment", "KeyError", trace="abc"),
        resolve(55, "71"),
    )
    (storm,) = score.storms()
    assert storm.joined == len(storm.members) == 2
    last = score.to()[-1]
    assert (last.incidents, last.events) == (2, 40)


def test_an_incident_inside_a_storm_that_resolves_is_told_by_the_storm() -> None:
    score = run(
        event(0, trace="abc", issue="71"),
        events(range(0, 900, 60), "payment", "KeyError", trace="abc"),
        resolve(30, "71"),
    )
    assert {one.subject for one in score.told()} == {OUTAGE}
    assert score.suppressed[Suppression.TOLD_BY_STORM] >= 3
    assert len(score.told("resolved")) == 1


def two_storms(*, bridge: bool) -> list[Push]:
    """Return two outages of two services each, and an error that has a trace of both."""
    found = [
        event(0, "a", "EA", trace="one"),
        event(0, "b", "EB", trace="one"),
        event(20, "c", "EC", trace="two"),
        event(20, "d", "ED", trace="two"),
    ]
    if bridge:
        found += [event(40, "a", "EA", trace="two")]
    return found


def test_two_storms_that_turn_out_to_be_one_are_merged() -> None:
    assert len(run(two_storms(bridge=False)).storms()) == 2
    score = run(two_storms(bridge=True))
    (storm,) = score.storms()
    assert storm.services == ("a", "b", "c", "d")
    assert storm.joined == 4
    assert score.told() == [
        (10, "opened", "storm: a, b"),
        (30, "opened", "storm: c, d"),
        (40, "joined", "storm: c, d"),
        (160, "resolved", "storm: a, b, c, d"),
    ]
    joined = score.to()[2]
    assert joined.storm_id == storm.id
    assert (score.to()[-1].events, score.to()[-1].incidents) == (5, 4)


def test_a_merge_is_told_even_when_nothing_follows() -> None:
    score = run(two_storms(bridge=True), events(range(50, 900, 60), "b", "EB"))
    assert score.told("updated")[0] == (310, "updated", "storm: a, b, c, d")


def test_after_a_merge_every_event_counts_for_the_storm_that_survives() -> None:
    score = run(two_storms(bridge=True), events(range(50, 60), "d", "ED"))
    assert score.to()[-1].events == 15
    assert score.told("resolved") == [(59 + 120, "resolved", "storm: a, b, c, d")]


def test_a_storm_counts_more_members_than_it_lists() -> None:
    many = storms.MEMBERS_KEPT + 70
    score = run([event(n / 10, f"s{n % 60}", f"E{n}", trace="abc") for n in range(many)])
    (storm,) = score.storms()
    assert len(storm.members) == storms.MEMBERS_KEPT
    assert storm.joined == many
    assert len(storm.services) == storms.SERVICES_KEPT
    last = score.to()[-1]
    assert (last.incidents, last.events) == (many, many)
    assert len(last.services) + last.more_services == storms.SERVICES_KEPT
    assert all(one.storm_id == storm.id for one in score.incidents())


def test_another_release_joins_the_storm_that_tells_its_error() -> None:
    onset = [event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    score = run(onset, event(50, release="1.1"), events([60, 100]))
    assert {one.subject for one in score.told()} == {OUTAGE}
    assert score.storms()[0].joined == 3
    assert score.to()[-1].releases == ("1.0", "1.1")


def test_another_release_that_waits_for_its_lead_joins_the_storm_with_it() -> None:
    onset = [event(0), event(1, release="1.1"), event(2, trace="abc")]
    score = run(onset, event(5, "payment", "KeyError", trace="abc"))
    assert score.storms()[0].joined == 3
    assert [one.events for one in score.to()] == [4, 4]


def test_every_stretch_in_a_storm_leaves_a_membership() -> None:
    score = run([event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc")])
    (storm,) = score.storms()
    found = [one for _, one in score.entries if isinstance(one, Membership)]
    assert {one.storm_id for one in found} == {storm.id}
    assert {one.incident_id for one in found} == set(storm.members)


def test_the_level_of_a_storm_is_its_worst() -> None:
    onset = [event(0, trace="abc"), event(5, "payment", "E", trace="abc", level=Level.FATAL)]
    assert run(onset).to()[-1].level is Level.FATAL


def test_a_storm_of_which_one_feed_is_sampled_tells_a_lower_bound() -> None:
    onset = [event(0, trace="abc"), event(5, "payment", "E", trace="abc", sampled=True)]
    assert run(onset).to()[-1].at_least


def test_the_news_of_a_release_is_named() -> None:
    score = run(known("checkout", "payment"), pair(LATER, release="2.0"))
    storm = next(one for one in score.to() if one.storm)
    assert storm.new_release == "2.0"
    assert storm.new_release_ms == score.storms()[0].opened_tick * 1000


def wave(at: float, *, errors: int = 40, services: int = 5) -> list[Push]:
    """Return many different errors in several services within a few seconds, one event each."""
    return [event(at + n / 8, f"s{n % services}", f"E{n}") for n in range(errors)]


def fading(at: float, seconds: int) -> list[Push]:
    """Return what is left of an outage: one error in ten seconds."""
    return [event(at + n, f"s{n % 5}", f"E{n % 40}") for n in range(0, seconds, 10)]


def test_another_outage_that_breaks_on_a_fading_storm_is_a_storm_of_its_own() -> None:
    calm = known("a", "b")
    score = run(calm, wave(LATER), fading(LATER + 10, 290), wave(LATER + 300))
    first, second = score.storms()
    assert first.closed_tick <= second.opened_tick + 10
    assert len(second.services) == 5
    assert [one.subject for one in score.told("opened") if one.subject.startswith("storm")] == [
        "storm: s0, s1, s2, s3, s4"
    ] * 2


def test_louder_traffic_on_the_same_errors_is_no_new_wave() -> None:
    calm = known("a", "b")
    goes_on = [event(LATER + 10 + n, f"s{n % 5}", f"E{n % 40}") for n in range(290)]
    loud = [event(LATER + 300 + n / 50, f"s{n % 5}", f"E{n % 40}") for n in range(900)]
    score = run(calm, wave(LATER), goes_on, loud)
    assert len(score.storms()) == 1


def test_what_joined_with_its_lead_in_this_tick_makes_no_storm_of_nobody() -> None:
    """Two groups in one tick: the first brings all releases of an error, the second is two of
    them."""
    score = run(
        event(0, "checkout", "A", release="1.0"),
        event(1, "checkout", "A", release="1.1"),
        event(1, "checkout", "A", release="1.2"),
        event(12, "checkout", "A", release="1.0", trace="one"),
        event(12, "payment", "X", trace="one"),
        event(12, "checkout", "A", release="1.1", trace="two"),
        event(12, "checkout", "A", release="1.2", trace="two"),
    )
    assert score.poison == []
    (storm,) = score.storms()
    assert len(storm.members) == 4

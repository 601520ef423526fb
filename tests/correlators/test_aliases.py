"""What happens to one error when the signature version changes: it is not split, nothing is told
anew, and in the end it goes by its new name."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from correlators import sets
from correlators.aliases import part
from correlators.entries import Episode
from correlators.evidence import kinds
from correlators.incidents import ALIASES_KEPT, Closed, Windows, closed
from correlators.state import State
from correlators.telling import Config
from correlators.types import DigestKind, Evidence, Level, Suppression
from tests.correlators.score import CONFIG, MINUTE, PAGER, PAGING, Push, Score, events, run
from tests.correlators.switching import every, name_of, named, switched
from tests.stand_in import NEW, OLD

ONE = "checkout Timeout"
SHORT = msgspec.structs.replace(
    CONFIG,
    windows=Windows(quiet_for_ms=60_000, max_life_ms=300_000, reopen_within_ms=120_000),
)


def unswitched(*parts: Iterable[Push], config: Config = CONFIG) -> Score:
    """Return what is decided where the old version is taken all the time."""
    return run(*parts, config=msgspec.structs.replace(config, signature_version=OLD))


def fingerprints(score: Score) -> list[str]:
    """Return the fingerprints of the remembered incidents, by their beginning."""
    return [one.key.fingerprint for one in score.incidents()]


# The switch


def test_an_open_incident_goes_on_under_the_name_it_opened_with() -> None:
    log = every(range(0, 15 * MINUTE, 30))
    score, before = switched(log, at=400), unswitched(log)
    assert score.told() == before.told()
    assert [one.events for one in score.to()] == [one.events for one in before.to()]
    (incident,) = score.incidents()
    assert incident.key.fingerprint == name_of(OLD, "Timeout")
    assert incident.aliases == (name_of(NEW, "Timeout"),)


def test_a_closed_incident_that_may_return_returns_under_its_old_name() -> None:
    score = switched(named(0), named(20 * MINUTE), at=15 * MINUTE)
    assert [one.kind for one in score.told()] == ["opened", "resolved", "reopened", "resolved"]
    assert len({one.id for one in score.to()}) == 1


def test_after_the_last_incident_of_the_old_name_the_new_name_is_taken() -> None:
    score = switched(named(0), named(3_600), at=60)
    assert fingerprints(score) == [name_of(OLD, "Timeout"), name_of(NEW, "Timeout")]


def test_an_incident_that_is_cut_goes_on_under_the_new_name() -> None:
    score = switched(every(range(0, 400, 20)), at=100, config=SHORT)
    assert fingerprints(score) == [name_of(OLD, "Timeout"), name_of(NEW, "Timeout")]
    assert score.incidents()[0].closed is Closed.MAX_LIFE


def test_the_version_of_correlate_decides_whatever_fingerprint_runs() -> None:
    by_old, by_new = every(range(60), made_by=OLD), every(range(60), made_by=NEW)
    mixed = [(by_old if at % 2 else by_new)[at] for at in range(60)]
    for at in (0, 30, 90):
        found = [switched(log, at=at) for log in (by_old, by_new, mixed)]
        (ids,) = {tuple(incident.id for incident in score.incidents()) for score in found}
        assert len(ids) == 1
        assert fingerprints(found[0]) == [name_of(NEW if at == 0 else OLD, "Timeout")]


def test_a_delta_without_a_name_of_the_version_keeps_its_own() -> None:
    score = switched(events(range(5)), at=2)
    assert len(score.incidents()) == 1


def test_a_switch_and_back_splits_nothing_either() -> None:
    log = every(range(0, 20 * MINUTE, 30))
    assert switched(log, at=300, back_at=600).told() == unswitched(log).told()
    # Back again after the old incident is over: now the new name is the one that stands.
    score = switched(every([0, 3_600, 3_700, 3_800]), at=60, back_at=3_650)
    assert fingerprints(score) == [name_of(OLD, "Timeout"), name_of(NEW, "Timeout")]


def test_a_belated_event_finds_the_incident_of_its_time_under_the_old_name() -> None:
    score = switched(every([0, 10]), named(3_000, happened=5), at=2_000)
    (incident,) = score.incidents()
    assert incident.key.fingerprint == name_of(OLD, "Timeout")
    assert sets.count(incident.events).value == 3


# One name becomes two, two become one


def test_what_the_new_version_tells_apart_stays_together_while_it_is_open() -> None:
    both = [*every(range(0, 240, 10), new="A"), *every(range(5, 240, 10), new="B")]
    score = switched(both, at=100, config=SHORT)
    assert fingerprints(score) == [name_of(OLD, "Timeout")]
    assert sorted(score.incidents()[0].aliases) == sorted([name_of(NEW, "A"), name_of(NEW, "B")])
    # Cut at five minutes, it goes on as two.
    both = [*every(range(0, 400, 10), new="A"), *every(range(5, 400, 10), new="B")]
    score = switched(both, at=100, config=SHORT)
    assert sorted(fingerprints(score)[1:]) == sorted([name_of(NEW, "A"), name_of(NEW, "B")])


def test_what_the_new_version_makes_one_stays_two_while_both_are_open() -> None:
    one = every(range(0, 240, 10), old="A", new="AB")
    two = every(range(5, 240, 10), old="B", new="AB")
    score = switched(one, two, at=100, config=SHORT)
    assert sorted(fingerprints(score)) == sorted([name_of(OLD, "A"), name_of(OLD, "B")])
    # None of them falls quiet while its error goes on, although the new name is open too.
    late = every(range(205, 480, 10), old="B", new="AB")
    score = switched(every(range(0, 400, 10), old="A", new="AB"), late, at=220, config=SHORT)
    assert [one.closed for one in score.incidents()][:2] == [Closed.MAX_LIFE] * 2
    assert fingerprints(score)[0] == name_of(OLD, "A")


def test_an_incident_keeps_a_bounded_number_of_other_names() -> None:
    log = [named(at, new=f"new {at}") for at in range(ALIASES_KEPT + 5)]
    (incident,) = switched(log, at=0.5).incidents()
    assert len(incident.aliases) == ALIASES_KEPT
    assert list(incident.aliases) == sorted(incident.aliases)


# Episodes


def test_another_release_is_told_by_the_lead_of_the_old_name() -> None:
    first, second = every(range(0, 300, 10)), every(range(100, 300, 10), release="1.1")
    score, before = switched(first, second, at=50), unswitched(first, second)
    assert score.told() == before.told()
    assert score.to()[-1].releases == before.to()[-1].releases
    assert fingerprints(score) == [name_of(OLD, "Timeout"), name_of(NEW, "Timeout")]
    assert score.suppressed[Suppression.TOLD_BY_OTHER_RELEASE] > 0


def test_another_release_never_pages_again_and_the_page_goes_over_to_the_heir() -> None:
    first = every(range(0, 300), user="u")
    second = every(range(100, 900), release="1.1", user="u")
    score, before = (
        switched(first, second, at=50, config=PAGING),
        unswitched(first, second, config=PAGING),
    )
    assert len(score.paged()) == len(before.paged()) == 2
    assert [one.second for one in score.paged()] == [one.second for one in before.paged()]
    assert [(one.second, one.kind) for one in score.told()] == [
        (one.second, one.kind) for one in before.told()
    ]


def test_heirs_of_one_name_are_told_each_for_itself_when_it_is_over() -> None:
    log = [
        *every(range(0, 100, 10)),
        *every(range(50, 600, 10), new="A", release="1.1"),
        *every(range(50, 600, 10), new="B", release="1.1"),
    ]
    # The first incident is quiet until 690; then both go on, and the version says they are two.
    assert [one.second for one in switched(log, at=20).told("opened")] == [10, 690, 690]
    assert [one.second for one in unswitched(log).told("opened")] == [10, 690]


def test_heirs_keep_who_has_acknowledged_what_they_were_told_as() -> None:
    log = [*every(range(0, 100, 10)), *every(range(50, 120, 10), new="A", release="1.1")]
    score = switched(log, at=20, until=200)
    state = State(CONFIG, [entry for _, entry in score.entries])
    (lead, heir) = score.incidents()
    home = state.episode(heir.key)
    assert home is not None
    assert home.lead == lead.id
    state.put(msgspec.structs.replace(home, acked_by=("anna", "cli"), acked_level=Level.ERROR))
    state.put(closed(lead, tick=lead.last_tick + 600, why=Closed.QUIET))
    part(state, lead.key, lead.last_tick + 600)
    left, own = state.own_episode(heir.key), state.own_episode(lead.key)
    assert left is not None
    assert own is not None
    assert (left.lead, left.acked_by, left.acked_level) == (heir.id, ("anna", "cli"), Level.ERROR)
    assert own.acked_by == ("", "")


def test_a_known_error_is_known_under_its_new_name() -> None:
    score = switched(named(0), named(7_200), at=60)
    episodes = {one.fingerprint: one for _, one in score.entries if isinstance(one, Episode)}
    old, new = (episodes[name_of(version, "Timeout")] for version in (OLD, NEW))
    assert new.first_tick == old.first_tick


def test_what_an_episode_knows_goes_over_except_what_belongs_to_open_incidents() -> None:
    score = switched(named(0), named(7_200), at=60, until=7_210)
    episodes = {one.fingerprint: one for _, one in score.entries if isinstance(one, Episode)}
    new = episodes[name_of(NEW, "Timeout")]
    assert new.lead == score.incidents()[-1].id
    assert (new.page_key, new.joined) == ("", "")


# Storms


def test_the_same_signature_in_two_services_is_seen_over_the_switch() -> None:
    # Watched for a while: right after the start two services with one error may be chance.
    log = [
        named(0, "cart", "Old"),
        *every(range(600, 660, 5), "checkout"),
        *every(range(620, 660, 5), "payment"),
    ]
    (storm,) = switched(log, at=615).storms()
    assert Evidence.SIGNATURE in kinds(storm.evidence)


def test_one_old_name_is_no_evidence_for_two_new_ones() -> None:
    apart = [
        named(0, "cart", "Old"),
        *every(range(600, 660, 5), "checkout", new="A"),
        *every(range(602, 660, 5), "payment", new="B"),
    ]
    assert switched(apart, at=0).storms() == []
    (storm,) = switched(apart, at=900).storms()
    assert Evidence.SIGNATURE in kinds(storm.evidence)


def test_a_storm_goes_on_over_the_switch() -> None:
    log = [
        *every(range(0, 300, 3), "checkout", trace="t"),
        *every(range(1, 300, 3), "payment", old="Refused", trace="t"),
    ]
    score, before = switched(log, at=100, config=PAGING), unswitched(log, config=PAGING)
    assert score.told() == before.told()
    assert score.to(PAGER) == before.to(PAGER)
    assert DigestKind.OPENED in {one.kind for one in score.to()}

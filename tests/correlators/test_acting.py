"""What people decide about storms: acknowledgements, "not part of this", "merge into", and what
pages after them."""

from __future__ import annotations

import msgspec

from correlators.acts import (
    Acknowledge,
    Act,
    ActDone,
    MergeInto,
    Separate,
    Unacknowledge,
    act_id,
)
from correlators.incidents import Incident
from correlators.types import DigestKind, Evidence, Level, PageAction, PageReason
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import event


def acknowledged(*, restore: bool = False) -> Stage:
    """Return an outage of three services that has paged and was acknowledged."""
    stage = Stage(restore=restore)
    stage.run(20, *outage())
    storm = stage.storm()
    assert stage.pages() == [("trigger", "storm_services", f"{storm.id}.1", "")]
    stage.run(22, acts=[(20, Acknowledge(subject=storm.id, **ANNA))])
    return stage


def test_an_acknowledged_storm_that_goes_on_pages_nobody_again() -> None:
    stage = acknowledged()
    stage.run(60, *[event(22 + n / 5, "checkout", "EC") for n in range(180)])
    assert len(stage.pages()) == 1


def test_a_service_that_joins_after_the_acknowledgement_opens_a_page_linked_to_the_old() -> None:
    for restore in (False, True):
        stage = acknowledged(restore=restore)
        stage.run(40, event(25, "mail", "EM", trace="t"))
        first, second = f"{stage.storm().id}.1", f"{stage.storm().id}.2"
        assert stage.pages()[1:] == [
            ("trigger", "gained_service", second, first),
            ("resolve", "", first, second),
        ]
        assert stage.storm().ack is None
        stage.run(400)
        assert stage.pages()[3:] == [("resolve", "", second, "")]


def test_a_higher_level_after_the_acknowledgement_opens_a_new_page() -> None:
    stage = acknowledged()
    stage.run(40, event(25, "cart", "EK", level=Level.FATAL))
    assert [one[:2] for one in stage.pages()[1:]] == [
        ("trigger", "higher_urgency"),
        ("resolve", ""),
    ]


def test_every_new_page_needs_an_acknowledgement_before_the_next() -> None:
    stage = acknowledged()
    stage.run(40, event(25, "mail", "EM", trace="t"), event(30, "search", "ES", trace="t"))
    assert [one[0] for one in stage.pages()] == ["trigger", "trigger", "resolve"]


def test_one_that_is_unacknowledged_again_has_its_page_still() -> None:
    stage = acknowledged()
    stage.run(30, acts=[(25, Unacknowledge(subject=stage.storm().id, **ANNA))])
    stage.run(40, event(30, "mail", "EM", trace="t"))
    assert len(stage.pages()) == 1


def test_acknowledging_twice_changes_nothing() -> None:
    stage = acknowledged()
    before = stage.storm()
    stage.run(30, acts=[(25, Acknowledge(subject=before.id, **ANNA))])
    assert stage.storm() == before


def test_the_acknowledgement_of_an_incident_covers_that_incident_alone() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    incident = stage.incident("checkout")
    stage.run(21, acts=[(20, Acknowledge(subject=incident.id, **ANNA))])
    stage.run(
        60,
        event(21, "checkout", "EC", trace="t"),
        event(22, "payment", "EP", trace="t"),
    )
    old, new = f"{incident.id}.1", f"{stage.storm().id}.1"
    assert stage.pages() == [
        ("trigger", "fatal", old, ""),
        ("trigger", "gained_service", new, old),
        ("resolve", "", old, new),
    ]


def test_a_page_of_an_incident_that_joins_is_resolved_after_that_of_the_storm() -> None:
    stage = Stage()
    stage.run(15, *outage())
    stage.run(30, event(15, "mail", "EM", level=Level.FATAL))
    stage.run(60, event(31, "mail", "EM", trace="t"), event(31, "cart", "EK", trace="t"))
    storm = stage.storm()
    mail = f"{stage.incident('mail').id}.1"
    assert stage.pages()[1:] == [
        ("trigger", "fatal", mail, ""),
        ("resolve", "", mail, f"{storm.id}.1"),
    ]
    joined = next(one for one in stage.chats() if one.kind is DigestKind.JOINED)
    assert joined.storm_id == storm.id


def test_a_page_nobody_acknowledged_that_merges_into_an_acknowledged_storm_pages_anew() -> None:
    stage = acknowledged()
    stage.run(40, event(24, "cart", "EX", level=Level.ERROR, release="2"))
    stage.run(45, event(40, "cart", "EY", level=Level.ERROR))
    loud = [event(46 + n / 20, "cart", "EY") for n in range(60)]
    stage.run(70, *loud)
    incident = next(one for one in stage.pages() if one[1] == PageReason.EVENT_RATE)
    paged = incident[2].partition(".")[0]
    assert paged.startswith("inc-")
    act = MergeInto(subject=paged, into=stage.storm().id, **ANNA)
    stage.run(80, acts=[(71, act)])
    storm = stage.storm()
    first, second = f"{storm.id}.1", f"{storm.id}.2"
    assert ("trigger", "took_over_page", second, first) in stage.pages()
    assert ("resolve", "", first, second) in stage.pages()
    assert ("resolve", "", incident[2], second) in stage.pages()


def test_not_part_of_this_is_told_by_itself_and_does_not_come_back() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm()
    act = Separate(subject=stage.incident("cart").id, **ANNA)
    stage.run(22, acts=[(20, act)])
    assert stage.incident("cart").storm_id == ""
    assert stage.storm().services == ("checkout", "payment")
    told = [one for one in stage.chats() if not one.storm]
    assert [one.kind for one in told] == [DigestKind.OPENED]
    stage.run(40, event(23, "cart", "EK", trace="t"), event(24, "payment", "EP", trace="t"))
    assert stage.incident("cart").storm_id == ""
    assert stage.storm().id == storm.id
    assert [one.open for one in stage.storms()] == [True]


def test_what_leaves_takes_its_events_with_it_and_the_same_act_twice_changes_nothing() -> None:
    stage = Stage()
    stage.run(20, *outage(), *[event(3 + n, "cart", "EK") for n in range(9)])
    act = Separate(subject=stage.incident("cart").id, **ANNA)
    stage.run(500, acts=[(20, act), (21, act)])
    last = [one for one in stage.chats() if one.storm][-1]
    assert (last.events, last.incidents) == (2, 2)


def test_a_storm_of_two_that_loses_one_is_none_any_more() -> None:
    stage = Stage()
    stage.run(20, *outage()[:2])
    (storm,) = stage.storms()
    stage.run(30, acts=[(20, Separate(subject=stage.incident("payment").id, **ANNA))])
    assert not stage.storms()[0].open
    kinds = [(one.id == storm.id, one.kind) for one in stage.chats()]
    assert kinds[1:].count((False, DigestKind.OPENED)) == 2
    assert (True, DigestKind.PARTED) in kinds


def test_what_leaves_is_judged_for_a_page_of_its_own() -> None:
    stage = Stage()
    stage.run(20, *outage(level=Level.FATAL))
    cart = stage.incident("cart")
    stage.run(30, acts=[(20, Separate(subject=cart.id, **ANNA))])
    assert ("trigger", "fatal", f"{cart.id}.1", "") in stage.pages()


def test_merge_into_makes_one_of_two_storms_and_says_why() -> None:
    stage = Stage()
    other = [
        event(5, "search", "ES", trace="u"),
        event(6, "mail", "EM", trace="u"),
    ]
    stage.run(20, *outage(), *other)
    one, two = stage.storms()
    stage.run(30, acts=[(20, MergeInto(subject=one.id, into=two.id, **ANNA))])
    assert stage.storm().id == one.id
    assert len(stage.storm().services) == 5
    assert Evidence.BY_HAND in {piece.kind for piece in stage.storm().evidence}
    joined = next(found for found in stage.chats() if found.kind is DigestKind.JOINED)
    assert (joined.id, joined.storm_id) == (two.id, one.id)


def test_an_act_on_a_storm_that_went_into_another_is_one_on_that() -> None:
    stage = Stage()
    stage.run(
        20,
        event(0, "checkout", "EC", trace="t"),
        event(1, "payment", "EP", trace="t"),
        event(5, "cart", "EK", trace="u"),
        event(6, "mail", "EM", trace="u"),
    )
    into, gone = stage.storms()
    acts: list[tuple[int, Act]] = [
        (25, MergeInto(subject=gone.id, into=into.id, **ANNA)),
        (30, Acknowledge(subject=gone.id, **ANNA)),
    ]
    stage.run(40, acts=acts)
    assert stage.storm().ack is not None
    done = stage.state.get("act:" + act_id(acts[1][1]))
    assert isinstance(done, ActDone)
    assert done.subject == into.id == stage.storm().id


def test_merge_into_overrules_not_part_of_this() -> None:
    stage = Stage()
    stage.run(20, *outage())
    cart = stage.incident("cart").id
    stage.run(25, acts=[(20, Separate(subject=cart, **ANNA))])
    stage.run(30, acts=[(25, MergeInto(subject=cart, into=stage.storm().id, **ANNA))])
    assert stage.incident("cart").storm_id == stage.storm().id
    assert stage.storm().joined == 3


def test_acts_about_what_is_gone_or_elsewhere_do_nothing() -> None:
    stage = Stage()
    stage.run(20, *outage(), event(0, "cart", "EK", environment="staging", trace="t"))
    staging = next(
        one
        for _, one in stage.state.entries()
        if isinstance(one, Incident) and one.key.environment == "staging"
    )
    before = [msgspec.msgpack.encode(one) for one in stage.storms()]
    storm = stage.storm().id
    acts: list[Act] = [
        MergeInto(subject=staging.id, into=storm, **ANNA),
        Separate(subject=staging.id, **ANNA),
        Separate(subject="inc-0", **ANNA),
        Acknowledge(subject="storm-0", **ANNA),
        Unacknowledge(subject=storm, **ANNA),
    ]
    stage.run(22, acts=[(20, act) for act in acts])
    assert [msgspec.msgpack.encode(one) for one in stage.storms()] == before


def test_two_pages_are_never_open_for_one_storm_in_the_end() -> None:
    stage = acknowledged()
    stage.run(600, event(25, "mail", "EM", trace="t"))
    opened = [one[2] for one in stage.pages() if one[0] == PageAction.TRIGGER]
    closed = [one[2] for one in stage.pages() if one[0] == PageAction.RESOLVE]
    assert sorted(opened) == sorted(closed)

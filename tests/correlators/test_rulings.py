"""Rules: the first that holds decides, everything reaches somebody, and what can never match is
named."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.conditions import Asked, AtLeast, Facts, Lifecycle, When, why_not
from correlators.owners import OWNER, Team
from correlators.rule_check import covers, uncovered, unreachable
from correlators.rulings import URGENCY_RANK, Rule, Ruling, Tried, Urgency, ruled, tried
from correlators.types import Level

TEAMS = {"team-pay": Team(("slack:pay",), ("pagerduty:pay",)), "team-quiet": Team(("slack:q",))}
CATCH_ALL = Rule(name="rest", to=("slack:incidents",))
RATE_TICKS = 300


def facts(**given: object) -> Facts:
    base: dict[str, object] = {
        "environment": "production",
        "services": ("checkout",),
        "level": Level.ERROR,
        "lifecycle": Lifecycle.OPENED,
        "tick": 1_000_000,
        "rate_ticks": RATE_TICKS,
    }
    return Facts(**{**base, **given})  # type: ignore[arg-type]


def ruled_(rules: tuple[Rule, ...], found: Facts) -> Ruling:
    return ruled(rules, found, TEAMS)


def tried_(rules: tuple[Rule, ...], found: Facts) -> list[Tried]:
    return tried(rules, found, TEAMS)


def test_the_first_rule_that_holds_decides() -> None:
    pay = Rule(name="pay", when=When(service=("pay*",)), to=("slack:pay",))
    loud = Rule(
        name="fatal",
        when=When(level=(Level.FATAL,)),
        urgency=Urgency.PAGE,
        to=("slack:incidents",),
        page=("pagerduty:default",),
    )
    rules = (pay, loud, CATCH_ALL)
    assert ruled_(rules, facts(services=("payment",), level=Level.FATAL)).to == ("slack:pay",)
    fatal = ruled_(rules, facts(level=Level.FATAL))
    assert (fatal.urgency, fatal.page) == (Urgency.PAGE, ("pagerduty:default",))
    rest = ruled_(rules, facts())
    assert (rest.urgency, rest.rules) == (Urgency.ALERT, ("rest",))
    assert [(one.rule, one.failed) for one in tried_(rules, facts())] == [
        ("pay", Asked.SERVICE),
        ("fatal", Asked.LEVEL),
        ("rest", None),
    ]


def test_a_rule_that_goes_on_adds_destinations_and_never_takes_urgency_away() -> None:
    copy = Rule(name="copy", to=("slack:audit",), urgency=Urgency.ALERT, goes_on=True)
    quiet = Rule(name="quiet", urgency=Urgency.DIGEST, to=("slack:incidents",), every_ms=60_000)
    found = ruled_((copy, quiet), facts())
    assert found.urgency is Urgency.ALERT
    assert found.to == ("slack:audit", "slack:incidents")
    assert found.rules == ("copy", "quiet")
    assert found.every_ms == 60_000


def test_what_a_rule_above_tells_is_not_dropped_by_one_below() -> None:
    copy = Rule(name="copy", to=("slack:audit",), goes_on=True)
    noise = Rule(name="noise", urgency=Urgency.DROP, reason="known noise")
    assert ruled_((copy, noise, CATCH_ALL), facts()).to == ("slack:audit",)
    dropped = ruled_((noise, CATCH_ALL), facts())
    assert (dropped.urgency, dropped.reason, dropped.to) == (Urgency.DROP, "known noise", ())


@pytest.mark.parametrize(
    ("when", "holds", "fails"),
    [
        (When(environment=("prod*",)), {}, {"environment": "staging"}),
        (When(release=("checkout@1.*",)), {"releases": ("checkout@1.2",)}, {"releases": ("x@1",)}),
        (When(level=(Level.ERROR,)), {}, {"level": Level.FATAL}),
        (When(min_level=Level.ERROR), {"level": Level.FATAL}, {"level": Level.WARNING}),
        (When(error_type=("*Timeout",)), {"types": ("A", "DbTimeout")}, {"types": ("Db",)}),
        (When(text=("*NO SEAT*",)), {"titles": ("Full: no seat for <int>",)}, {"titles": ("x",)}),
        (When(tag=("tier=gold",)), {"tags": ("tier=gold",)}, {"tags": ("tier=*",)}),
        (When(owner=("team-pay",)), {"owners": ("team-pay",)}, {}),
        (When(lifecycle=(Lifecycle.RESOLVED,)), {"lifecycle": Lifecycle.RESOLVED}, {}),
        (When(first_seen=True), {"first_seen": True}, {}),
        (When(regression=False), {}, {"regression": True}),
        (When(escalating=True), {"escalating": True}, {}),
        (When(storm=False), {}, {"storm": True}),
        (
            When(storm_services=2),
            {"storm": True, "services": ("a", "b")},
            {"services": ("a", "b")},
        ),
    ],
)
def test_each_part_of_a_condition_asks_what_it_says(
    when: When, holds: dict[str, object], fails: dict[str, object]
) -> None:
    (asked,) = when.given
    assert why_not(when, facts(**holds)) is None
    assert why_not(when, facts(**fails)) is asked


def test_events_and_users_are_counted_within_the_time_asked_for() -> None:
    slot = RATE_TICKS // 30
    now = 1_000_000 // slot * slot
    rates = (((now - 20 * slot, 30), (now, 5)), ((now - slot, 4),))
    for kind in ("event_rates", "user_rates"):
        asked = "events" if kind == "event_rates" else "users"
        found = facts(**{kind: rates})
        short, long = AtLeast(10, 60_000), AtLeast(39, 300_000)
        assert why_not(When(**{asked: short}), found) == asked  # type: ignore[arg-type]
        assert why_not(When(**{asked: AtLeast(9, 60_000)}), found) is None  # type: ignore[arg-type]
        assert why_not(When(**{asked: long}), found) is None  # type: ignore[arg-type]
        assert why_not(When(**{asked: AtLeast(40, 300_000)}), found) == asked  # type: ignore[arg-type]


def test_a_hostile_pattern_is_matched_in_time() -> None:
    pattern = "*a" * 90 + "b"
    assert why_not(When(text=(pattern,)), facts(titles=("a" * 20_000,))) is Asked.TEXT


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    for wrong in (
        {"urgency": Urgency.DROP},
        {"urgency": Urgency.DROP, "reason": "x", "to": ("a",)},
        {"urgency": Urgency.DROP, "reason": "x", "goes_on": True},
        {},
        {"urgency": Urgency.PAGE, "to": ("a",)},
        {"to": ("a",), "page": ("b",)},
        {"to": ("a",), "every_ms": 10},
    ):
        with pytest.raises(ValueError, match=r"rule|cap"):
            Rule(name="wrong", **wrong)
    for count, within_ms in ((0, 60_000), (1, 10), (1, 90_000_000)):
        with pytest.raises(ValueError, match=r"at least|between"):
            AtLeast(count, within_ms)


# ------------------------------------------------------------------------------- as a whole

TEXTS = st.sampled_from(["*", "a", "b", "a*", "ab*", "ab", "[ab]", "?"])
SOME = st.lists(TEXTS, max_size=2).map(tuple)
SWITCH = st.sampled_from([None, True, False])
LIMITS = st.none() | st.builds(
    AtLeast, st.sampled_from([1, 5, 50]), st.sampled_from([10_000, 300_000])
)
WHENS = st.builds(
    When,
    environment=SOME,
    service=SOME,
    level=st.lists(st.sampled_from(Level), max_size=2).map(tuple),
    min_level=st.none() | st.sampled_from(Level),
    error_type=SOME,
    text=SOME,
    tag=st.lists(st.sampled_from(["x=1", "y=*"]), max_size=2).map(tuple),
    lifecycle=st.lists(st.sampled_from(Lifecycle), max_size=2).map(tuple),
    first_seen=SWITCH,
    events=LIMITS,
    users=LIMITS,
    storm=SWITCH,
    storm_services=st.sampled_from([0, 0, 2, 3]),
)
NAMES = st.sampled_from(["a", "b", "ab", "abc", "", "A"])
RATES = st.lists(
    st.tuples(st.integers(99_970, 100_000), st.integers(1, 60)),
    max_size=3,
    unique_by=lambda r: r[0],
).map(lambda rate: (tuple(sorted(rate)),))
FACTS = st.builds(
    Facts,
    environment=NAMES,
    services=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    releases=st.just(()),
    level=st.sampled_from(Level),
    types=st.lists(NAMES, max_size=2).map(tuple),
    titles=st.lists(NAMES, max_size=2).map(tuple),
    tags=st.lists(st.sampled_from(["x=1", "y=*"]), max_size=2).map(tuple),
    owners=st.just(()),
    lifecycle=st.sampled_from(Lifecycle),
    first_seen=st.booleans(),
    storm=st.booleans(),
    tick=st.just(1_000_000),
    rate_ticks=st.just(RATE_TICKS),
    event_rates=RATES,
    user_rates=RATES,
)


@given(
    below=WHENS,
    other=WHENS,
    taken=st.sets(st.sampled_from(Asked)),
    found=st.lists(FACTS, min_size=10, max_size=20),
)
def test_what_covers_holds_wherever_the_other_does(
    below: When, other: When, taken: set[Asked], found: list[Facts]
) -> None:
    # Some parts are the same, the rest is another's: so one often covers the other.
    above = msgspec.structs.replace(other, **{one: getattr(below, one) for one in taken})
    for wide, narrow in ((above, below), (below, above)):
        if covers(wide, narrow):
            assert all(why_not(wide, one) is None for one in found if why_not(narrow, one) is None)


@given(when=WHENS)
def test_everything_covers_itself_and_the_empty_condition_all(when: When) -> None:
    assert covers(When(), when)
    assert covers(when, when)


@given(whens=st.lists(WHENS, max_size=4), going=st.lists(st.booleans(), max_size=4), found=FACTS)
def test_an_unreachable_rule_is_never_the_first_to_hold(
    whens: list[When], going: list[bool], found: Facts
) -> None:
    rules = tuple(
        Rule(name=str(at), when=when, to=("a",), goes_on=go)
        for at, (when, go) in enumerate(zip(whens, going, strict=False))
    )
    for index, above in unreachable(rules):
        assert above < index
        assert str(index) not in ruled_((*rules, CATCH_ALL), found).rules


@given(whens=st.lists(WHENS, max_size=4), found=FACTS)
def test_with_a_catch_all_everything_reaches_somebody(whens: list[When], found: Facts) -> None:
    rules = (*(Rule(name=str(at), when=w, to=("a",)) for at, w in enumerate(whens)), CATCH_ALL)
    assert uncovered(rules) == ""
    assert ruled_(rules, found).to
    assert URGENCY_RANK[ruled_(rules, found).urgency] > URGENCY_RANK[Urgency.DROP]


def test_the_owner_hears_where_there_is_one_who_does() -> None:
    own = Rule(name="own", to=(OWNER,))
    loud = Rule(name="loud", urgency=Urgency.PAGE, to=("slack:incidents", OWNER), page=(OWNER,))
    for owners, rule, to, page in (
        (("team-pay",), "own", ("slack:pay",), ()),
        (("nobody",), "rest", ("slack:incidents",), ()),
        ((), "rest", ("slack:incidents",), ()),
    ):
        found = ruled_((own, CATCH_ALL), facts(owners=owners))
        assert (found.rules, found.to, found.page) == ((rule,), to, page)
    paged = ruled_((loud, CATCH_ALL), facts(owners=("team-pay",)))
    assert paged.to == ("slack:incidents", "slack:pay")
    assert paged.page == ("pagerduty:pay",)
    unpaged = facts(owners=("team-quiet",))
    assert ruled_((loud, CATCH_ALL), unpaged).rules == ("rest",)
    assert tried_((loud, CATCH_ALL), unpaged)[0] == Tried("loud", Asked.OWNER)
    assert "no owner" in uncovered((own,))
    assert unreachable((own, CATCH_ALL)) == []


def test_what_leaves_something_out_is_named() -> None:
    assert uncovered(()) == "there is no rule"
    only = Rule(name="pay", when=When(service=("pay",), level=(Level.FATAL,)), to=("a",))
    assert uncovered((only,)) == (
        "the last rule, pay, asks for service, level, so other events reach nobody"
    )
    drop = Rule(name="bin", urgency=Urgency.DROP, reason="x")
    assert uncovered((only, drop)) == "the last rule, bin, drops what no other rule takes"

"""A deploy is told once to where a rule asks for it, and to nobody else."""

from __future__ import annotations

import json

import pytest

from correlators.conditions import Lifecycle, When
from correlators.deploys import read_deploy
from correlators.holds import Holding, Period
from correlators.owners import OWNER, Team
from correlators.rule_check import deploys_wrong
from correlators.rules import Pages
from correlators.rulings import Rule, Urgency
from correlators.schedules import Span
from correlators.services import About
from correlators.telling import Config
from correlators.types import DigestKind, Level, Suppression
from tests.correlators.score import (
    CHAT,
    CONFIG,
    DAY,
    HOUR,
    MINUTE,
    PAGER,
    Push,
    event,
    events,
    ms,
    run,
    second_of,
)

RELEASES = "slack:releases"
DEPLOYS = Rule(name="deploys", when=When(lifecycle=(Lifecycle.DEPLOY,)), to=(RELEASES,))
REST = Rule(name="rest", to=(CHAT,))


def config(*rules: Rule, **more: object) -> Config:
    return Config(rules=(*rules, REST), pages=Pages(environments=()), **more)  # type: ignore[arg-type]


def deploy(
    at: float,
    release: str = "1.1",
    service: str = "checkout",
    *,
    of: float | None = None,
    environment: str = "production",
) -> Push:
    """Return a deploy that is posted at this second; `of` is when it was, where that is another."""
    when = ms(at if of is None else of) / 1000
    body = {"service": service, "release": release, "environment": environment, "at": when}
    more = {"by": "ci", "url": "https://ci.test/1"}
    return Push(ms(at), change=read_deploy(json.dumps({**body, **more}).encode()))


def test_by_default_nothing_is_told_of_a_deploy() -> None:
    assert run(deploy(0)).digests == []
    assert run(deploy(0), config=config()).digests == []
    assert run(deploy(0), config=CONFIG).suppressed == {}


def test_a_rule_that_asks_hears_each_deploy_once() -> None:
    score = run(event(0, release="1.0"), deploy(60), deploy(61, of=60), config=config(DEPLOYS))
    (told,) = score.to(RELEASES)
    assert (second_of(told), told.kind, told.title) == (
        60,
        DigestKind.DEPLOY,
        "Deploy of checkout: 1.1",
    )
    assert (told.by, told.url, told.rule) == ("ci", "https://ci.test/1", "deploys")
    assert (told.releases, told.release_before) == (("1.1",), "1.0")
    assert (told.level, told.first_ms, told.deployed) == (Level.INFO, ms(60), True)
    assert all(one.kind is not DigestKind.DEPLOY for one in score.to())


def test_deploys_change_nothing_of_what_is_told_of_errors() -> None:
    plain = run(deploy(0), events(range(30, 90, 10), release="1.1"), config=config())
    asked = run(deploy(0), events(range(30, 90, 10), release="1.1"), config=config(DEPLOYS))
    assert asked.to() == plain.to()
    assert asked.to()[0].new_release == "1.1"


def test_another_deploy_of_the_same_release_is_told_too() -> None:
    score = run(deploy(0), deploy(600, "1.2"), deploy(1_200), config=config(DEPLOYS))
    told = score.to(RELEASES)
    assert [(second_of(one), one.releases[0], one.release_before) for one in told] == [
        (0, "1.1", ""),
        (600, "1.2", "1.1"),
        (1_200, "1.1", "1.2"),
    ]


@pytest.mark.parametrize("of", [-2 * HOUR, DAY])
def test_what_was_long_ago_or_is_to_come_is_no_news_and_counted_by_name(of: float) -> None:
    score = run(deploy(0, of=of), config=config(DEPLOYS))
    assert score.digests == []
    assert score.suppressed == {Suppression.NO_NEWS: 1}


def test_a_repeated_marker_is_told_once_however_late() -> None:
    again = [deploy(at, of=0) for at in (0, 1, HOUR, HOUR + 1, DAY, 8 * DAY)]
    assert len(run(again, config=config(DEPLOYS)).to(RELEASES)) == 1


def test_what_holds_back_drops_a_deploy_by_its_name() -> None:
    freeze = Period(
        name="freeze",
        when=When(service=("checkout",)),
        times=(Span(from_ms=ms(0), to_ms=ms(HOUR)),),
        maintenance=True,
    )
    ruled = config(DEPLOYS, holding=Holding(periods=(freeze,)))
    score = run(deploy(60), deploy(60, service="cart"), until=2 * HOUR, config=ruled)
    assert [one.services[0].service for one in score.to(RELEASES)] == ["cart"]
    assert score.suppressed == {Suppression.MAINTENANCE: 1}


def test_spike_protection_counts_and_holds_deploys() -> None:
    ruled = config(DEPLOYS, holding=Holding(most_per_hour=2))
    score = run([deploy(at, f"1.{at}") for at in range(5)], until=MINUTE, config=ruled)
    assert len(score.to(RELEASES)) == 2
    assert [one.kind.value for one in score.to()] == ["spike"]
    assert score.suppressed == {Suppression.SPIKE: 3}


def test_a_rule_may_drop_deploys_and_ask_for_owner_service_and_environment() -> None:
    quiet = Rule(
        name="no staging",
        when=When(lifecycle=(Lifecycle.DEPLOY,), environment=("staging",)),
        urgency=Urgency.DROP,
        reason="too many",
    )
    owned = Rule(name="owned", when=When(lifecycle=(Lifecycle.DEPLOY,)), to=(OWNER,))
    known = {"checkout": About(owner="team-shop", runbook="https://wiki.test/")}
    teams = {"team-shop": Team(("slack:shop",))}
    ruled = config(quiet, owned, services=known, teams=teams)
    score = run(
        deploy(0), deploy(1, environment="staging"), deploy(2, service="cart"), config=ruled
    )
    (told,) = score.digests
    assert (told.destination, told.owners, told.runbook) == (
        "slack:shop",
        ("team-shop",),
        "https://wiki.test/",
    )
    assert score.suppressed == {Suppression.DROPPED: 1}


def test_a_rule_for_openings_and_deploys_pages_for_openings_only() -> None:
    both = Rule(
        name="both",
        when=When(lifecycle=(Lifecycle.OPENED, Lifecycle.DEPLOY)),
        urgency=Urgency.PAGE,
        to=(CHAT,),
        page=(PAGER,),
    )
    score = run(deploy(0), event(60, "cart"), config=config(both))
    assert [one.kind.value for one in score.to()] == ["deploy", "opened", "resolved"]
    assert [one.second for one in score.paged()] == [70, 660]


def test_quiet_hours_hold_a_deploy_also_under_a_rule_that_pages() -> None:
    both = Rule(
        name="both",
        when=When(lifecycle=(Lifecycle.OPENED, Lifecycle.DEPLOY)),
        urgency=Urgency.PAGE,
        to=(CHAT,),
        page=(PAGER,),
    )
    night = Period(name="night", times=(Span(from_ms=ms(0), to_ms=ms(HOUR)),))
    score = run(deploy(60), until=HOUR, config=config(both, holding=Holding(periods=(night,))))
    assert score.digests == []
    assert score.suppressed == {Suppression.QUIET_HOURS: 1}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (DEPLOYS, ""),
        (REST, ""),
        (
            Rule(
                name="x",
                when=When(lifecycle=(Lifecycle.DEPLOY,)),
                urgency=Urgency.PAGE,
                to=(CHAT,),
                page=(PAGER,),
            ),
            "a deploy wakes nobody; it cannot page",
        ),
        (
            Rule(
                name="x",
                when=When(lifecycle=(Lifecycle.OPENED, Lifecycle.DEPLOY)),
                urgency=Urgency.PAGE,
                page=(PAGER,),
            ),
            "names nobody to tell",
        ),
        (
            Rule(
                name="x",
                when=When(lifecycle=(Lifecycle.DEPLOY,), min_level=Level.ERROR),
                to=(CHAT,),
            ),
            "can never match: a deploy has no min_level",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_for_deploys_is_named(rule: Rule, says: str) -> None:
    assert says in deploys_wrong(rule)
    assert bool(deploys_wrong(rule)) is bool(says)

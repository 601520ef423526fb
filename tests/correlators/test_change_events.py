"""A deploy stands once in the record of every pager that it may page, whatever chats are told."""

from __future__ import annotations

import msgspec
import pytest

from correlators.conditions import Lifecycle, When
from correlators.days import Shadow
from correlators.holds import Holding, Period
from correlators.owners import OWNER, SERVICE, Owner, Team
from correlators.rules import Pages, Routes
from correlators.rulings import Rule, Urgency
from correlators.schedules import Span
from correlators.services import About
from correlators.telling import Config
from correlators.types import DigestKind, Level, PageAction
from tests.correlators.score import CHAT, PAGER, event, ms, run
from tests.correlators.test_deploy_news import DEPLOYS, RELEASES, deploy

SHOP = "pagerduty:shop"
PAY = "pagerduty:pay"
ROUTES = Config(
    routes=Routes(tell=(CHAT,), page=(PAGER,)),
    services={"checkout": About(page=(SHOP,), dashboard="https://g.test/1")},
    changes=(PAGER, SHOP),
)


def places(config: Config, *given: str, **more: str) -> set[str]:
    """Return where a deploy is kept."""
    digests = run(deploy(0, "1.1", *given, **more), config=config).digests  # type: ignore[arg-type]
    assert all(one.page is PageAction.NONE for one in digests)
    return {one.destination for one in digests}


@pytest.mark.parametrize(
    ("service", "environment", "kept"),
    [
        ("checkout", "production", {f"{SHOP}/changes"}),
        ("mail", "production", {f"{PAGER}/changes"}),
        ("checkout", "staging", set()),
    ],
)
def test_a_deploy_is_kept_where_its_service_would_page(
    service: str, environment: str, kept: set[str]
) -> None:
    assert places(ROUTES, service, environment=environment) == kept


def test_it_says_which_release_where_who_and_when() -> None:
    score = run(event(0, release="1.0"), deploy(60, of=55), config=ROUTES)
    (told,) = score.to(f"{SHOP}/changes")
    assert (told.kind, told.releases, told.release_before) == (DigestKind.DEPLOY, ("1.1",), "1.0")
    assert (told.first_ms, told.by, told.url) == (ms(55), "ci", "https://ci.test/1")
    assert (told.services[0].service, told.environment) == ("checkout", "production")
    assert (told.level, told.dashboard) == (Level.INFO, "https://g.test/1")


def test_only_pagers_that_keep_a_record_have_it_and_each_deploy_once() -> None:
    assert places(msgspec.structs.replace(ROUTES, changes=())) == set()
    assert places(msgspec.structs.replace(ROUTES, changes=(PAGER,))) == set()
    score = run(deploy(0), deploy(5, of=0), deploy(9), config=ROUTES)
    assert len(score.to(f"{SHOP}/changes")) == 2


def test_what_holds_chats_back_does_not_hold_it_back() -> None:
    always = Span(from_ms=ms(-1_000), to_ms=ms(100_000))
    holding = Holding(periods=(Period(name="move", times=(always,), maintenance=True, pages=True),))
    rest = Rule(name="rest", urgency=Urgency.PAGE, to=(CHAT,), page=(PAGER,))
    config = Config(rules=(DEPLOYS, rest), holding=holding, changes=(PAGER,))
    score = run(deploy(0), config=config)
    assert score.to(RELEASES) == []
    assert len(score.to(f"{PAGER}/changes")) == 1
    free = msgspec.structs.replace(config, holding=Holding())
    assert {one.destination for one in run(deploy(0), config=free).digests} == {
        RELEASES,
        f"{PAGER}/changes",
    }


def test_rules_count_by_what_can_be_asked_of_a_deploy() -> None:
    rules = (
        Rule(
            name="old",
            when=When(service=("legacy",)),
            urgency=Urgency.DROP,
            reason="nobody looks after it",
        ),
        Rule(
            name="own",
            when=When(level=(Level.FATAL,)),
            urgency=Urgency.PAGE,
            to=(CHAT,),
            page=(SERVICE, OWNER),
        ),
        Rule(
            name="pay",
            when=When(service=("pay*",), environment=("production",)),
            urgency=Urgency.PAGE,
            to=(CHAT,),
            page=(PAY,),
        ),
        Rule(name="deploys", when=When(lifecycle=(Lifecycle.DEPLOY,)), to=(CHAT,)),
        Rule(name="rest", urgency=Urgency.PAGE, to=(CHAT,), page=(PAGER,)),
    )
    config = Config(
        rules=rules,
        teams={"team-shop": Team(page=(SHOP,))},
        owners=(Owner(owner="team-shop", service="cart"),),
        pages=Pages(environments=()),
        changes=(PAGER, SHOP, PAY),
    )
    for service, kept in (
        ("legacy", set()),
        ("payment", {PAY}),
        ("cart", {SHOP, PAGER}),
        ("mail", {PAGER}),
    ):
        found = places(config, service) - {CHAT}
        assert found == {f"{one}/changes" for one in kept}
    staging = places(config, "payment", environment="staging") - {CHAT}
    assert staging == {f"{PAGER}/changes"}


def test_a_shadow_keeps_no_record() -> None:
    shadow = msgspec.structs.replace(ROUTES, shadow=Shadow(to=CHAT))
    assert run(deploy(0), config=shadow).digests == []

"""Who is paged for a service of its own: in place of the routes, and where a rule says so."""

from __future__ import annotations

import pytest

from correlators.conditions import When
from correlators.owners import SERVICE
from correlators.rule_check import uncovered, unreachable
from correlators.rules import Routes
from correlators.rulings import Rule, Urgency
from correlators.services import About
from correlators.telling import Config
from correlators.types import Level, PageAction, PageReason
from tests.correlators.score import CHAT, PAGER, Push, event, run

PAYMENTS = "pagerduty:payments"
SHOP = "pagerduty:shop"
SERVICES = {
    "payment": About(page=(PAYMENTS,)),
    "checkout": About(page=(SHOP,)),
    "mail": About(runbook="https://wiki.test/mail"),
}
ROUTES = Config(routes=Routes(tell=(CHAT,), page=(PAGER,)), services=SERVICES)


def fatal(at: float, service: str) -> Push:
    return event(at, service, level=Level.FATAL)


def paged(*parts: Push, config: Config = ROUTES) -> set[str]:
    digests = run(*parts, config=config).digests
    return {one.destination for one in digests if one.page is PageAction.TRIGGER}


@pytest.mark.parametrize(
    ("service", "pagers"), [("payment", {PAYMENTS}), ("mail", {PAGER}), ("other", {PAGER})]
)
def test_without_rules_the_services_own_take_the_place_of_the_route(
    service: str, pagers: set[str]
) -> None:
    assert paged(fatal(0, service)) == pagers


def test_the_reason_of_such_a_page_is_that_of_the_route() -> None:
    digests = run(fatal(0, "payment"), config=ROUTES).to(PAYMENTS)
    assert [one.page_reason for one in digests] == [PageReason.FATAL, None]


def test_without_a_route_only_services_that_say_so_page() -> None:
    config = Config(routes=Routes(tell=(CHAT,), page=()), services=SERVICES)
    assert paged(fatal(0, "payment"), config=config) == {PAYMENTS}
    assert paged(fatal(0, "mail"), config=config) == set()


def test_a_storm_pages_for_its_likely_origin_and_resolves_there() -> None:
    config = Config(
        routes=Routes(tell=(CHAT,), page=(PAGER,)),
        services=SERVICES,
        depends={"checkout": ("payment",), "mail": ("payment",)},
    )
    found = run(
        fatal(0, "checkout"), fatal(1, "payment"), fatal(1, "mail"), config=config, until=2_000
    ).digests
    pages = [(one.destination, one.page, one.storm) for one in found if one.page]
    opened = [one for one in pages if one[1] is PageAction.TRIGGER]
    closed = [one for one in pages if one[1] is PageAction.RESOLVE]
    assert opened == [(PAYMENTS, PageAction.TRIGGER, True)]
    assert closed == [(PAYMENTS, PageAction.RESOLVE, True)]


def test_a_rule_pages_the_service_beside_others_and_does_not_hold_where_it_pages_nobody() -> None:
    rules = (
        Rule(name="own", urgency=Urgency.PAGE, to=(CHAT,), page=(SERVICE,)),
        Rule(name="both", urgency=Urgency.PAGE, to=(CHAT,), page=(SERVICE, PAGER)),
    )
    config = Config(rules=rules, services=SERVICES)
    assert paged(event(0, "payment"), config=config) == {PAYMENTS}
    assert paged(event(0, "mail"), config=config) == {PAGER}
    config = Config(rules=rules[1:], services=SERVICES)
    assert paged(event(0, "payment"), config=config) == {PAYMENTS, PAGER}


def test_a_last_rule_that_pages_the_service_alone_is_no_last_rule() -> None:
    own = Rule(name="own", urgency=Urgency.PAGE, to=(CHAT,), page=(SERVICE,))
    rest = Rule(name="rest", to=(CHAT,))
    assert uncovered((own,)) == "the last rule, own, reaches nobody where there is no service"
    assert uncovered((own, rest)) == ""
    assert unreachable((own, Rule(name="pay", when=When(service=("pay",)), to=(CHAT,)))) == []

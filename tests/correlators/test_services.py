"""What a digest says of a service: who owns it, and where help is."""

from __future__ import annotations

import msgspec
import pytest

from correlators.conditions import When
from correlators.owners import OWNER, Owner, Team, owners_of, path_mark
from correlators.rules import Pages
from correlators.rulings import Rule
from correlators.services import LINE_URL_CHARS, OWNERS_TOLD, About, described
from correlators.telling import Config
from tests.correlators.score import CHAT, event, events, run

WIKI = "https://wiki.example.com/"
CHECKOUT = About(
    owner="team-shop",
    runbook=WIKI + "checkout",
    dashboard="https://grafana.example.com/d/1",
    status_page="https://status.example.com",
)
LINES = (
    Owner(owner="team-pay", service="pay*"),
    Owner(owner="team-all", service="*"),
    Owner(owner="team-billing", path="src/billing/*"),
)


def config(**more: object) -> Config:
    rules = (Rule(name="own", to=(OWNER,)), Rule(name="rest", to=(CHAT,)))
    return Config(rules=rules, pages=Pages(environments=()), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("service", "marks", "expected"),
    [
        ("payment", (), ("team-pay", "team-all")),
        ("checkout", (), ("team-shop",)),
        ("checkout", (path_mark("src/billing/*"),), ("team-billing", "team-shop")),
        ("payment", (path_mark("src/billing/*"),), ("team-billing", "team-pay", "team-all")),
    ],
)
def test_the_error_comes_before_the_own_owner_and_that_before_lines_by_service(
    service: str, marks: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert owners_of(LINES, [service], marks, {"checkout": "team-shop"}) == expected


def test_the_digest_names_the_owner_and_carries_the_links_of_its_service() -> None:
    told = run(event(0, "checkout"), config=config(services={"checkout": CHECKOUT})).to()[0]
    assert told.owners == ("team-shop",)
    assert (told.runbook, told.dashboard) == (CHECKOUT.runbook, CHECKOUT.dashboard)
    assert told.status_page == CHECKOUT.status_page
    unknown = run(event(0, "mail"), config=config(services={"checkout": CHECKOUT})).to()[0]
    assert (unknown.owners, unknown.runbook, unknown.status_page) == ((), "", "")


def test_the_digest_names_the_owner_that_the_lines_give() -> None:
    told = run(event(0, "payment"), config=config(owners=LINES)).to()[0]
    assert told.owners == ("team-pay", "team-all")


def test_the_own_owner_of_a_service_is_who_its_rule_tells() -> None:
    teams = {"team-shop": Team(("slack:shop",)), "team-all": Team(("slack:all",))}
    ruled = config(services={"checkout": CHECKOUT}, owners=LINES, teams=teams)
    score = run(event(0, "checkout"), event(0, "mail", "Other"), config=ruled)
    assert [one.services[0].service for one in score.to("slack:shop")] == ["checkout"] * 2
    assert [one.services[0].service for one in score.to("slack:all")] == ["mail"] * 2


def test_a_condition_over_the_owner_asks_for_the_own_owner_too() -> None:
    ruled = Config(
        rules=(
            Rule(name="shop", when=When(owner=("team-shop",)), to=("slack:shop",)),
            Rule(name="rest", to=(CHAT,)),
        ),
        services={"checkout": CHECKOUT},
    )
    score = run(event(0, "checkout"), config=ruled)
    assert [one.rule for one in score.to("slack:shop")] == ["shop", "shop"]


def test_a_storm_has_the_links_of_its_origin_and_what_is_short_of_every_service() -> None:
    long = About(owner="team-cart", runbook=WIKI + "x" * LINE_URL_CHARS)
    known = {"payment": CHECKOUT, "cart": long}
    score = run(
        events(range(5), "payment", "Refused", trace="t1"),
        events(range(2, 6), "cart", "Bad", trace="t1"),
        config=config(services=known),
    )
    storm = next(one for one in score.to() if one.storm)
    assert storm.origin == "payment"
    assert (storm.owners, storm.runbook) == (("team-shop",), CHECKOUT.runbook)
    lines = {one.service: (one.owner, one.runbook) for one in storm.services}
    assert lines == {"payment": ("team-shop", CHECKOUT.runbook), "cart": ("team-cart", "")}


def test_a_digest_names_a_bounded_number_of_owners() -> None:
    lines = tuple(Owner(owner=f"team-{at}", service="*") for at in range(OWNERS_TOLD + 3))
    told = run(event(0), config=config(owners=lines)).to()[0]
    assert told.owners == tuple(f"team-{at}" for at in range(OWNERS_TOLD))


def test_without_services_and_owners_a_digest_is_what_it_was() -> None:
    told = run(event(0), config=config()).to()[0]
    assert described(told, (), {}, ()) == told
    assert msgspec.structs.replace(told, owners=(), runbook="") == told

"""Rules at work: who is told and woken, what is held back, and that it goes out when that ends."""

from __future__ import annotations

import msgspec

from correlators.conditions import AtLeast, Lifecycle, When
from correlators.holds import DIGEST_EVERY_MS, Holding, Inhibition, Period
from correlators.owners import OWNER, Owner, Team
from correlators.rules import Pages
from correlators.rulings import Rule, Urgency
from correlators.schedules import Span
from correlators.telling import Config
from correlators.types import DigestKind, Level, PageAction, PageReason, Suppression
from tests.correlators.score import (
    CHAT,
    CONFIG,
    HOUR,
    MINUTE,
    PAGER,
    START,
    Score,
    event,
    events,
    ms,
    run,
    second_of,
)

PAY = "slack:pay"
REST = Rule(name="rest", to=(CHAT,))
LOUD = Rule(
    name="ten in a minute",
    when=When(events=AtLeast(10, 60_000)),
    urgency=Urgency.PAGE,
    to=(CHAT,),
    page=(PAGER,),
)


def with_rules(*rules: Rule, **more: object) -> Config:
    return Config(rules=(*rules, REST), pages=Pages(environments=()), **more)  # type: ignore[arg-type]


def heard(score: Score, destination: str = CHAT) -> list[tuple[int, str]]:
    return [(second_of(one), one.kind.value) for one in score.to(destination)]


def span(from_s: float, to_s: float) -> tuple[Span, ...]:
    return (Span(from_ms=ms(from_s), to_ms=ms(to_s)),)


def test_each_error_is_told_where_its_rule_says_and_its_end_there_too() -> None:
    config = with_rules(Rule(name="pay", when=When(service=("pay*",)), to=(PAY,)))
    score = run(event(0, "payment"), event(100, "mail"), config=config)
    assert heard(score, PAY) == [(10, "opened"), (600, "resolved")]
    assert heard(score) == [(110, "opened"), (700, "resolved")]
    assert {one.rule for one in score.to(PAY) if one.kind is DigestKind.OPENED} == {"pay"}


def test_what_a_rule_drops_is_told_to_nobody_and_counted_by_name() -> None:
    noise = Rule(name="noise", when=When(level=(Level.INFO,)), urgency=Urgency.DROP, reason="known")
    score = run(event(0, level=Level.INFO), event(400, level=Level.INFO), config=with_rules(noise))
    assert score.digests == []
    assert score.suppressed[Suppression.DROPPED] == 3  # when it opened, went on, and ended


def test_dropped_at_first_it_is_told_once_it_matters() -> None:
    noise = Rule(name="noise", when=When(level=(Level.INFO,)), urgency=Urgency.DROP, reason="known")
    score = run(event(0, level=Level.INFO), event(60), config=with_rules(noise))
    assert heard(score)[0][1] == "opened"
    assert heard(score)[0][0] >= 60


def test_a_page_comes_as_soon_as_its_rule_holds_and_ends_where_it_began() -> None:
    score = run(events([0, *range(100, 110)]), config=with_rules(LOUD))
    trigger, resolved = score.to(PAGER)
    assert (second_of(trigger), trigger.page, trigger.page_reason) == (
        109,
        PageAction.TRIGGER,
        PageReason.RULE,
    )
    assert trigger.rule == "ten in a minute"
    assert (resolved.page, resolved.page_key) == (PageAction.RESOLVE, trigger.page_key)
    assert score.pages == {PageReason.RULE: 1}


def test_users_hit_in_a_time_can_page() -> None:
    rule = msgspec.structs.replace(LOUD, when=When(users=AtLeast(5, 60_000)))
    config = with_rules(rule)
    many = [event(n, user=f"u{n}") for n in range(5)]
    same = [event(n, user="u") for n in range(50)]
    slowly = [event(n * 30, user=f"u{n}") for n in range(5)]
    assert len(run(many, config=config).to(PAGER)) == 2
    assert run(same, config=config).to(PAGER) == []
    assert run(slowly, config=config).to(PAGER) == []


def test_a_rule_may_ask_for_what_is_seen_first() -> None:
    rule = Rule(name="news", when=When(first_seen=True, lifecycle=(Lifecycle.OPENED,)), to=(PAY,))
    score = run(event(0), event(2 * HOUR), config=with_rules(rule))
    assert heard(score, PAY) == [(10, "opened"), (600, "resolved")]
    assert [second for second, _ in heard(score)] == [2 * HOUR + 10, 2 * HOUR + 600]


def test_owners_hear_what_is_theirs() -> None:
    config = with_rules(
        Rule(name="own", to=(OWNER,)),
        teams={"team-pay": Team((PAY,))},
        owners=(Owner(owner="team-pay", service="pay*"),),
    )
    score = run(event(0, "payment"), event(100, "mail"), config=config)
    assert len(heard(score, PAY)) == 2
    assert len(heard(score)) == 2


# ------------------------------------------------------------------------------- held back


def test_quiet_hours_hold_and_their_end_tells_at_once_how_it_stands() -> None:
    night = Period(name="night", times=span(-10, 1_000))
    config = with_rules(LOUD, holding=Holding(periods=(night,)))
    score = run(events(range(0, 1_200, 60)), config=config)
    assert heard(score)[0] == (999, "opened")  # the tick that ends with them
    assert score.to()[0].events == 17
    assert score.suppressed[Suppression.QUIET_HOURS] >= 1


def test_what_is_over_before_quiet_hours_end_is_held_for_good_by_name() -> None:
    night = Period(name="night", times=span(-10, 5_000))
    score = run(event(0), config=with_rules(holding=Holding(periods=(night,))))
    assert score.digests == []
    assert score.suppressed == {Suppression.QUIET_HOURS: 2}


def test_a_page_breaks_quiet_hours_and_not_those_that_hold_pages() -> None:
    for pages in (False, True):
        night = Period(name="night", times=span(-10, 5_000), pages=pages)
        config = with_rules(LOUD, holding=Holding(periods=(night,)))
        score = run(events([0] * 10), config=config, until=700)
        assert bool(score.to(PAGER)) != pages
        assert bool(score.to()) != pages


def test_maintenance_holds_a_page_until_it_ends_while_the_error_goes_on() -> None:
    works = Period(name="works", times=span(-10, 600), maintenance=True, pages=True)
    config = with_rules(LOUD, holding=Holding(periods=(works,)))
    score = run(events(range(0, 900, 2)), config=config, until=1_000)
    assert second_of(score.to(PAGER)[0]) == 599
    assert heard(score)[0][0] == 599


def test_an_inhibited_error_is_told_when_what_inhibits_it_is_over() -> None:
    database = Inhibition(
        name="database",
        source=When(service=("db",), level=(Level.FATAL,)),
        when=When(service=("api",)),
        any_service=True,
    )
    config = with_rules(holding=Holding(inhibitions=(database,)))
    source = event(0, "db", "DiskFull", level=Level.FATAL)
    muted = events(range(20, 900, 100), "api", "Broken")
    score = run(source, muted, config=config)
    api = [one for one in score.to() if one.services[0].service == "api"]
    assert second_of(api[0]) == 600  # the database's incident is resolved by quiet
    assert score.suppressed[Suppression.INHIBITED] >= 1
    alone = run(muted, config=config)
    assert second_of(alone.to()[0]) == 30


def test_an_inhibition_keeps_to_its_service_and_environment() -> None:
    same = Inhibition(name="same", source=When(level=(Level.FATAL,)), when=When())
    config = with_rules(holding=Holding(inhibitions=(same,)))
    source = event(0, "api", "Crash", level=Level.FATAL)
    score = run(
        source,
        event(0, "api", "Broken"),
        event(0, "mail", "Broken mail"),
        event(0, "api", "Broken", environment="staging"),
        config=config,
        until=300,
    )
    told = {(one.environment, one.services[0].service, one.title) for one in score.to()}
    assert told == {
        ("production", "api", "Crash"),
        ("production", "mail", "Broken mail"),
        ("staging", "api", "Broken"),
    }


def test_two_that_match_the_source_do_not_mute_each_other() -> None:
    fatal = When(level=(Level.FATAL,))
    config = with_rules(
        holding=Holding(inhibitions=(Inhibition(name="fatal first", source=fatal, when=When()),))
    )
    both = [event(0, "api", error, level=Level.FATAL) for error in ("Crash", "Burn")]
    score = run(*both, event(0, "api", "Broken"), config=config, until=300)
    assert {one.title for one in score.to()} == {"Crash", "Burn"}


def test_a_cap_lets_one_telling_through_in_its_time_and_then_the_newest_state() -> None:
    capped = Rule(name="seldom", when=When(service=("*",)), to=(CHAT,), every_ms=30 * 60_000)
    score = run(events(range(0, 3_600, 60)), config=with_rules(capped))
    opened, later = heard(score)[:2]
    assert opened == (10, "opened")
    assert later == (10 + 30 * MINUTE, "updated")
    assert score.suppressed[Suppression.CAPPED] >= 1


def test_a_cap_holds_over_incidents_of_the_same_error() -> None:
    capped = Rule(name="seldom", when=When(service=("*",)), to=(CHAT,), every_ms=2 * HOUR * 1000)
    score = run(event(0), event(HOUR), config=with_rules(capped))
    assert heard(score) == [(10, "opened"), (600, "resolved")]
    assert score.suppressed[Suppression.CAPPED] == 2


def test_spike_protection_is_told_once_and_the_rest_waits_for_the_full_hour() -> None:
    config = with_rules(LOUD, holding=Holding(most_per_hour=3))
    hour_ends = HOUR - START % HOUR
    many = [event(n, f"s{n}", f"Error {n}") for n in range(0, 400, 80)]
    again = [event(at, f"s{n}", f"Error {n}") for n in range(0, 400, 80) for at in (900, 1_400)]
    page = events([1_500] * 10, "loud", "Loud")
    score = run(many, again, page, config=config, until=hour_ends + 5)
    kinds = [one.kind.value for one in score.to()]
    assert kinds.count("spike") == 1
    before = [one for one in score.to() if second_of(one) < hour_ends - 1]
    assert sum(one.kind is DigestKind.OPENED and not one.page_reason for one in before) == 3
    assert second_of(score.to(PAGER)[0]) == 1_510


def test_what_is_worth_no_message_comes_with_the_next_digest() -> None:
    low = Rule(name="low", when=When(service=("*",)), urgency=Urgency.DIGEST, to=(CHAT,))
    every = DIGEST_EVERY_MS // 1000
    at = every - START % every
    score = run(events(range(at - 900, at + 300, 60)), config=with_rules(low), until=at + 5)
    assert heard(score) == [(at - 1, "opened")]
    assert score.suppressed[Suppression.DIGEST_ONLY] == 1


def test_a_rule_that_drops_one_of_its_incidents_drops_no_storm() -> None:
    """Noise that is part of an outage must not hide the outage, nor its page."""
    rules = (
        Rule(name="noise", when=When(text=("Price*",)), urgency=Urgency.DROP, reason="known"),
        Rule(
            name="outage",
            when=When(storm_services=2),
            urgency=Urgency.PAGE,
            to=(CHAT,),
            page=(PAGER,),
        ),
        Rule(name="rest", to=(CHAT,)),
    )
    config = msgspec.structs.replace(CONFIG, rules=rules)
    outage = [
        event(0, "api", "Price list is old", trace="t"),
        event(1, "db", "Refused", trace="t"),
    ]
    score = run(outage, config=config)
    assert [one.kind.value for one in score.to()] == ["opened", "resolved"]
    assert [one.action for one in score.paged()] == ["trigger", "resolve"]
    noise = run(
        event(0, "api", "Price list is old", trace="t"),
        event(1, "db", "Price is gone", trace="t"),
        config=config,
    )
    assert len(noise.storms()) == 1
    assert (noise.to(), noise.paged()) == ([], [])

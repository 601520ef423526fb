"""The laws hold whatever the rules say: routes, caps, quiet hours, inhibition, spikes, silences."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.conditions import AtLeast, Lifecycle, When
from correlators.holds import Holding, Inhibition, Period
from correlators.owners import SERVICE
from correlators.partition import Partition
from correlators.recurring import Recurring, evenly
from correlators.rulings import Rule, Urgency
from correlators.scheduled import TOLD, Scheduled
from correlators.schedules import Schedule, Span, Weekly
from correlators.services import About
from correlators.telling import Config
from correlators.types import DigestKind, Level, PageAction
from streams import codec
from tests.examples import examples
from tests.laws.logs import (
    CONFIG,
    MINUTE_MS,
    START_MS,
    Outcome,
    Rec,
    first_progress,
    logs,
    plain_messages,
    run,
    run_interrupted,
    split_messages,
)

CHATS = ("slack:incidents", "slack:pay", "console:default")
PAGERS = ("pagerduty:default", "pagerduty:second")
OF_NO_ERROR = (DigestKind.SPIKE, DigestKind.DEPLOY, DigestKind.REPORT)
PAGED = st.sampled_from([PAGERS[:1], PAGERS[1:], (SERVICE,), (SERVICE, PAGERS[0])])
WHENS = st.sampled_from(
    [
        When(),
        When(service=("pay*",)),
        When(environment=("staging",)),
        When(min_level=Level.ERROR),
        When(level=(Level.WARNING,)),
        When(release=("1.0",)),
        When(error_type=("Timeout*",)),
        When(text=("*x*",)),
        When(first_seen=True),
        When(events=AtLeast(2, MINUTE_MS)),
        When(users=AtLeast(2, 3 * MINUTE_MS)),
        When(lifecycle=(Lifecycle.DEPLOY,)),
        When(lifecycle=(Lifecycle.OPENED, Lifecycle.DEPLOY)),
        When(storm=True),
        When(metric_alert=True),
        When(storm_services=3),
    ]
)


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    """Draw rules that end with one that takes everything."""
    made = []
    for at in range(draw(st.integers(0, 4))):
        urgency = draw(st.sampled_from(Urgency))
        dropped = urgency is Urgency.DROP
        made.append(
            Rule(
                name=f"rule {at}",
                when=draw(WHENS),
                urgency=urgency,
                to=() if dropped else (draw(st.sampled_from(CHATS)),),
                page=draw(PAGED) if urgency is Urgency.PAGE else (),
                reason="noise" if dropped else "",
                every_ms=0 if dropped else draw(st.sampled_from([0, 0, 3 * MINUTE_MS])),
                goes_on=not dropped and draw(st.booleans()),
            )
        )
    return (*made, Rule(name="rest", to=CHATS[:1]))


TIMES: st.SearchStrategy[tuple[Schedule, ...]] = st.sampled_from(
    [
        (Span(from_ms=START_MS - 1, to_ms=START_MS + 6 * MINUTE_MS),),
        (Span(from_ms=START_MS + 30_500, to_ms=START_MS + 90_700),),
        (Weekly(from_minute=22 * 60 + 20, to_minute=0 * 60 + 10),),
    ]
)


@st.composite
def reports(draw: st.DrawFn) -> Scheduled:
    """Draw a report that comes back several times in a log."""
    return Scheduled(
        name=draw(st.sampled_from(["often", "rarely"])),
        at=Recurring(minutes=evenly(draw(st.sampled_from([10, 30, 60])), 0)),
        to=draw(st.sampled_from([CHATS[:1], CHATS])),
        environment=draw(st.sampled_from([("*",), ("production",)])),
        urgency=draw(st.sampled_from([TOLD, TOLD[:1], TOLD[1:]])),
    )


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Draw what holds back beside the rules."""
    periods = [
        Period(
            name=f"period {at}",
            when=draw(WHENS),
            times=draw(TIMES),
            maintenance=draw(st.booleans()),
            pages=draw(st.booleans()),
        )
        for at in range(draw(st.integers(0, 2)))
    ]
    inhibitions = [
        Inhibition(
            name=f"inhibition {at}",
            source=draw(WHENS),
            when=draw(WHENS),
            any_service=draw(st.booleans()),
            pages=draw(st.booleans()),
        )
        for at in range(draw(st.integers(0, 2)))
    ]
    return msgspec.structs.replace(
        CONFIG,
        rules=draw(rules()),
        services={"payment": About(page=PAGERS[1:]), "cart": About(page=PAGERS)},
        changes=draw(st.sampled_from([(), PAGERS[:1], PAGERS])),
        holding=Holding(
            periods=tuple(periods),
            inhibitions=tuple(inhibitions),
            most_per_hour=draw(st.sampled_from([0, 0, 1, 3])),
            reports=tuple(draw(st.lists(reports(), max_size=2, unique_by=lambda one: one.name))),
        ),
    )


@given(logs(min_size=2, max_size=20), configs(), st.integers(1, 3), st.integers(0, 2**32 - 1))
@examples(80)
def test_law_5_under_any_rules_splits_restarts_and_redelivery_change_nothing(
    log: list[Rec], config: Config, partitions: int, seed: int
) -> None:
    messages = split_messages(log, partitions, Random(seed))
    plain = run(plain_messages(log), config=config)
    assert run(messages, partitions=partitions, config=config) == plain
    interrupted = run_interrupted(
        messages, partitions=partitions, random=Random(seed), crash=0.2, config=config
    )
    assert interrupted == plain


@given(logs(), configs())
@examples(60)
def test_law_6_under_any_rules_a_restored_state_equals_the_live_one(
    log: list[Rec], config: Config
) -> None:
    partition = Partition(config, first_progress(1))
    outcome = Outcome()
    for offset, batch in enumerate(plain_messages(log)):
        partition.receive(offset, batch)
        while partition.ready():
            outcome.take(partition.step(most_ticks=1))
            live = {key: codec.encode(entry) for key, entry in partition.state_entries}
            assert live == outcome.state


@given(logs(), configs())
def test_law_1_whoever_was_told_hears_the_end_and_every_page_is_resolved_once(
    log: list[Rec], config: Config
) -> None:
    outcome = run(plain_messages(log), config=config)
    chats = [
        one
        for one in outcome.digests
        if one.destination not in PAGERS and one.kind not in OF_NO_ERROR
    ]
    dropped = any(rule.urgency is Urgency.DROP for rule in config.rules)
    last = {(one.id, one.destination): one for one in chats}
    for digest in last.values():
        assert dropped or digest.resolved or digest.kind is DigestKind.JOINED
    pages = [one for one in outcome.digests if one.destination in PAGERS]
    opened = [(o.page_key, o.destination) for o in pages if o.page is PageAction.TRIGGER]
    resolved = [(o.page_key, o.destination) for o in pages if o.page is PageAction.RESOLVE]
    assert sorted(opened) == sorted(resolved)
    assert len(set(opened)) == len(opened)


@given(logs(), configs())
def test_law_4_under_any_rules_no_destination_hears_a_revision_twice(
    log: list[Rec], config: Config
) -> None:
    digests = run(plain_messages(log), config=config).digests
    places = [(one.id, one.revision, one.destination) for one in digests]
    assert len(places) == len(set(places))

"""What was decided is said, whatever it was, and saying it changes nothing."""

from __future__ import annotations

import msgspec
from hypothesis import given

from correlators import decisions_of_tick
from correlators.acts import Acknowledge
from correlators.conditions import When
from correlators.decisions import Decision, Kind
from correlators.evidence import LINKS
from correlators.holds import Holding, Inhibition
from correlators.partition import Partition
from correlators.rulings import Rule, Urgency
from correlators.telling import Config
from correlators.types import Level, PageAction
from streams import codec
from tests.correlators.acted import ANNA, Stage
from tests.correlators.score import CHAT, CONFIG, MINUTE, PAGER, PAGING, event, events, resolve, run
from tests.examples import examples
from tests.laws.logs import Rec, first_progress, logs, plain_messages
from tests.laws.test_ruled import configs


def kinds(decisions: list[Decision], subject: str) -> list[str]:
    return [one.kind.value for one in decisions if one.subject == subject]


def test_an_incident_is_told_from_its_first_event_to_its_end() -> None:
    score = run(events([0, 1, 2]))
    (incident,) = score.incidents()
    assert kinds(score.decisions, incident.id) == [
        "opened",
        "ruled",
        "told",
        "closed",
        "told",
    ]
    opened, _, told, closed, _ = score.decisions
    assert opened.key == msgspec.structs.astuple(incident.key)
    assert opened.title == incident.sample.title
    assert (told.to, told.revision) == ((CHAT,), 1)
    assert closed.why == "quiet"


def test_a_return_is_said_with_how_long_it_was_over() -> None:
    score = run(events([0]), events([15 * MINUTE]))
    (reopened,) = [one for one in score.decisions if one.kind is Kind.REOPENED]
    assert reopened.because == ("an event came 300 s after its end",)


def test_the_end_that_sentry_tells_is_named() -> None:
    score = run(events([0], issue="7"), resolve(60, "7"))
    assert [one.why for one in score.decisions if one.kind is Kind.CLOSED] == ["sentry"]


def test_every_rule_that_was_read_is_named_with_what_did_not_hold() -> None:
    rules = (
        Rule(name="staging", when=When(environment=("staging",)), to=(CHAT,)),
        Rule(name="old", when=When(release=("0.*",)), to=(CHAT,)),
        Rule(name="rest", to=(CHAT,)),
        Rule(name="never read", to=(CHAT,)),
    )
    score = run(events([0]), config=msgspec.structs.replace(CONFIG, rules=rules))
    ruled = next(one for one in score.decisions if one.kind is Kind.RULED)
    assert ruled.tried == (("staging", "environment"), ("old", "release"), ("rest", ""))
    assert (ruled.why, ruled.name, ruled.to) == ("alert", "rest", (CHAT,))


def test_a_joining_says_what_ties_it_and_how_much_that_weighs() -> None:
    score = run(
        event(0, service="a", error="x", trace="t"), event(2, service="b", error="y", trace="t")
    )
    (storm,) = score.storms()
    joined = [one for one in score.decisions if one.kind is Kind.JOINED and one.other == storm.id]
    assert len(joined) == 2
    assert all(one.because[0] == "shared trace in a and b (weight 40)" for one in joined)


def test_what_holds_a_telling_back_is_named_by_its_rule() -> None:
    inhibition = Inhibition(
        name="db first", source=When(service=("db",)), when=When(service=("api",)), any_service=True
    )
    config = msgspec.structs.replace(CONFIG, holding=Holding(inhibitions=(inhibition,)))
    db, api = event(0, "db", "Down"), event(30, "api", "Refused")
    score = run(db, api, config=config, until=100)
    held = [one for one in score.decisions if one.kind is Kind.HELD]
    assert [(one.why, one.name) for one in held] == [("inhibited", "db first")]


def test_a_dropping_rule_is_named() -> None:
    rules = (
        Rule(name="noise", urgency=Urgency.DROP, reason="known"),
        Rule(name="rest", to=(CHAT,)),
    )
    score = run(events([0]), config=msgspec.structs.replace(CONFIG, rules=rules), until=60)
    held = [one for one in score.decisions if one.kind is Kind.HELD]
    assert [(one.why, one.name) for one in held] == [("dropped", "noise")]


def test_a_page_and_its_end_name_the_page() -> None:
    score = run(events([0], level="fatal"), config=PAGING)
    paged, resolved = (
        one for one in score.decisions if one.kind in (Kind.PAGED, Kind.PAGE_RESOLVED)
    )
    assert (paged.to, paged.why, paged.name) == ((PAGER,), "fatal", "fatal")
    assert paged.other == resolved.other


def test_an_acknowledgement_is_said_of_whom_it_was_told_to_and_of_its_page() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    subject = stage.incident("checkout").id
    before = len(stage.digests)
    stage.run(22, acts=[(20, Acknowledge(subject=subject, **ANNA))])
    told, page = decisions_of_tick.of_tick(1, [], stage.digests[before:])
    assert (told.kind, told.why, told.to) == (Kind.TOLD, "acknowledged", (CHAT,))
    acknowledged = (Kind.PAGE_ACKNOWLEDGED, f"{subject}.1", (PAGER,))
    assert (page.kind, page.other, page.to) == acknowledged


@given(logs(min_size=2), configs())
@examples(60)
def test_saying_it_changes_nothing_and_every_revision_is_said_once(
    log: list[Rec], config: Config
) -> None:
    silent, saying = (
        Partition(config, first_progress(1), explains=explains) for explains in (False, True)
    )
    said: list[Decision] = []
    digests = []
    for offset, batch in enumerate(plain_messages(log)):
        steps = []
        for partition in (silent, saying):
            partition.receive(offset, batch)
            steps.append(partition.step(most_ticks=1_000))
        without, having = steps
        assert not without.decisions
        assert without == msgspec.structs.replace(having, decisions=[])
        said += having.decisions
        digests += having.digests
    spikes = {one.id for one in digests if one.id.startswith("spike-")}
    told = [(one.subject, one.revision) for one in said if one.kind is Kind.TOLD]
    assert len(told) == len(set(told))
    wanted = {(one.id, one.revision) for one in digests if one.page is PageAction.NONE}
    assert set(told) == wanted
    assert len(spikes) <= len(told)
    for one in said:
        assert codec.said(codec.encode(one)) == one


def test_what_was_too_little_to_tie_an_incident_is_said_when_it_begins() -> None:
    config = msgspec.structs.replace(CONFIG, depends={"mail": ("payment",)})
    score = run(
        event(0, "checkout", "A"),
        event(900, "payment", "B"),
        event(955, "mail", "C"),
        config=config,
    )
    assert score.storms() == []
    (stayed,) = [one for one in score.decisions if one.kind is Kind.STAYED_OUT]
    ids = {one.key.service: one.id for one in score.incidents()}
    assert (stayed.subject, stayed.other) == (ids["mail"], ids["payment"])
    assert 0 < int(stayed.why) < LINKS
    assert stayed.because[0].startswith("mail depends on payment (weight ")

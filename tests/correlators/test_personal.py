"""Whoever is assigned or mentioned is told so themselves: once, by what they want, and nobody is
told what they did themselves."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from correlators.acts import ActOutcome, Assign, Comment
from correlators.correlate import Correlator
from correlators.days import Shadow
from correlators.decisions import Decision, Kind
from correlators.events import decode
from correlators.incidents import Incident
from correlators.known_people import hash_of
from correlators.personal import MENTIONED_MOST, By, Choice, Deed, Personal, Wish
from correlators.personal_acts import TellMe
from correlators.personal_telling import CHOICES_MOST
from correlators.services import About
from correlators.telling import Config
from correlators.ticks import Work
from correlators.types import ChangeKind, Digest, DigestKind, StateChange, tick_of
from streams import codec
from tests.correlators.acted import outage
from tests.correlators.score import PAGING, Push, deltas_of, event, ms

BOTH = ("person_slack", "person_mail")
PEOPLE = Personal(
    people={
        "ada": Wish(assigned=By.SLACK, mentioned=By.SLACK, sinks=BOTH),
        "Ben O'Neil": Wish(assigned=By.EMAIL, mentioned=By.NONE, sinks=("person_mail",)),
        "carl": Wish(assigned=By.BOTH, mentioned=By.BOTH, sinks=BOTH),
    }
)
CONFIG = msgspec.structs.replace(PAGING, personal=PEOPLE)
_bodies = itertools.count()


class Stage:
    """CORRELATE by hand, with acts and with Sentry's words."""

    def __init__(self, config: Config = CONFIG) -> None:
        self.config = config
        self.correlator = Correlator(config, explains=True)
        self.told: list[Digest] = []
        self.decisions: list[Decision] = []
        self.outcomes: list[tuple[str, ActOutcome]] = []
        self.now = 0

    def run(self, *what: Push | Assign | Comment | TellMe | StateChange) -> list[str]:
        """Apply all of it from the next second on, each event in its own; return where people were
        told, and of what."""
        deltas = deltas_of([one for one in what if isinstance(one, Push)])
        changes = [one for one in what if isinstance(one, StateChange)]
        acts = tuple(one for one in what if isinstance(one, Assign | Comment | TellMe))
        before = len(self.told)
        begin = tick_of(ms(self.now + 1))
        for tick in range(begin, max([begin, *(one.tick for one in deltas)]) + 1):
            here = sorted((one for one in deltas if one.tick == tick), key=lambda one: one.key)
            decided = self.correlator.apply(Work(tick, changes, here, acts))
            changes, acts = [], ()
            self.now += 1
            self.outcomes += list(decided.acts)
            self.decisions += decided.decisions
            self.told += [one for one in decided.digests if one.personal is not None]
            stored = [codec.encode(one) for _, one in self.correlator.state.entries()]
            self.correlator = Correlator(self.config, map(codec.entry, stored), explains=True)
        found = self.told[before:]
        return [f"{one.destination} {one.personal.deed}" for one in found if one.personal]

    def incidents(self) -> list[Incident]:
        entries = (one for _, one in self.correlator.state.entries())
        return [one for one in entries if isinstance(one, Incident)]

    def id(self, service: str = "checkout") -> str:
        return next(one.id for one in self.incidents() if one.key.service == service)

    def storm(self) -> list[Incident]:
        """Return the incidents of a storm; their issues are called by their places: 0, 1, 2."""
        self.run(*outage(1), event(9, "later"))
        found = [one for one in self.incidents() if one.storm_id]
        assert len({one.storm_id for one in found}) == 1
        assert len(found) == 3
        for at, one in enumerate(found):
            self.correlator.state.put(msgspec.structs.replace(one, issues=(str(at),)))
        return found


def assign(subject: str, to: str, by: str = "dora", at_ms: int = 1) -> Assign:
    return Assign(actor=by, source="slack", at_ms=at_ms, subject=subject, assignee=to)


def comment(subject: str, text: str, by: str = "dora") -> Comment:
    return Comment(actor=by, source="slack", at_ms=1, subject=subject, text=text)


def choose(who: str, by: By | None, of: Deed | None = None, at_ms: int = 1) -> TellMe:
    return TellMe(actor=who, source="slack", at_ms=at_ms, subject=who, by=by, of=of)


def sentry(kind: ChangeKind, issue: str, **more: Any) -> StateChange:
    body = f"{next(_bodies):032x}"
    return StateChange(
        kind=kind, resource="issue", identity=body, issue_id=issue, **{"action": ""} | more
    )


def opened(config: Config = CONFIG) -> Stage:
    stage = Stage(config)
    stage.run(event(1, issue="41"))
    return stage


def test_whoever_is_assigned_is_told_by_whom_and_of_what() -> None:
    stage = opened()
    id = stage.id()
    assert stage.run(assign(id, "Ada")) == ["person_slack:ada assigned"]
    (one,) = stage.told
    assert (one.kind, one.act, one.act_by, one.act_in) == (
        DigestKind.NOTED,
        "assign",
        "dora",
        "slack",
    )
    assert one.personal is not None
    assert one.personal.subject == id
    assert one.id.startswith("per-")
    assert (one.revision, one.environment, one.resolved) == (1, "production", False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("@ada please look", ["person_slack:ada"]),
        ("please look, @Ada.", ["person_slack:ada"]),
        ("(@ADA)", ["person_slack:ada"]),
        ("ada was a programmer", []),
        ("x@ada y", []),
        ("@adam @ada-x @ada@y", []),
        ("@ada's idea", ["person_slack:ada"]),
        ("@carl and @ada and @carl", ["person_mail:carl", "person_slack:ada", "person_slack:carl"]),
        ("@Ben O'Neil sees mentions nowhere", []),
    ],
)
def test_whoever_is_mentioned_in_a_comment_is_told(text: str, told: list[str]) -> None:
    stage = opened()
    found = stage.run(comment(stage.id(), text))
    assert sorted(one.removesuffix(" mentioned") for one in found) == told


def test_a_name_of_several_words_needs_no_sign() -> None:
    assert PEOPLE.mentioned_in("does ben o'neil know?") == ("Ben O'Neil",)
    assert PEOPLE.mentioned_in("does ben know?") == ()
    assert PEOPLE.mentioned_in("@Ben O'Neil, @ada") == ("Ben O'Neil", "ada")


def test_nobody_is_told_what_they_did_themselves() -> None:
    stage = opened()
    assert stage.run(assign(stage.id(), "ada", by="Ada")) == []
    assert stage.run(comment(stage.id(), "@ada is on it", by="ada")) == []


def test_the_same_is_told_once_whoever_tells_it_again() -> None:
    stage = opened()
    id = stage.id()
    act = assign(id, "ada")
    assert stage.run(act, act) == ["person_slack:ada assigned"]
    assert stage.run(assign(id, "ada", at_ms=9)) == []
    answer = sentry(ChangeKind.ISSUE_ASSIGNED, "41", assignee="ada", assigned_person=True)
    assert stage.run(answer) == []
    assert stage.run(assign(id, "Ben O'Neil")) == ["person_mail:Ben O'Neil assigned"]


def test_what_one_partition_and_another_tell_of_the_same_comment_is_one() -> None:
    said = {"by": "dora", "text": "@ada look", "at_ms": 7, "action": "created"}
    ids = set()
    for service in ("checkout", "mail"):
        stage = Stage()
        stage.run(event(1, service, issue="41"))
        stage.run(sentry(ChangeKind.COMMENT, "41", **said))
        ids |= {(one.id, one.destination) for one in stage.told}
    assert len(ids) == 1


def test_sentrys_word_that_somebody_is_assigned_tells_them_unless_they_did_it() -> None:
    stage = opened()
    kind = ChangeKind.ISSUE_ASSIGNED
    own = sentry(kind, "41", assignee="carl", assigned_person=True, by="carl")
    assert stage.run(own) == []
    word = sentry(kind, "41", assignee="ada", assigned_person=True, by="carl")
    assert stage.run(word) == ["person_slack:ada assigned"]
    assert stage.told[0].act_in == "sentry"
    assert stage.run(sentry(kind, "41", assigned_person=True)) == []


def test_what_else_sentry_says_of_an_assigned_issue_tells_nobody() -> None:
    stage = opened()
    kind = ChangeKind.ISSUE_IGNORED
    assert stage.run(sentry(kind, "41", assignee="ada", assigned_person=True)) == []
    assert stage.incidents()[0].assignee == "ada"


def test_a_storm_assigned_issue_by_issue_tells_once() -> None:
    stage = Stage()
    incidents = stage.storm()
    kind = ChangeKind.ISSUE_ASSIGNED
    for at in range(len(incidents)):
        stage.run(sentry(kind, str(at), assignee="ada", assigned_person=True))
    assert len({(one.id, one.destination) for one in stage.told}) == 1
    assert stage.told[0].storm
    assert stage.told[0].personal is not None
    assert stage.told[0].personal.subject == incidents[0].storm_id


def test_whoever_an_act_assigns_a_storm_to_is_not_told_of_each_of_its_issues() -> None:
    stage = Stage()
    storm = stage.storm()[0].storm_id
    assert stage.run(assign(storm, "ada")) == ["person_slack:ada assigned"]
    for issue in ("0", "1", "2"):
        word = sentry(ChangeKind.ISSUE_ASSIGNED, issue, assignee="ada", assigned_person=True)
        assert stage.run(word) == []
    assert [one.assignee for one in stage.incidents() if one.storm_id] == ["ada"] * 3


def test_people_choose_how_they_are_told_and_the_state_keeps_it() -> None:
    stage = opened()
    id = stage.id()
    stage.run(choose("ADA", By.EMAIL))
    assert stage.run(assign(id, "ada")) == ["person_mail:ada assigned"]
    stage.run(choose("ada", By.NONE, Deed.MENTIONED))
    assert stage.run(comment(id, "@ada")) == []
    stage.run(choose("ada", None, at_ms=2))
    assert stage.run(comment(id, "@ada?")) == ["person_slack:ada mentioned"]
    assert not [one for _, one in stage.correlator.state.entries() if isinstance(one, Choice)]
    assert {outcome for kind, outcome in stage.outcomes if kind == "tell_me"} == {ActOutcome.DONE}


def test_only_people_of_the_file_choose_and_what_cannot_be_reached_is_not_told() -> None:
    stage = opened()
    stage.run(choose("dora", By.SLACK))
    assert stage.outcomes[-1] == ("tell_me", ActOutcome.GONE)
    stage.run(choose("Ben O'Neil", By.SLACK))
    assert stage.run(assign(stage.id(), "Ben O'Neil")) == []


def test_there_are_only_so_many_choices() -> None:
    names = [f"p{one}" for one in range(CHOICES_MOST + 1)]
    config = msgspec.structs.replace(
        CONFIG, personal=Personal(people={one: Wish(sinks=BOTH) for one in names})
    )
    correlator = Correlator(config)
    acts = tuple(choose(one, By.BOTH) for one in names)
    decided = correlator.apply(Work(tick_of(ms(1)), [], [], acts))
    assert decided.acts["tell_me", ActOutcome.TOO_MANY] == 1
    assert len(correlator.state.people.choices) == CHOICES_MOST


def test_what_was_decided_says_who_was_told_and_by_what() -> None:
    stage = opened()
    id = stage.id()
    stage.run(assign(id, "carl"), comment(id, "@ada"))
    said = [one for one in stage.decisions if one.kind is Kind.TOLD_PERSON]
    assert {(one.subject, one.why, one.name, one.to) for one in said} == {
        (id, "assigned", "carl", ("person_slack",)),
        (id, "assigned", "carl", ("person_mail",)),
        (id, "mentioned", "ada", ("person_slack",)),
    }
    assert "per-" not in {one.subject[:4] for one in stage.decisions}


def test_in_shadow_mode_nobody_is_told_personally() -> None:
    stage = opened(msgspec.structs.replace(CONFIG, shadow=Shadow(to="slack:test")))
    assert stage.run(assign(stage.id(), "ada")) == []


FIXTURE = Path(__file__).parents[1] / "fixtures" / "sentry" / "comment.created.json"


def test_who_somebody_is_in_sentry_becomes_the_name_of_people_and_nothing_else() -> None:
    known = {hash_of("ada@example.com"): "ada", hash_of("512"): "carl"}
    body = {
        "action": "assigned",
        "data": {
            "issue": {
                "id": "41",
                "assignedTo": {"type": "user", "id": "7", "email": "Ada@example.com", "name": "A"},
            }
        },
        "actor": {"type": "user", "id": 512, "name": "Karl"},
    }
    found = decode(
        "issue", json.dumps(body).encode(), default_environment="production", people=known
    )
    assert isinstance(found, StateChange)
    assert (found.assignee, found.assigned_person, found.by) == ("ada", True, "carl")
    plain = decode("issue", json.dumps(body).encode(), default_environment="production")
    assert isinstance(plain, StateChange)
    assert (plain.assignee, plain.assigned_person, plain.by) == ("", True, "")
    noted = decode("comment", FIXTURE.read_bytes(), default_environment="x", people=known)
    assert isinstance(noted, StateChange)
    assert noted.by == "carl"
    body["actor"] = {"type": "application", "id": 512, "name": "ada@example.com"}
    app = decode("issue", json.dumps(body).encode(), default_environment="x", people=known)
    assert isinstance(app, StateChange)
    assert app.by == ""


def later(stage: Stage, second: int, *more: Push | Assign | Comment | TellMe | StateChange) -> None:
    """Go on at this second, with another event of what is open."""
    stage.now = second - 1
    stage.run(event(second, issue="41"), *more)


def test_after_an_hour_the_same_assignment_is_news_and_other_words_on_it_are_not() -> None:
    stage = opened()
    id = stage.id()
    stage.run(assign(id, "ada"))
    for second in range(900, 4_600, 900):
        later(stage, second)
    kind = ChangeKind.ISSUE_ASSIGNED
    word = sentry(kind, "41", assignee="ada", assigned_person=True, events=900, regressed=True)
    assert stage.run(word) == []
    stage.run(assign(id, "Ben O'Neil", at_ms=2))
    assert stage.run(assign(id, "ada", at_ms=3)) == ["person_slack:ada assigned"]
    first, _, last = stage.told
    assert first.id != last.id


def test_two_incidents_that_somebody_is_assigned_to_are_two() -> None:
    stage = Stage()
    stage.run(event(1, issue="41"), event(1, "mail", "EM", issue="42"))
    stage.run(assign(stage.id(), "ada"), assign(stage.id("mail"), "ada"))
    one, two = stage.told
    assert one.id != two.id


def test_a_comment_on_what_is_over_is_told_as_of_what_is_over() -> None:
    stage = opened()
    id = stage.id()
    stage.now = 3_000
    stage.run()
    assert not stage.incidents()[0].open
    assert stage.run(comment(id, "@ada: what was it?")) == ["person_slack:ada mentioned"]
    assert stage.told[0].resolved


def test_what_is_told_has_the_owners_and_the_help_of_its_service() -> None:
    about = About(owner="shop", runbook="https://wiki.test/checkout")
    stage = opened(msgspec.structs.replace(CONFIG, services={"checkout": about}))
    stage.run(assign(stage.id(), "ada"))
    assert (stage.told[0].owners, stage.told[0].runbook) == (("shop",), about.runbook)


def test_of_one_comment_so_many_people_are_told() -> None:
    names = [f"p{one}" for one in range(MENTIONED_MOST + 5)]
    people = Personal(people={one: Wish(mentioned=By.SLACK, sinks=BOTH) for one in names})
    text = " ".join(f"@{one}" for one in names)
    assert people.mentioned_in(text) == tuple(names[:MENTIONED_MOST])


def test_a_word_belongs_to_one_name() -> None:
    people = Personal(people={one: Wish(sinks=BOTH) for one in ("Ann Lee", "Lee Ray", "Ann")})
    assert people.mentioned_in("ann lee ray") == ("Ann Lee",)
    assert people.mentioned_in("@ann ray, lee ray") == ("Ann", "Lee Ray")


def test_what_was_chosen_already_changes_nothing_and_is_changed_also_at_the_bound() -> None:
    correlator = Correlator(CONFIG)

    def chosen(*acts: TellMe) -> set[ActOutcome]:
        decided = correlator.apply(Work(tick_of(ms(1)), [], [], acts))
        return {outcome for _, outcome in decided.acts}

    assert chosen(choose("ada", By.EMAIL)) == {ActOutcome.DONE}
    assert chosen(choose("ada", By.EMAIL, at_ms=2)) == {ActOutcome.UNCHANGED}
    assert chosen(choose("ada", By.BOTH, at_ms=3)) == {ActOutcome.DONE}
    for one in range(CHOICES_MOST):
        if len(correlator.state.people.choices) < CHOICES_MOST:
            correlator.state.put(Choice(name=f"p{one}", assigned=By.NONE))
    assert chosen(choose("carl", By.NONE, at_ms=4)) == {ActOutcome.TOO_MANY}
    assert chosen(choose("ada", By.NONE, at_ms=5)) == {ActOutcome.DONE}
    assert chosen(choose("ada", None, at_ms=6)) == {ActOutcome.DONE}
    assert "ada" not in correlator.state.people.choices
    assert chosen(choose("carl", By.NONE, at_ms=7)) == {ActOutcome.DONE}


def test_what_was_noted_in_a_tick_that_is_undone_is_not_told() -> None:
    stage = opened()
    correlator, tick = stage.correlator, tick_of(ms(5))
    (delta,) = deltas_of([event(5)])
    broken = msgspec.structs.replace(delta, users=b"\xff")
    act = assign(stage.id(), "ada")
    correlator.state.begin()
    with pytest.raises(ValueError, match="set"):
        correlator.apply(Work(tick, [], [broken], (act,)))
    correlator.state.rollback()
    correlator.forget_decided()
    decided = correlator.apply(Work(tick, [], [], ()))
    assert [one for one in decided.digests if one.personal is not None] == []

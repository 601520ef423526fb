"""What people decide is asked of Sentry: of which issues, once, and its own word is no echo."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import msgspec
import pytest

from correlators.acts import (
    IGNORE_MOST_MS,
    Acknowledge,
    Act,
    ActOutcome,
    Assign,
    Comment,
    FalseAlarm,
    Ignore,
    PageNow,
    Resolve,
    Unignore,
)
from correlators.asking import CHANGES_MOST, DESTINATION, ECHO_TICKS
from correlators.correlate import Correlator, Decided
from correlators.days import Shadow
from correlators.decisions import Kind
from correlators.deltas import ISSUES_KEPT
from correlators.incidents import SOMEBODY, Closed, Incident
from correlators.issue_change import IssueChange, IssueDoes, IssuesChanged
from correlators.owners import Owner
from correlators.storms import Storm
from correlators.telling import Config
from correlators.ticks import Work
from correlators.types import (
    ChangeKind,
    Delta,
    Digest,
    DigestKind,
    PageAction,
    StateChange,
    tick_of,
)
from tests.correlators.score import CHAT, PAGING, Push, deltas_of, event, ms

SENTRY = msgspec.structs.replace(PAGING, issues=IssuesChanged())
OWNED = msgspec.structs.replace(
    PAGING,
    issues=IssuesChanged(assign_owner=True),
    owners=(Owner(owner="payments", service="pay*"),),
)
_bodies = count(1)


class Stage:
    """CORRELATE by hand, over events, Sentry's words and acts at seconds."""

    def __init__(self, config: Config = SENTRY) -> None:
        self.correlator = Correlator(config, explains=True)
        self.decided: list[Decided] = []
        self._now = 0

    def run(
        self,
        until: int,
        *pushes: Push,
        acts: Iterable[tuple[int, Act]] = (),
        words: Iterable[tuple[int, StateChange]] = (),
    ) -> list[Decided]:
        """Return what was decided in these seconds."""
        begun = len(self.decided)
        deltas = deltas_of(list(pushes))
        for second in range(self._now, until):
            tick = tick_of(ms(second))
            found: list[Delta] = [one for one in deltas if one.tick == tick]
            work = Work(
                tick,
                [word for at, word in words if at == second],
                sorted(found, key=lambda one: one.key),
                tuple(act for at, act in acts if at == second),
            )
            self.decided.append(self.correlator.apply(work))
        self._now = until
        return self.decided[begun:]

    def incident(self, service: str = "checkout") -> Incident:
        entries = [one for _, one in self.correlator.state.entries()]
        found = [one for one in entries if isinstance(one, Incident)]
        return next(one for one in found if one.key.service == service)

    def storm(self) -> Storm:
        entries = [one for _, one in self.correlator.state.entries()]
        return next(one for one in entries if isinstance(one, Storm))


def asked(decided: Iterable[Decided]) -> list[IssueChange]:
    return [one.issue_change for one in carried(decided) if one.issue_change is not None]


def carried(decided: Iterable[Decided]) -> list[Digest]:
    return [one for each in decided for one in each.digests if one.destination == DESTINATION]


def chats(decided: Iterable[Decided]) -> list[Digest]:
    return [one for each in decided for one in each.digests if one.destination == CHAT]


def paged(decided: Decided) -> list[PageAction]:
    return [one.page for one in decided.digests if one.page is not PageAction.NONE]


def by(kind: type[Any], subject: str, **more: Any) -> Any:
    return kind(**{"actor": "anna", "source": "slack", "at_ms": 0, "subject": subject} | more)


def word(kind: ChangeKind, issue: str, **more: Any) -> StateChange:
    return StateChange(
        kind=kind,
        resource="issue",
        action="",
        identity=f"{next(_bodies):032x}",
        issue_id=issue,
        **more,
    )


def opened(config: Config = SENTRY, *issues: str) -> Stage:
    stage = Stage(config)
    stage.run(30, *[event(at, issue=one) for at, one in enumerate(issues or ("41",))])
    return stage


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    ("kind", "how", "does"),
    [
        (Resolve, {}, IssueDoes.RESOLVE),
        (Ignore, {}, IssueDoes.IGNORE),
        (Unignore, {}, IssueDoes.UNRESOLVE),
        (Assign, {"assignee": "anna"}, IssueDoes.ASSIGN),
    ],
)
def test_an_act_asks_for_every_issue_of_its_incident_once(
    kind: type[Any], how: dict[str, Any], does: IssueDoes
) -> None:
    stage = opened(SENTRY, "41", "7")
    found = stage.incident()
    act = by(kind, found.id, **how)
    decided = stage.run(40, acts=[(31, act), (33, act)])
    assert [(one.issue_id, one.does, one.subject) for one in asked(decided)] == [
        ("41", does, found.id),
        ("7", does, found.id),
    ]
    assert {one.source for one in asked(decided)} == {"slack"}
    assert [one.outcome for one in outcomes(decided)] == [ActOutcome.DONE, ActOutcome.REPEATED]


class _Outcome(msgspec.Struct):
    kind: str
    outcome: ActOutcome


def outcomes(decided: Iterable[Decided]) -> list[_Outcome]:
    return [
        _Outcome(kind, outcome)
        for one in decided
        for (kind, outcome), times in one.acts.items()
        for _ in range(times)
    ]


@pytest.mark.parametrize(
    ("kind", "how"), [(Acknowledge, {}), (FalseAlarm, {}), (Comment, {"text": "looking"})]
)
def test_other_acts_ask_for_nothing(kind: type[Any], how: dict[str, Any]) -> None:
    stage = opened()
    assert asked(stage.run(40, acts=[(31, by(kind, stage.incident().id, **how))])) == []


def test_it_is_ignored_until_the_end_that_was_given_from_when_the_act_takes_effect() -> None:
    stage = opened()
    act = by(Ignore, stage.incident().id, for_ms=3_600_000)
    (one,) = asked(stage.run(40, acts=[(31, act)]))
    assert one.until_ms == ms(32) + 3_600_000


@pytest.mark.parametrize("for_ms", [-1, IGNORE_MOST_MS + 1])
def test_it_is_ignored_for_no_more_than_a_year(for_ms: int) -> None:
    with pytest.raises(ValueError, match="a year"):
        by(Ignore, "inc-1", for_ms=for_ms)


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        ("payments", "team:payments"),
        ("Payments", "team:payments"),
        ("#payments", "team:payments"),
        ("#unheard-of", "team:unheard-of"),
        ("team:unheard-of", "team:unheard-of"),
        ("anna", "anna"),
        ("@anna", "anna"),
        ("", ""),
    ],
)
def test_a_name_that_is_a_teams_is_assigned_as_a_team(name: str, known_as: str) -> None:
    stage = opened(OWNED)
    act = by(Assign, stage.incident().id, assignee=name)
    assert [one.assignee for one in asked(stage.run(40, acts=[(31, act)]))] == [known_as]


def test_of_two_acts_in_one_tick_the_last_one_counts_and_an_assignment_stays() -> None:
    stage = opened()
    id = stage.incident().id
    acts = [by(Ignore, id), by(Assign, id, assignee="anna"), by(Unignore, id)]
    decided = stage.run(40, acts=[(31, one) for one in acts])
    assert [one.does for one in asked(decided)] == [IssueDoes.ASSIGN, IssueDoes.UNRESOLVE]
    places = [(one.id, one.revision, one.destination) for one in carried(decided)]
    assert len(set(places)) == 2


def test_a_decision_that_sentry_did_not_take_can_be_made_again_when_it_is_over_here() -> None:
    stage = opened()
    id = stage.incident().id
    first = stage.run(40, acts=[(31, by(Resolve, id))], words=[(33, _resolved("41"))])
    again = Resolve(actor="anna", source="slack", at_ms=60_000, subject=id)
    second = stage.run(60, acts=[(50, again)])
    assert [one.does for one in asked(first)] == [IssueDoes.RESOLVE]
    assert [one.does for one in asked(second)] == [IssueDoes.RESOLVE]
    assert {one.outcome for one in outcomes(second)} == {ActOutcome.DONE}


# ---------------------------------------------------------------- when nothing is asked


def test_without_sentry_nothing_is_asked_and_ignoring_says_so() -> None:
    stage = opened(PAGING)
    act = by(Ignore, stage.incident().id)
    decided = stage.run(40, acts=[(31, act)])
    assert asked(decided) == []
    assert [one.outcome for one in outcomes(decided)] == [ActOutcome.NO_ISSUE]


def test_what_has_no_issue_says_so() -> None:
    stage = Stage()
    stage.run(30, event(0))
    decided = stage.run(40, acts=[(31, by(Ignore, stage.incident().id))])
    assert asked(decided) == []
    assert [one.outcome for one in outcomes(decided)] == [ActOutcome.NO_ISSUE]


def test_in_shadow_mode_nothing_is_asked() -> None:
    shadowed = msgspec.structs.replace(OWNED, shadow=Shadow(to=CHAT))
    stage = Stage(shadowed)
    decided = stage.run(30, event(0, "payment", issue="41"))
    decided += stage.run(40, acts=[(31, by(Ignore, stage.incident("payment").id))])
    assert asked(decided) == []


def test_an_act_about_what_is_unknown_asks_for_nothing() -> None:
    stage = opened()
    decided = stage.run(40, acts=[(31, by(Resolve, "inc-0000000000000000"))])
    assert asked(decided) == []
    assert [one.outcome for one in outcomes(decided)] == [ActOutcome.GONE]


# ---------------------------------------------------------------- storms, bounds


def outage(services: int, issues: int = 1) -> list[Push]:
    return [
        event(number, f"svc-{number:03}", f"E{number}", trace="t", issue=f"{number}{part}")
        for number in range(services)
        for part in range(issues)
    ]


def test_a_storms_issues_are_those_of_all_its_incidents_and_its_thread_hears() -> None:
    stage = Stage()
    stage.run(30, *outage(3))
    storm = stage.storm()
    decided = stage.run(40, acts=[(31, by(Resolve, storm.id))])
    assert {one.issue_id for one in asked(decided)} == {"00", "10", "20"}
    for one in carried(decided):
        assert one.issue_change is not None
        assert (one.issue_change.subject, one.issue_change.together) == (storm.id, 3)
        assert one.page_told == (CHAT,)


def test_what_a_storm_tells_is_answered_in_its_thread() -> None:
    stage = Stage()
    stage.run(30, *outage(3))
    act = by(Ignore, stage.incident("svc-001").id)
    (one,) = asked(stage.run(40, acts=[(31, act)]))
    assert (one.issue_id, one.subject) == ("10", stage.storm().id)


def test_a_decision_about_very_many_issues_is_cut_and_says_how_many_are_left() -> None:
    stage = Stage()
    stage.run(60, *outage(40, ISSUES_KEPT))
    decided = stage.run(70, acts=[(61, by(Resolve, stage.storm().id))])
    assert len(asked(decided)) == CHANGES_MOST
    (said,) = [one for each in decided for one in each.decisions if one.kind is Kind.SENTRY_ASKED]
    assert (said.revision, said.because) == (
        CHANGES_MOST,
        (f"{40 * ISSUES_KEPT - CHANGES_MOST} more issues are not: that is too many at once",),
    )


def test_explain_says_what_was_asked_and_by_whose_button() -> None:
    stage = opened()
    id = stage.incident().id
    decided = stage.run(40, acts=[(31, by(Ignore, id, for_ms=60_000))])
    (said,) = [one for each in decided for one in each.decisions if one.kind is Kind.SENTRY_ASKED]
    assert (said.subject, said.why, said.name, said.to) == (id, "ignore", "slack", ("41",))
    assert said.until_tick == tick_of(ms(32) + 60_000)
    told = [one for each in decided for one in each.decisions if one.kind is Kind.TOLD]
    assert DESTINATION not in {to for one in told for to in one.to}


# ---------------------------------------------------------------- no echo


def _resolved(issue: str) -> StateChange:
    return word(ChangeKind.ISSUE_RESOLVED, issue, status="resolved")


def _ignored(issue: str) -> StateChange:
    return word(
        ChangeKind.ISSUE_IGNORED, issue, status="ignored", substatus="archived_until_escalating"
    )


def test_sentrys_word_on_what_was_asked_asks_for_nothing() -> None:
    stage = opened(OWNED)
    id = stage.incident().id
    acts = [(31, by(Ignore, id)), (41, by(Assign, id, assignee="payments"))]
    words = [
        (33, _ignored("41")),
        (43, word(ChangeKind.ISSUE_ASSIGNED, "41", assignee="payments", status="ignored")),
    ]
    decided = stage.run(60, acts=acts, words=words)
    assert [one.does for one in asked(decided)] == [IssueDoes.IGNORE, IssueDoes.ASSIGN]


def test_ignoring_holds_back_from_sentrys_own_word_on_which_is_told_once() -> None:
    stage = opened()
    act = by(Ignore, stage.incident().id)
    decided = stage.run(33, acts=[(31, act)])
    assert [one for one in chats(decided) if one.ignored] == []
    decided = stage.run(60, words=[(34, _ignored("41")), (36, _ignored("41"))])
    assert len([one for one in chats(decided) if one.ignored]) == 1


@pytest.mark.parametrize(
    ("name", "word_of_sentry"),
    [
        ("payments", {"assignee": "payments"}),
        ("#payments", {"assignee": "payments"}),
        ("Payments", {"assignee": "payments"}),
        ("anna", {"assigned_person": True}),
    ],
)
def test_sentrys_word_on_what_was_assigned_here_changes_nothing(
    name: str, word_of_sentry: dict[str, Any]
) -> None:
    stage = opened(OWNED)
    stage.run(33, acts=[(31, by(Assign, stage.incident().id, assignee=name))])
    before = stage.incident()
    assert before.assignee == name
    again = [(at, word(ChangeKind.ISSUE_ASSIGNED, "41", **word_of_sentry)) for at in (34, 36)]
    decided = stage.run(400, words=again)
    assert stage.incident().assignee == name
    assert stage.incident().changes == before.changes
    assert chats(decided) == []


def test_sentrys_later_word_on_who_has_it_counts() -> None:
    stage = opened(OWNED)
    stage.run(33, acts=[(31, by(Assign, stage.incident().id, assignee="anna"))])
    kind = ChangeKind.ISSUE_ASSIGNED
    words = [(34, word(kind, "41", assignee="search"))]
    stage.run(36, words=words)
    assert stage.incident().assignee == "search"
    stage.run(40, words=[(37, word(kind, "41", assigned_person=True))])
    assert stage.incident().assignee == SOMEBODY


def test_sentrys_word_on_what_was_resolved_here_ends_nothing_again() -> None:
    stage = opened()
    decided = stage.run(33, acts=[(31, by(Resolve, stage.incident().id))])
    assert [one.kind for one in chats(decided)] == [DigestKind.RESOLVED]
    before = stage.incident()
    decided = stage.run(60, words=[(34, _resolved("41"))])
    assert chats(decided) == []
    assert stage.incident() == msgspec.structs.replace(before, echoes=())


def test_what_came_back_after_a_resolve_here_is_not_ended_by_sentrys_answer_to_it() -> None:
    stage = opened()
    decided = stage.run(
        40,
        event(33, issue="41"),
        acts=[(31, by(Resolve, stage.incident().id))],
        words=[(35, _resolved("41"))],
    )
    kinds = [one.kind for one in chats(decided)]
    assert kinds.count(DigestKind.RESOLVED) == 1
    assert stage.incident().open
    assert stage.incident().echoes == ()
    decided = stage.run(60, words=[(50, _resolved("41"))])
    assert not stage.incident().open, "a person has resolved it in Sentry"


def test_sentrys_answer_ends_what_is_open_beside_what_was_over_when_it_was_resolved() -> None:
    stage = Stage()
    stage.run(700, event(0, issue="41", release="1"))
    over = stage.incident()
    stage.run(750, event(720, issue="41", release="2"))
    stage.run(770, acts=[(751, by(Resolve, over.id))], words=[(760, _resolved("41"))])
    found = [one for _, one in stage.correlator.state.entries() if isinstance(one, Incident)]
    ended = {one.key.release: one.closed for one in found}
    assert ended == {"1": Closed.QUIET, "2": Closed.SENTRY}


def test_sentrys_answer_to_a_resolve_is_not_waited_for_for_ever() -> None:
    stage = opened()
    stage.run(33, acts=[(31, by(Resolve, stage.incident().id))])
    late = 31 + ECHO_TICKS
    stage.run(late + 40, event(late - 20, issue="41"), words=[(late + 1, _resolved("41"))])
    ended = [one for _, one in stage.correlator.state.entries() if isinstance(one, Incident)]
    assert [one.open for one in ended] == [False] * len(ended)


def test_a_page_by_hand_for_what_is_ignored_in_sentry_stays_until_its_end() -> None:
    stage = opened()
    stage.run(40, words=[(31, word(ChangeKind.ISSUE_IGNORED, "41", status="ignored"))])
    stage.run(50, acts=[(45, by(PageNow, stage.incident().id))])
    goes_on = [event(at, issue="41") for at in range(60, 800, 20)]
    pages = [page for each in stage.run(800, *goes_on) for page in paged(each)]
    assert pages == []
    pages = [page for each in stage.run(1_500) for page in paged(each)]
    assert pages == [PageAction.RESOLVE]


def test_an_acknowledgement_of_what_is_ignored_in_sentry_ends_with_that_and_wakes_nobody() -> None:
    stage, ids = Stage(), ("1", "2", "3")
    goes_on = [
        event(at, f"svc-{one}", f"E{one}", trace="t", issue=one)
        for at in range(0, 300, 20)
        for one in ids
    ]
    stage.run(20, *[one for one in goes_on if one.at_ms < ms(20)])
    ack = by(Acknowledge, stage.storm().id, for_ms=60_000)
    words = [(30, word(ChangeKind.ISSUE_IGNORED, one, status="ignored")) for one in ids]
    words += [(205, word(ChangeKind.ISSUE_UNRESOLVED, "1", status="unresolved"))]
    decided = stage.run(300, *goes_on, acts=[(25, ack)], words=words)
    pages = [(at, page) for at, each in enumerate(decided, 20) for page in paged(each)]
    assert pages == [
        (25, PageAction.ACKNOWLEDGE),
        (265, PageAction.TRIGGER),
        (265, PageAction.RESOLVE),
    ]


# ---------------------------------------------------------------- the owner


def test_the_first_telling_asks_to_assign_the_owner_once() -> None:
    stage = Stage(OWNED)
    decided = stage.run(400, *[event(at, "payment", issue="41") for at in range(0, 390, 10)])
    assert len(chats(decided)) > 1
    (one,) = asked(decided)
    assert (one.does, one.assignee, one.source) == (IssueDoes.ASSIGN, "team:payments", "rule")
    (digest,) = carried(decided)
    assert digest.page_told == ()


def test_what_nobody_owns_or_somebody_has_is_not_assigned() -> None:
    stage = Stage(OWNED)
    decided = stage.run(40, event(0, "cart", issue="41"))
    assert len(chats(decided)) == 1
    assert asked(decided) == []
    has: dict[str, Any]
    for has in ({"assignee": "search"}, {"assigned_person": True}):
        stage = Stage(OWNED)
        said = word(ChangeKind.ISSUE_ASSIGNED, "42", **has)
        decided = stage.run(40, event(0, "payment", issue="42"), words=[(3, said)])
        assert len(chats(decided)) == 1
        assert asked(decided) == []


def test_of_a_storm_each_service_is_assigned_to_its_own_owner() -> None:
    stage = Stage(OWNED)
    pushes = [
        event(0, "payment", "EP", trace="t", issue="1"),
        event(1, "checkout", "EC", trace="t", issue="2"),
        event(2, "payout", "EO", trace="t", issue="3"),
    ]
    decided = stage.run(40, *pushes)
    assert {one.issue_id for one in asked(decided)} == {"1", "3"}
    assert {one.does for one in asked(decided)} == {IssueDoes.ASSIGN}


def test_the_same_ticks_ask_the_same_byte_for_byte() -> None:
    def digests() -> bytes:
        stage = Stage(OWNED)
        stage.run(30, *outage(5, 2), event(3, "payment", issue="9"))
        stage.run(40, acts=[(31, by(Resolve, stage.storm().id))])
        return msgspec.msgpack.encode([one.digests for one in stage.decided])

    assert digests() == digests()


def test_a_change_is_a_digest_of_a_kind_of_its_own() -> None:
    stage = opened()
    (one,) = carried(stage.run(40, acts=[(31, by(Resolve, stage.incident().id))]))
    assert one.kind is DigestKind.ISSUE_CHANGE
    assert one.id.startswith("isu-")
    assert one.title == stage.incident().sample.title

"""The Sentry sink against a local Sentry: what is asked, what a refusal says, how long it waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from correlators.issue_change import RULE, IssueChange, IssueDoes
from correlators.types import Digest, DigestKind
from sinks.base import (
    Delivered,
    Outcome,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
)
from sinks.entries import DeadReason
from sinks.http import Reply
from sinks.peers.faults import Fault
from sinks.peers.sentry import SentryPeer
from sinks.peers.sentry_store import Issue
from sinks.sentry import GIVE_UP_MS, Organisation, SentrySink, body_of, issue_path
from sinks.sentry_words import LEAST_CONCURRENT_MS, WINDOW_WAIT_MS, refusal, wait_ms
from tests.sinks.make import attempt, digest
from tests.sinks.played import Clock, Played
from tests.sinks.sentry_case import TOKENS

MINUTE_MS = 60_000


@pytest.fixture
async def peer(clock: Clock) -> AsyncIterator[SentryPeer]:
    async with SentryPeer(
        tokens={"shop": TOKENS["shop"]}, teams={"payments": 7}, people={"anna": 3}, clock=clock
    ) as found:
        found.add_issue("41")
        yield found


@pytest.fixture
async def sink(peer: SentryPeer) -> AsyncIterator[SentrySink]:
    made = sink_of(peer)
    yield made
    await made.close()


def sink_of(peer: SentryPeer, slug: str = "shop") -> SentrySink:
    here = Organisation(slug=slug, token=TOKENS["shop"], api_url=peer.base_url)
    return SentrySink(organisations={"default": here})


def asked(does: IssueDoes = IssueDoes.RESOLVE, *, at_ms: int = 0, **how: Any) -> Digest:
    change = IssueChange(**{"issue_id": "41", "does": does, "subject": "inc-1", **how})
    made = digest("sentry:default", id=f"isu-{at_ms}", at_ms=1_790_000_000_000 + at_ms)
    return msgspec.structs.replace(made, kind=DigestKind.ISSUE_CHANGE, issue_change=change)


async def send(sink: SentrySink, one: Digest) -> Outcome:
    return await sink.send(attempt(Step.POST, one, started_ms=1_790_000_000_000))


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    ("one", "status", "substatus", "details"),
    [
        (asked(), "resolved", None, {}),
        (asked(IssueDoes.IGNORE), "ignored", "archived_until_escalating", {}),
        (
            asked(IssueDoes.IGNORE, until_ms=1_790_000_000_000 + 30 * MINUTE_MS),
            "ignored",
            "archived_until_condition_met",
            {"ignoreDuration": 30},
        ),
    ],
)
async def test_an_issue_is_so_afterwards(
    peer: SentryPeer,
    sink: SentrySink,
    one: Digest,
    status: str,
    substatus: str | None,
    details: dict[str, int],
) -> None:
    assert isinstance(await send(sink, one), Delivered)
    issue = peer.add_issue("41")
    assert (issue.status, issue.substatus, issue.details) == (status, substatus, details)
    assert isinstance(await send(sink, asked(IssueDoes.UNRESOLVE)), Delivered)
    assert (issue.status, issue.substatus) == ("unresolved", "ongoing")


async def test_a_team_is_assigned_by_its_number_which_is_asked_for_once(
    peer: SentryPeer, sink: SentrySink
) -> None:
    for assignee, stands in [
        ("team:payments", "team:7"),
        ("anna", "user:3"),
        ("team:payments", "team:7"),
        ("", ""),
        ("team:7", "team:7"),
    ]:
        assert isinstance(await send(sink, asked(IssueDoes.ASSIGN, assignee=assignee)), Delivered)
        assert peer.add_issue("41").assignee == stands
    assert [one.method for one in peer.calls].count("team.get") == 1


async def test_a_rule_assigns_what_nobody_has_and_takes_it_from_nobody(
    peer: SentryPeer, sink: SentrySink
) -> None:
    by_rule = asked(IssueDoes.ASSIGN, assignee="team:payments", source=RULE)
    by_hand = asked(IssueDoes.ASSIGN, assignee="anna", source="slack")
    issue = peer.add_issue("41")
    assert isinstance(await send(sink, by_rule), Delivered)
    assert issue.assignee == "team:7"
    assert isinstance(await send(sink, by_hand), Delivered)
    assert isinstance(await send(sink, by_rule), Delivered)
    assert issue.assignee == "user:3"
    peer.merge_issue("41")
    assert isinstance(await send(sink, by_rule), Rejected)


async def test_a_team_that_got_another_number_is_asked_for_anew() -> None:
    clock = Clock()
    teams = {"payments": 7}
    async with SentryPeer(tokens={"shop": TOKENS["shop"]}, teams=teams, clock=clock) as peer:
        sink = sink_of(peer)
        peer.add_issue("41")
        one = asked(IssueDoes.ASSIGN, assignee="team:payments")
        assert isinstance(await send(sink, one), Delivered)
        peer.number_team("payments", 8)
        assert isinstance(await send(sink, one), Rejected)
        assert isinstance(await send(sink, one), Delivered)
        assert peer.add_issue("41").assignee == "team:8"
        await sink.close()


async def test_without_an_organisation_the_form_of_older_installations_is_used(
    peer: SentryPeer,
) -> None:
    sink = sink_of(peer, slug="")
    assert isinstance(await send(sink, asked()), Delivered)
    assert peer.add_issue("41").status == "resolved"
    assert peer.calls[-1].args == {"issue": "41"}
    await sink.close()


@pytest.mark.parametrize("id", ["", "41/../../teams", "abc", "٤١"])
async def test_what_is_no_number_of_an_issue_is_never_called(
    peer: SentryPeer, sink: SentrySink, id: str
) -> None:
    assert isinstance(await send(sink, asked(issue_id=id)), Rejected)
    assert peer.calls == []


async def test_a_digest_that_is_no_change_is_refused(peer: SentryPeer, sink: SentrySink) -> None:
    assert isinstance(await send(sink, digest("sentry:default")), Rejected)
    assert peer.calls == []


def test_a_slug_stays_one_part_of_the_path() -> None:
    assert issue_path("a/../b", "1") == "/api/0/organizations/a%2F..%2Fb/issues/1/"


def test_an_archive_that_is_over_before_sentry_hears_of_it_lasts_a_minute() -> None:
    change = IssueChange(issue_id="1", does=IssueDoes.IGNORE, subject="inc-1", until_ms=5)
    assert body_of(change, 10_000_000)["statusDetails"] == {"ignoreDuration": 1}


# ---------------------------------------------------------------- what is refused


async def test_a_merged_issue_is_refused_for_good_with_what_to_do(
    peer: SentryPeer, sink: SentrySink
) -> None:
    peer.merge_issue("41")
    outcome = await send(sink, asked())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NO_SUCH_PLACE
    assert "merged into another one or deleted" in outcome.detail


@pytest.mark.parametrize(
    ("assignee", "without", "says"),
    [
        ("team:nobody", "", "Sentry shows no team nobody: name its slug"),
        ("team:payments", "team:read", "give the token the scope team:read"),
        ("who", "", "status 400"),
        ("anna", "event:write", "event:write"),
    ],
)
async def test_an_assignment_that_sentry_does_not_take_says_why(
    peer: SentryPeer, sink: SentrySink, assignee: str, without: str, says: str
) -> None:
    peer.take_scope(without)
    outcome = await send(sink, asked(IssueDoes.ASSIGN, assignee=assignee))
    assert isinstance(outcome, Rejected)
    assert says in outcome.detail
    assert peer.add_issue("41").log == []


@pytest.mark.parametrize("token", ["sntrys_é", "sntrys_a\nX-Evil: 1"])
async def test_a_token_that_no_header_can_carry_is_refused_and_not_told(
    peer: SentryPeer, token: str
) -> None:
    here = Organisation(slug="shop", token=token, api_url=peer.base_url)
    sink = SentrySink(organisations={"default": here})
    outcome = await send(sink, asked())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NOT_AUTHORISED
    assert "sentry.token" in outcome.detail
    assert token not in outcome.detail
    assert peer.calls == []
    await sink.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (404, Rejected), (413, Rejected), (429, Retry), (500, Unknown)],
)
def test_every_answer_means_something(status: int, kind: type) -> None:
    assert isinstance(refusal(Reply(status=status, headers={}, text="")), kind)


# ---------------------------------------------------------------- how long it waits

DATE = "Wed, 22 Jul 2026 10:00:00 GMT"
AT_S = 1_784_714_400


@pytest.mark.parametrize(
    ("headers", "waits_ms"),
    [
        ({}, WINDOW_WAIT_MS),
        ({"retry-after": "17"}, 17_000),
        ({"retry-after": "0"}, 1_000),
        ({"x-sentry-rate-limit-reset": f"{AT_S + 4}", "date": DATE}, 5_000),
        ({"x-sentry-rate-limit-reset": f"{AT_S + 4}"}, WINDOW_WAIT_MS),
        ({"x-sentry-rate-limit-reset": f"{AT_S - 60}", "date": DATE}, 1_000),
        ({"x-sentry-rate-limit-reset": f"{AT_S * 2}", "date": DATE}, 3_600_000),
        ({"x-sentry-rate-limit-reset": "soon", "date": DATE}, WINDOW_WAIT_MS),
        ({"x-sentry-rate-limit-concurrentremaining": "0"}, LEAST_CONCURRENT_MS),
        ({"x-sentry-rate-limit-concurrentremaining": "0", "retry-after": "9"}, 9_000),
    ],
)
def test_a_429_is_waited_out_as_it_says(headers: dict[str, str], waits_ms: int) -> None:
    assert wait_ms(headers) == waits_ms


async def test_a_window_that_others_have_used_up_is_waited_out(
    peer: SentryPeer, sink: SentrySink
) -> None:
    for _ in range(5):
        assert isinstance(await send(sink, asked()), Delivered)
    outcome = await send(sink, asked())
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.scope) == (RetryReason.RATE_LIMITED, Scope.METHOD)
    assert 1_000 <= outcome.after_ms <= 2_000


async def test_a_storm_of_changes_is_never_refused_for_its_rate(
    peer: SentryPeer, sink: SentrySink, clock: Clock
) -> None:
    for number in range(100, 140):
        peer.add_issue(str(number))
    played = Played(clock, [sink])
    await played.run(*[asked(issue_id=str(number)) for number in range(100, 140)])
    assert peer.rejected == []
    assert {one.status for one in peer.issues.values() if one.id != "41"} == {"resolved"}


# ---------------------------------------------------------------- the outbox


def statuses(issue: Issue) -> list[str]:
    return [str(what.get("status", what.get("assignedTo"))) for _, what in issue.log]


async def test_of_several_changes_of_one_issue_the_newest_wins_and_an_assignment_stays(
    peer: SentryPeer, sink: SentrySink, clock: Clock
) -> None:
    peer.fail(Fault.ERROR_503, calls=2)
    await Played(clock, [sink]).run(
        asked(at_ms=1_000),
        asked(IssueDoes.ASSIGN, at_ms=2_000, assignee="anna"),
        asked(IssueDoes.UNRESOLVE, at_ms=4_000, subject="inc-2"),
        asked(IssueDoes.IGNORE, at_ms=3_000),
    )
    issue = peer.add_issue("41")
    assert (issue.status, issue.assignee) == ("unresolved", "user:3")
    assert "ignored" not in statuses(issue)


async def test_the_same_change_told_twice_is_made_once(
    peer: SentryPeer, sink: SentrySink, clock: Clock
) -> None:
    played = Played(clock, [sink])
    await played.run(asked(at_ms=1_000))
    await played.run(asked(at_ms=1_000))
    assert len(peer.calls) == 1
    await played.run(asked(IssueDoes.UNRESOLVE, at_ms=2_000))
    await played.run(asked(at_ms=3_000))
    assert statuses(peer.add_issue("41")) == ["resolved", "unresolved", "resolved"]


async def test_a_change_that_sentry_cannot_hear_is_given_up_in_half_an_hour(
    peer: SentryPeer, sink: SentrySink, clock: Clock
) -> None:
    played = Played(clock, [sink])
    begun_ms = clock.now_ms
    await peer.stop_listening()
    await played.run(asked())
    (dead,) = played.dead
    assert dead.reason is DeadReason.RETRIES_EXHAUSTED
    assert GIVE_UP_MS <= dead.at_ms - begun_ms <= GIVE_UP_MS + 2 * MINUTE_MS
    await peer.listen()
    await played.run(asked(at_ms=1_000))
    assert statuses(peer.add_issue("41")) == ["resolved"]

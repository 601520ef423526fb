"""The whole circle, from an act to Sentry's own word on it: CORRELATE, an outbox, real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from correlators.acts import Act, Assign, Ignore, Resolve
from correlators.answering import DESTINATION as ALONE
from correlators.changes import change_of
from correlators.correlate import Decided
from correlators.incidents import SOMEBODY
from correlators.issue_change import IssuesChanged
from correlators.owners import Owner
from correlators.pressed import Pressed
from correlators.types import Digest, DigestKind, StateChange, tick_of
from correlators.wire_read import read_change
from sinks.entries import Changes
from sinks.peers.sentry import SentryPeer
from sinks.peers.slack import SlackPeer
from sinks.sentry import Organisation, SentrySink
from sinks.slack import SlackSink
from sinks.slack_ephemeral import SlackEphemeralSink
from tests.correlators.score import CHAT, PAGING, event, ms
from tests.correlators.test_asking import Stage, by
from tests.sinks.cases import TOKEN
from tests.sinks.played import Clock, Played
from tests.sinks.sentry_case import TOKENS

CONFIG = msgspec.structs.replace(
    PAGING,
    issues=IssuesChanged(assign_owner=True),
    owners=(Owner(owner="payments", service="pay*"),),
)


@dataclass
class Circle:
    """Everything from the act to Sentry, and back."""

    stage: Stage
    played: Played
    sentry: SentryPeer
    slack: SlackPeer
    now: int = 0

    async def run(self, seconds: int, *acts: Act, pushes: Any = (), words: Any = ()) -> None:
        """Decide so many seconds, then deliver all that was decided."""
        at = self.now + 1
        decided = self.stage.run(
            self.now + seconds,
            *pushes,
            acts=[(at, one) for one in acts],
            words=[(at, one) for one in words],
        )
        self.now += seconds
        await self._deliver(_told(decided))

    async def _deliver(self, digests: list[Digest]) -> None:
        handed: list[Digest] = []
        take = self.played.outbox.take_changes

        def noted() -> Changes:
            changes = take()
            handed.extend(changes.handed)
            return changes

        self.played.outbox.take_changes = noted  # type: ignore[method-assign]
        await self.played.run(*digests)
        self.played.outbox.take_changes = take  # type: ignore[method-assign]
        if handed:
            await self._deliver(handed)

    def echo(self, issue_id: str, action: str) -> StateChange:
        """Return Sentry's webhook about an issue as it stands there, read as any other."""
        shown = self.sentry.add_issue(issue_id).shown()
        body = json.dumps({"action": action, "data": {"issue": shown}}).encode()
        told = change_of("issue", read_change(body), body)
        return msgspec.structs.replace(told, tick=tick_of(ms(self.now)))

    def said(self) -> list[str]:
        """Return the first message and what stands in its thread."""
        first = self.slack.posts("a")[0]
        below = self.slack.replies("a", first.ts)
        return [str(one.blocks) + one.text for one in (first, *below)]


def _told(decided: list[Decided]) -> list[Digest]:
    served = (CHAT, "sentry:default", ALONE)
    return [one for each in decided for one in each.digests if one.destination in served]


@pytest.fixture
async def circle(clock: Clock) -> AsyncIterator[Circle]:
    async with made(clock) as found:
        yield found


@asynccontextmanager
async def made(clock: Clock) -> AsyncIterator[Circle]:
    name = CHAT.partition(":")[2]
    async with (
        SentryPeer(
            tokens={"shop": TOKENS["shop"]},
            teams={"payments": 7},
            people={"anna": 3, "ada.l": 4},
            clock=clock,
        ) as sentry,
        SlackPeer(token=TOKEN, channels={"C0A": "a"}, clock=clock) as slack,
    ):
        here = Organisation(slug="shop", token=TOKENS["shop"], api_url=sentry.base_url)
        sinks = (
            SentrySink(organisations={"default": here}, people={"Ada Lovelace": "user:4"}),
            SlackSink(token=TOKEN, channels={name: "C0A"}, base_url=slack.base_url),
            SlackEphemeralSink(token=TOKEN, base_url=slack.base_url),
        )
        sentry.add_issue("41")
        yield Circle(Stage(CONFIG), Played(clock, list(sinks)), sentry, slack)
        for one in sinks:
            await one.close()


async def test_what_is_resolved_here_is_resolved_there_and_the_answer_is_no_news(
    circle: Circle,
) -> None:
    await circle.run(30, pushes=[event(0, issue="41")])
    await circle.run(5, by(Resolve, circle.stage.incident().id))
    assert circle.sentry.add_issue("41").status == "resolved"
    before, calls = circle.said(), len(circle.sentry.calls)
    await circle.run(60, words=[circle.echo("41", "resolved")])
    assert circle.said() == before
    assert len(circle.sentry.calls) == calls
    assert circle.played.dead == []


async def test_what_is_ignored_here_is_archived_there_and_said_once_sentry_says_so(
    circle: Circle,
) -> None:
    await circle.run(30, pushes=[event(0, issue="41")])
    await circle.run(5, by(Ignore, circle.stage.incident().id))
    issue = circle.sentry.add_issue("41")
    assert (issue.status, issue.substatus) == ("ignored", "archived_until_escalating")
    before = len(circle.said())
    for _ in range(2):
        await circle.run(10, words=[circle.echo("41", "ignored")])
    assert len(circle.said()) == before + 1
    assert "Ignored in Sentry" in circle.said()[-1]


async def test_an_owner_and_then_a_person_have_it_there_too(circle: Circle) -> None:
    await circle.run(30, pushes=[event(0, "payment", issue="41")])
    assert circle.sentry.add_issue("41").assignee == "team:7"
    await circle.run(5, by(Assign, circle.stage.incident("payment").id, assignee="anna"))
    assert circle.sentry.add_issue("41").assignee == "user:3"
    before = circle.said()
    await circle.run(400, words=[circle.echo("41", "assigned")])
    assert circle.said() == before
    assert circle.stage.incident("payment").assignee == "anna"
    assert SOMEBODY not in "".join(circle.said())


async def test_who_is_known_by_another_name_here_has_it_there_too(circle: Circle) -> None:
    await circle.run(30, pushes=[event(0, issue="41")])
    await circle.run(5, by(Assign, circle.stage.incident().id, assignee="@ada lovelace"))
    assert circle.sentry.add_issue("41").assignee == "user:4"
    assert circle.stage.incident().assignee == "@ada lovelace"
    assert circle.played.dead == []


async def test_what_sentry_does_not_take_is_said_below_the_incident_and_can_be_done_again(
    circle: Circle,
) -> None:
    await circle.run(30, pushes=[event(0, issue="41")])
    circle.sentry.take_scope("event:write")
    id = circle.stage.incident().id
    await circle.run(5, by(Resolve, id))
    (dead,) = circle.played.dead
    assert "event:write" in dead.detail
    assert "Sentry said no: issue 41 is not resolved" in circle.said()[-1]
    assert "then do it again" in circle.said()[-1]
    circle.sentry.give_scope("event:write")
    again = Resolve(actor="anna", source="slack", at_ms=1, subject=id)
    await circle.run(5, again)
    assert circle.sentry.add_issue("41").status == "resolved"


async def test_whoever_pressed_hears_alone_where_they_pressed_that_sentry_did_not_take_it(
    circle: Circle,
) -> None:
    await circle.run(30, pushes=[event(0, issue="41"), event(1, issue="42")])
    circle.sentry.add_issue("42")
    circle.sentry.take_scope("event:write")
    id, here = circle.stage.incident().id, Pressed("U0ADA", "C0A")
    await circle.run(5, by(Resolve, id, pressed=here))
    (told,) = circle.slack.back.ephemerals
    assert (told.user, told.channel) == ("U0ADA", "C0A")
    assert told.text.startswith("⚠️ Sentry said no: issue 41, one of 2, is not resolved (status")
    assert told.text.endswith("then do it again).")
    assert len([one for one in circle.said() if "Sentry said no" in one]) == 1
    circle.sentry.give_scope("event:write")
    await circle.run(5, by(Resolve, id, pressed=Pressed("U0BEN", "C0A"), at_ms=9))
    assert len(circle.slack.back.ephemerals) == 1


async def test_a_notice_is_of_a_kind_of_its_own(circle: Circle) -> None:
    await circle.run(30, pushes=[event(0, issue="41")])
    circle.sentry.merge_issue("41")
    await circle.run(5, by(Resolve, circle.stage.incident().id))
    (change,) = [one for one in circle.played.dead if one.destination == "sentry:default"]
    told = msgspec.msgpack.decode(change.digest, type=Digest)
    assert told.kind is DigestKind.ISSUE_CHANGE
    assert told.page_told == (CHAT,)

"""What one person is told: directly or by mail, in words to them, once, to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from correlators.acts import Act, Assign, Comment
from correlators.personal import By, Deed, Personal, Wish
from correlators.types import Digest
from sinks.base import Delivered, Rejected, RejectReason, Retry, RetryReason, Step
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from sinks.peers.slack import SlackPeer
from sinks.person import GIVE_UP_MS, PersonSlackSink, shown
from tests.correlators.acted import Stage
from tests.correlators.score import PAGING, event
from tests.sinks.email_case import BOB, PASSWORD, USER
from tests.sinks.make import attempt, digest
from tests.sinks.person_case import BOT, NAME, mail_sink, theirs
from tests.sinks.played import Clock, Played

ID = "inc-00000000000000aa"
SINKS = ("person_slack", "person_mail")
BEN = f"person_slack:{NAME}"
MAIL = f"person_mail:{NAME}"


def own(destination: str, deed: Deed = Deed.ASSIGNED, **how: Any) -> Digest:
    """Return the digest as CORRELATE makes it: under an id of its own."""
    return msgspec.structs.replace(theirs(destination, deed, **how), id="per-00000000000000bb")


@pytest.fixture
async def slack() -> AsyncIterator[SlackPeer]:
    async with SlackPeer(token=BOT, channels={"C0INC": "incidents"}) as peer:
        peer.workspace.people |= {"U0BEN": "ben"}
        yield peer


@pytest.fixture
async def sink(slack: SlackPeer) -> AsyncIterator[PersonSlackSink]:
    made = PersonSlackSink(token=BOT, people={NAME: "U0BEN"}, buttons=True, base_url=slack.base_url)
    yield made
    await made.close()


async def test_a_direct_message_says_what_is_theirs_and_its_buttons_are_of_the_incident(
    slack: SlackPeer, sink: PersonSlackSink
) -> None:
    outcome = await sink.send(attempt(Step.POST, own(BEN)))
    assert isinstance(outcome, Delivered)
    (one,) = slack.posts("U0BEN")
    assert one.blocks[0]["text"]["text"].startswith("👉 Assigned to you: ")
    told = json.dumps(one.blocks, ensure_ascii=False)
    assert "Assigned to you by dora in Slack" in told
    assert "Assigned to *" not in told
    assert f"{ID}@1@" in told
    assert "per-" not in told + one.text
    assert slack.posts("incidents") == []


async def test_who_is_mentioned_reads_the_comment(slack: SlackPeer, sink: PersonSlackSink) -> None:
    await sink.send(attempt(Step.POST, own(BEN, Deed.MENTIONED)))
    (one,) = slack.posts("U0BEN")
    assert one.blocks[0]["text"]["text"].startswith("💬 You are mentioned: ")
    assert "dora: please look" in json.dumps(one.blocks)


@pytest.mark.parametrize(
    ("word", "reason"),
    [("user_not_found", RejectReason.INVALID), ("cannot_dm_bot", RejectReason.INVALID)],
)
async def test_what_is_refused_names_nobodys_id(
    slack: SlackPeer, sink: PersonSlackSink, word: str, reason: RejectReason
) -> None:
    slack.fail(Fault.REFUSED, method="chat.postMessage", word=word, calls=1)
    outcome = await sink.send(attempt(Step.POST, own(BEN)))
    assert isinstance(outcome, Rejected)
    assert "U0BEN" not in outcome.detail + repr(sink)


async def test_who_is_not_there_is_called_by_name_not_by_id(
    slack: SlackPeer, sink: PersonSlackSink, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.workspace.people.clear()
    outcome = await sink.send(attempt(Step.POST, own(BEN)))
    assert isinstance(outcome, Retry)
    assert outcome.reason is RetryReason.NEEDS_SOMEBODY
    assert "U0BEN" not in outcome.detail + capsys.readouterr().out
    assert NAME in outcome.detail


def test_only_those_of_the_file_are_served() -> None:
    sink = PersonSlackSink(token=BOT, people={NAME: "U0BEN"})
    assert sink.destinations == (BEN,)
    assert not sink.opens("person_slack:C0INC")
    assert set(sink.plan(BEN).steps) == {Step.POST}
    assert sink.plan(BEN).give_up_ms == GIVE_UP_MS


async def test_a_mail_to_one_person_is_no_mail_of_a_list() -> None:
    async with EmailPeer(users={USER: PASSWORD}) as peer:
        sink = mail_sink(peer)
        assert BOB not in repr(sink)
        one, two = own(MAIL), own(MAIL, Deed.MENTIONED)
        assert isinstance(await sink.send(attempt(Step.POST, one)), Delivered)
        assert isinstance(await sink.send(attempt(Step.POST, two)), Delivered)
        first, second = peer.inbox(BOB)
        assert "Assigned to you: " in first.header("Subject")
        assert "You are mentioned: " in second.header("Subject")
        assert first.header("List-ID") == ""
        assert "Sent to you alone by Stormfold" in first.part("plain")
        assert "Sent to you alone by Stormfold" in first.part("html")
        assert "Assigned to you by dora in Slack" in first.part("plain")
        assert "dora: please look" in second.part("plain")
        assert first.header("X-Stormfold-Incident") == ID
        assert first.header("Message-ID") != second.header("Message-ID")
        assert first.header("References") == second.header("References")
        await sink.close()


async def test_two_comments_of_one_second_are_two_mails() -> None:
    async with EmailPeer(users={USER: PASSWORD}) as peer:
        sink = mail_sink(peer)
        one = own(MAIL, Deed.MENTIONED)
        for text in ("please look", "now", "now"):
            await sink.send(attempt(Step.POST, msgspec.structs.replace(one, act_text=text)))
        ids = [mail.header("Message-ID") for mail in peer.inbox(BOB)]
        assert len(ids) == 3
        assert len(set(ids)) == 2
        await sink.close()


async def test_what_waits_long_is_told_together(clock: Clock) -> None:
    async with SlackPeer(token=BOT, channels={}, clock=clock) as slack:
        slack.workspace.people |= {"U0BEN": "ben"}
        sink = PersonSlackSink(token=BOT, people={NAME: "U0BEN"}, base_url=slack.base_url)
        played = Played(clock, [sink])
        many = [
            msgspec.structs.replace(theirs(BEN), id=f"per-{number:016x}") for number in range(200)
        ]
        await played.run(*many)
        assert played.dead == []
        posts = slack.posts("U0BEN")
        assert len(posts) == 1
        assert any("📚 Assigned to you: " in one.text for one in posts)
        assert {one.subject for one in played.together} == {ID}
        assert {one.delivery for one in played.together} == {one.id for one in many}
        said = [
            msgspec.structs.replace(theirs(BEN, Deed.MENTIONED), id=f"per-{number:016x}")
            for number in range(200, 300)
        ]
        await played.run(*said)
        assert len(slack.posts("U0BEN")) == 101  # what people write is told one by one
        await sink.close()


def test_what_everybody_is_told_stays_as_it_is() -> None:
    one = digest("slack:incidents")
    assert shown(one) is one


async def test_what_correlate_decides_arrives_with_both_and_once(clock: Clock) -> None:
    personal = Personal(people={NAME: Wish(assigned=By.BOTH, mentioned=By.BOTH, sinks=SINKS)})
    stage = Stage(config=msgspec.structs.replace(PAGING, personal=personal))
    stage.run(9, event(1))
    id = stage.incident("checkout").id
    who: dict[str, Any] = {"actor": "ada", "source": "slack", "at_ms": 1, "subject": id}
    acts: list[tuple[int, Act]] = [
        (10, Assign(**who, assignee=NAME)),
        (11, Comment(**who, text=f"@{NAME} look")),
    ]
    stage.run(20, acts=acts)
    found = [one for one in stage.digests if one.personal is not None]
    assert len(found) == 4
    slack = SlackPeer(token=BOT, channels={}, clock=clock)
    async with slack, EmailPeer(users={USER: PASSWORD}, clock=clock) as mails:
        slack.workspace.people |= {"U0BEN": "ben"}
        sink = PersonSlackSink(token=BOT, people={NAME: "U0BEN"}, base_url=slack.base_url)
        mail = mail_sink(mails)
        played = Played(clock, [sink, mail])
        await played.run(*found)
        await played.run(*found)  # another partition tells of the same deeds
        assert played.dead == []
        told = [one.text.split(":")[0] for one in slack.posts("U0BEN")]
        assert sorted(told) == ["👉 Assigned to you", "💬 You are mentioned"]
        assert len(mails.inbox(BOB)) == 2
        assert all(f"`{id}`" in one.text or id in one.text for one in slack.posts("U0BEN"))
        await sink.close()
        await mail.close()

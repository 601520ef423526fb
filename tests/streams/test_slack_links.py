"""`link`, `unlink` and `me` in Slack: what is meant, what stands on the log, what is said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import Acknowledge, Act, Assign
from correlators.channel_links import ChannelLink
from correlators.conditions import When
from correlators.link_acts import AddLink, RemoveLink
from correlators.owners import Team
from correlators.types import tick_of
from sinks.peers.slack_people import Person
from streams.intake_log import Written
from streams.live import Live, Part
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import PAGING, event, ms
from tests.streams.slack_stand import Stand, outage_and_mail, settings_with, stand

OPS = "slack:C0OPS"


async def say(person: Person, text: str, channel: str) -> str:
    """Return what somebody is answered who says `/stormfold` and this there."""
    answered = await person.command(text, channel=channel)
    return str(answered.body["text"])


def live_with(*links: tuple[str, When], parts: int = 1) -> Live:
    """Return a state in which these links stand in every partition, and mail is open."""
    acts: list[tuple[int, Act]] = [
        (0, AddLink(actor="ben", source="cli", at_ms=ms(0), subject=to, when=when))
        for to, when in links
    ]
    stages = [Stage() for _ in range(parts)]
    for stage in stages:
        stage.run(20, event(5, "mail", "EM"), acts=acts)
    found = [Part(number, one.state, tick_of(ms(20)) - 1) for number, one in enumerate(stages)]
    return Live(PAGING, found, ms(20))


def known(it: Stand, **teams: Team) -> None:
    """Configure these teams, and the channel ops by its name."""
    settings = settings_with(it.slack)
    assert settings.sinks.slack is not None
    slack = msgspec.structs.replace(
        settings.sinks.slack, channels={"incidents": "C0INC", "alerts": "#ops"}
    )
    sinks = msgspec.structs.replace(settings.sinks, slack=slack)
    it.door._clerk.linker.renew(msgspec.structs.replace(settings, sinks=sinks, teams=teams))


async def test_a_channel_is_linked_in_every_partition_by_its_id() -> None:
    async with stand() as it:
        it.live = live_with()
        said = await say(it.ada, "link mail production", "ops")
        assert it.acts.told == []
        (act,) = it.acts.everywhere
        when = When(service=("mail",), environment=("production",))
        assert isinstance(act, AddLink)
        assert (act.subject, act.when, act.actor, act.source) == (OPS, when, "ada", "slack")
        assert said == (
            "This channel is told of `service mail in production` too, from now on. It takes "
            "effect mostly within seconds. It fits one that is open "
            "now, told here with the next news."
        )


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("pay", {"owner": ("pay",)}),
        ("@pay", {"owner": ("pay",)}),
        ("service:pay", {"service": ("pay",)}),
        ("team:ops in staging", {"owner": ("ops",), "environment": ("staging",)}),
        ("<!subteam^S0PAY|@payers>", {"owner": ("pay",)}),
        ("<!subteam^S0OTHER|@other>", {"owner": ("other",)}),
        ("`check*`", {"service": ("check*",)}),
    ],
)
async def test_a_team_is_meant_where_one_is_called_so(text: str, asked: dict[str, Any]) -> None:
    async with stand() as it:
        known(it, pay=Team(slack="S0PAY"))
        await say(it.ada, f"link {text}", "ops")
        (act,) = it.acts.everywhere
        assert isinstance(act, AddLink)
        assert act.when == When(**asked)


async def test_a_channel_goes_by_the_name_that_the_configuration_gives_it() -> None:
    async with stand() as it:
        known(it)
        for channel in ("ops", "incidents"):
            await say(it.ada, "link mail", channel)
        assert [one.subject for one in it.acts.everywhere] == ["slack:alerts", "slack:incidents"]


async def test_in_a_thread_it_is_said_as_a_mention() -> None:
    async with stand() as it:
        message = await it.post()
        await it.ada.mention("incidents", "link mail", thread_ts=message.ts)
        (said,) = await it.heard(it.ada)
        assert said.startswith("This channel is told of `service mail` too")
        assert [one.subject for one in it.acts.everywhere] == ["slack:incidents"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("link a b c", "expected `link [SERVICE or TEAM] [ENVIRONMENT]`"),
        ("unlink a b c", "expected `unlink [SERVICE or TEAM] [ENVIRONMENT]`"),
        ("link <@U0ADA|ada>", "expected a name"),
        (f"link {'x' * 201}", "expected a name"),
        ("link inc-4bb0c3f1a2d95e77", "a channel is not linked to one incident"),
        ("link team:", "at most 200 characters"),
    ],
)
async def test_what_cannot_be_linked_is_said_and_nothing_is_done(text: str, says: str) -> None:
    async with stand() as it:
        said = await say(it.ada, text, "ops")
        assert said.startswith("Nothing was done: ")
        assert says in said
        assert it.acts.everywhere == []


async def test_a_conversation_that_is_no_channel_is_not_linked() -> None:
    async with stand() as it:
        told = await it.app.send(
            "slash_commands",
            {
                "command": "/stormfold",
                "text": "link mail",
                "user_id": "U0ADA",
                "user_name": "ada",
                "channel_id": "D0ADA",
                "channel_name": "directmessage",
            },
        )
        assert "only a channel can be linked" in str(told.body)
        assert it.acts.everywhere == []


async def test_where_the_bot_is_not_it_says_so() -> None:
    async with stand() as it:
        it.slack.workspace.channels["C0OPS"].member = False
        assert "I am not in this channel" in await say(it.ada, "link mail", "ops")
        assert len(it.acts.everywhere) == 1


async def test_a_link_needs_no_state_and_tells_when_kafka_does_not_take_it() -> None:
    async with stand() as it:
        assert "from now on" in await say(it.ada, "link mail", "ops")
        it.acts.answer = Written.REFUSED
        assert "Kafka does not take it" in await say(it.ada, "link cart", "ops")
        assert "the state cannot be read" in await say(it.ada, "unlink", "ops")
        assert "the state cannot be read" in await say(it.ada, "link", "ops")


async def test_unlink_ends_what_is_named_or_all_of_the_channel_whatever_it_is_called() -> None:
    mail, cart = When(service=("mail",)), When(service=("cart",))
    async with stand() as it:
        known(it)
        it.live = live_with((OPS, mail), ("slack:alerts", cart), ("slack:incidents", mail))
        said = await say(it.ada, "unlink mail", "ops")
        assert "linked no more to `service mail`. What was told here already" in said
        (act,) = it.acts.everywhere
        assert isinstance(act, RemoveLink)
        assert (act.subject, act.when) == (OPS, mail)
        it.acts.everywhere.clear()
        await say(it.ada, "unlink", "ops")
        assert [(type(one), one.subject) for one in it.acts.everywhere] == [
            (RemoveLink, OPS),
            (RemoveLink, "slack:alerts"),
        ]
        it.acts.everywhere.clear()
        said = await say(it.ada, "unlink mail staging", "ops")
        assert "this channel is not linked to `service mail in staging`" in said
        assert it.acts.everywhere == []


async def test_link_alone_lists_what_the_channel_is_told_and_everybody_may_look() -> None:
    async with stand(groups={"link": ("U0BOB",)}) as it:
        it.live = live_with((OPS, When(service=("mail",))), ("slack:C0X", When(owner=("ops",))))
        said = await say(it.ada, "link", "ops")
        assert said.split("\n")[:2] == [
            "This channel is told also of:",
            "`service mail · by ben (cli)`",
        ]
        assert "linked to nothing" in await say(it.ada, "link", "incidents")
        for text in ("link cart", "unlink"):
            said = await say(it.ada, text, "ops")
            assert "only <@U0BOB> may link from Slack" in said
        assert it.acts.everywhere == []
        await say(it.person("U0BOB", "bob"), "link cart", "ops")
        assert [type(one) for one in it.acts.everywhere] == [AddLink]


async def test_pressed_twice_it_is_one_act() -> None:
    async with stand() as it:
        for _ in range(2):
            await say(it.ada, "link mail", "ops")
        one, two = it.acts.everywhere
        assert one == two


async def test_me_says_who_one_is_what_one_may_and_what_is_ones_own() -> None:
    async with stand(groups={"page": ("S0CALL",), "merge": (), "link": ("U0ADA",)}) as it:
        it.slack.back.groups["S0CALL"] = ["U0ADA"]
        settings = settings_with(it.slack, groups={"page": ("S0CALL",)})
        it.door._clerk.mirror.renew(
            msgspec.structs.replace(settings, teams={"pay": Team(slack="S0CALL")})
        )
        stage = Stage()
        stage.run(20, *outage(), event(5, "mail", "EM"))
        storm, mail = stage.storm().id, stage.incident("mail").id
        acts: list[tuple[int, Act]] = [
            (20, Acknowledge(**{**ANNA, "actor": "ada"}, subject=storm)),
            (21, Assign(**ANNA, subject=mail, assignee="pay")),
        ]
        stage.run(30, acts=acts)
        it.live = Live(PAGING, [Part(0, stage.state, tick_of(ms(30)) - 1)], ms(30))
        said = (await say(it.ada, "me", "ops")).split("\n")
        assert said[:5] == [
            "You are `ada` here: what you do bears this name.",
            "Groups that count here: `S0CALL`",
            "Teams: `pay`",
            "From Slack you may page; silence, and ignore in Sentry; link channels; and all that "
            "is not kept to groups.",
            "You may not: merge and split. `slack_in.groups` says who may.",
        ]
        assert said[5] == "You have acknowledged:"
        assert storm in said[6]
        assert said[7] == "Assigned to you:"
        assert mail in said[8]
        said = (await say(it.person("U0BOB", "bob"), "me", "ops")).split("\n")
        assert "Groups that count here: none" in said
        assert "From Slack you may do all that is not kept to groups." not in said
        assert "You have acknowledged: nothing that is open." in said


async def test_me_says_it_in_a_sentence_where_one_may_nothing_that_is_kept_to_groups() -> None:
    async with stand(groups=dict.fromkeys(("page", "silence", "merge", "link"), ())) as it:
        said = (await say(it.ada, "me", "ops")).split("\n")
        assert "From Slack you may do all that is not kept to groups." in said
        assert (
            "You may not: page; silence, and ignore in Sentry; merge and split; link channels. "
            "`slack_in.groups` says who may."
        ) in said


async def test_who_links_what_nothing_open_is_of_is_asked_to_look_at_the_name() -> None:
    async with stand() as it:
        it.live = live_with()
        said = await say(it.ada, "link chekout", "ops")
        assert said.endswith("Nothing that is open now is of it: look whether it is called so.")


async def test_me_says_who_one_is_also_where_the_state_cannot_be_read() -> None:
    async with stand() as it:
        assert "What is yours cannot be read now." in await say(it.ada, "me", "ops")
        live, _, _ = outage_and_mail()
        it.live = live
        assert "Assigned to you: nothing" in await say(it.ada, "me", "ops")


def test_links_of_all_partitions_are_one_and_one_that_is_missing_somewhere_says_so() -> None:
    from streams.links_said import links_of

    live = live_with((OPS, When(service=("mail",))), parts=2)
    (one,) = links_of(live)
    assert (one.partitions, one.of, "make it again" in str(one)) == (2, 2, False)
    (link,) = live.parts[1].state.people.links
    assert isinstance(link, ChannelLink)
    live.parts[1].state.drop("link:" + link.id)
    (one,) = links_of(live)
    assert "stands in 1 of 2 partitions only: make it again" in str(one)

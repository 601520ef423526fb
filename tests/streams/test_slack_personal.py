"""`me dm`, `me mail`, `me off` in Slack, and whom a comment there mentions."""

from __future__ import annotations

import pytest

from correlators.acts import Comment
from correlators.personal import By, Choice, Deed, Personal, Wish
from correlators.personal_acts import TellMe
from correlators.types import tick_of
from sinks.peers.slack_people import Person as Somebody
from streams.intake_log import Written
from streams.live import Live, Part
from streams.people import Person
from streams.slack_personal import named
from tests.correlators.acted import Stage
from tests.correlators.score import PAGING, event, ms
from tests.streams.slack_stand import outage_and_mail, stand

PEOPLE = {
    "Ada L": Person(slack="U0ADA", email="ada@shop.test"),
    "bo": Person(slack="U0BO", mentioned=By.NONE),
}


async def say(person: Somebody, text: str) -> str:
    """Return what somebody is answered who says `/stormfold` and this."""
    answered = await person.command(text, channel="ops")
    return str(answered.body["text"])


@pytest.mark.parametrize(
    ("text", "by", "of", "says"),
    [
        (
            "me dm",
            By.SLACK,
            None,
            "of what you are assigned to and of comments that mention you by",
        ),
        ("me off mentioned", By.NONE, Deed.MENTIONED, "of comments that mention you nowhere"),
        ("me `off` assigned", By.NONE, Deed.ASSIGNED, "of what you are assigned to nowhere"),
        ("me default", None, None, "as stormfold.yaml says"),
    ],
)
async def test_people_choose_for_themselves_in_every_partition(
    text: str, by: By | None, of: Deed | None, says: str
) -> None:
    async with stand(people=PEOPLE) as it:
        told = await say(it.ada, text)
        assert says in told
        (act,) = it.acts.everywhere
        assert isinstance(act, TellMe)
        assert (act.subject, act.actor, act.by, act.of) == ("Ada L", "Ada L", by, of)
        assert it.acts.told == []


@pytest.mark.parametrize(
    ("who", "text", "says"),
    [
        ("ada", "me pigeon", "expected `me [dm, mail, both, off or default]"),
        ("ada", "me dm paged", "expected `me [dm, mail"),
        ("ada", "me dm assigned mentioned", "expected `me [dm, mail"),
        ("ada", "me mail", "no mail address, or no mail server of you"),
        ("cy", "me dm", "does not say who you are"),
    ],
)
async def test_what_cannot_be_chosen_is_said_and_nothing_is_done(
    who: str, text: str, says: str
) -> None:
    async with stand(people=PEOPLE) as it:
        person = it.person(f"U0{who.upper()}", who)
        told = await say(person, text)
        assert told.startswith("Nothing was done: ")
        assert says in told
        assert it.acts.everywhere == []


async def test_nobody_chooses_for_another_by_calling_themselves_so() -> None:
    async with stand(people=PEOPLE) as it:
        told = await say(it.person("U0CY", "Ada L"), "me off")
        assert "does not say who you are" in told
        assert it.acts.everywhere == []


async def test_where_kafka_does_not_take_it_that_is_said() -> None:
    async with stand(people=PEOPLE) as it:
        it.acts.answer = Written.REFUSED
        assert "Kafka does not take it now" in await say(it.ada, "me dm")


async def test_me_says_how_one_is_told_and_who_says_so() -> None:
    wishes = {"Ada L": Wish(assigned=By.SLACK, mentioned=By.SLACK, sinks=("person_slack",))}
    async with stand(people=PEOPLE) as it:
        it.live = outage_and_mail()[0]
        said = await say(it.ada, "me")
        assert (
            "You are told of what you are assigned to by a direct message; of comments that "
            "mention you by a direct message (as stormfold.yaml says; "
        ) in said
        assert "You are told" not in await say(it.person("U0CY", "cy"), "me")
    async with stand(people=PEOPLE) as it:
        stage = Stage()
        stage.run(20, event(5, "mail", "EM"))
        stage.state.put(Choice(name="Ada L", mentioned=By.NONE))
        it.live = Live(PAGING, [Part(0, stage.state, tick_of(ms(20)) - 1)], ms(20))
        said = await say(it.ada, "me")
        assert "of comments that mention you nowhere (you chose; " in said
    assert Personal(people=wishes).places("Ada L", Deed.ASSIGNED, None) == ("person_slack:Ada L",)


async def test_a_mention_in_a_comment_is_by_the_name_that_they_have_here() -> None:
    async with stand(people=PEOPLE) as it:
        it.live = outage_and_mail()[0]
        message = await it.post()
        text = "comment <@U0BO> and <@U0CY|cy>: look"
        await it.ada.mention("incidents", text, thread_ts=message.ts)
        await it.heard(it.ada)
        (act,) = it.acts.acts
        assert isinstance(act, Comment)
        assert act.text == "@bo and <@U0CY|cy>: look"
        assert "U0BO" not in act.text


def test_a_text_without_mentions_stays_as_it_is() -> None:
    assert named("x <@U1> y <@U2|z>", {"U1": "ada"}) == "x @ada y <@U2|z>"

"""Telling people personally adds to what is told: nobody else hears more or less, nobody is told
twice or of their own deed, and a restart in between changes nothing."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import Act, Assign, Comment
from correlators.personal import By, Deed, Personal, Wish
from correlators.personal_acts import TellMe
from correlators.telling import Config
from correlators.types import Digest
from tests.examples import examples
from tests.laws.logs import START_MS, Rec, logs, split_messages
from tests.laws.test_acts import Message, apply, peopled, subjects
from tests.laws.test_ruled import configs

BOTH = ("person_slack", "person_mail")
PEOPLE = Personal(
    people={
        "ben": Wish(assigned=By.SLACK, mentioned=By.BOTH, sinks=BOTH),
        "anna": Wish(assigned=By.EMAIL, mentioned=By.NONE, sinks=BOTH),
    }
)


def _act(random: Random, ids: list[str]) -> Act:
    who: dict[str, Any] = {
        "actor": random.choice(["anna", "ben", "cy"]),
        "source": "cli",
        "at_ms": START_MS,
    }
    one = random.choice(ids)
    match random.randrange(3):
        case 0:
            text = random.choice(["@ben?", "@Anna and @ben", "ben"])
            return Comment(**who, subject=one, text=text)
        case 1:
            to = random.choice(["ben", "Anna", "pay", ""])
            return Assign(**who, subject=one, assignee=to)
    name, by = random.choice(["ben", "anna", "cy"]), random.choice([None, *By])
    return TellMe(**who, subject=name, by=by, of=random.choice([None, *Deed]))


def _with_theirs(
    records: list[Rec], partitions: int, config: Config, random: Random
) -> list[Message]:
    """Return a log with acts that people may be told of, beside all others."""
    messages = split_messages(records, partitions, random)
    ids = subjects(messages, partitions, config)
    found: list[Message] = []
    for one in peopled(messages, partitions, config, random):
        found.append(one)
        while random.random() < 0.3:
            found.append(_act(random, ids))
    return found


def _theirs(digests: list[Digest]) -> list[Digest]:
    return [one for one in digests if one.personal is not None]


@given(logs(min_size=2, max_size=14), configs(), st.integers(0, 2**32 - 1))
@examples(40)
def test_everybody_else_is_told_the_same_and_nobody_is_told_twice_or_of_their_own_deed(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = _with_theirs(records, 1, config, random)
    plain = apply(log, partitions=1, config=config, random=random)
    told = msgspec.structs.replace(config, personal=PEOPLE)
    whole = apply(log, partitions=1, config=told, random=random)
    assert _theirs(plain.digests) == []
    assert [one for one in whole.digests if one.personal is None] == plain.digests
    theirs = _theirs(whole.digests)
    for one in theirs:
        sink, _, name = one.destination.partition(":")
        assert sink in BOTH
        assert name in PEOPLE.people
        assert one.act_by != name
        assert one.revision == 1
    # Of one deed there is one id, which an outbox sends once; and no comment is told again.
    assert len({(one.destination, one.id, one.at_ms) for one in theirs}) == len(theirs)
    mentions = [one for one in theirs if one.act == "comment"]
    assert len({(one.destination, one.id) for one in mentions}) == len(
        {(one.destination, one.act_by, one.act_text) for one in mentions}
    )


@given(logs(min_size=2, max_size=14), configs(), st.integers(1, 3), st.integers(0, 2**32 - 1))
@examples(40)
def test_laws_5_and_6_restarts_and_redelivery_change_nothing(
    records: list[Rec], config: Config, partitions: int, seed: int
) -> None:
    random = Random(seed)
    config = msgspec.structs.replace(config, personal=PEOPLE)
    log = _with_theirs(records, partitions, config, random)
    straight = apply(log, partitions=partitions, config=config, random=random)
    broken = apply(log, partitions=partitions, config=config, random=random, crash=0.2, eager=0.4)
    assert broken == straight

"""What an act may say, and that its id follows from what it says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import (
    ACK_MOST_MS,
    NAME_CHARS,
    TEXT_CHARS,
    Acknowledge,
    Act,
    Assign,
    Comment,
    FalseAlarm,
    MergeInto,
    PageNow,
    Resolve,
    act_id,
    kind_of,
)
from streams import codec

ANNA: dict[str, Any] = {"actor": "anna", "source": "slack", "at_ms": 1, "subject": "inc-1"}
ACTS: list[Act] = [
    Acknowledge(**ANNA),
    Acknowledge(**ANNA, for_ms=60_000),
    Resolve(**ANNA),
    FalseAlarm(**ANNA),
    Assign(**ANNA, assignee="payments"),
    Assign(**ANNA, assignee=""),
    PageNow(**ANNA),
    Comment(**ANNA, text="the pool is full"),
]


@pytest.mark.parametrize("act", ACTS, ids=kind_of)
def test_an_act_is_read_back_as_it_was_written(act: Act) -> None:
    assert codec.message(codec.encode(act)) == act


def test_acts_that_say_different_things_have_different_ids() -> None:
    ids = [act_id(one) for one in ACTS]
    assert len(set(ids)) == len(ids)
    assert ids == [act_id(msgspec.structs.replace(one)) for one in ACTS]


def test_an_acknowledgement_without_an_end_has_the_id_that_it_always_had() -> None:
    # Written by the version before: one that stands on the log twice must stay one.
    assert act_id(Acknowledge(**ANNA)) == "act-6c87fbdacda17854"


@pytest.mark.parametrize("for_ms", [-1, ACK_MOST_MS + 1])
def test_an_acknowledgement_lasts_no_longer_than_it_may(for_ms: int) -> None:
    with pytest.raises(ValueError, match="at most 7 days"):
        Acknowledge(**ANNA, for_ms=for_ms)


@pytest.mark.parametrize("text", ["", "x" * (TEXT_CHARS + 1)])
def test_a_comment_says_something_and_not_too_much(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 1000 characters"):
        Comment(**ANNA, text=text)


def test_what_something_is_part_of_has_the_length_of_an_id() -> None:
    with pytest.raises(ValueError, match="into is longer"):
        MergeInto(**ANNA, into="x" * (NAME_CHARS + 1))


def test_an_assignee_has_the_length_of_a_name() -> None:
    with pytest.raises(ValueError, match="assignee is longer"):
        Assign(**ANNA, assignee="x" * (NAME_CHARS + 1))

"""A silence is told: whose it is and until when, before it is quiet."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators import muting
from correlators.acts import (
    Acknowledge,
    Act,
    AddSilence,
    ExpireSilence,
    MergeInto,
    Resolve,
    Separate,
    silence_id,
)
from correlators.conditions import When
from correlators.holds import Holding
from correlators.storms import Linking
from correlators.suppressions import HeldBack
from correlators.types import Digest, DigestKind, Suppression
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import (
    DAY,
    MINUTE,
    PAGING,
    event,
    ms,
    second_of,
)

BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 1}


def silence(at: int, to: int, **more: Any) -> AddSilence:
    return AddSilence(actor="anna", source="slack", at_ms=ms(at), to_ms=ms(to), **more)


def told(stage: Stage) -> list[tuple[int, str]]:
    return [(second_of(one), one.kind.value) for one in stage.chats()]


def begun() -> Stage:
    """Return an incident that was told."""
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC"))
    return stage


def last(stage: Stage) -> Digest:
    return stage.chats()[-1]


def test_a_silence_of_something_told_is_told_once_with_whose_it_is_and_until_when() -> None:
    stage = begun()
    act = silence(25, 30 * MINUTE, subject=stage.incident("checkout").id, comment="vendor is down")
    stage.run(1_000, *[event(30 + n, "checkout", "EC") for n in range(900)], acts=[(25, act)])
    assert told(stage) == [(10, "opened"), (25, "silenced")]
    said = last(stage)
    assert (said.silenced_by, said.silenced_until_ms) == ("anna", ms(30 * MINUTE))
    stage.run(31 * MINUTE, event(1_100, "checkout", "EC"))
    assert told(stage)[2:] == [(1_700, "resolved")]
    assert last(stage).silenced_by == ""


def test_when_a_silence_ends_in_its_time_what_it_held_is_told_and_else_nothing() -> None:
    for more, then in (([], []), ([event(60, "checkout", "EC")], [(199, "updated")])):
        stage = begun()
        act = silence(25, 200, subject=stage.incident("checkout").id)
        stage.run(300, *more, acts=[(25, act)])
        assert told(stage)[2:] == then
        assert stage.suppressed[HeldBack(Suppression.SILENCED)] == len(more)


@pytest.mark.parametrize("storm", [False, True])
def test_a_silence_that_is_ended_early_is_told_to_be_over(storm: bool) -> None:
    stage = Stage()
    stage.run(20, *(outage() if storm else [event(0, "checkout", "EC")]))
    subject = stage.storm().id if storm else stage.incident("checkout").id
    act = silence(25, DAY, subject=subject)
    expire = ExpireSilence(**{**BEN, "subject": silence_id(act)})
    stage.run(50, acts=[(25, act), (40, expire)])
    assert told(stage)[1:] == [(25, "silenced"), (40, "updated")]
    assert [one.silenced_by for one in stage.chats()] == ["", "anna", ""]


def test_a_later_end_is_told_and_an_earlier_one_is_not() -> None:
    stage = begun()
    subject = stage.incident("checkout").id
    acts: list[tuple[int, Act]] = [
        (25, silence(25, 400, subject=subject)),
        (26, silence(26, 300, subject=subject)),
        (27, silence(27, 500, subject=subject)),
    ]
    stage.run(60, acts=acts)
    assert [one.silenced_until_ms for one in stage.chats()[1:]] == [ms(400), ms(500)]


def test_a_silenced_storm_says_so_once_and_nothing_more_at_its_end_without_news() -> None:
    stage = Stage()
    stage.run(20, *outage())
    stage.run(100, acts=[(25, silence(25, 90, subject=stage.storm().id))])
    assert told(stage)[1:] == [(25, "silenced")]
    assert stage.suppressed[HeldBack(Suppression.SILENCED)] == 0


def test_what_was_heard_in_between_says_again_that_it_is_silenced() -> None:
    stage = Stage()
    stage.run(20, *outage())
    three = When(service=("checkout", "payment", "cart"))
    act = silence(25, DAY, environment="production", when=three)
    stage.run(40, event(30, "mail", "EM", trace="t"), acts=[(25, act)])
    assert told(stage)[1:] == [(25, "silenced"), (30, "updated")]
    stage.run(60, acts=[(50, Separate(subject=stage.incident("mail").id, **ANNA))])
    storms = [(second_of(one), one.kind.value) for one in stage.chats() if one.storm]
    assert storms[3:] == [(50, "silenced")]


def test_what_is_acknowledged_while_it_is_silenced_says_both() -> None:
    stage = begun()
    act = silence(25, DAY, subject=stage.incident("checkout").id)
    stage.run(
        60, acts=[(25, act), (30, Acknowledge(subject=stage.incident("checkout").id, **ANNA))]
    )
    assert told(stage)[1:] == [(25, "silenced"), (30, "acknowledged")]
    assert (last(stage).acked_by, last(stage).silenced_by) == ("anna", "anna")
    stage.run(100, event(70, "checkout", "EC"))
    assert len(stage.chats()) == 3


def test_what_is_taken_out_of_a_storm_while_it_is_silenced_says_so_and_how_it_ends() -> None:
    stage = Stage()
    stage.run(20, event(0, "reports", "ER"), event(1, "billing", "EB"))
    reports, billing = (stage.incident(one).id for one in ("reports", "billing"))
    acts: list[tuple[int, Act]] = [
        (22, silence(22, DAY, subject=reports)),
        (25, MergeInto(subject=reports, into=billing, **ANNA)),
        (30, Separate(subject=reports, **ANNA)),
        (40, Resolve(subject=reports, **ANNA)),
    ]
    stage.run(35, acts=acts[:3])
    mine = [one for one in stage.chats() if one.id == reports]
    assert [one.kind.value for one in mine] == ["opened", "silenced", "joined", "parted"]
    assert (mine[-1].silenced_by, mine[-1].silenced_until_ms) == ("anna", ms(DAY))
    stage.run(60, event(37, "reports", "ER"), acts=acts[3:])
    mine = [one for one in stage.chats() if one.id == reports]
    assert [one.kind.value for one in mine[4:]] == ["resolved"], "and nothing in between"


def test_what_ends_before_it_could_say_that_no_storm_tells_it_still_tells_its_end() -> None:
    stage = Stage()
    stage.run(20, event(0, "reports", "ER"), event(1, "billing", "EB"))
    reports, billing = (stage.incident(one).id for one in ("reports", "billing"))
    acts: list[tuple[int, Act]] = [
        (25, MergeInto(subject=reports, into=billing, **ANNA)),
        (30, Separate(subject=reports, **ANNA)),
        (30, Resolve(subject=reports, **ANNA)),
    ]
    stage.run(60, acts=acts)
    mine = [one for one in stage.chats() if one.id == reports]
    assert [one.kind.value for one in mine] == ["opened", "joined", "resolved"]


def test_one_error_of_a_storm_that_is_silenced_says_nothing() -> None:
    stage = Stage()
    stage.run(20, *outage())
    stage.run(100, acts=[(25, silence(25, 90, subject=stage.incident("cart").id))])
    assert len(stage.chats()) == 1


@pytest.mark.parametrize("most_per_hour", [0, 40])
def test_a_silence_of_hundreds_says_so_at_once_within_a_bound_and_of_the_rest_when_due(
    most_per_hour: int,
) -> None:
    many = muting.AT_ONCE_MOST + 20
    config = msgspec.structs.replace(
        PAGING, linking=Linking(burst_services=1_000, burst_onsets=1_000)
    )
    plain = Stage(config=config)
    begun = [event(n, f"s{n}", f"E{n}") for n in range(many)]
    plain.run(many + 20, *begun)
    assert len({one.id for one in plain.chats()}) == many
    stored = [entry for _, entry in plain.state.entries()]
    stage = Stage(
        config=msgspec.structs.replace(config, holding=Holding(most_per_hour=most_per_hour)),
        entries=stored,
        now=plain.now,
    )
    act = silence(stage.now, DAY, environment="production", when=When(service=("*",)))
    now = stage.now
    stage.run(now + 2, acts=[(now, act)])
    at_once = {one.id for one in stage.digests}
    assert len(stage.digests) == len(at_once) == (most_per_hour or muting.AT_ONCE_MOST)
    assert {one.kind for one in stage.digests} == {DigestKind.SILENCED}
    later = [event(now + 5 + n, f"s{n}", f"E{n}") for n in range(many)]
    stage.run(now + 500, *later)
    assert {one.kind for one in stage.digests} == {DigestKind.SILENCED}
    assert len(stage.digests) == len({one.id for one in stage.digests}) == many

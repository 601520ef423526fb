"""When an act takes effect: in the first tick whose completing watermark stands after it."""

from __future__ import annotations

import msgspec
import pytest

from correlators import acts_pending
from correlators.acting import Acting
from correlators.acts import Acknowledge, Act, act_id
from correlators.partition import Partition
from correlators.pressed import Pressed
from correlators.ticks import Progress, Ticks
from correlators.types import DeltaBatch
from streams import codec
from streams.codec import CodecError
from tests.correlators.score import PAGING, START, event, first_progress, ms
from tests.correlators.ticking import batch


def act(subject: str) -> Act:
    return Acknowledge(actor="anna", source="slack", at_ms=0, subject=subject)


Message = DeltaBatch | Act


def apply(ticks: Ticks) -> list[tuple[int, str]]:
    """Apply every complete tick; return (second, subject) of each act and delta applied."""
    found = []
    while (tick := ticks.next_tick()) is not None and tick <= ticks.complete_tick():
        work = ticks.take(max(tick, ticks.applied + 1))
        found += [(work.tick - START, one.subject) for one in work.acts]
        found += [(work.tick - START, one.key.service) for one in work.deltas]
    ticks.pass_to(ticks.complete_tick())
    return found


def read(ticks: Ticks, offset: int, message: Message) -> list[tuple[int, str]]:
    """Take one message as a reader does; return what was applied."""
    found = []
    if isinstance(message, DeltaBatch):
        ticks.receive(offset, message)
    else:
        ticks.reach(offset)
        found += apply(ticks)
        assert ticks.receive_act(offset, message)
    return found


MESSAGES: list[Message] = [
    batch(0, event(1, "e1"), mark=3),
    batch(1, mark=3),
    act("a"),
    batch(0, event(5, "e5"), mark=6),
    act("b"),
    act("a"),
    batch(1, event(3, "e3"), mark=4),
    act("c"),
    batch(1, mark=9),
    batch(0, mark=8),
    act("d"),
    batch(0, event(9, "e9"), mark=11),
    batch(1, mark=11),
]
EXPECTED = [(1, "e1"), (3, "a"), (3, "b"), (3, "e3"), (4, "c"), (5, "e5"), (8, "d"), (9, "e9")]


@pytest.mark.parametrize("bite", [1, 2, 5, 99])
def test_an_act_is_applied_in_the_tick_that_is_completed_after_it_before_its_deltas(
    bite: int,
) -> None:
    """However many messages are read before ticks are applied."""
    ticks = Ticks(first_progress(2))
    found = []
    for offset, message in enumerate(MESSAGES):
        found += read(ticks, offset, message)
        if offset % bite == 0:
            found += apply(ticks)
    assert found + apply(ticks) == EXPECTED


@pytest.mark.parametrize("stop", range(len(MESSAGES)))
@pytest.mark.parametrize("applied_before", [True, False])
def test_a_restart_applies_every_act_once_and_in_its_tick(stop: int, applied_before: bool) -> None:
    ticks = Ticks(first_progress(2))
    found = []
    for offset, message in enumerate(MESSAGES[: stop + 1]):
        found += read(ticks, offset, message)
        if applied_before:
            found += apply(ticks)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(ticks.progress()), type=Progress)
    again = Ticks(stored)
    for offset in range(stored.input_offset, len(MESSAGES)):
        found += read(again, offset, MESSAGES[offset])
    assert found + apply(again) == EXPECTED


def test_an_act_before_any_time_is_known_takes_effect_in_the_first_tick_that_is_applied() -> None:
    for begin, first in ((batch(0, mark=9), 8), (batch(0, event(4, "e4"), mark=9), 4)):
        for bite in (1, 99):
            ticks = Ticks(first_progress(1))
            found = []
            for offset, message in enumerate([act("a"), begin, batch(0, mark=20)]):
                found += read(ticks, offset, message)
                if ticks.applied < 0:
                    assert ticks.progress().input_offset == 0
                if bite == 1:
                    found += apply(ticks)
            assert [*found, *apply(ticks)][0] == (first, "a")


def test_more_acts_than_may_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts_pending, "ACTS_HELD", 2)
    ticks = Ticks(first_progress(1))
    taken = [ticks.receive_act(offset, act(str(offset))) for offset in range(3)]
    assert taken == [True, True, False]
    ticks.receive(3, batch(0, mark=5))
    assert [subject for _, subject in apply(ticks)] == ["0", "1"]
    assert ticks.receive_act(4, act("4"))


def test_an_act_that_raises_is_set_aside_and_its_tick_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carry_out = Acting._carry_out

    def raises(self: Acting, one: Act, tick: int) -> object:
        if one.subject == "bad":
            raise KeyError(one.subject)
        return carry_out(self, one, tick)

    monkeypatch.setattr(Acting, "_carry_out", raises)
    partition = Partition(PAGING, first_progress())
    here = Pressed("U0ADA", "C0INC")
    acts = [msgspec.structs.replace(act(one), pressed=here) for one in ("x", "bad", "y")]
    for offset, one in enumerate(acts):
        assert partition.receive_act(offset, one)
    partition.receive(3, batch(0, event(1), mark=5))
    step = partition.step(most_ticks=9)
    assert [(one.what, one.reason) for one in step.poison] == [(acts[1], "KeyError")]
    kept = {f"act:{act_id(one)}" for one in (acts[0], acts[2])}
    assert kept < set(step.entries)
    assert f"act:{act_id(acts[1])}" not in step.entries
    assert partition.open_counts == (1, 0)
    # Nobody knows x and y; each is told so once, although the tick was tried before.
    told = [one.answer for one in step.digests if one.answer is not None]
    assert sorted((one.subject, one.outcome) for one in told) == [
        ("bad", "set_aside"),
        ("x", "gone"),
        ("y", "gone"),
    ]


def test_what_stands_on_the_log_reads_as_what_was_written() -> None:
    for message in MESSAGES:
        wanted = (message,) if isinstance(message, DeltaBatch) else message
        assert codec.message(codec.encode(message)) == wanted
    unknown = msgspec.msgpack.encode({"type": "dance", "actor": "a", "source": "b"})
    no_actor = msgspec.msgpack.encode({**msgspec.to_builtins(act("a")), "actor": ""})
    for raw, why in (
        (unknown, "not an act"),
        (no_actor, "says who"),
        (b"\xc1", "not a delta batch"),
        (b"", "not a delta batch"),
        (msgspec.msgpack.encode({"topic": "x"}), "not a delta batch"),
    ):
        with pytest.raises(CodecError, match=why):
            codec.message(raw)


def test_time_is_not_needed_to_tell_acts_apart() -> None:
    assert act_id(act("a")) == act_id(act("a")) != act_id(act("b"))
    later = msgspec.structs.replace(act("a"), at_ms=ms(1))
    assert act_id(later) != act_id(act("a"))

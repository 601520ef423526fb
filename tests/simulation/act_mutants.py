"""What people decide, taken in wrong ways: each of these some run with people in it must see."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import msgspec
from aiokafka import TopicPartition

from correlators import settled
from correlators.acting import Acting
from correlators.acts import Act, act_id
from correlators.partition import Step
from correlators.ticks import Ticks
from streams.agents.correlate import CorrelateHandler
from streams.agents.written import Outgoing
from tests.simulation.mutants import DAWDLES_S, Mutant
from tests.simulation.stages import Parts

RECEIVE = Ticks.receive_act
ACT = Acting.act


class TakenAtOnce(Parts):
    """Takes an act while ticks before it wait to be applied."""

    class correlate(CorrelateHandler):
        async def _act(self, tp: TopicPartition, held: Any, record: Any, act: Act) -> None:
            ticks: Ticks = held.partition.ticks
            ticks.reach(record.offset + 1)
            if record.offset >= held.written.read_up_to:
                ticks._acts.hold(act, ticks.applied + 1)


class TakenAgain(Parts):
    """Takes an act once more that the state says was applied, in the tick of now."""

    class correlate(CorrelateHandler):
        async def _act(self, tp: TopicPartition, held: Any, record: Any, act: Act) -> None:
            below, held.partition.ticks._reread_below = held.partition.ticks._reread_below, 0
            anew = msgspec.structs.replace(act, actor=f"{act.actor} again")
            again = record.offset < below
            await super()._act(tp, held, record, anew if again else act)
            held.partition.ticks._reread_below = below


class ToldApart(Parts):
    """Writes what became of acts after what they tell."""

    class correlate(CorrelateHandler):
        async def _write(
            self, tp: TopicPartition, held: Any, step: Step, records: list[Outgoing]
        ) -> None:
            kept = [one for one in records if (one.key or b"").startswith(b"act:")]
            rest = [one for one in records if one not in kept]
            await super()._write(tp, held, step, rest)
            if kept:
                await asyncio.sleep(DAWDLES_S)
                await super()._write(tp, held, msgspec.structs.replace(step, digests=[]), kept)


def _one_too_many(self: Ticks, offset: int, act: Act) -> bool:
    """Takes the first act that was not applied for one that was."""
    if offset == self._reread_below > self._start.input_offset:
        self.skip(offset)
        return True
    return RECEIVE(self, offset, act)


def _anew(self: Acting, act: Act, tick: int) -> Any:
    """Forgets that it was told before."""
    place = "act:" + act_id(act)
    if self._state.get(place) is not None:
        self._state.drop(place)
    return ACT(self, act, tick)


@contextmanager
def _settles_nothing() -> Iterator[None]:
    with patch.object(settled, "settled_tick", lambda act, tick: -1):
        yield


ACT_MUTANTS: dict[str, Mutant] = {
    "an act does not wait for the ticks before it": Mutant(TakenAtOnce, rare=True),
    "an act that was applied is read again as another": Mutant(TakenAgain, rare=True),
    "what became of acts is written apart from what they tell": Mutant(ToldApart, rare=True),
    "the act behind those that were applied is passed over by a restart": Mutant(
        patches=lambda: patch.object(Ticks, "receive_act", _one_too_many), rare=True
    ),
    "an act that is told twice counts twice": Mutant(
        patches=lambda: patch.object(Acting, "act", _anew), rare=True
    ),
    "what a person ended is opened again by what was before": Mutant(
        patches=_settles_nothing, rare=True
    ),
}

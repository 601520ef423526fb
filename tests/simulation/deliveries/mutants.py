"""The laws of DELIVER, broken in known ways: a simulation that does not see each of these proves
nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import msgspec
from aiokafka import TopicPartition

from correlators.types import Digest
from sinks import carried as carrying
from sinks import delivery, ledger, page_watch, settle, steps
from sinks.base import Answer, Attempt, CannotTell, Sink, Unknown, UnknownReason
from sinks.entries import Delivery, Status, Turn
from sinks.outbox import Outbox
from sinks.page_watch import Said
from sinks.watched import Watched
from streams.agents import deliver
from streams.agents.deliver import DeliverHandler
from streams.agents.deliver_counting import sink_of
from streams.agents.deliver_writing import Writing
from tests.simulation.deliveries.world import Parts
from tests.simulation.mutants import _fence_nobody, _read_then_fence


class Mutant(NamedTuple):
    """One way to break it."""

    parts: type[Parts] = Parts
    patches: Callable[[], AbstractContextManager[Any]] = nullcontext
    kind: str = ""
    """The only kind of run that can see it; empty for any."""


class SendsFirst(Parts):
    """Makes the calls, then writes down that it does."""

    class handler(DeliverHandler):
        async def _pump(self, tp: TopicPartition, held: Any) -> None:
            room = deliver.CALLS_AT_ONCE - len(held.calls)
            for attempt in held.outbox.due(self._host.now_ms(), room):
                sink = self._sinks[sink_of(attempt.destination)]
                task = asyncio.get_running_loop().create_task(self._call(held, attempt, sink))
                held.calls.add(task)
                task.add_done_callback(held.calls.discard)
            await super()._pump(tp, held)


class NeverLate(Parts):
    """Makes a call however late it comes to it, and gives each its whole time."""

    class handler(DeliverHandler):
        async def _call(self, held: Any, attempt: Attempt, sink: Sink) -> None:
            if attempt.deadline_ms > self._host.now_ms():
                await super()._call(held, attempt, sink)
                return
            outcome: Any = CannotTell() if attempt.find else Unknown(UnknownReason.TIMED_OUT)
            with suppress(TimeoutError):
                async with asyncio.timeout(4.0):
                    outcome = await (sink.find if attempt.find else sink.send)(attempt)
            answer = Answer(key=attempt.key, number=attempt.number, outcome=outcome)
            held.answers.append((attempt, answer))
            self._source.wake()


class DropsAnswers(Parts):
    """Lets go of a partition without the answers of the calls in flight."""

    class handler(DeliverHandler):
        async def revoke(self, tp: TopicPartition) -> None:
            held = self._held.pop(tp, None)
            if held is not None:
                await held.writer.stop()


class ForgetsSaid(Parts):
    """Does not write what became of calls."""

    class handler(DeliverHandler):
        def _take_answers(self, held: Any) -> bool:
            found = super()._take_answers(held)
            held.attempted.clear()
            return found


class PassesOver(Parts):
    """Goes on one record too far."""

    class handler(DeliverHandler):
        async def _offset(self, tp: TopicPartition, position: Any) -> int:
            offset = await super()._offset(tp, position)
            return offset + 1 if position is not None else offset


async def _loses_dead(self: Writing, transaction: Any, letter: Any) -> None:
    """Gives up without a dead letter."""


def _forgets_penalties(self: Outbox, entries: Any) -> None:
    LOAD(self, [msgspec.structs.replace(one, penalties=()) for one in entries])


def _unmarked(d: Delivery, plan: Any, now_ms: int) -> Turn:
    """Repeats what nobody can look up as if it had never been sent."""
    return settle.again(d, plan, now_ms, after_ms=0, works=False)


def _taken_for_told(d: Delivery, plan: Any, now_ms: int) -> Turn:
    """Believes that what nobody can look up arrived."""
    return settle.withdrawn(d, now_ms)


def _too_late(self: Outbox, answer: Answer, now_ms: int) -> None:
    """Has the call be over before its answer is taken in."""
    self._advance(now_ms)
    RECEIVE(self, answer, now_ms)


LOAD: Final = Outbox.load
RECEIVE: Final = Outbox.receive
ACCEPT: Final = delivery.accept
OVER: Final = page_watch._over


def _newest_is_dropped(
    known: Delivery | None, digest: Any, plan: Any, now_ms: int, **more: Any
) -> Any:
    """Tells nothing more of what is under way."""
    if known is not None and known.status is Status.ATTEMPTING:
        return Turn(msgspec.structs.replace(known, accepted=known.accepted))
    return ACCEPT(known, digest, plan, now_ms, **more)


def _sends_again(d: Delivery, outcome: Any, plan: Any, now_ms: int, *, works: bool) -> Any:
    """Repeats what nobody knows the outcome of, without a look."""
    return settle.again(d, plan, now_ms, after_ms=0, works=works)


def _never_again(page: Watched, heard: Digest, now_ms: int) -> tuple[Watched, Said]:
    """Forgets the page for good once somebody has had it."""
    changed, said = OVER(page, heard, now_ms)
    return msgspec.structs.replace(changed, trigger=None), said


@contextmanager
def _loses_news() -> Iterator[None]:
    """Tells the newest revision as it is."""
    with (
        patch.object(delivery, "carried", lambda untold, newer: newer),
        patch.object(settle, "carried", lambda untold, newer: newer),
    ):
        yield


@contextmanager
def _at_once() -> Iterator[None]:
    """Looks an unknown outcome up at once, and believes what it does not see."""
    with (
        patch.object(delivery, "GRACE_MS", 0),
        patch.object(ledger, "GRACE_MS", 0),
        patch.object(delivery, "SURE_MS", 0),
    ):
        yield


MUTANTS: Final[dict[str, Mutant]] = {
    "a call is made before it is written down": Mutant(SendsFirst),
    "a call is made after its deadline": Mutant(NeverLate),
    "answers are dropped when a partition is taken away": Mutant(DropsAnswers),
    "what became of calls is not told": Mutant(ForgetsSaid),
    "a record is passed over on a restore": Mutant(PassesOver),
    "what is given up leaves no letter": Mutant(
        patches=lambda: patch.object(Writing, "_send_dead", _loses_dead)
    ),
    "no owner is fenced": Mutant(patches=lambda: patch.object(deliver, "take_over", _fence_nobody)),
    "the outbox is read before the former owner is fenced": Mutant(
        patches=lambda: patch.object(deliver, "take_over", _read_then_fence)
    ),
    "a penalty is forgotten on a restore": Mutant(
        patches=lambda: patch.object(Outbox, "load", _forgets_penalties)
    ),
    "an unknown outcome is looked up too early": Mutant(patches=_at_once),
    "an unknown outcome is not looked up": Mutant(
        patches=lambda: patch.object(delivery, "_unknown", _sends_again)
    ),
    "what nobody was told is lost with its revision": Mutant(patches=_loses_news),
    "a comment is lost with its revision": Mutant(
        patches=lambda: patch.object(carrying, "notes_of", lambda digest: ()), kind="people"
    ),
    "what somebody ended in a pager is said back to it": Mutant(
        patches=lambda: patch.object(steps, "_surely_there", lambda delivery: False), kind="people"
    ),
    "who gives a page back is reminded no more": Mutant(
        patches=lambda: patch.object(page_watch, "_over", _never_again)
    ),
    "a repeat that nobody can look up is not marked": Mutant(
        patches=lambda: patch.object(delivery, "unfindable", _unmarked)
    ),
    "what nobody can look up is taken for told": Mutant(
        patches=lambda: patch.object(delivery, "unfindable", _taken_for_told)
    ),
    "an answer that waited for its turn is not believed": Mutant(
        patches=lambda: patch.object(Outbox, "receive", _too_late)
    ),
    "what changes while a call runs is not told": Mutant(
        patches=lambda: patch.object(delivery, "accept", _newest_is_dropped)
    ),
}

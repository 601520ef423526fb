"""The simulated group coordinator: classic protocol, eager rebalances, sessions, generations.

Methods are called when a request arrives; `join` and `sync` answer with a future, since they wait
for the other members.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

from tests.simulation.loop import SimLoop


class Phase(Enum):
    """Where the group stands between two generations."""

    STABLE = 1
    PREPARING = 2
    COMPLETING = 3


class Joined(NamedTuple):
    """The answer to a join."""

    member: str
    generation: int
    leader: bool


class _Member:
    def __init__(self, session_s: float, rebalance_s: float) -> None:
        self.session_s = session_s
        self.rebalance_s = rebalance_s
        self.heard_s = 0.0
        self.joining: asyncio.Future[Joined] | None = None
        self.syncing: asyncio.Future[list[TopicPartition]] | None = None


class Group:
    """One consumer group."""

    def __init__(self, loop: SimLoop, random: Random) -> None:
        self._loop = loop
        self._random = random
        self.generation = 0
        self.phase = Phase.STABLE
        self._members: dict[str, _Member] = {}
        self._leader = ""
        self._assignment: dict[str, list[TopicPartition]] = {}
        self._round = 0
        self._down = False

    # Requests

    def join(self, member: str, *, session_s: float, rebalance_s: float) -> asyncio.Future[Joined]:
        """Answer when every member has joined, or did not in time."""
        if member and member not in self._members:
            raise UnknownMemberIdError
        if not member:
            member = f"m{self._random.getrandbits(48):012x}"
            self._members[member] = _Member(session_s, rebalance_s)
            self._hear(self._members[member])
            self._watch(member)
        known = self._members[member]
        self._hear(known)
        known.joining = answer = self._loop.create_future()
        self._prepare()
        self._maybe_complete()
        return answer

    def sync(
        self, member: str, generation: int, partitions: list[TopicPartition] | None
    ) -> asyncio.Future[list[TopicPartition]]:
        """Answer with the member's partitions; the leader brings all partitions it knows of."""
        known = self._check(member, generation)
        if self.phase is Phase.PREPARING:
            raise RebalanceInProgressError
        self._hear(known)
        answer: asyncio.Future[list[TopicPartition]] = self._loop.create_future()
        if self.phase is Phase.STABLE:
            answer.set_result(self._assignment.get(member, []))
            return answer
        known.syncing = answer
        if partitions is not None:
            self._assign(partitions)
        return answer

    def heartbeat(self, member: str, generation: int) -> None:
        self._hear(self._check(member, generation))
        if self.phase is Phase.PREPARING:
            raise RebalanceInProgressError

    def check_commit(self, member: str, generation: int) -> None:
        """Raise unless this member may commit now; it may while the others are joining."""
        self._hear(self._check(member, generation))
        if self.phase is Phase.COMPLETING:
            raise RebalanceInProgressError

    def leave(self, member: str) -> None:
        if member in self._members:
            self._remove(member)

    def back(self, *, forgets: bool) -> None:
        """The cluster is there again: with sessions that begin anew, or without members."""
        for member in list(self._members):
            if forgets:
                self._remove(member)
            else:
                self._hear(self._members[member])

    # Within

    def _check(self, member: str, generation: int) -> _Member:
        known = self._members.get(member)
        if known is None:
            raise UnknownMemberIdError
        if generation != self.generation:
            raise IllegalGenerationError
        return known

    def _hear(self, known: _Member) -> None:
        known.heard_s = self._loop.time()

    def _later(self, delay_s: float, call: Callable[..., Any], *args: Any) -> None:
        self._loop.call_later(delay_s, call, *args, context=self._loop.outside)

    def _watch(self, member: str) -> None:
        known = self._members.get(member)
        if known is None:
            return
        silent_s = self._loop.time() - known.heard_s
        waits = known.joining is not None or known.syncing is not None
        if silent_s >= known.session_s and not waits:
            self._remove(member)
            return
        self._later(max(known.session_s - silent_s, 0.5), self._watch, member)

    def _remove(self, member: str) -> None:
        gone = self._members.pop(member)
        for waiting in (gone.joining, gone.syncing):
            if waiting is not None and not waiting.done():
                waiting.set_exception(UnknownMemberIdError())
        if not self._members:
            self.phase = Phase.STABLE
            self._round += 1
            return
        self._prepare()
        self._maybe_complete()

    def _prepare(self) -> None:
        if self.phase is Phase.PREPARING:
            return
        self.phase = Phase.PREPARING
        self._round += 1
        for known in self._members.values():
            if known.syncing is not None and not known.syncing.done():
                known.syncing.set_exception(RebalanceInProgressError())
            known.syncing = None
        patience_s = max(known.rebalance_s for known in self._members.values())
        self._later(patience_s, self._give_up, self._round)

    def _give_up(self, round_: int) -> None:
        """Go on without the members that did not join in time."""
        if self.phase is not Phase.PREPARING or round_ != self._round:
            return
        for member in [m for m, known in self._members.items() if known.joining is None]:
            del self._members[member]
        self._maybe_complete()

    def _maybe_complete(self) -> None:
        waiting = [known.joining for known in self._members.values()]
        if self.phase is not Phase.PREPARING or not waiting or None in waiting:
            return
        self.generation += 1
        self.phase = Phase.COMPLETING
        self._round += 1
        if self._leader not in self._members:
            self._leader = next(iter(self._members))
        for member, known in self._members.items():
            joining, known.joining = known.joining, None
            self._hear(known)
            if joining is not None and not joining.done():
                joining.set_result(Joined(member, self.generation, member == self._leader))

    def _assign(self, partitions: list[TopicPartition]) -> None:
        """Deal them out in turn, as aiokafka's round robin does."""
        members = sorted(self._members)
        self._assignment = {member: [] for member in members}
        for number, tp in enumerate(sorted(partitions)):
            self._assignment[members[number % len(members)]].append(tp)
        self.phase = Phase.STABLE
        for member, known in self._members.items():
            if known.syncing is not None and not known.syncing.done():
                known.syncing.set_result(self._assignment[member])
            known.syncing = None

"""A service that is away for an hour while incidents go on is told the newest state, once.

Every sink that has a service takes part, in virtual time over real sockets; beside it stands a
file, which waits for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from correlators.types import Digest
from sinks.base import Attempt, Delivered, Found, Outcome, Unknown
from sinks.entries import DeadReason
from sinks.file import FileSink
from tests.sinks.case import Case
from tests.sinks.cases import CASES, MARK
from tests.sinks.make import digest
from tests.sinks.played import Clock, Played

AWAY: Final = sorted(set(CASES) - {"console", "file"})
EVERY_S: Final = 300
ROUNDS: Final = 12
"""An hour."""


@dataclass
class Listened(Played):
    """An outbox whose calls are remembered with what came of them."""

    made: list[tuple[int, Attempt, object]] = field(default_factory=list)

    async def _call(self, one: Attempt) -> Outcome | Found:
        outcome = await super()._call(one)
        self.made.append((self.clock.now_ms, one, outcome))
        return outcome

    def told(self, id: str, to: str, since: int = 0) -> list[int]:
        """Return the revisions that were told of this id there, in order."""
        return [
            one.digest.revision
            for _, one, outcome in self.made[since:]
            if isinstance(outcome, Delivered)
            and (one.digest.id, one.destination) == (id, to)
            and not one.find
        ]


def ids(name: str) -> list[str]:
    return [f"inc-{name}{number}" for number in range(3)]


def revision(case: Case, id: str, number: int, clock: Clock, *, over: bool = False) -> Digest:
    return case.digest(id, number, resolved=over, at_ms=clock.now_ms)


@pytest.mark.parametrize("name", AWAY)
async def test_after_an_hour_away_the_newest_state_is_told_once(
    name: str, clock: Clock, tmp_path: Path
) -> None:
    async with CASES[name](clock, tmp_path) as case:
        assert case.peer is not None
        played = Listened(clock, [case.sink, FileSink(tmp_path / "beside.jsonl")])
        known, new, brief = ids(case.sink.name)
        await played.run(revision(case, known, 1, clock))
        await case.peer.stop_listening()
        for number in range(1, ROUNDS + 1):
            now = [revision(case, known, number + 1, clock), revision(case, new, number, clock)]
            if number in (1, 6):
                now.append(revision(case, brief, 1 + number // 6, clock, over=number == 6))
            now.append(digest("file:default", id="beside", revision=number, at_ms=clock.now_ms))
            begun_ms = clock.now_ms
            await played.play(*now, for_s=EVERY_S)
            clock.now_ms = max(clock.now_ms, begun_ms + EVERY_S * 1_000)
        away, asked = len(played.made), len(case.peer.calls)
        await case.peer.listen()
        await played.run()
        assert played.told("beside", "file:default") == list(range(1, ROUNDS + 1))
        _told_right(case, played, away)
        carried_out = [one for one in case.peer.calls[asked:] if one.outcome == "ok"]
        assert len(carried_out) == len(played.made[away:])
        assert not any(played.outbox.waiting().values())


def _told_right(case: Case, played: Listened, away: int) -> None:
    """What is open is told as it stands, what is over as over, each by one message."""
    here = case.sink.destinations[0]
    plan = case.sink.plan(here)
    known, new, brief = ids(case.sink.name)
    found = {id: sorted(set(played.told(id, here, away))) for id in (known, new, brief)}
    dead = {(one.destination, one.reason) for one in played.dead}
    if plan.give_up_ms <= EVERY_S * ROUNDS * 1_000:
        # It is too late for what came first; that is said, and what came last is told.
        assert found[known] == [ROUNDS + 1]
        assert dead == {(here, DeadReason.RETRIES_EXHAUSTED)}
        return
    assert dead == set()
    if plan.pages:
        # The page of the first is open as it was; for what is over nobody is woken.
        assert found == {known: [], new: [ROUNDS], brief: []}
        assert not case.told(brief)
    else:
        assert found == {known: [ROUNDS + 1], new: [ROUNDS], brief: [2]}
    calls = [(one.digest.id, one.step) for _, one, _ in played.made[away:]]
    assert len(set(calls)) == len(calls)
    # A call on a connection that is cut as it is used may have arrived: only that is marked.
    unsure = {one.digest.id for _, one, outcome in played.made if isinstance(outcome, Unknown)}
    assert {id for id in found if any(MARK in one for one in case.told(id))} <= unsure

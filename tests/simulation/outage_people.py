"""Drawn outages with people in them: they look at what is open, decide something, and what follows
is the same beside another outage and however often the partition goes on from its stored bytes.

Each outage runs alone first, and people decide by what they see then; then both run together, with
the same acts at the same seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

import msgspec

from correlators.acts import Act, ActDone, act_id
from correlators.decisions import Decision
from correlators.entries import PROGRESS_KEY, Entry, heard_key
from correlators.partition import Partition
from correlators.quiet import INTAKE
from correlators.types import DeltaBatch, Digest, tick_of
from streams import codec
from tests.correlators.law_4 import keeps_law_4
from tests.correlators.score import PAGING, START, batches, event, first_progress, ms
from tests.simulation import people_checks
from tests.simulation.outages import BEAT, HEARD_S, Drawn, draw, end_of
from tests.simulation.people import drawn

Message = DeltaBatch | Act
Decided = tuple[int, Act]
"""The second of the score, and what somebody decided in it."""

ACTS: Final = (10, 40)
RESTORES: Final = 4


class Lived(NamedTuple):
    """What became of some outages with people in them."""

    acts: list[Decided]
    digests: list[Digest]
    decisions: list[Decision]
    state: dict[str, bytes]
    """Stored entries by key, without `@progress`."""


class Checked(NamedTuple):
    """What a seed showed."""

    seed: int
    kind: str
    problems: tuple[str, ...]
    done: int
    """Acts that had an effect."""


def simulate(seed: int) -> Checked:
    """Run the outages of a seed, each alone, then together, and check all of it."""
    outages = draw(seed)
    until = end_of(outages)
    alone = [_alone(one, until, Random(f"people {one.environment}")) for one in outages]
    every = sorted((act for one in alone for act in one.acts), key=lambda one: one[0])
    together = _run(outages, until, every, Random(f"people restored {seed}"))
    problems = [
        *(line for one in (*alone, together) for line in _check(one)),
        *_differ(outages, alone, together),
    ]
    entries = [codec.entry(raw) for raw in together.state.values()]
    done = sum(isinstance(one, ActDone) and one.outcome == "done" for one in entries)
    return Checked(seed, outages[0].kind, tuple(problems), done)


def _log(
    outages: Sequence[Drawn], until: float, seconds: Sequence[int]
) -> Iterator[DeltaBatch | int]:
    """Yield the input log, and each of these seconds where it begins.

    A watermark of its own stands before it: when an act takes effect must not depend on what else
    is heard.
    """
    pushes = [row.push for outage in outages for row in outage.rows]
    pushes += [
        event(at, "beat", "Beat", environment=BEAT, event_id=f"{at:032x}")
        for at in range(0, HEARD_S, 20)
    ]
    left = list(seconds)
    for batch in batches(pushes, until=until, config=PAGING):
        last_tick = max((one.tick for one in batch.deltas), default=-1)
        while left and ms(left[0]) < batch.watermark_ms:
            mark_ms = ms(left[0])
            empty = DeltaBatch(topic="events", partition=0, watermark_ms=batch.watermark_ms)
            if last_tick < tick_of(mark_ms):
                yield msgspec.structs.replace(batch, watermark_ms=mark_ms)
                batch, last_tick = empty, -1
            else:
                yield msgspec.structs.replace(empty, watermark_ms=mark_ms)
            yield left.pop(0)
        yield batch


class _Run:
    """A partition, its log, and what it has decided."""

    def __init__(self) -> None:
        self.partition = Partition(PAGING, first_progress(), explains=True)
        self.log: list[Message] = []
        self.lived = Lived([], [], [], {})
        self._progress = self.partition.progress()

    def take(self, message: Message) -> None:
        """Take the next message, and apply all that is complete."""
        self._hear(len(self.log), message)
        self.log.append(message)
        self._settle()

    def restore(self, random: Random) -> None:
        """Go on from what is stored: entries in any order, the input read again."""
        entries = [codec.entry(raw) for raw in self.lived.state.values()]
        random.shuffle(entries)
        self.partition = Partition(PAGING, self._progress, entries, explains=True)
        for offset in range(self._progress.input_offset, len(self.log)):
            self._hear(offset, self.log[offset])
            self._settle()

    def _hear(self, offset: int, message: Message) -> None:
        if isinstance(message, DeltaBatch):
            self.partition.receive(offset, message)
        else:
            assert self.partition.receive_act(offset, message)

    def _settle(self) -> None:
        partition, lived = self.partition, self.lived
        while partition.ready():
            step = partition.step(most_ticks=1_000_000)
            assert not step.poison
            assert not step.frozen
            self._progress = step.progress
            lived.digests.extend(step.digests)
            lived.decisions.extend(step.decisions)
            for key, entry in step.entries.items():
                if entry is None:
                    lived.state.pop(key, None)
                elif key != PROGRESS_KEY:
                    lived.state[key] = codec.encode(entry)
        partition.ticks.pass_to(partition.ticks.complete_tick())

    def seen(self) -> list[Entry]:
        """Return what people see."""
        return [entry for _, entry in sorted(self.partition.state_entries)]


def _alone(outage: Drawn, until: float, random: Random) -> Lived:
    """Let people live in one outage."""
    first = min(row.push.at_ms for row in outage.rows) // 1000 - START
    last = max(row.push.at_ms for row in outage.rows) // 1000 - START
    seconds = sorted(random.randrange(first, last + 700) for _ in range(random.randint(*ACTS)))
    run = _Run()
    for message in _log([outage], until, seconds):
        if isinstance(message, int):
            seen = [one for one in run.seen() if BEAT not in str(getattr(one, "key", ""))]
            ahead_ms = random.choice((0, 0, 0, 5_000, 900_000))
            number = len(run.lived.acts)
            act = drawn(random, seen, f"{outage.environment} {number}", ms(message) + ahead_ms)
            run.lived.acts.append((message, act))
            run.take(act)
        else:
            run.take(message)
    return run.lived


def _run(outages: Sequence[Drawn], until: float, acts: Sequence[Decided], random: Random) -> Lived:
    """Run outages together with what people decided in each."""
    run = _Run()
    left = [act for _, act in acts]
    log = list(_log(outages, until, [second for second, _ in acts]))
    restores = {random.randrange(len(log)) for _ in range(RESTORES)}
    for number, message in enumerate(log):
        run.take(left.pop(0) if isinstance(message, int) else message)
        if number in restores:
            run.restore(random)
    run.lived.acts.extend(acts)
    return run.lived


def _check(lived: Lived) -> list[str]:
    """Return what is wrong with what was decided, one line each."""
    keeps_law_4(lived.digests)
    acts = [act for _, act in lived.acts]
    kept = [one for raw in lived.state.values() if isinstance(one := codec.entry(raw), ActDone)]
    ids = {one.id for one in kept}
    lost = [act_id(one) for one in acts if act_id(one) not in ids and "." not in one.subject]
    return [
        *(f"lost: {one}" for one in lost),
        *people_checks.carried_out_once(acts, lived.decisions, lived.digests),
        *people_checks.corrected_once(acts, kept, lived.digests),
        *people_checks.pages_once(lived.digests),
        *people_checks.settled(acts, lived.decisions),
    ]


def _differ(outages: Sequence[Drawn], alone: Sequence[Lived], together: Lived) -> list[str]:
    """Both in one partition, restored now and then, are decided as each by itself."""
    wrong = []
    state: dict[str, bytes] = {}
    for one, lived in zip(outages, alone, strict=True):
        state |= lived.state
        mine, own = (
            [digest for digest in found.digests if digest.environment == one.environment]
            for found in (together, lived)
        )
        if mine != own:
            wrong.append(f"{one.environment}: other digests beside another environment")
    if together.state != state:
        keys = {*state, *together.state} - {heard_key(*INTAKE)}  # it hears all environments
        other = sorted(key for key in keys if state.get(key) != together.state.get(key))
        if other:
            wrong.append(f"state differs in {len(other)} entries: {other[:5]}")
    return wrong

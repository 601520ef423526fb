"""The contenders, each in a process of its own, one after another; what they leave is checked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.storm import profiled
from benchmarks.storm.child import WITHIN_S, Failed, run_child
from benchmarks.storm.events import Traffic
from benchmarks.storm.figures import SAYS, Contender, Run
from benchmarks.storm.log import Counted, Log, count_deltas, end_offsets
from benchmarks.storm.stage import StageFailed, run_stage
from benchmarks.storm.work import Done, Work

PROFILE_ROWS: Final = 40

READS: Final = {
    Contender.BARE: Traffic.REPEATING,
    Contender.BARE_TYPED: Traffic.REPEATING,
    Contender.BARE_LIBRDKAFKA: Traffic.REPEATING,
    Contender.STOCK_FAUST: Traffic.REPEATING,
    Contender.STORM: Traffic.REPEATING,
    Contender.VARIED: Traffic.VARIED,
    Contender.DISTINCT: Traffic.DISTINCT,
    Contender.BARE_TYPED_SMALL: Traffic.SMALL,
    Contender.STORM_SMALL: Traffic.SMALL,
    Contender.BARE_TYPED_LARGE: Traffic.LARGE,
    Contender.STORM_LARGE: Traffic.LARGE,
}
"""Which log a contender reads."""

_TYPED: Final = (
    Contender.BARE_TYPED,
    Contender.BARE_LIBRDKAFKA,
    Contender.BARE_TYPED_SMALL,
    Contender.BARE_TYPED_LARGE,
)
_WITHOUT_DELTAS: Final = (Contender.BARE, *_TYPED)
_PROGRAMS: Final = {
    **dict.fromkeys(_WITHOUT_DELTAS, "benchmarks.storm.loops"),
    Contender.STOCK_FAUST: "benchmarks.storm.stock_faust",
}
"""What is not FINGERPRINT."""


class Rounds:
    """Runs contenders over logs that stand on Kafka."""

    def __init__(self, folder: Path, logs: dict[Traffic, Log], stock_deltas: str) -> None:
        """Args: folder: for files; logs: by traffic; stock_deltas: topic for stock Faust's."""
        self._folder = folder
        self._logs = logs
        self._stock_deltas = stock_deltas
        self._merged: dict[Traffic, str] = {}
        self.runs: list[Run] = []

    async def round(self, number: int, contenders: Sequence[Contender]) -> None:
        """Run every contender once, beginning with another one each round.

        Args:
            number: from 0.
            contenders: in the order of the first round.

        Raises:
            Failed: one of them failed, or its deltas are wrong.
        """
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            done = await self._once(contender)
            self.runs.append(Run(round=number, contender=contender, done=done))

    async def profile(self, contender: Contender) -> list[profiled.Sample]:
        """Return what FINGERPRINT did, sample by sample, in a run that counts for nothing else.

        Args:
            contender: FINGERPRINT on one of the logs.

        Raises:
            Failed: it failed.
        """
        out = self._folder / "samples"
        log = self._logs[READS[contender]]
        try:
            watched = await run_stage(log, self._folder, within_s=WITHIN_S, samples=out)
        except StageFailed as error:
            raise Failed(f"profile: {error}") from None
        samples = msgspec.msgpack.decode(out.read_bytes(), type=list[profiled.Sample])
        return [one for one in samples if watched.began_s <= one.at_s <= watched.ended_s]

    async def _once(self, contender: Contender) -> Done:
        """Run one contender and check what it left."""
        log = self._logs[READS[contender]]
        bootstrap = log.settings.kafka.bootstrap
        stock = contender is Contender.STOCK_FAUST
        deltas_topic = self._stock_deltas if stock else log.deltas_topic
        begins = await end_offsets(bootstrap, deltas_topic)
        if contender in _PROGRAMS:
            done = await self._child(contender, log, deltas_topic)
        else:
            try:
                watched = await run_stage(log, self._folder, within_s=WITHIN_S, samples=None)
            except StageFailed as error:
                raise Failed(f"{contender}: {error}") from None
            done = watched.done
        if done.events != log.events:
            raise Failed(f"{contender}: took {done.events} events of {log.events}")
        if contender not in _WITHOUT_DELTAS:
            ends = await end_offsets(bootstrap, deltas_topic)
            found = await count_deltas(bootstrap, deltas_topic, begins, ends)
            known = self._merged.setdefault(log.traffic, found.merged)
            if wrong := what_is_wrong(found, log.events, known):
                raise Failed(f"{contender}: {wrong}")
        return done

    async def _child(self, contender: Contender, log: Log, deltas_topic: str) -> Done:
        out = self._folder / "done.json"
        out.unlink(missing_ok=True)
        work = Work(
            bootstrap=log.settings.kafka.bootstrap,
            topic=log.topic,
            ends=log.ends,
            deltas_topic=deltas_topic,
            typed=contender in _TYPED,
            librdkafka=contender is Contender.BARE_LIBRDKAFKA,
            out=str(out),
        )
        program = (sys.executable, "-m", _PROGRAMS[contender], msgspec.json.encode(work).decode())
        return await run_child(contender, program, out)


def told(contender: Contender, samples: Sequence[profiled.Sample]) -> str:
    """Return where FINGERPRINT spends its time, as text."""
    return f"{SAYS[contender]}. Time in compiled code is its caller's.\n\n" + profiled.report(
        samples, rows=PROFILE_ROWS
    )


ABOUT: Final = 0.05
"""How far sketches may be off the number of events: three times their standard error and more."""


def what_is_wrong(found: Counted, events: int, merged: str) -> str:
    """Return why these deltas are not those of the log, empty when they are.

    Args:
        found: what they say.
        events: in the log; each must be counted once, exactly where sets are: a sketch of
            what was counted twice is the same, and about as many must be in it.
        merged: `Counted.merged` of others of the same log.
    """
    if not found.exact and abs(found.events - events) > ABOUT * events:
        return f"its deltas count about {found.events} events of {events}"
    if found.exact and found.events != events:
        return f"its deltas count {found.events} events of {events}"
    if found.merged != merged:
        return "its deltas, merged, are not those that were made of the same log before"
    return ""

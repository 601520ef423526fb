"""One partition of CORRELATE, whole: messages of its input log in; changed entries, digests,
progress out.

Production, replay, benchmarks and tests run this same step; only where the messages come from and
where the entries go differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from correlators.correlate import Correlator, Decided
from correlators.entries import PROGRESS_KEY, Entry
from correlators.telling import Config
from correlators.ticks import Progress, Reception, Ticks, Work
from correlators.types import Delta, DeltaBatch, Digest, PageReason, StateChange, Suppression


class Poison(msgspec.Struct, frozen=True):
    """What raised when it was applied: set aside so that its tick could go on."""

    what: Delta | StateChange
    reason: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of `Partition.step` decided; it is stored as a whole or not at all."""

    entries: dict[str, Entry | None]
    """Changed entries by key, `@progress` among them; None where one is removed."""
    digests: list[Digest]
    progress: Progress
    ticks: int
    """Ticks that had something to apply."""
    suppressed: Counter[Suppression] = msgspec.field(default_factory=Counter)
    pages: Counter[PageReason] = msgspec.field(default_factory=Counter)
    poison: list[Poison] = msgspec.field(default_factory=list)


class Partition:
    """Ticks and state of one partition."""

    def __init__(self, config: Config, progress: Progress, entries: Iterable[Entry] = ()) -> None:
        """Args: config: what decides; progress, entries: as restored, or a first progress and
        none."""
        self._correlator = Correlator(config, entries)
        self.ticks = Ticks(progress)
        self._suppressed = progress.suppressed
        self._late = progress.late
        self.received: Counter[Reception] = Counter()
        """Deltas since the start, by what became of them."""

    @property
    def state_entries(self) -> list[tuple[str, Entry]]:
        """All entries by key, without `@progress`."""
        return list(self._correlator.state.entries())

    @property
    def open_counts(self) -> tuple[int, int]:
        """How many incidents and storms are open."""
        return self._correlator.state.open_counts()

    def receive(self, offset: int, batch: DeltaBatch) -> None:
        """Take one message of the input log; see `Ticks.receive`."""
        self.received.update(self.ticks.receive(offset, batch))

    def next_tick(self) -> int | None:
        """Return the next tick that has something to apply or is due, complete or not."""
        due = self._correlator.state.next_due()
        held = self.ticks.next_tick()
        if due is None or held is None:
            return held if due is None else due
        return min(due, held)

    def ready(self) -> bool:
        """Return whether `step` would apply a tick."""
        following = self.next_tick()
        return following is not None and following <= self.ticks.complete_tick()

    def progress(self) -> Progress:
        """Return the `@progress` entry as it stands now."""
        return msgspec.structs.replace(
            self.ticks.progress(),
            suppressed=self._suppressed,
            late=self._late,
        )

    def step(self, *, most_ticks: int) -> Step:
        """Apply up to `most_ticks` complete ticks that have something to apply, in order.

        Ticks without work cost nothing and are passed over. Returns what changed, each entry once.
        """
        digests: list[Digest] = []
        suppressed: Counter[Suppression] = Counter()
        pages: Counter[PageReason] = Counter()
        poison: list[Poison] = []
        complete = self.ticks.complete_tick()
        applied = 0
        while applied < most_ticks:
            following = self.next_tick()
            if following is None or following > complete:
                self.ticks.pass_to(complete)
                break
            work = self.ticks.take(max(following, self.ticks.applied + 1))
            self._late += sum(delta.tick < work.tick for delta in work.deltas)
            decided, set_aside = self._apply(work)
            digests += decided.digests
            suppressed += decided.suppressed
            pages += decided.pages
            poison += set_aside
            applied += 1
        self._suppressed += suppressed.total()
        progress = self.progress()
        return Step(
            entries={**self._correlator.state.take_changed(), PROGRESS_KEY: progress},
            digests=digests,
            progress=progress,
            ticks=applied,
            suppressed=suppressed,
            pages=pages,
            poison=poison,
        )

    def _apply(self, work: Work) -> tuple[Decided, list[Poison]]:
        """Apply a tick; when it raises, apply it without what raises on its own."""
        state = self._correlator.state
        state.begin()
        try:
            return self._correlator.apply(work), []
        except Exception:
            state.rollback()
            self._correlator.forget_decided()
        due = self._raises(Work(work.tick, [], []))
        if due:
            raise RuntimeError(f"tick {work.tick}: an entry that is due raises {due}")
        poison: list[Poison] = []
        changes: list[StateChange] = []
        deltas: list[Delta] = []
        for change in work.changes:
            if reason := self._raises(Work(work.tick, [change], [])):
                poison.append(Poison(change, reason))
            else:
                changes.append(change)
        for delta in work.deltas:
            if reason := self._raises(Work(work.tick, [], [delta])):
                poison.append(Poison(delta, reason))
            else:
                deltas.append(delta)
        if not poison:
            raise RuntimeError(f"tick {work.tick} cannot be applied, and nothing alone is why")
        state.begin()
        return self._correlator.apply(Work(work.tick, changes, deltas)), poison

    def _raises(self, work: Work) -> str:
        state = self._correlator.state
        state.begin()
        try:
            self._correlator.apply(work)
        except Exception as error:
            return type(error).__name__
        finally:
            state.rollback()
            self._correlator.forget_decided()
        return ""

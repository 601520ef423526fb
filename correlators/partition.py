"""One partition of CORRELATE, whole: messages of its input log in; changed entries, digests,
progress out.

Production, replay, benchmarks and tests run this same step; only where the messages come from and
where the entries go differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from correlators.acting import Outcomes
from correlators.acts import Act
from correlators.beats import Beat, Beats
from correlators.correlate import Correlator, Decided
from correlators.decisions import Decision
from correlators.entries import PROGRESS_KEY, Entry, Frozen
from correlators.halves import halves
from correlators.responses import Response
from correlators.suppressions import Suppressed
from correlators.telling import Config
from correlators.ticks import Progress, Reception, Ticks, Work
from correlators.types import Delta, DeltaBatch, Digest, PageReason, StateChange


class Poison(msgspec.Struct, frozen=True):
    """What raised when it was applied: set aside so that its tick could go on."""

    what: Delta | StateChange | Act
    reason: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of `Partition.step` decided; it is stored as a whole or not at all."""

    entries: dict[str, Entry | None]
    """Changed entries by key, `@progress` among them; None where one is removed."""
    digests: list[Digest]
    progress: Progress
    ticks: int
    """Ticks that had something to apply."""
    suppressed: Suppressed = msgspec.field(default_factory=Counter)
    pages: Counter[PageReason] = msgspec.field(default_factory=Counter)
    acts: Outcomes = msgspec.field(default_factory=Counter)
    poison: list[Poison] = msgspec.field(default_factory=list)
    decisions: list[Decision] = msgspec.field(default_factory=list)
    """What was decided, in the words of `explain`; empty unless the partition explains."""
    responses: list[Response] = msgspec.field(default_factory=list)
    """How fast people were."""
    frozen: list[Frozen] = msgspec.field(default_factory=list)
    """Entries that raised when they were due; they are among `entries`, under their new key."""
    beats: tuple[Beat, ...] = ()
    """Of the heartbeat, whose ticks are applied by now."""


class Partition:
    """Ticks and state of one partition."""

    def __init__(
        self,
        config: Config,
        progress: Progress,
        entries: Iterable[Entry] = (),
        *,
        explains: bool = False,
    ) -> None:
        """Args: config: what decides; progress, entries: as restored, or a first progress and
        none; explains: whether steps say in words what they decided."""
        self._explains = explains
        self._correlator = Correlator(config, entries, explains=explains)
        self.ticks = Ticks(
            progress,
            signature_version=config.signature_version,
            configuration=config.name,
        )
        self._beats = Beats()
        self._suppressed = progress.suppressed
        self._late = progress.late
        self.received: Counter[Reception] = Counter()
        """Deltas since the start, by what became of them."""

    def under(self, config: Config) -> Partition:
        """Return this partition as it goes on under another configuration, from the next tick on.

        As a restart with that configuration would go on: what is held for ticks that are not
        applied was taken under the old one, so it is left out, and the caller hands in its input
        again from `progress().input_offset`. So every tick is decided by exactly one configuration.

        Args:
            config: what decides from now on. Every step must have been taken out before.
        """
        assert not self._correlator.state.changes
        entries = (entry for _, entry in self.state_entries)
        return Partition(config, self.progress(), entries, explains=self._explains)

    @property
    def state_entries(self) -> list[tuple[str, Entry]]:
        """All entries by key, without `@progress`."""
        return list(self._correlator.state.entries())

    def first_event(self, subject: str) -> str:
        """Return the id of the event that is shown for an incident, or for the first one of a
        storm; empty for what is not known."""
        state = self._correlator.state
        storm = state.storm(subject)
        if storm is not None and storm.members:
            subject = storm.members[0]
        incident = state.find_incident(subject)
        return incident.sample.event_id if incident is not None else ""

    @property
    def open_counts(self) -> tuple[int, int]:
        """How many incidents and storms are open."""
        return self._correlator.state.open_counts()

    @property
    def unconfirmed(self) -> int:
        """How many open incidents and storms are quiet, and not confirmed to be over."""
        return self._correlator.state.unconfirmed

    @property
    def suppressed(self) -> int:
        """Digests held back since the birth of the state."""
        return self._suppressed

    @property
    def late(self) -> int:
        """Late deltas applied since the birth of the state."""
        return self._late

    def receive(self, offset: int, batch: DeltaBatch) -> None:
        """Take one message of the input log; see `Ticks.receive`."""
        self.received.update(self.ticks.receive(offset, batch))
        if batch.beats:
            source = batch.partition
            self._beats.hold(msgspec.structs.replace(one, source=source) for one in batch.beats)

    def receive_act(self, offset: int, act: Act) -> bool:
        """Take one act of the input log; see `Ticks.receive_act`."""
        return self.ticks.receive_act(offset, act)

    def next_tick(self) -> int | None:
        """Return the next tick that has something to apply or is due, complete or not."""
        due = self._correlator.state.next_due()
        held = self.ticks.next_tick()
        if due is None or held is None:
            return held if due is None else due
        return min(due, held)

    def ready(self) -> bool:
        """Return whether `step` would apply a tick, or pass a heartbeat on."""
        following = self.next_tick()
        complete = self.ticks.complete_tick()
        return (following is not None and following <= complete) or self._beats.due(complete)

    def progress(self) -> Progress:
        """Return the `@progress` entry as it stands now."""
        return msgspec.structs.replace(
            self.ticks.progress(),
            suppressed=self._suppressed,
            late=self._late,
        )

    def step(self, *, most_ticks: int, most_changes: int | None = None) -> Step:
        """Apply up to `most_ticks` complete ticks that have something to apply, in order.

        Ticks without work cost nothing and are passed over. Returns what changed, each entry once.

        Args:
            most_ticks: at least 1.
            most_changes: no further tick once so many entries have changed; a tick is never cut.
        """
        digests: list[Digest] = []
        suppressed: Suppressed = Counter()
        pages: Counter[PageReason] = Counter()
        acts: Outcomes = Counter()
        poison: list[Poison] = []
        decisions: list[Decision] = []
        frozen: list[Frozen] = []
        responses: list[Response] = []
        complete = self.ticks.complete_tick()
        applied = 0
        while applied < most_ticks:
            if most_changes is not None and self._correlator.state.changes >= most_changes:
                break
            following = self.next_tick()
            if following is None or following > complete:
                self.ticks.pass_to(complete)
                break
            work = self.ticks.take(max(following, self.ticks.applied + 1))
            self._late += sum(delta.tick < work.tick for delta in work.deltas)
            done = self._apply(work)
            digests += done.decided.digests
            aside = [one.what for one in done.poison if isinstance(one.what, Act)]
            digests += self._correlator.set_aside(aside, work.tick)
            suppressed += done.decided.suppressed
            pages += done.decided.pages
            decisions += done.decided.decisions
            acts += done.decided.acts
            responses += done.decided.responses
            poison += done.poison
            frozen += done.frozen
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
            decisions=decisions,
            acts=acts,
            poison=poison,
            frozen=frozen,
            responses=responses,
            beats=self._beats.take(self.ticks.applied),
        )

    def _apply(self, work: Work) -> _Applied:
        """Apply a tick; when it raises, apply it without what raises."""
        state = self._correlator.state
        state.begin()
        try:
            return _Applied(self._correlator.apply(work), [], [])
        except Exception:
            state.rollback()
            self._correlator.forget_decided()
        frozen: list[Frozen] = []
        due = self._raises(Work(work.tick, [], []), frozen)
        if due:
            raise RuntimeError(f"tick {work.tick} raises {due} with nothing to apply")
        kept, poison = self._without_poison(work, frozen)
        state.begin()
        return _Applied(self._correlator.apply(kept), poison, frozen)

    def _without_poison(self, work: Work, frozen: list[Frozen]) -> tuple[Work, list[Poison]]:
        """Return what can be applied together, and what raises alone or on top of that."""
        kept = work._replace(changes=[], deltas=[], acts=())
        poison: list[Poison] = []
        untried: list[Work] = [work]
        while untried:
            some = untried.pop()
            together = work._replace(
                changes=kept.changes + some.changes,
                deltas=kept.deltas + some.deltas,
                acts=kept.acts + some.acts,
            )
            reason = self._raises(together, frozen)
            if not reason:
                kept = together
            elif some.size == 1:
                what = (*some.acts, *some.changes, *some.deltas)
                poison += [Poison(one, reason) for one in what]
            else:
                untried += reversed(halves(some))
        return kept, poison

    def _raises(self, work: Work, frozen: list[Frozen]) -> str:
        """Return what the work raises, empty when nothing; the state stays as it is.

        But for entries that raise because they are due: they are frozen, and added to `frozen`.
        """
        state = self._correlator.state
        while True:
            reason = ""
            state.begin()
            try:
                self._correlator.apply(work)
            except Exception as error:
                reason = type(error).__name__
            finally:
                state.rollback()
                self._correlator.forget_decided()
            to_blame = self._correlator.due_key
            if not reason or state.get(to_blame) is None:
                return reason
            state.begin()
            frozen.append(state.freeze(to_blame, work.tick, reason))


class _Applied(NamedTuple):
    """What became of a tick."""

    decided: Decided
    poison: list[Poison]
    frozen: list[Frozen]

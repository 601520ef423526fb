"""When a tick is complete: the watermarks of the source partitions, and the deltas that wait for
them.

Input is the log of one partition of `incident.deltas`, message by message with its offset. Output
is, tick by tick, what is to be applied. A message that comes twice changes nothing: below
`read_up_to` what was applied is skipped, and above it a delta of a tick that its own source has
already told complete is a repetition.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from correlators import sets
from correlators.acts import Act
from correlators.acts_pending import PendingActs
from correlators.configurations import Configurations, followed
from correlators.deltas import Place, merge, place_of
from correlators.fingerprint import DEFAULT_VERSION
from correlators.hearing import HeldSlots, counts_in
from correlators.names import taken
from correlators.types import Delta, DeltaBatch, StateChange, tick_of

FORMAT = 1
"""Version of the stored state; another one refuses the start."""


class Source(NamedTuple):
    """One partition of a source topic."""

    topic: str
    partition: int


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """The `@progress` entry of a state partition: how far it has come, in every transaction."""

    format: int = FORMAT
    installation: str
    """Namespace and clock that wrote the state; another one refuses the start."""
    partitions: int
    """Partition count of the keyed topics; it never changes."""
    sources: tuple[tuple[str, int], ...]
    watermarks: tuple[tuple[str, int, int], ...] = ()
    """(topic, partition, at_ms), in order."""
    applied_tick: int = -1
    """Last tick that was applied; -1 before the first."""
    input_offset: int = 0
    """First offset of the input that must be read again after a restart."""
    read_up_to: int = 0
    """Offset after the last message that was read when `applied_tick` was applied; the watermarks
    are those told by then."""
    excluded: tuple[tuple[str, int], ...] = ()
    """Sources left out as stalled."""
    suppressed: int = 0
    """Digests held back since the birth of the state."""
    late: int = 0
    """Late deltas applied since the birth of the state."""
    signature_version: int = 1
    """The version under which `applied_tick` took its deltas."""
    heard: tuple[tuple[int, int], ...] = ()
    """(slot, what) of what was heard in slots that were not over when `applied_tick` was
    applied."""
    configurations: Configurations = ()
    """Which configuration decided which ticks."""


class Work(NamedTuple):
    """What is to be applied in one tick: changes by identity, deltas in key order."""

    tick: int
    changes: list[StateChange]
    deltas: list[Delta]
    acts: tuple[Act, ...] = ()
    """What people decided, in the order of the log; applied before everything else."""
    heard: tuple[tuple[int, int], ...] = ()
    """(slot, what) of records of any kind, in slots that are over by now, ascending."""
    blind: bool = False
    """A source is left out as stalled."""

    @property
    def size(self) -> int:
        """How much it is."""
        return len(self.changes) + len(self.deltas) + len(self.acts)


class Reception(StrEnum):
    """What became of a delta. The word is the metric label."""

    HELD = "held"
    LATE = "late"
    REPEATED = "repeated"


DELTA_BYTES: Final = 1_024
CHANGE_BYTES: Final = 512
"""What a held delta, or state change, takes in memory beside its sets and traces, roughly."""

NEVER: Final = 1 << 62
"""Later than any tick."""

_Held = tuple[Place, int]
"""Place, and a number above 0 for deltas that cannot be merged."""


class Ticks:
    """Deltas held back until every source partition has passed their tick."""

    def __init__(
        self,
        progress: Progress,
        *,
        signature_version: int = DEFAULT_VERSION,
        configuration: str = "",
    ) -> None:
        """Args: progress: as stored, or a first one; `sources` must be complete;
        signature_version: the one under which deltas are taken; configuration: name of the one that
        decides from the next tick on."""
        self._start = msgspec.structs.replace(
            progress,
            configurations=followed(progress.configurations, configuration, progress.applied_tick),
        )
        self._version = signature_version
        self.sources = {Source(*source) for source in progress.sources}
        self.watermarks = {
            Source(topic, partition): at_ms for topic, partition, at_ms in progress.watermarks
        }
        self.excluded = {Source(*source) for source in progress.excluded}
        self.applied = progress.applied_tick
        self._reread_below = progress.read_up_to
        self._next_offset = progress.input_offset
        self._heard_up_to = progress.read_up_to
        self._heard = dict(self.watermarks)
        self._deltas: dict[int, dict[_Held, Delta]] = {}
        self._changes: dict[int, dict[str, StateChange]] = {}
        self._slots = HeldSlots()
        self._offsets: OrderedDict[int, int] = OrderedDict()
        """First offset of what is held for a tick; offsets ascend, so the first is the lowest."""
        self._acts = PendingActs()
        self._next_ticks: list[int] = []
        """Heap of the ticks in `_offsets` and `_slots`; also of some that are applied."""
        self.held = 0
        """How many deltas and state changes wait."""
        self.held_bytes = 0
        """What they take in memory, roughly."""
        for slot, what in progress.heard:
            self._hold_heard(slot, what, 0, again=False)
        self._heard_slots = progress.heard

    def receive(self, offset: int, batch: DeltaBatch) -> list[Reception]:
        """Take one message of the input log and return what became of each delta.

        Args:
            offset: its offset, not below that of any message received since the start.
            batch: the message.
        """
        source = Source(batch.topic, batch.partition)
        again = offset < self._reread_below
        told = tick_of(self.watermarks.get(source, 0))
        received = [self._hold(offset, delta, told, again=again) for delta in batch.deltas]
        for change in batch.changes:
            self._hold_change(offset, change, told, again=again)
        for slot, what in batch.heard:
            self._hold_heard(slot, what, told, again=again)
        if batch.watermark_ms >= 0:
            self.sources.add(source)
            self.excluded.discard(source)
            self.watermarks[source] = max(self.watermarks.get(source, 0), batch.watermark_ms)
        self._next_offset = offset + 1
        self._date_acts()
        return received

    def reach(self, offset: int) -> None:
        """Note that everything below this offset was read."""
        self._next_offset = max(self._next_offset, offset)

    def receive_act(self, offset: int, act: Act) -> bool:
        """Take one act of the input log; return False where too many wait already.

        Every tick that is complete must be applied before (see `acts_pending`). Then those below
        `read_up_to` were applied by the time it stands for, and none of the others; so no offset of
        theirs is to be kept.
        """
        self.reach(offset)
        assert self.complete_tick() <= self.applied, "ticks before an act are applied first"
        self._next_offset = offset + 1
        if offset < self._reread_below:
            return True
        return self._acts.hold(act, self.applied + 1 if self.applied >= 0 else -1)

    def _date_acts(self) -> None:
        """Give acts that came before any time was known the first tick that is applied."""
        if self._acts and self._acts.tick < 0 and (complete := self.complete_tick()) >= 0:
            self._acts.tick = min(self._next_held(), complete)

    def skip(self, offset: int) -> None:
        """Pass over a message that could not be read, as if it had held nothing."""
        self._next_offset = offset + 1

    def _place(self, tick: int, told: int, *, again: bool) -> int:
        """Return the tick to apply it in, or -1 for a repetition."""
        if tick > self.applied:
            return tick
        return -1 if again or tick < told else self.applied + 1

    def _hold(self, offset: int, delta: Delta, told: int, *, again: bool) -> Reception:
        tick = self._place(delta.tick, told, again=again)
        if tick < 0:
            return Reception.REPEATED
        of_tick = self._deltas.setdefault(tick, {})
        before = len(of_tick)
        self.held_bytes += _put_in(of_tick, taken(delta, self._version))
        self.held += len(of_tick) - before
        self._note_offset(tick, offset)
        return Reception.HELD if tick == delta.tick else Reception.LATE

    def _hold_change(self, offset: int, change: StateChange, told: int, *, again: bool) -> None:
        tick = self._place(change.tick, told, again=again)
        if tick >= 0:
            of_tick = self._changes.setdefault(tick, {})
            if change.identity not in of_tick:
                self.held += 1
                self.held_bytes += CHANGE_BYTES
            of_tick[change.identity] = change
            self._note_offset(tick, offset)

    def _hold_heard(self, slot: int, what: int, told: int, *, again: bool) -> None:
        """Hold no offset: what is not over yet is stored with the progress."""
        tick = self._place(counts_in(slot), told, again=again)
        if tick >= 0:
            if tick not in self._slots:
                heapq.heappush(self._next_ticks, tick)
            self._slots.hold(tick, slot, what)

    def _note_offset(self, tick: int, offset: int) -> None:
        if tick not in self._offsets:
            self._offsets[tick] = offset
            heapq.heappush(self._next_ticks, tick)

    def complete_tick(self) -> int:
        """Return the last tick that every source has passed; not above `applied` when there is no
        news.

        Restored watermarks stand for all messages below `read_up_to`: until those are read again,
        deltas of the ticks they complete are missing.
        """
        if self._next_offset < self._reread_below:
            return self.applied
        waited_for = self.sources - self.excluded
        if not waited_for or any(source not in self.watermarks for source in waited_for):
            return self.applied
        return max(self.applied, tick_of(min(self.watermarks[s] for s in waited_for)) - 1)

    def next_tick(self) -> int | None:
        """Return the earliest tick that has something to apply, complete or not."""
        following = self._next_held()
        if self._acts.tick >= 0:
            following = min(following, self._acts.tick)
        return following if following < NEVER else None

    def _next_held(self) -> int:
        while self._next_ticks and not self._waits(self._next_ticks[0]):
            heapq.heappop(self._next_ticks)
        return self._next_ticks[0] if self._next_ticks else NEVER

    def _waits(self, tick: int) -> bool:
        return tick in self._offsets or tick in self._slots

    def take(self, tick: int) -> Work:
        """Return what is held for this tick, in canonical order, and count the tick as applied."""
        assert tick > self.applied
        self._offsets.pop(tick, None)
        heard = self._slots.take(tick)
        self._advance(tick)
        changes = self._changes.pop(tick, {})
        deltas = self._deltas.pop(tick, {})
        self.held -= len(changes) + len(deltas)
        self.held_bytes -= len(changes) * CHANGE_BYTES + sum(map(_bytes_of, deltas.values()))
        return Work(
            tick,
            [change for _, change in sorted(changes.items())],
            [delta for _, delta in sorted(deltas.items(), key=lambda item: item[0])],
            acts=self._acts.take() if 0 <= self._acts.tick <= tick else (),
            heard=heard,
            blind=bool(self.excluded),
        )

    def pass_to(self, tick: int) -> None:
        """Count everything up to this tick as applied; nothing may be held for it."""
        following = self.next_tick()
        assert following is None or following > tick
        if tick > self.applied:
            self._advance(tick)

    def _advance(self, tick: int) -> None:
        """Count a tick as applied, and note what was read by then.

        Whether a delta is late depends on the tick applied and the watermarks told when it was
        read. So a restart reads everything after the last applied tick as if for the first time.
        """
        self.applied = tick
        self._heard_up_to = max(self._reread_below, self._next_offset)
        self._heard = dict(self.watermarks)
        self._heard_slots = self._slots.held()

    def exclude(self, stalled: Iterable[Source]) -> None:
        """Go on without these sources until they speak again."""
        self.excluded |= set(stalled) & self.sources
        self._date_acts()

    def progress(self) -> Progress:
        """Return the `@progress` entry as it stands now."""
        return msgspec.structs.replace(
            self._start,
            sources=tuple(sorted(self.sources)),
            watermarks=tuple(
                (source.topic, source.partition, at_ms)
                for source, at_ms in sorted(self._heard.items())
            ),
            applied_tick=self.applied,
            input_offset=min(
                self._heard_up_to,
                next(iter(self._offsets.values()), self._next_offset),
                self._next_offset,
            ),
            read_up_to=self._heard_up_to,
            excluded=tuple(sorted(self.excluded)),
            signature_version=self._version,
            heard=self._heard_slots,
        )


def _put_in(of_tick: dict[_Held, Delta], delta: Delta) -> int:
    """Merge the delta with what is held for its place; return how many bytes more are held.

    One with unreadable sets would spoil what it is merged with: it is kept apart, so that it alone
    raises where it can be set aside.
    """
    place = place_of(delta)
    apart = 0
    if not _readable(delta):
        apart = 1
        while of_tick.get((place, apart), delta) != delta:
            apart += 1
    held = of_tick.get((place, apart))
    now = delta if held is None or apart else merge(held, delta)
    of_tick[place, apart] = now
    return _bytes_of(now) - (_bytes_of(held) if held is not None else 0)


def _bytes_of(delta: Delta) -> int:
    sets_bytes = len(delta.events) + len(delta.users) + len(delta.alerts)
    return DELTA_BYTES + sets_bytes + 40 * len(delta.traces)


def _readable(delta: Delta) -> bool:
    try:
        sets.check(delta.events)
        sets.check(delta.users)
        if delta.alerts:
            sets.check(delta.alerts)
    except ValueError:
        return False
    return True

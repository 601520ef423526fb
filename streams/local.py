"""The pipeline in one process: the steps of FINGERPRINT and CORRELATE wired together, no Kafka.

For replay, demo and backtest. The steps are those of production; here they get their records from a
caller and their store is memory. Digests are those of the same log on Kafka, byte for byte. Nothing
is delivered here and no clock is read.

Errors: `TooMuchHeld` when one tick of stream time holds more than fits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

from correlators.acts import Act
from correlators.acts_pending import ACTS_HELD
from correlators.entries import PROGRESS_KEY
from correlators.fingerprinter import Fingerprinter, Fingerprinting, Read, RecordKind
from correlators.incidents import ticks
from correlators.partition import Partition, Step
from correlators.presence import HISTORY_SLOTS, SLOT_TICKS
from correlators.suppressions import Suppressed
from correlators.telling import Config
from correlators.ticks import Progress, Reception
from correlators.types import TICK_MS, Delta, DeltaBatch, StateChange, tick_of
from streams import codec

SOURCE: Final = "replay"
HELD_MOST: Final = 250_000
"""Deltas of one tick; more stop the run with an error."""

TICKS_AT_ONCE: Final = 500

HISTORY_MS: Final = (HISTORY_SLOTS - 1) * SLOT_TICKS * TICK_MS
"""A shorter recording makes nothing usual."""

Heard = tuple[tuple[int, int], ...]
"""What was heard, by slot."""


class TooMuchHeld(Exception):
    """One tick of stream time has more different incidents than are held."""


def check_held(held: int) -> None:
    """Return if so many deltas and state changes of one tick fit. Raises: TooMuchHeld."""
    if held > HELD_MOST:
        raise TooMuchHeld(f"more than {HELD_MOST} different incidents within one second")


def first_progress(*, installation: str = "local.data") -> Progress:
    """Return the progress of a state that has seen nothing, with the one source of this runner."""
    return Progress(installation=installation, partitions=1, sources=((SOURCE, 0),))


def final_mark_ms(last_ms: int, config: Config, *, lasted_ms: int = 0) -> int:
    """Return the stream time at which nothing can be open or flap any more after a last record.

    Incidents and storms are over once they were quiet for long enough, never later than `max_life`;
    the end of what flaps is told after `flap_within`. After the end of a recording nothing is
    heard: where that is unusual, which takes an hour to know, quiet is not confirmed, and the end
    is `max_life`.

    Args:
        last_ms: stream time of the last record.
        config: with the lengths that decide.
        lasted_ms: from the first record to the last.
    """
    windows, linking = config.windows, config.linking
    quiet = min(max(windows.quiet_for_ms, linking.storm_quiet_ms), windows.max_life_ms)
    if lasted_ms >= HISTORY_MS:
        quiet = windows.max_life_ms
    return (tick_of(last_ms) + ticks(quiet) + ticks(windows.flap_within_ms) + 2) * 1000


class Correlate:
    """CORRELATE in this process: what was folded in, tick by tick; steps out as they are decided.

    The same deltas give the same digests and entries, also when the state is restored from its
    stored bytes after every tick.
    """

    def __init__(
        self,
        config: Config,
        on_step: Callable[[Step], None],
        *,
        restore_every_tick: bool = False,
        explains: bool = False,
    ) -> None:
        """Args: on_step: called with every step; restore_every_tick: for tests of the restore;
        explains: whether steps say in words what they decided."""
        self._config = config
        self._on_step = on_step
        self._restore = restore_every_tick
        self._explains = explains
        self._stored: dict[str, bytes] = {}
        self._log: deque[tuple[int, DeltaBatch | Act]] = deque()
        self._offset = 0
        self.partition = Partition(config, first_progress(), explains=explains)
        """Its state as it stands now."""
        self.suppressed: Suppressed = Counter()
        self.late = 0

    def finish(
        self,
        first_ms: int,
        last_ms: int,
        deltas: Sequence[Delta],
        changes: Sequence[StateChange],
        heard: Heard,
    ) -> None:
        """Take what the last tick holds, and let time run on until nothing is open.

        Args:
            first_ms: stream time of the first record.
            last_ms: stream time of the last one.
            deltas: of its tick.
            changes: of its tick, in the order of the log.
            heard: in its tick.
        """
        mark_ms = final_mark_ms(last_ms, self._config, lasted_ms=last_ms - first_ms)
        self.take(mark_ms, deltas, changes, heard)

    def take(
        self,
        watermark_ms: int,
        deltas: Sequence[Delta],
        changes: Sequence[StateChange],
        heard: Heard,
    ) -> None:
        """Take a whole tick, and apply what is complete then.

        Args:
            watermark_ms: how far stream time has come, which lies in a later tick.
            deltas: in the order of their keys.
            changes: in the order of the log.
            heard: in this tick, where that is news for its slot.
        """
        batch = DeltaBatch(
            topic=SOURCE,
            partition=0,
            deltas=tuple(deltas),
            changes=tuple(changes),
            watermark_ms=watermark_ms,
            heard=heard,
        )
        before = self.partition.received[Reception.LATE]
        self._hold(self._offset, batch)
        self.late += self.partition.received[Reception.LATE] - before
        if self._restore:
            self._log.append((self._offset, batch))
        self._offset += 1
        while self.partition.ready():
            self._take(self.partition.step(most_ticks=1 if self._restore else TICKS_AT_ONCE))

    def act(self, act: Act) -> None:
        """Take what somebody decided; see `Pipeline.act`."""
        ticks = self.partition.ticks
        ticks.pass_to(ticks.complete_tick())  # all that had work was applied as it came
        self._hold(self._offset, act)
        if self._restore:
            self._log.append((self._offset, act))
        self._offset += 1

    def _take(self, step: Step) -> None:
        self.suppressed += step.suppressed
        self._on_step(step)
        if self._restore:
            self._restored(step)

    def _restored(self, step: Step) -> None:
        """Go on from what is stored, as a new owner does: decode it, read its input again."""
        for key, entry in step.entries.items():
            if entry is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = codec.encode(entry)
        entries = [codec.entry(raw) for key, raw in self._stored.items() if key != PROGRESS_KEY]
        progress = codec.entry(self._stored[PROGRESS_KEY])
        assert isinstance(progress, Progress)
        self.partition = Partition(self._config, progress, entries, explains=self._explains)
        while self._log and self._log[0][0] < progress.input_offset:
            self._log.popleft()
        for offset, message in self._log:
            self._hold(offset, message)

    def _hold(self, offset: int, message: DeltaBatch | Act) -> None:
        if isinstance(message, DeltaBatch):
            self.partition.receive(offset, message)
        elif not self.partition.receive_act(offset, message):
            raise TooMuchHeld(f"more than {ACTS_HELD} acts within one tick")


class Pipeline:
    """Records in, in the order of the log; steps out, as they are decided.

    The same records give the same digests and entries, whatever the cache size, and also when the
    state is restored from its stored bytes after every tick.
    """

    def __init__(
        self,
        config: Config,
        fingerprinting: Fingerprinting,
        on_step: Callable[[Step], None],
        *,
        restore_every_tick: bool = False,
        explains: bool = False,
    ) -> None:
        """Args: on_step: called with every step; restore_every_tick: for tests of the restore;
        explains: whether steps say in words what they decided."""
        self._fingerprinter = Fingerprinter(fingerprinting)
        self._correlate = Correlate(
            config, on_step, restore_every_tick=restore_every_tick, explains=explains
        )
        self._at_ms = self._first_ms = -1
        self.kinds: Counter[RecordKind] = Counter()
        """Records by what they turned out to be."""

    @property
    def partition(self) -> Partition:
        """The CORRELATE side as it stands now."""
        return self._correlate.partition

    @property
    def suppressed(self) -> Suppressed:
        """Digests held back, by reason."""
        return self._correlate.suppressed

    @property
    def late(self) -> int:
        """Deltas that came after their tick was applied."""
        return self._correlate.late

    @property
    def cache_results(self) -> Counter[str]:
        """Look-ups of the signature cache."""
        return self._fingerprinter.cache_results

    def add(self, resource: str, body: bytes, at_ms: int) -> Read:
        """Take the next record and return what it is; ticks before it are applied first.

        Args:
            at_ms: its stream time, not below that of the record before.

        Raises:
            TooMuchHeld: too many different incidents in one tick.
        """
        assert at_ms >= self._at_ms
        if self._at_ms >= 0 and tick_of(at_ms) > tick_of(self._at_ms):
            self._correlate.take(at_ms, *self._flush())
        self._at_ms = at_ms
        if self._first_ms < 0:
            self._first_ms = at_ms
        read = self._fingerprinter.add(resource, body, at_ms)
        self.kinds[read.kind] += 1
        check_held(len(self._fingerprinter.fold))
        return read

    def act(self, act: Act) -> None:
        """Take what somebody decided; it takes effect in the tick of the last record.

        Raises:
            TooMuchHeld: too many acts in one tick.
        """
        self._correlate.act(act)

    def finish(self) -> None:
        """Let time run on after the last record, until nothing is open."""
        if self._at_ms >= 0:
            self._correlate.finish(self._first_ms, self._at_ms, *self._flush())

    def _flush(self) -> tuple[list[Delta], list[StateChange], Heard]:
        fold = self._fingerprinter.fold
        return *fold.flush(), fold.heard.take()

"""Which deliveries a roll-up tells, and what becomes of them and of it. Nothing is sent here.

Where what waits for a destination would take longer than `WAIT_MS` to tell, or has waited that long
already, one message tells it all. It is a delivery of its own, written before it is sent and looked
up after an unknown outcome like every post. What it tells is `covered`, and each covered delivery
names it. Until it is sent, newer revisions of these, and more of what waits, go into it too.

At the outbox's bound there is no room for an entry of each: what comes then is counted in the
roll-up, and listed as far as there is room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from correlators.types import Digest, Rollup
from sinks.agenda import Lane
from sinks.base import Limit, Scope
from sinks.covered import cover, release, told, too_urgent
from sinks.entries import FINISHED, DeadLetter, Delivery, Dropped, DropReason, Status
from sinks.rollup import add, digest_of, name_of, same, telling, told_before
from sinks.settle import rested
from sinks.stamps import Stamp
from sinks.steps import penalised

if TYPE_CHECKING:
    from sinks.ledger import Ledger

WAIT_MS: Final = 60_000
MOST_COVERED: Final = 1_000
"""Deliveries that one roll-up takes in at a time: all of them change in one transaction."""
LEAST_LATE: Final = 5
"""Fewer that have waited too long, for a destination that is free now, are told one by one."""


class Rollups:
    """The roll-ups of one ledger, and what each of them covers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: dict[str, set[str]] = {}
        self.unfinished: set[str] = set()
        """Roll-ups that are still to be sent: few for each destination."""
        self._covered: dict[str, set[str]] = {}

    def note(self, before: Delivery | None, after: Delivery | None) -> None:
        """Take in how an entry changed."""
        for entry, add_ in ((before, False), (after, True)):
            if entry is None:
                continue
            if entry.status is Status.COVERED:
                covered = self._covered.setdefault(_rollup_key(entry), set())
                (covered.add if add_ else covered.discard)(entry.key)
                if not covered:
                    del self._covered[_rollup_key(entry)]
                continue
            if entry.is_rollup and entry.status not in FINISHED:
                (self.unfinished.add if add_ else self.unfinished.discard)(entry.key)
            if entry.is_rollup and entry.status is Status.WAITING:
                waiting = self._waiting.setdefault(entry.destination, set())
                (waiting.add if add_ else waiting.discard)(entry.key)

    def late(self, lane: Lane, limits: tuple[Limit, ...], now_ms: int) -> bool:
        """Return True when what waits in this lane takes too long to tell, one by one.

        A message passes its own limits and those that it shares: of these, every destination of the
        account that has something waiting gets an equal part.
        """
        lanes = self._ledger.places.lanes
        oldest = (foldable := lanes.foldable(lane)).first()
        if oldest is None:
            return False
        if len(foldable) >= LEAST_LATE and now_ms - oldest[0][0] >= WAIT_MS:
            return True
        number = lanes.size(lane)
        takes_ms = 0
        for limit in limits:
            before = number
            if limit.scope is not Scope.DESTINATION:
                before = sum(min(number, lanes.size(one)) for one in self._beside(lane))
            takes_ms = max(takes_ms, before * limit.every_ms)
        return number > 1 and takes_ms > WAIT_MS

    def gather(self, lane: Lane, now_ms: int) -> str:
        """Return the key of a roll-up that has taken in what waits in this lane.

        There is something that it may take in, and it takes in one at least: a full roll-up, which
        may itself have to wait, is left as it is.
        """
        return self.fill(self._gathering(lane[0], room=True), lane, now_ms, widen=True)

    def fill(self, rollup: Delivery | None, lane: Lane, now_ms: int, *, widen: bool) -> str:
        """Bring a roll-up to the newest of what it covers; return its key.

        Args:
            rollup: waiting; None for a new one. One that may have arrived says the same again.
            lane: of its destination, and of what may be taken in.
            now_ms: now.
            widen: take in also what waits there.
        """
        ledger, destination = self._ledger, lane[0]
        if rollup is not None and not self._grows(rollup):
            return rollup.key
        mine = sorted(self._covered.get(rollup.key, ())) if rollup is not None else []
        more: list[str] = []
        if widen:
            room = max(0, MOST_COVERED - len(mine))
            more = ledger.places.lanes.foldable(lane).smallest(room)
        name = rollup.name if rollup is not None else name_of(destination, now_ms, more)
        since_ms = [rollup.since_ms] if rollup is not None else []
        said: list[tuple[Digest, bool]] = []
        for one in mine + more:
            delivery = ledger.entries[one]
            assert delivery.newest is not None, "what is covered has something to tell"
            said.append((delivery.newest, told_before(delivery)))
            since_ms.append(delivery.since_ms)
            ledger.apply(cover(delivery, name, now_ms))
        content = add(_absorbed(rollup), said)
        return self._write(rollup, name, destination, content, min(since_ms), now_ms)

    def absorb(self, digest: Digest, now_ms: int, *, of: Delivery | None = None) -> None:
        """Let a roll-up tell a digest that has no entry, or that of an entry which goes.

        What a service asked for in answer to that entry's calls stands in the roll-up's then.
        """
        before = of is not None and told_before(of)
        rollup = self._gathering(digest.destination)
        absorbed = add(_absorbed(rollup), [(digest, before)])
        if rollup is None:
            name = name_of(digest.destination, now_ms, [f"{digest.id} {digest.revision}"])
            key = self._write(None, name, digest.destination, absorbed, now_ms, now_ms)
            rollup = self._ledger.entries[key]
        # What it says follows from this when it is sent.
        penalties = rollup.penalties
        for heard in of.penalties if of is not None else ():
            penalties = penalised(penalties, heard, now_ms)
        self._ledger.change(msgspec.structs.replace(rollup, absorbed=absorbed, penalties=penalties))
        self._ledger.dropped.append(Dropped(digest.destination, DropReason.ROLLED_UP))

    def give_way(self) -> bool:
        """Return True once a message that waits has given its entry up and goes into a roll-up."""
        ledger = self._ledger
        key = None
        lane = ledger.places.lanes.most_foldable()
        if lane is not None:
            first = ledger.places.lanes.foldable(lane).first()
            key = first[1] if first is not None else None
        else:
            covered = (min(self._covered.get(one, ()), default=None) for one in self._open())
            key = next((one for one in covered if one is not None), None)
        if key is None:
            return False
        entry = ledger.entries[key]
        assert entry.newest is not None, "what waits has something to tell"
        self.absorb(entry.newest, ledger.now_ms, of=entry)
        ledger.forget(key)
        return True

    def loaded(self) -> None:
        """Let what is covered by a roll-up that is not there go its own way."""
        for key, covered in sorted(self._covered.items()):
            rollup = self._ledger.entries.get(key)
            if rollup is None or rollup.status in FINISHED:
                for one in sorted(covered):
                    entry = self._ledger.entries[one]
                    plan = self._ledger.targets[entry.destination].plan
                    self._ledger.apply(release(entry, plan, self._ledger.now_ms))

    def heard(self, key: str) -> None:
        """Take in a newer revision of a covered delivery: too urgent a one gets its own message.

        While its roll-up is on the way it has to wait for that: it may be told a moment later.
        """
        ledger = self._ledger
        entry = ledger.entries[key]
        rollup = self._ledger.entries[_rollup_key(entry)]
        if rollup.status is not Status.WAITING or not too_urgent(entry):
            return
        ledger.apply(release(entry, ledger.targets[entry.destination].plan, ledger.now_ms))
        if rollup.key not in self._covered and rollup.absorbed is None:
            dropped = Dropped(rollup.destination, DropReason.NOTHING_LEFT)
            ledger.dropped.append(dropped)
            ledger.change(rested(rollup, Status.DROPPED, ledger.now_ms))

    def letter(self, entry: Delivery, letter: DeadLetter) -> list[DeadLetter]:
        """Return what is a dead letter of what was given up.

        Of a roll-up that is only what has no entry any more: all else is told by itself from now
        on, and becomes a letter if that is refused too.
        """
        if not entry.is_rollup or not self._covered.get(entry.key):
            return [letter]
        if entry.absorbed is None:
            return []
        lost = digest_of(
            entry.absorbed,
            id=entry.name,
            revision=entry.accepted.revision,
            destination=entry.destination,
            now_ms=letter.at_ms,
        )
        return [msgspec.structs.replace(letter, digest=msgspec.msgpack.encode(lost))]

    def finish(self, rollup: Delivery) -> None:
        """Let what a finished roll-up covered be told by it, or go its own way again."""
        ledger = self._ledger
        for key in sorted(self._covered.get(rollup.key, ())):
            entry = ledger.entries[key]
            plan = ledger.targets[entry.destination].plan
            if rollup.status is Status.DELIVERED and rollup.root is not None:
                ledger.told.append(telling(entry, rollup, ledger.now_ms))
                ledger.apply(told(entry, rollup.root, plan, ledger.now_ms))
            else:
                ledger.apply(release(entry, plan, ledger.now_ms))
        if rollup.absorbed is not None:
            ledger.change(msgspec.structs.replace(rollup, absorbed=None))

    def _write(
        self,
        entry: Delivery | None,
        name: str,
        destination: str,
        content: Rollup,
        since_ms: int,
        now_ms: int,
    ) -> str:
        if entry is None:
            entry = Delivery(
                destination=destination, name=name, status=Status.WAITING, accepted=Stamp()
            )
        stamp = Stamp(0, 0, max(0, entry.accepted.revision) + 1)
        digest = digest_of(
            content,
            id=name,
            revision=stamp.revision,
            destination=destination,
            now_ms=now_ms,
        )
        if not same(digest, entry.newest):
            self._ledger.change(
                msgspec.structs.replace(
                    entry, newest=digest, accepted=stamp, since_ms=since_ms, changed_ms=now_ms
                )
            )
        return entry.key

    def _beside(self, lane: Lane) -> list[Lane]:
        """Return the lanes that share an account's limit with this one, itself among them."""
        targets = self._ledger.targets
        account = targets[lane[0]].account
        return [(one, lane[1]) for one, target in targets.items() if target.account == account]

    def _gathering(self, destination: str, *, room: bool = False) -> Delivery | None:
        """Return the roll-up into which more may be taken.

        Args:
            destination: of it.
            room: there has to be room for one more entry; what has none is only counted.
        """
        for key in sorted(self._waiting.get(destination, ())):
            full = room and len(self._covered.get(key, ())) >= MOST_COVERED
            if not full and self._grows(entry := self._ledger.entries[key]):
                return entry
        return None

    def _grows(self, rollup: Delivery) -> bool:
        """Return False for one that says the same again: it may have arrived, or a person wants it.

        What it says stands in the digest alone then.
        """
        covers = rollup.absorbed is not None or rollup.key in self._covered
        return covers and not rollup.possible_repeat

    def _open(self) -> list[str]:
        found = (self._gathering(destination) for destination in sorted(self._waiting))
        return [one.key for one in found if one is not None]


def _absorbed(rollup: Delivery | None) -> Rollup:
    return rollup.absorbed if rollup is not None and rollup.absorbed else Rollup()


def _rollup_key(entry: Delivery) -> str:
    return f"{entry.destination}|{entry.rollup}"

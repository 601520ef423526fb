"""The entries of the `outbox` topic, and what else a transition leaves behind.

Values only; what changes them lives in `sinks.delivery`. An entry encodes to msgpack and back byte
for byte.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from correlators.types import Digest, DigestKind, Rollup
from sinks.attempted import Attempted
from sinks.base import Receipt, Scope, Step
from sinks.marks import Taken
from sinks.stamps import ACKNOWLEDGED, RESOLVED, Stamp
from sinks.watched import PageSeen, Watched

ROLLUP_PREFIX: Final = "rollup-"
"""How the name of a roll-up begins; that of no incident, storm or page does."""


class Status(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    ATTEMPTING = "attempting"
    UNKNOWN = "unknown"
    COVERED = "covered"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    DEAD = "dead"


FINISHED: Final = frozenset({Status.DELIVERED, Status.DROPPED, Status.DEAD})


class DropReason(StrEnum):
    """Why a revision was not sent although nothing went wrong. The word is the metric label."""

    REPEATED = "repeated"
    SUPERSEDED = "superseded"
    RESOLVED_BEFORE_SENT = "resolved_before_sent"
    ACKNOWLEDGED_BEFORE_SENT = "acknowledged_before_sent"
    ALREADY_PAGED = "already_paged"
    NO_PAGE = "no_page"
    SAID_THERE = "said_there"
    """The pager said it itself."""
    FORGOTTEN_EARLY = "forgotten_early"
    ROLLED_UP = "rolled_up"
    """A roll-up told it."""
    NOTHING_LEFT = "nothing_left"
    """A roll-up of which everything was told otherwise before it was sent."""


class DeadReason(StrEnum):
    """Why a revision was given up. The word is the metric label."""

    NOT_AUTHORISED = "not_authorised"
    NO_SUCH_PLACE = "no_such_place"
    NOT_ALLOWED = "not_allowed"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    NOT_EDITABLE = "not_editable"
    RETRIES_EXHAUSTED = "retries_exhausted"
    UNKNOWN_DESTINATION = "unknown_destination"
    OUTBOX_FULL = "outbox_full"


class HoldReason(StrEnum):
    """What a resolve met while it waited for the page that goes on. The word is the metric
    label."""

    SUCCESSOR_GIVEN_UP = "successor_given_up"
    """That page was given up: the old one stays open until that one's own end is told."""
    SUCCESSOR_UNSEEN = "successor_unseen"
    """That page was not seen here in time: the old one is resolved all the same."""


class Penalty(msgspec.Struct, frozen=True, array_like=True):
    """What a service asked to be spared; written down so that a new owner obeys it too."""

    scope: Scope
    method: str
    """Of an account as a whole: any."""
    until_ms: int
    whose: str
    """The destination, or the account."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one destination is told of one digest: an entry of the `outbox` topic."""

    destination: str
    name: str
    """The digest's id; for a pager, the page key."""
    status: Status
    accepted: Stamp
    """The newest revision heard of."""
    told: Stamp = Stamp()
    """The newest revision that a message or a page told."""
    shown: Stamp = Stamp()
    """The revision that the first message shows."""
    newest: Digest | None = None
    """The newest revision while something of it is still to be sent."""
    sending: Digest | None = None
    """What the running or unknown attempt carries, where that is older than `newest`."""
    step: Step | None = None
    """The step of the last attempt, until one succeeds."""
    root: Receipt | None = None
    """The first message; for a pager the open alert."""
    maybe: bool = False
    """A pager's alert may be open: some call was made and nobody knows what became of it."""
    number: int = 0
    failures: int = 0
    finds: int = 0
    possible_repeat: bool = False
    since_ms: int = 0
    """When the oldest revision that is still waiting came in."""
    started_ms: int = 0
    """When the first attempt of `step` began."""
    not_before_ms: int = 0
    deadline_ms: int = 0
    penalties: tuple[Penalty, ...] = ()
    """What services asked for in answers to its calls; at most one per scope and method."""
    changed_ms: int = 0
    after: str = ""
    """For a page that is to be resolved or was: the page that goes on for it, by name."""
    after_ms: int = 0
    """When that was heard."""
    after_at: str = ""
    """Where that page is, if not at this destination."""
    asked: str = ""
    """The key of the page, kept elsewhere, that was asked about: its answer is waited for."""
    late_ms: int = 0
    """Until when an earlier call of unknown outcome may still be carried out."""
    late_step: Step | None = None
    """The step of that call."""
    rollup: str = ""
    """Name of the roll-up that is to tell this, or that told it."""
    covered: Stamp = Stamp()
    """The revision that the roll-up on its way tells."""
    thread: Receipt | None = None
    """The message of the roll-up that told this, while it has no first message of its own."""
    alone: bool = False
    """It goes into no roll-up: the last one was given up, or it became too urgent for one."""
    absorbed: Rollup | None = None
    """For a roll-up: what it tells of deliveries that have no entry any more."""
    under: str = ""
    """For a notice: the key of the entry in whose thread it is told."""
    page: Watched | None = None
    """For a page: who takes it otherwise, and what became of it. None for everything else."""
    redriven: str = ""
    """The dead letter that was sent again last, by its id."""

    @property
    def is_rollup(self) -> bool:
        """It is itself the roll-up of others."""
        return self.name.startswith(ROLLUP_PREFIX)

    @property
    def key(self) -> str:
        """The entry's key: destination and name."""
        return f"{self.destination}|{self.name}"

    @property
    def carried(self) -> Digest | None:
        """What the running or unknown attempt carries."""
        return self.sending or self.newest

    @property
    def question(self) -> bool:
        """Another outbox waits for its answer; nothing of it is ever sent to a service."""
        return self.newest is not None and self.newest.kind is DigestKind.PAGE_ASKED

    @property
    def ended(self) -> bool:
        """For a page: the newest revision heard of says that the page is over."""
        return self.accepted.rank >= RESOLVED

    @property
    def acknowledged(self) -> bool:
        """For a page: the newest revision heard of says that somebody has taken it on."""
        return self.accepted.rank == ACKNOWLEDGED and not self.stands

    @property
    def stands(self) -> bool:
        """For a page: by the newest revision heard of, nobody has taken it on and it goes on."""
        return self.accepted.rank <= 0 or self.accepted.given_back


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A revision given up, with the reason and the digest's own bytes."""

    destination: str
    reason: DeadReason
    detail: str = ""
    step: Step | None = None
    attempts: int = 0
    at_ms: int
    digest: bytes
    """The digest as msgpack, as it was accepted."""
    possible_repeat: bool = False
    """A call may have arrived all the same: nobody could tell."""


class Dropped(msgspec.Struct, frozen=True):
    """A revision that is not sent, with the reason."""

    destination: str
    reason: DropReason


class Held(msgspec.Struct, frozen=True):
    """What a resolve met that waits for another page; it is still to be sent."""

    destination: str
    reason: HoldReason


Effect = DeadLetter | Dropped | Taken


class Turn(msgspec.Struct, frozen=True):
    """A delivery after a transition, and what else that meant."""

    delivery: Delivery
    effects: tuple[Effect, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What the last steps changed, to be written in one transaction."""

    entries: dict[str, Delivery | None]
    """Changed entries by key; None is a tombstone."""
    dead: tuple[DeadLetter, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    held: tuple[Held, ...] = ()
    told: tuple[Attempted, ...] = ()
    """What roll-ups told of others, for whoever asks about one of these."""
    handed: tuple[Digest, ...] = ()
    """What this outbox hands to other destinations: written to `deliveries` in that transaction."""
    pages: tuple[PageSeen, ...] = ()
    taken: tuple[Taken, ...] = ()
    """What became of dead letters that were sent again."""


def letter(
    digest: Digest,
    reason: DeadReason,
    now_ms: int,
    *,
    detail: str = "",
    step: Step | None = None,
    attempts: int = 0,
    possible_repeat: bool = False,
) -> DeadLetter:
    """Return the dead letter of a revision."""
    return DeadLetter(
        destination=digest.destination,
        reason=reason,
        detail=detail[:200],
        step=step,
        attempts=attempts,
        at_ms=now_ms,
        digest=msgspec.msgpack.encode(digest),
        possible_repeat=possible_repeat,
    )


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Delivery)


def encode(delivery: Delivery) -> bytes:
    """Return the entry's one byte form."""
    return _ENCODER.encode(delivery)


def decode(entry: bytes) -> Delivery:
    """Return the entry behind these bytes.

    Raises:
        msgspec.DecodeError: they are no entry.
    """
    return _DECODER.decode(entry)

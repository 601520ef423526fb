"""What the outbox and a sink say to each other: steps, limits, attempts, answers, outcomes.

Values and one protocol, no I/O. A sink makes one call for one attempt and says what became of it;
when to call, how often and in which order is the outbox's. An expected failure is an `Outcome`,
never an exception: what a sink raises is a programming error. The enums' words are metric labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from correlators.types import Digest


class Step(StrEnum):
    """One call of a delivery. Each is written down before it is made."""

    POST = "post"
    """The first message of a digest, in the state of the newest revision."""
    REPLY = "reply"
    """A later revision, told below the first message."""
    EDIT = "edit"
    """The first message brought to the newest revision."""
    TRIGGER = "trigger"
    """A pager's alert is opened."""
    ACKNOWLEDGE = "acknowledge"
    """Somebody has taken a pager's alert on: it wakes nobody else."""
    RESOLVE = "resolve"
    """A pager's alert is closed."""


class Scope(StrEnum):
    """What a limit counts over and what a penalty stops."""

    DESTINATION = "destination"
    """The same calls to one destination."""
    METHOD = "method"
    """The same calls to every destination of the account."""
    ACCOUNT = "account"
    """Every call of the account."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How often calls may be made: never more than `burst` at once, one more every `every_ms`.

    So no window of length W holds more than `burst + W / every_ms` calls, wherever it begins.

    Raises:
        ValueError: a number is below one, or the scope is ACCOUNT (name a METHOD).
    """

    name: str
    """The service's method; limits of one name and scope share one bucket."""
    scope: Scope
    every_ms: int
    burst: int = 1
    in_flight: int = 1
    """How many calls may run at the same time, so that a refusal is heard before the next call."""

    def __post_init__(self) -> None:
        if self.every_ms < 1 or self.burst < 1 or self.in_flight < 1:
            raise ValueError("every_ms, burst and in_flight must be at least 1")
        if self.scope is Scope.ACCOUNT:
            raise ValueError("a limit counts over a destination or over a method")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink needs the outbox to know: its steps, their limits, and how long to try.

    Raises:
        ValueError: a number is below one, or `keep_ms` is shorter than `give_up_ms`.
    """

    steps: Mapping[Step, tuple[Limit, ...]]
    """The limits of each step this sink has; the first names the queue that the step waits in."""
    urgent: tuple[Limit, ...] = ()
    """Of a POST that wakes somebody: a queue of its own; refusals for the rate name the ACCOUNT."""
    find: tuple[Limit, ...] = ()
    """The limits of a look-up after an unknown outcome."""
    repeatable: frozenset[Step] = frozenset()
    """Steps that do no harm when made twice; the others are looked up after an unknown outcome."""
    attempt_ms: int = 4_000
    """A call that is not over by then is cancelled and its outcome unknown."""
    retry_base_ms: int = 1_000
    retry_cap_ms: int = 60_000
    tries: int = 12
    """Failed calls of one step before it is given up, at a destination that takes other messages
    meanwhile: then it is the message that fails. Refusals for the rate do not count."""
    give_up_ms: int = 7 * 86_400_000
    """Time since the first call of a step before it is given up, whatever the reason."""
    ask_ms: int = 30_000
    """How long a look-up may fail before the step is repeated, marked as a possible repeat."""
    rollup: bool = True
    """What waits longer than a minute may be told together. Pagers never do that; what is read by
    machines should not."""
    background: bool = False
    """Its calls come after all others of the account: nobody waits for what they tell."""
    keep_ms: int = 8 * 86_400_000
    """How long a finished entry is kept: longer than `deliveries` retains and an incident lives."""

    def __post_init__(self) -> None:
        smallest = min(
            self.attempt_ms, self.retry_base_ms, self.retry_cap_ms, self.tries, self.ask_ms
        )
        if smallest < 1:
            raise ValueError("attempt_ms, retry_base_ms, retry_cap_ms, tries, ask_ms: at least 1")
        if self.keep_ms < self.give_up_ms:
            raise ValueError("keep_ms must not be shorter than give_up_ms")

    @property
    def pages(self) -> bool:
        """True for a pager: it hears page triggers and resolves only."""
        return Step.TRIGGER in self.steps


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A destination as the outbox knows it."""

    account: str
    """What the account-wide limits are shared over: a workspace, a routing key. Holds no secret."""
    plan: Plan


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a service gave back for a message, enough to find it again.

    Slack: channel id and `ts`. PagerDuty: empty and the dedup key. Mail: subject and id.
    """

    place: str = ""
    id: str
    top: bool = False
    """For a REPLY: it stands as a message of its own, because the first one is gone."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call to make: a step of one delivery, or the look-up of one whose outcome is unknown."""

    key: str
    number: int
    """Counts the calls of a delivery; an answer must carry it."""
    destination: str
    step: Step
    find: bool = False
    """True: do not send, look whether an earlier attempt of this step arrived."""
    digest: Digest
    root: Receipt | None = None
    """The first message, for REPLY and EDIT; the alert, for ACKNOWLEDGE and RESOLVE. For a POST:
    the message in whose thread it is told, also shown in the channel; only notices have one."""
    started_ms: int
    """When the first call of this step was made; a look-up need not look further back."""
    deadline_ms: int
    """Not started by then, the call must not be made; not over by then, it is cancelled."""
    possible_repeat: bool = False
    """An earlier attempt may have arrived and nobody can tell: the message says so."""
    of_rollup: bool = False
    """For REPLY: `root` is the message of a roll-up, so the reply has to name what it is about."""


PERSON_WAIT_MS: Final = 60_000
"""Between two tries of what a person has to put right."""


class RetryReason(StrEnum):
    """Why a call did certainly nothing and is worth making again."""

    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    NOT_CONNECTED = "not_connected"
    EXPIRED = "expired"
    """The deadline passed before the call began."""
    NEEDS_SOMEBODY = "needs_somebody"
    """It is refused until a person puts something right; asked again now and then."""
    SPARED = "spared"
    """The service asked for silence before the call began."""
    IN_PART = "in_part"


class UnknownReason(StrEnum):
    """Why nobody can tell whether a call was carried out."""

    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    UNREADABLE = "unreadable"
    NO_ANSWER = "no_answer"
    """The process that made the call is gone, or its answer never came."""
    IN_PART = "in_part"
    """Some of those it was for have it, the others not yet."""


class RejectReason(StrEnum):
    """Why a call will never be accepted as it is."""

    NOT_AUTHORISED = "not_authorised"
    NO_SUCH_PLACE = "no_such_place"
    NOT_ALLOWED = "not_allowed"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    NOT_EDITABLE = "not_editable"


class Delivered(msgspec.Struct, frozen=True, tag=True):
    """The service has it."""

    receipt: Receipt
    left_out: str = ""
    """Whom of several it does not reach, for good, and what to do about that; without a name."""


class Retry(msgspec.Struct, frozen=True, tag=True):
    """It certainly did nothing, or may be repeated without harm; worth making again."""

    reason: RetryReason
    after_ms: int = 0
    """Not earlier than this from now."""
    scope: Scope | None = None
    """What must stay silent until then; None: only this delivery."""
    detail: str = ""
    """The service's own word and what to do, at most a line; never a secret."""


class Rejected(msgspec.Struct, frozen=True, tag=True):
    """It will never be accepted."""

    reason: RejectReason
    detail: str = ""
    """The service's own word, at most a line; never a secret."""


class Gone(msgspec.Struct, frozen=True, tag=True):
    """The first message no longer exists: the digest has to be posted afresh."""


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """It may or may not have been carried out."""

    reason: UnknownReason
    detail: str = ""
    """Of a mail that some have: who has not, and why; names nobody."""


class NotFound(msgspec.Struct, frozen=True, tag=True):
    """Answer of a look-up: the attempt did not arrive."""


class CannotTell(msgspec.Struct, frozen=True, tag=True):
    """Answer of a look-up: it could not be made, or proves nothing."""

    reason: str = ""
    after_ms: int = 0
    scope: Scope | None = None


Outcome = Delivered | Retry | Rejected | Gone | Unknown
"""What became of a call."""
Found = Delivered | NotFound | CannotTell
"""What a look-up found."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt, for the outbox."""

    key: str
    number: int
    outcome: Outcome | NotFound | CannotTell
    began_ms: int = 0
    """When the call was made, where that was later than it was handed out."""


class Sink(Protocol):
    """The code for one service: one call per attempt; it never waits, retries or reorders."""

    @property
    def name(self) -> str:
        """The word before the colon of its destinations."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination it serves, as `<sink>:<name>`."""

    def account(self, destination: str) -> str:
        """Return what the account-wide limits of this destination are shared over; no secret."""

    def plan(self, destination: str) -> Plan:
        """Return the steps and limits of this destination."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""

    async def find(self, attempt: Attempt) -> Found:
        """Return whether an earlier attempt of this step arrived, without changing anything."""

    async def close(self) -> None:
        """Close connections. The sink is not used afterwards."""

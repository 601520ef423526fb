"""How fast calls may be made: buckets, penalties, calls that run, and who does not answer. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sinks.base import Answer, CannotTell, Retry, RetryReason, Scope, Target
from sinks.buckets import BucketKey, Buckets, bucket_key
from sinks.circuits import Circuits
from sinks.entries import Delivery, Penalty, Status
from sinks.steps import limits_of


class Pace:
    """The limits of every destination, and the calls that count against them.

    Args:
        targets: every destination that may be sent to.
        started_ms: now; buckets start empty at this moment.
    """

    def __init__(self, targets: Mapping[str, Target], *, started_ms: int) -> None:
        self._targets = targets
        self._buckets = Buckets(started_ms)
        self._circuits = Circuits()
        self._calls: dict[str, tuple[int, str, tuple[BucketKey, ...]]] = {}
        self._turns = 0
        self._served: dict[str, int] = {}
        self._counted = 0
        self._shared: set[str] = set()

    @property
    def running(self) -> int:
        """How many calls were begun here and have not ended."""
        return sum(number > 0 for number, _, _ in self._calls.values())

    def number(self, key: str) -> int | None:
        """Return the number of the call that runs for this entry; None when none does."""
        call = self._calls.get(key)
        return call[0] if call is not None else None

    def begin(self, entry: Delivery, now_ms: int) -> None:
        """Pay for the entry's call and let it count as running."""
        self._turns += 1
        self._served[entry.destination] = self._turns
        self._hold(entry, entry.number, now_ms)

    def inherit(self, entry: Delivery) -> None:
        """Let a call that the owner before may still make count as made at the last moment."""
        self._hold(entry, 0, entry.deadline_ms)

    def end(self, key: str) -> None:
        """Note that the entry's call is over, if one runs."""
        call = self._calls.pop(key, None)
        if call is not None:
            _, destination, held = call
            self._buckets.release(held)
            self._circuits.end(destination, self._targets[destination].account)

    def hear(self, answer: Answer, entry: Delivery, now_ms: int) -> Penalty | None:
        """Take in what an answer says about the destination; return the penalty that it brought."""
        target = self._targets[entry.destination]
        limits = limits_of(entry, target.plan)
        if answer.began_ms:
            names = (
                bucket_key(one, destination=entry.destination, account=target.account)
                for one in limits
            )
            paid = zip(names, (one.every_ms for one in limits), strict=True)
            self._buckets.began(paid, min(answer.began_ms, now_ms))
        self._circuits.note(answer, entry.destination, target.account, now_ms)
        scope: Scope | None = getattr(answer.outcome, "scope", None)
        if scope is None:
            return None
        until_ms: int = now_ms + getattr(answer.outcome, "after_ms", 0)
        whose = entry.destination if scope is Scope.DESTINATION else target.account
        heard = Penalty(scope, limits[0].name, until_ms, whose)
        self.penalise(heard)
        return heard

    def penalise(self, heard: Penalty) -> None:
        """Keep silent what a service asked to be spared."""
        self._buckets.penalise((heard.scope, heard.whose, heard.method), heard.until_ms)

    def works(self, destination: str, now_ms: int) -> bool:
        """Return True where the destination took a message a short while ago."""
        return self._circuits.works(destination, now_ms)

    def ready_ms(self, entry: Delivery) -> int | None:
        """Return when the entry's next call may be made; None while a running one must end."""
        target = self._targets[entry.destination]
        free_ms = self._buckets.ready_ms(
            limits_of(entry, target.plan), destination=entry.destination, account=target.account
        )
        alive_ms: int | None = 0
        if entry.status is not Status.UNKNOWN:
            alive_ms = self._circuits.ready_ms(entry.destination, target.account)
        return None if free_ms is None or alive_ms is None else max(free_ms, alive_ms)

    def turn(self, destination: str) -> int:
        """Return the order in which destinations that share an account take turns.

        Whoever was served longest ago is first, so nobody's long queue is another's wait.
        """
        account = self._targets[destination].account
        if self._counted != len(self._targets):
            self._counted = len(self._targets)
            accounts = Counter(one.account for one in self._targets.values())
            self._shared = {one for one, many in accounts.items() if many > 1}
        return self._served.get(destination, 0) if account in self._shared else 0

    def _hold(self, entry: Delivery, number: int, at_ms: int) -> None:
        target = self._targets[entry.destination]
        held = self._buckets.take(
            limits_of(entry, target.plan),
            destination=entry.destination,
            account=target.account,
            now_ms=at_ms,
        )
        self._calls[entry.key] = (number, entry.destination, held)
        self._circuits.begin(entry.destination, target.account)


def says_nothing(answer: Answer) -> bool:
    """Return True where a look-up was made and did not tell."""
    outcome = answer.outcome
    if isinstance(outcome, Retry):
        return outcome.reason not in (RetryReason.EXPIRED, RetryReason.SPARED)
    return isinstance(outcome, CannotTell)

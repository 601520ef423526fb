"""Digests and a simulated service for the tests of the sinks. Virtual time, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from correlators.types import (
    Digest,
    DigestKind,
    Evidence,
    Level,
    PageAction,
    PageReason,
    ServiceLine,
)
from sinks.base import (
    Answer,
    Attempt,
    Delivered,
    Limit,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
    Unknown,
    UnknownReason,
)

POST = Limit(name="post", scope=Scope.DESTINATION, every_ms=1_000)
POSTS = Limit(name="post", scope=Scope.METHOD, every_ms=250, burst=10, in_flight=8)
EDIT = Limit(name="edit", scope=Scope.METHOD, every_ms=1_500, burst=3)
FIND = Limit(name="find", scope=Scope.METHOD, every_ms=1_500, burst=3)
PAGE = Limit(name="enqueue", scope=Scope.DESTINATION, every_ms=600, burst=10, in_flight=4)

CHAT = Plan(
    steps={Step.POST: (POST, POSTS), Step.REPLY: (POST, POSTS), Step.EDIT: (EDIT,)},
    find=(FIND,),
    repeatable=frozenset({Step.EDIT}),
)
PAGER = Plan(
    steps={Step.TRIGGER: (PAGE,), Step.RESOLVE: (PAGE,)},
    repeatable=frozenset({Step.TRIGGER, Step.RESOLVE}),
)
TARGETS = {
    "slack:a": Target(account="slack", plan=CHAT),
    "slack:b": Target(account="slack", plan=CHAT),
    "pagerduty:p": Target(account="pagerduty:p", plan=PAGER),
}


def digest(
    destination: str = "slack:a",
    *,
    id: str = "inc-1",
    revision: int = 1,
    resolved: bool = False,
    page: PageAction = PageAction.NONE,
    at_ms: int = 1_790_000_000_000,
    kind: DigestKind | None = None,
    title: str = "ConnectionRefusedError: payment-db refused the connection",
    services: tuple[ServiceLine, ...] | None = None,
) -> Digest:
    """Return a digest of a storm over two services."""
    if services is None:
        services = (
            ServiceLine(
                service="payment",
                title=title,
                events=310,
                incidents=2,
                releases=("payment@2.4.1",),
                url="https://sentry.test/organizations/shop/issues/41/",
            ),
            ServiceLine(
                service="checkout",
                title="PaymentUnavailable: <int> attempts",
                events=102,
                incidents=1,
            ),
        )
    if kind is None:
        opened = DigestKind.OPENED if revision == 1 else DigestKind.UPDATED
        kind = DigestKind.RESOLVED if resolved else opened
    return Digest(
        id=id,
        revision=revision,
        kind=kind,
        at_ms=at_ms,
        destination=destination,
        storm=True,
        resolved=resolved,
        environment="production",
        title=title,
        incidents=3,
        events=412,
        users=97,
        level=Level.ERROR,
        first_ms=at_ms - 12_000,
        last_ms=at_ms - 500,
        services=services,
        releases=("payment@2.4.1",),
        new_release="payment@2.4.1",
        new_release_ms=at_ms - 252_000,
        evidence=(Evidence.RELEASE, Evidence.TRACE),
        page=page,
        page_reason=None if page is PageAction.NONE else PageReason.EVENT_RATE,
        page_key="" if page is PageAction.NONE else id,
        culprit="payment.db in connect",
        transaction="/pay",
        url="https://sentry.test/organizations/shop/issues/41/",
    )


def attempt(
    step: Step,
    of: Digest,
    *,
    root: Receipt | None = None,
    find: bool = False,
    number: int = 1,
    started_ms: int = 0,
    possible_repeat: bool = False,
) -> Attempt:
    """Return the attempt that an outbox would hand out for this step."""
    return Attempt(
        key=f"{of.destination}|{of.id}",
        number=number,
        destination=of.destination,
        step=step,
        find=find,
        digest=of,
        root=root,
        started_ms=started_ms,
        deadline_ms=started_ms + 4_000,
        possible_repeat=possible_repeat,
    )


@dataclass
class Service:
    """A service that does what a list of numbers says, and remembers all it carried out.

    0 carried out · 1 carried out, answer lost · 2 lost on the way · 3 unavailable · 4 rate limit of
    the destination · 5 rate limit of the method · 6 carried out and never answered · 7 rejected.
    """

    faults: list[int]
    calls: list[tuple[int, Attempt]] = field(default_factory=list)
    done: list[tuple[int, Attempt]] = field(default_factory=list)
    silent: list[tuple[int, int, Scope, str, str]] = field(default_factory=list)
    """Penalties as heard: from, until, scope, account or destination, method."""
    rejected: list[Attempt] = field(default_factory=list)

    def call(self, now_ms: int, one: Attempt) -> Answer | None:
        """Return the answer to this attempt; None when none will ever come."""
        self.calls.append((now_ms, one))
        if one.find:
            for at_ms, earlier in self.done:
                if _name(earlier) == _name(one):
                    return _answer(one, Delivered(Receipt(place="C1", id=str(at_ms))))
            return Answer(key=one.key, number=one.number, outcome=NotFound())
        fault = self.faults.pop(0) if self.faults else 0
        if fault in (0, 1, 6):
            self.done.append((now_ms, one))
        match fault:
            case 1 | 2:
                return _answer(one, Unknown(UnknownReason.CONNECTION_LOST))
            case 3:
                return _answer(one, Retry(RetryReason.UNAVAILABLE))
            case 4:
                return _answer(one, Retry(RetryReason.RATE_LIMITED, 7_000, Scope.DESTINATION))
            case 5:
                return _answer(one, Retry(RetryReason.RATE_LIMITED, 9_000, Scope.METHOD))
            case 6:
                return None
            case 7:
                self.rejected.append(one)
                return _answer(one, Rejected(RejectReason.INVALID))
            case _:
                return _answer(one, Delivered(Receipt(place="C1", id=str(now_ms))))


def _name(one: Attempt) -> tuple[str, str, str, int]:
    return (one.destination, one.digest.id, one.step, one.digest.revision)


def _answer(one: Attempt, outcome: Outcome) -> Answer:
    return Answer(key=one.key, number=one.number, outcome=outcome)

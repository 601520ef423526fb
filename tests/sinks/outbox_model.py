"""A Slack and a PagerDuty in virtual time: what they carry out, when, and what they answer.

The model decides nothing for itself: each call brings the fault that it meets. Whatever it carries
out is checked against what must never happen, at the moment at which it happens.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from correlators.types import DigestKind
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
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

SLOW = Limit(name="post", scope=Scope.DESTINATION, every_ms=20_000)
QUICK = Limit(name="post", scope=Scope.DESTINATION, every_ms=1_000)
POSTS = Limit(name="post", scope=Scope.METHOD, every_ms=500, burst=3, in_flight=4)
EDIT = Limit(name="edit", scope=Scope.METHOD, every_ms=1_500, burst=2, in_flight=2)
FIND = Limit(name="find", scope=Scope.METHOD, every_ms=1_500, burst=2, in_flight=2)
PAGE = Limit(name="enqueue", scope=Scope.DESTINATION, every_ms=600, burst=4, in_flight=2)


def _chat(post: Limit) -> Plan:
    return Plan(
        steps={Step.POST: (post, POSTS), Step.REPLY: (post, POSTS), Step.EDIT: (EDIT,)},
        find=(FIND,),
        repeatable=frozenset({Step.EDIT}),
    )


_PAGER = (Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE)
PAGER = Plan(steps=dict.fromkeys(_PAGER, (PAGE,)), repeatable=frozenset(_PAGER))
TARGETS = {
    "slack:quick": Target(account="slack", plan=_chat(QUICK)),
    "slack:slow": Target(account="slack", plan=_chat(SLOW)),
    "pagerduty:p": Target(account="pagerduty:p", plan=PAGER),
}
LAG_MS = 4_000
"""How long after a message was taken the history may not show it yet."""
CALL_MS = 150


class Fault(StrEnum):
    """What a call meets."""

    NONE = "none"
    ANSWER_LOST = "answer_lost"
    LOST = "lost"
    HANGS = "hangs"
    LATE = "late"
    """Carried out right before the deadline; the caller has hung up."""
    SILENT = "silent"
    """Carried out, and the caller never hears of it: it is gone, or stuck."""
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    SLOW_DOWN = "slow_down"
    SLOW_DOWN_METHOD = "slow_down_method"
    SLOW_DOWN_ACCOUNT = "slow_down_account"


SCOPES = {
    Fault.SLOW_DOWN: (Scope.DESTINATION, 7_000),
    Fault.SLOW_DOWN_METHOD: (Scope.METHOD, 30_000),
    Fault.SLOW_DOWN_ACCOUNT: (Scope.ACCOUNT, 90_000),
}


@dataclass
class Message:
    """One that stands in a channel."""

    at_ms: int
    attempt: Attempt
    shows: int


@dataclass(frozen=True)
class Penalty:
    """What was asked for, from the moment at which it was written down."""

    from_ms: int
    until_ms: int
    whose: str
    method: str | None


@dataclass
class Services:
    """Both services, and everything that was asked of them."""

    once: bool = True
    """Nothing may be told twice unmarked; at the outbox's bound it forgets what it told."""
    messages: dict[str, Message] = field(default_factory=dict)
    alerts: dict[str, bool] = field(default_factory=dict)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(destination, title): every title names one revision."""
    repeats: set[tuple[str, str]] = field(default_factory=set)
    penalties: list[Penalty] = field(default_factory=list)
    calls: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    until_ms: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Of each entry: the latest deadline of a call whose outcome nobody knows."""
    over: dict[str, bool] = field(default_factory=dict)
    """Of each page: the newest word that the outbox has heard."""
    seen: Counter[str] = field(default_factory=Counter)

    def arrive(self, now_ms: int, call: Attempt, *, zombie: bool = False) -> None:
        """A call is made: it obeys every limit and penalty, and is no look-up before its time."""
        target = TARGETS[call.destination]
        limits = target.plan.find if call.find else target.plan.steps[call.step]
        assert now_ms < call.deadline_ms, "a call after its deadline"
        for limit in limits:
            whose = call.destination if limit.scope is Scope.DESTINATION else target.account
            times = self.calls[whose, limit.name]
            times.append(now_ms)
            times.sort()
            _assert_within(times, limit)
        if call.find:
            assert now_ms > self.until_ms[call.key], "looked up while it may still be carried out"
        for one in self.penalties:
            if zombie or not one.from_ms <= now_ms < one.until_ms:
                continue
            mine = one.whose in (call.destination, target.account)
            silent = mine and one.method in (None, limits[0].name)
            assert not silent, f"{call.step} at {now_ms} inside {one}"

    def carry_out(self, now_ms: int, call: Attempt) -> Receipt:
        """Return the receipt of a call that is carried out now."""
        self.seen["carried out"] += 1
        if call.step in _PAGER:
            self._page(call)
            return Receipt(id=call.digest.page_key)
        if call.step is Step.EDIT:
            assert call.root is not None
            self.messages[call.root.id].shows = call.digest.revision
            return call.root
        place = f"m{len(self.messages)}"
        self.messages[place] = Message(now_ms, call, call.digest.revision)
        rollup = call.digest.rollup
        titles = [line.title for line in rollup.lines] if rollup else [call.digest.title]
        if call.digest.kind is DigestKind.ROLLUP:
            self.seen["rolled up"] += len(titles)
        for title in titles:
            self.told[call.destination, title] += 1
            if call.possible_repeat:
                self.repeats.add((call.destination, title))
                self.seen["possible repeat"] += 1
            elif self.once and (call.destination, title) not in self.repeats:
                assert self.told[call.destination, title] == 1, f"{title} told twice"
        return Receipt(place="C1", id=place)

    def _page(self, call: Attempt) -> None:
        if call.step is Step.TRIGGER:
            late = self.over.get(call.key, False) and self.alerts.get(call.key) is False
            assert not late, "a trigger after the resolve of its key"
            self.alerts[call.key] = True
        elif call.step is Step.RESOLVE and call.key in self.alerts:
            self.alerts[call.key] = False

    def look_up(self, now_ms: int, call: Attempt) -> Outcome | NotFound:
        """Return what the history shows: with a lag, and the truth."""
        for place, one in self.messages.items():
            same = (one.attempt.digest.id, one.attempt.digest.revision, one.attempt.step)
            if one.attempt.destination == call.destination and same == (
                call.digest.id,
                call.digest.revision,
                call.step,
            ):
                if one.at_ms + LAG_MS <= now_ms:
                    return Delivered(Receipt(place="C1", id=place))
                self.seen["history lags"] += 1
        return NotFound()

    def answer(self, now_ms: int, call: Attempt, fault: Fault) -> list[tuple[int, str, Answer]]:
        """Return what happens when: "apply", or "hear" with the answer."""
        self.seen[fault.value] += 1
        if fault in SCOPES:
            scope, after_ms = SCOPES[fault]
            return [_hear(now_ms, call, Retry(RetryReason.RATE_LIMITED, after_ms, scope))]
        if call.find:
            return self._found(now_ms, call, fault)
        if fault is Fault.UNAVAILABLE:
            return [_hear(now_ms, call, Retry(RetryReason.UNAVAILABLE))]
        if fault is Fault.REFUSED:
            return [_hear(now_ms, call, Rejected(RejectReason.INVALID))]
        if fault is Fault.NONE:
            return [_hear(now_ms, call, Delivered(self.carry_out(now_ms, call)))]
        self.until_ms[call.key] = max(self.until_ms[call.key], call.deadline_ms)
        lost = Unknown(UnknownReason.CONNECTION_LOST)
        hung = (call.deadline_ms, "hear", _said(call, Unknown(UnknownReason.TIMED_OUT)))
        match fault:
            case Fault.LOST:
                return [_hear(now_ms, call, lost)]
            case Fault.HANGS:
                return [hung]
            case Fault.LATE:
                return [(call.deadline_ms - 1, "apply", _said(call, lost)), hung]
        self.carry_out(now_ms, call)
        return [_hear(now_ms, call, lost)] if fault is Fault.ANSWER_LOST else []

    def _found(self, now_ms: int, call: Attempt, fault: Fault) -> list[tuple[int, str, Answer]]:
        match fault:
            case Fault.NONE | Fault.LATE | Fault.ANSWER_LOST:
                return [_hear(now_ms, call, self.look_up(now_ms, call))]
            case Fault.SILENT:
                return []
            case Fault.HANGS:
                return [(call.deadline_ms, "hear", _said(call, CannotTell("timed_out")))]
        return [_hear(now_ms, call, CannotTell("missing_scope"))]


def _hear(
    now_ms: int, call: Attempt, outcome: Outcome | NotFound | CannotTell
) -> tuple[int, str, Answer]:
    return (now_ms + CALL_MS, "hear", _said(call, outcome))


def _said(call: Attempt, outcome: Outcome | NotFound | CannotTell) -> Answer:
    return Answer(key=call.key, number=call.number, outcome=outcome)


def _assert_within(times: list[int], limit: Limit) -> None:
    for first, start_ms in enumerate(times[-20:]):
        recent = times[-20:]
        for last in range(first, len(recent)):
            allowed = limit.burst + (recent[last] - start_ms) / limit.every_ms
            assert last - first + 1 <= allowed, f"{limit.name}: too many calls"

"""What became of one call to a service, kept so that `explain` can tell it later."""

from __future__ import annotations

import msgspec

from correlators.types import Digest, PageAction
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Delivered,
    Gone,
    NotFound,
    Receipt,
    Rejected,
    Retry,
    Step,
    Unknown,
)


class Attempted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="attempted"):
    """One call and its answer."""

    at_ms: int
    """When the answer was taken in."""
    subject: str
    """Id of the incident or storm that was told, or about which Sentry was, or one person."""
    destination: str
    step: Step
    outcome: str
    """`delivered`, `retry`, `rejected`, `gone`, `unknown`; of a look-up also `not_found` and
    `cannot_tell`."""
    reason: str = ""
    revision: int = 0
    number: int = 0
    """Of the calls of this delivery."""
    find: bool = False
    """It only looked whether an earlier call had arrived."""
    receipt: Receipt | None = None
    possible_repeat: bool = False
    page: bool = False
    """It opened, acknowledged or resolved a page: at a pager, or at a chat that is paged."""
    delivery: str = ""
    """Name of its delivery where that is not `subject`: the page, at a pager or beside the ordinary
    message at a chat, or what is said of a page."""

    @property
    def beside(self) -> bool:
        """Return whether it tells no destination of the thing itself: it changed an issue in
        Sentry, told one person what is theirs, or put right for one what they were told."""
        return self.delivery.startswith(("issue.", "cor-", "per-"))


def attempted(attempt: Attempt, answer: Answer, now_ms: int) -> Attempted:
    """Return what became of the call, without the message itself."""
    outcome = answer.outcome
    word, reason = _said(outcome)
    return Attempted(
        at_ms=now_ms,
        subject=subject_of(attempt.digest),
        destination=attempt.destination,
        step=attempt.step,
        outcome=word,
        reason=reason,
        revision=attempt.digest.revision,
        number=attempt.number,
        find=attempt.find,
        receipt=outcome.receipt if isinstance(outcome, Delivered) else None,
        possible_repeat=attempt.possible_repeat,
        page=attempt.digest.page is not PageAction.NONE,
        delivery=delivery_of(attempt),
    )


def subject_of(digest: Digest) -> str:
    """Return the id of what a digest is about: of a change of an issue, of a correction and of what
    one person is told that of the incident or storm that it was decided about."""
    about = digest.issue_change or digest.answer or digest.personal
    return about.subject if about is not None and about.subject else digest.id


def delivery_of(attempt: Attempt) -> str:
    """Return the name of the call's delivery; empty where it is the id of what is told."""
    name = attempt.key.partition("|")[2]
    return "" if name == subject_of(attempt.digest) else name


def _said(
    outcome: Delivered | Retry | Rejected | Gone | Unknown | NotFound | CannotTell,
) -> tuple[str, str]:
    match outcome:
        case Delivered():
            return "delivered", ""
        case Retry():
            wait = f", not before {outcome.after_ms / 1000:g} s" if outcome.after_ms else ""
            return "retry", f"{outcome.reason}{wait}: {outcome.detail}".rstrip(": ")
        case Rejected():
            return "rejected", f"{outcome.reason}: {outcome.detail}".rstrip(": ")
        case Gone():
            return "gone", ""
        case Unknown():
            return "unknown", f"{outcome.reason}: {outcome.detail}".rstrip(": ")
        case NotFound():
            return "not_found", ""
        case CannotTell():
            return "cannot_tell", outcome.reason

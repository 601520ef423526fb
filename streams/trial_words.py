"""What came back of a test message in words: the answer, what it means, and what to do. Pure.

An answer names neither a secret nor an address, and so do these lines.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from sinks.base import (
    CannotTell,
    Delivered,
    Gone,
    NotFound,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.lead import lead
from sinks.trial import Tried
from streams.why_words import TO_DO
from streams.yaml_reader import duration

SENT: Final = {
    Step.POST: "a message",
    Step.REPLY: "a reply",
    Step.EDIT: "the message, edited: the test is over",
    Step.TRIGGER: "a page of severity info",
    Step.ACKNOWLEDGE: "an acknowledgement of the page",
    Step.RESOLVE: "the end of the page",
}
TAKEN: Final = {
    Step.POST: ("the service has it", "look whether it stands where you expect it"),
    Step.REPLY: ("the service has it", ""),
    Step.EDIT: ("messages can be kept at the newest state", ""),
    Step.TRIGGER: ("taken; whether it becomes an incident, the service's own rules decide", ""),
    Step.ACKNOWLEDGE: ("it wakes nobody else", ""),
    Step.RESOLVE: ("the test's page is closed", ""),
}
RETRIED: Final = {
    RetryReason.RATE_LIMITED: (
        "too many calls for its limits, not only of this test",
        "test again",
    ),
    RetryReason.UNAVAILABLE: (
        "it is there and takes nothing now",
        "test again; if it stays so, look at its status page",
    ),
    RetryReason.NOT_CONNECTED: (
        "there is no connection from this machine: nothing was sent",
        "look at address, port, name server, firewall and proxy",
    ),
    RetryReason.EXPIRED: ("no call was made in time", "test again"),
    RetryReason.NEEDS_SOMEBODY: (
        "it refuses until somebody puts it right; messages wait until then",
        "what its answer says",
    ),
    RetryReason.SPARED: ("no call was made: it asked to be left alone", "test again later"),
    RetryReason.IN_PART: (
        "some of its people have it, others are not taken now",
        "test again; if it stays so, ask whoever runs it",
    ),
}
UNKNOWN: Final = {
    UnknownReason.TIMED_OUT: "no answer in time: it may have it, or not",
    UnknownReason.CONNECTION_LOST: "the connection broke after it was sent: it may have it, or not",
    UnknownReason.SERVER_ERROR: "it failed in the middle: it may have it, or not",
    UnknownReason.UNREADABLE: "the answer is none of this service's own: a proxy may have given it",
    UnknownReason.NO_ANSWER: "no answer came: it may have it, or not",
    UnknownReason.IN_PART: "some of its people have it; a mail is tried again for the others",
}
REFUSED: Final = {
    RejectReason.NOT_AUTHORISED: "it does not know the token or key, or that one may not do this",
    RejectReason.NO_SUCH_PLACE: "there is no such place behind this destination",
    RejectReason.NOT_ALLOWED: "it may not be written there",
    RejectReason.TOO_LARGE: "it takes no message of this size",
    RejectReason.INVALID: "it does not take what was sent",
    RejectReason.NOT_EDITABLE: "messages there cannot be edited",
}
OPEN: Final = "look in the pager for the test by its title: if it is open, resolve it"
KEY: Final = "copy the integration key again, of an Events API v2 integration of the service"
CURED: Final = frozenset({RejectReason.NO_SUCH_PLACE, RejectReason.NOT_ALLOWED})
"""A refusal for good that says what to do after its word."""
_CURE: Final = re.compile(r"((?:address \d+ of \d+(?: and \d+ more)?: )?[^:]+): (.+)")
WAITS: Final = frozenset({RetryReason.RATE_LIMITED, RetryReason.UNAVAILABLE, RetryReason.IN_PART})
"""After these it passes by itself."""


class Words(NamedTuple):
    """One call of a test in words."""

    sent: str
    answer: str
    means: str
    todo: str
    """Empty where there is nothing to do."""


def words_of(tried: Tried, settings: str) -> Words:
    """Return one call in words.

    Args:
        tried: what was sent, and what came back.
        settings: the key of `stormfold.yaml` that the destination comes from.
    """
    sent = f"{SENT[tried.step]}: {lead(tried.digest)}"
    if tried.find:
        sent = "nothing; it was looked for the message, as after an answer that is lost"
    answer, means, todo = _answer(tried)
    if not tried.fine:
        if tried.step is Step.RESOLVE or isinstance(tried.answer, Unknown):
            todo = OPEN if tried.digest.page_key else todo
        todo = todo if settings in todo else f"{todo} ({settings})"
    return Words(sent, f"{answer}, in {tried.took_ms:,} ms", means, todo)


def _answer(tried: Tried) -> tuple[str, str, str]:
    """Return what came back, what it means, and what to do."""
    answer = tried.answer
    match answer:
        case Delivered() if tried.find:
            return "found", "an answer that is lost makes no second message", ""
        case Delivered() if answer.left_out:
            word, cure = _parted(answer.left_out)
            return f"taken, but not for {word}", "the others have it", cure or "test again"
        case Delivered():
            told = " ".join(part for part in (answer.receipt.place, answer.receipt.id) if part)
            return f"taken: {told}", *TAKEN[tried.step]
        case NotFound():
            says = "not to be seen yet: what is looked for in earnest is given time for that"
            return "not found", says, ""
        case CannotTell():
            says = "after an answer that is lost it is sent again, marked as a possible repeat"
            return (
                _with("not readable", answer.reason),
                says,
                "give the permission to read that its page in docs/ names",
            )
        case Retry():
            return _retried(answer)
        case Rejected():
            word, todo = _parted(answer.detail)
            if answer.reason not in CURED or not todo:
                word, todo = answer.detail, TO_DO[answer.reason.value]
            if "routing key" in answer.detail.lower():
                todo = KEY
            return _with(answer.reason.value, word), REFUSED[answer.reason], todo
        case Unknown():
            todo = "look whether it stands there, then test again"
            if answer.reason is UnknownReason.IN_PART:
                todo = f"wait some minutes, then {RETRIED[RetryReason.IN_PART][1]}"
            return _with(answer.reason.value, answer.detail), UNKNOWN[answer.reason], todo
        case Gone():
            return (
                "gone",
                "the message is there no more: somebody or something deletes it",
                "test again, and leave the message",
            )


def _retried(answer: Retry) -> tuple[str, str, str]:
    """Return what a refusal that passes, or waits for somebody, means; some say what to do."""
    means, todo = RETRIED[answer.reason]
    word, _, cure = answer.detail.partition(": ")
    if answer.reason is RetryReason.NEEDS_SOMEBODY and cure:
        return word, means, cure
    wait = answer.after_ms if answer.reason in WAITS else 0
    return (
        _with(answer.reason.value, answer.detail),
        means,
        f"wait {duration(wait)}, then {todo}" if wait else todo,
    )


def _parted(detail: str) -> tuple[str, str]:
    """Return what a refusal says, and what it tells to do, empty where it tells nothing."""
    found = _CURE.fullmatch(detail)
    return (found[1], found[2]) if found else (detail, "")


def _with(word: str, detail: str) -> str:
    return f"{word}, {detail}" if detail else word

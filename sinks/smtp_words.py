"""The words of SMTP: what a refusal means, and what a person is told to do about it. Pure.

A refusal is told by its numbers alone: its text may name people. Who refuses says whom it is about:
at the login and for the sender all mails, for a recipient that one.

Source: RFC 5321, 4.2 (4yz passes, 5yz does not); RFC 3463 and the registry of its codes X.Y.Z:
X.1.z an address, X.2.z a mailbox (2.2 full), X.3.4 and X.2.3 too large, X.7.z policy
and login (7.0, 7.1 also for rates). No code says how long to wait; many servers say so in words.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

from sinks.base import PERSON_WAIT_MS, Rejected, RejectReason, Retry, RetryReason, Scope

RATE_WAIT_MS: Final = 30_000
"""Where it asks to be left alone and does not say for how long."""
AGAIN_MS: Final = 60_000
"""Before a recipient is tried again that was not taken for now."""
LONGEST_MS: Final = 3_600_000
WHOLE_NAME: Final = re.compile(
    r"(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
"""The name of a host with its domain. Many servers take nothing of whoever greets by less."""


class Tls(StrEnum):
    """How the way to the server is closed to others."""

    STARTTLS = "starttls"
    TLS = "tls"
    """From the first byte."""
    NONE = "none"


class Point(StrEnum):
    """Where a conversation is."""

    CONNECT = "connect"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"


class Said(msgspec.Struct, frozen=True):
    """A refusal as the server said it."""

    point: Point
    code: int
    text: str = ""
    """May name people: for nobody to read."""

    def __repr__(self) -> str:
        return f"Said({self.point}, {self.code})"


_STATUS: Final = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_WAIT: Final = re.compile(
    r"\b([0-9]{1,5}) ?(s|sec|secs|seconds?|min|mins|minutes?|hours?)\b", re.IGNORECASE
)
_LASTS: Final = frozenset({"4.2.2"})
"""What does not pass while anybody waits for it: a full mailbox. Gmail says 4.2.1 of a rate."""

_CURES: Final = {
    Point.CONNECT: "it does not talk to this machine: ask whoever runs it",
    Point.LOGIN: "give the user and the password that it knows (sinks.email)",
    Point.SENDER: "it does not take sinks.email.from from this user: give one of theirs",
}


def numbers(said: Said) -> str:
    """Return code and status, such as `550 5.1.1`; nothing else of what was said."""
    found = _STATUS.match(said.text)
    return f"{said.code} {found[1]}" if found else str(said.code)


def wait_ms(text: str) -> int:
    """Return how long a refusal asks to be left alone, 0 where it does not say; at most an hour."""
    found = _WAIT.search(text)
    if found is None:
        return 0
    unit = {"s": 1_000, "m": 60_000, "h": 3_600_000}[found[2][0].lower()]
    return min(LONGEST_MS, int(found[1]) * unit)


def passes(said: Said) -> bool:
    """Return whether a recipient who was refused is worth another try soon."""
    status = numbers(said).partition(" ")[2]
    return said.code < 500 and status not in _LASTS


def refusal(said: Said) -> Retry | Rejected:
    """Return what the refusal of a whole mail means."""
    told, status = numbers(said), numbers(said).partition(" ")[2]
    whole = said.point in _CURES
    if said.code < 500:
        asked_ms = wait_ms(said.text)
        if status.startswith("4.7.") or said.code == 421 or asked_ms:
            held_ms = asked_ms or (RATE_WAIT_MS if status.startswith("4.7.") else 0)
            scope = Scope.ACCOUNT if whole and held_ms else None
            reason = RetryReason.RATE_LIMITED if held_ms else RetryReason.UNAVAILABLE
            return Retry(reason, held_ms, scope, told)
        return Retry(RetryReason.UNAVAILABLE, detail=told)
    if said.code == 552 or status in ("5.3.4", "5.2.3"):
        return Rejected(RejectReason.TOO_LARGE, told)
    if whole:
        detail = f"{told}: {_CURES[said.point]}"
        return Retry(RetryReason.NEEDS_SOMEBODY, PERSON_WAIT_MS, Scope.ACCOUNT, detail)
    if said.point is Point.DATA:
        return Rejected(RejectReason.INVALID, f"{told}: it does not take this mail")
    cure = todo(said, "sinks.email.lists")
    return Rejected(why(said), f"{told}: {cure}")


def why(said: Said) -> RejectReason:
    """Return why a recipient is refused for good."""
    status = numbers(said).partition(" ")[2]
    return RejectReason.NOT_ALLOWED if status.startswith("5.7.") else RejectReason.NO_SUCH_PLACE


def todo(said: Said, named_in: str) -> str:
    """Return what to do about a recipient who is refused, whom the settings name there."""
    status = numbers(said).partition(" ")[2]
    if status.startswith(("4.2.", "5.2.")):
        return "the mailbox is full or closed"
    if status.startswith("5.7."):
        return "the server does not take mail for it from here"
    if status == "5.6.7":
        return "the server cannot write this address (SMTPUTF8)"
    return f"put the address right in {named_in}"

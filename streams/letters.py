"""What stands on the topic of the dead letters: each letter with what was noted about it.

Pure: nothing is read or sent here. `letters_topic` reads and writes the topic, `letter_records`
says what its records look like.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from correlators.entries import Episode
from correlators.state import State as Correlated
from correlators.storms import Storm
from correlators.types import PageAction
from sinks.marks import Mark, PutAside, RedriveOutcome, SentAgain, Taken
from streams.letter_records import Letter


class LetterState(StrEnum):
    """What became of a dead letter since; of one that was taken, the outcome says more."""

    OPEN = "open"
    """Nobody has done anything about it."""
    SENT_AGAIN = "sent_again"
    """It stands on `deliveries`, and DELIVER has not come to it yet."""
    ANSWERED = "answered"
    """DELIVER has said what becomes of it."""
    PUT_ASIDE = "put_aside"
    """Somebody said that it is done with."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter and what was noted about it."""

    letter: Letter
    sent: SentAgain | None = None
    taken: Taken | None = None
    aside: PutAside | None = None
    again: str = ""
    """The letter that it was given up as once more."""

    @property
    def state(self) -> LetterState:
        """What became of it."""
        if self.aside is not None:
            return LetterState.PUT_ASIDE
        if self.taken is not None:
            # A pager takes no message: nothing was done, and it may go elsewhere.
            refused = self.taken.outcome is RedriveOutcome.NO_PAGE
            return LetterState.OPEN if refused else LetterState.ANSWERED
        return LetterState.SENT_AGAIN if self.sent is not None else LetterState.OPEN

    @property
    def open(self) -> bool:
        """Nothing was done about it that holds."""
        return self.state is LetterState.OPEN


SENDABLE: Final = frozenset({LetterState.OPEN, LetterState.PUT_ASIDE})
"""A letter that was dropped by mistake may be sent all the same, by its id."""


class Wanted(NamedTuple):
    """Which letters are looked for; empty asks about all."""

    destination: str = ""
    reason: str = ""
    since_ms: int = 0

    def fits(self, letter: Letter) -> bool:
        """Return whether it is one of them."""
        return (
            self.destination in ("", letter.destination)
            and self.reason in ("", letter.reason)
            and letter.at_ms >= self.since_ms
        )


def cases(letters: Iterable[Letter], marks: Iterable[Mark]) -> list[Case]:
    """Return every letter with what was noted about it, the newest first.

    Args:
        letters: of the topic.
        marks: of the topic, in the order in which they stand there; the last of a kind holds.
    """
    found = {one.id: Case(letter=one) for one in letters}
    for mark in marks:
        case = found.get(mark.letter)
        if case is None:
            continue  # its letter is older than what was read
        match mark:
            case SentAgain():
                case = msgspec.structs.replace(case, sent=mark, taken=None, aside=None)
            case Taken():
                case = msgspec.structs.replace(case, taken=mark)
            case PutAside():
                case = msgspec.structs.replace(case, aside=mark)
        found[mark.letter] = case
    ordered = sorted(
        found.values(), key=lambda one: (one.letter.at_ms, one.letter.offset), reverse=True
    )
    died: dict[tuple[str, str, int], Letter] = {}
    told: list[Case] = []
    for one in ordered:  # the newest first: who is met later may have been given up as one before
        digest = one.letter.digest
        if digest is not None and one.sent is not None:
            later = died.get((one.sent.destination, digest.id, digest.revision))
            if later is not None and later.at_ms >= one.sent.at_ms:
                one = msgspec.structs.replace(one, again=later.id)
        if digest is not None:
            died[one.letter.destination, digest.id, digest.revision] = one.letter
        told.append(one)
    return told


def pages_open(states: Iterable[Correlated]) -> set[str]:
    """Return the keys of all pages that are open, as CORRELATE has them."""
    found: set[str] = set()
    for state in states:
        for _, entry in state.entries():
            if isinstance(entry, Episode) or (isinstance(entry, Storm) and entry.open):
                found.add(entry.page_key)
    return found - {""}


def pages(letter: Letter) -> bool:
    """Return whether it would wake somebody."""
    return letter.digest is not None and letter.digest.page is PageAction.TRIGGER


def over(letter: Letter, still_open: Collection[str]) -> bool:
    """Return whether it would wake somebody for a page that is open no more."""
    digest = letter.digest
    return digest is not None and pages(letter) and digest.page_key not in still_open


def in_order(chosen: Iterable[Case]) -> list[Case]:
    """Return letters in the order in which they are sent again: as they were decided."""

    def rank(case: Case) -> tuple[int, int, int, int]:
        letter = case.letter
        digest = letter.digest
        decided = (digest.at_ms, digest.revision) if digest is not None else (0, 0)
        return (*decided, letter.partition, letter.offset)

    return sorted(chosen, key=rank)


def failed(case: Case) -> bool:
    """Return whether a letter that was to be sent again is not told, and nothing else tells it."""
    if case.state is LetterState.PUT_ASIDE:
        return False
    if case.taken is None or case.again:
        return True
    return case.taken.outcome in _NOT_TOLD


_NOT_TOLD = frozenset(
    {
        RedriveOutcome.NO_PAGE,
        RedriveOutcome.UNKNOWN_DESTINATION,
        RedriveOutcome.OUTBOX_FULL,
    }
)

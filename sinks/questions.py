"""What outboxes ask each other: is the page there that goes on for one of mine? Nothing is sent.

A resolve waits for its successor (`sinks.successors`). Where another outbox has that one, a
question is handed there: it becomes an entry that waits exactly as a resolve there would, and is
answered once nothing holds it. The answer lets the resolve go on. CORRELATE writes a page before
the resolve that names it can be read, so a page that is not known where it is asked about is
forgotten: nobody need wait for it. A page that was handed to its fallback is asked about there in
turn.

Each question is asked once and answered once over any crash: the entry that asks, and the one that
is asked, change in the transaction that hands the word on.
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.types import Digest, DigestKind, PageAction
from sinks.entries import Delivery, Status, Turn
from sinks.settle import rested
from sinks.stamps import Stamp
from sinks.successors import Awaited, Wait

TALK: Final = frozenset({DigestKind.PAGE_ASKED, DigestKind.PAGE_ANSWERED})

_HELD: Final = frozenset({Wait.DELIVERY, Wait.GIVEN_UP})


def kept(question: Digest, now_ms: int) -> Delivery:
    """Return the entry of a question where it is asked."""
    return Delivery(
        destination=question.destination,
        name=f"{question.page_key}~asked.{question.handed_by}.{question.page_after}",
        status=Status.WAITING,
        accepted=Stamp(question.at_ms, 0, question.revision),
        newest=question,
        since_ms=now_ms,
        changed_ms=now_ms,
        after=question.page_key,
        after_ms=now_ms,
    )


def spoken(entry: Delivery, found: Awaited, now_ms: int) -> tuple[Turn, Digest] | None:
    """Return the entry after what it has to say to another outbox, and that; None for nothing.

    Args:
        entry: waiting.
        found: what it waits for.
        now_ms: now.
    """
    if entry.question:
        assert entry.newest is not None, "a question has its words"
        if found.wait in _HELD:
            return None
        said = _on(entry.newest, found) if found.wait is Wait.ELSEWHERE else answer(entry.newest)
        return Turn(rested(entry, Status.DELIVERED, now_ms)), said
    key = f"{found.place}|{found.name}"
    if found.wait is not Wait.ELSEWHERE or entry.asked == key:
        return None
    assert entry.newest is not None, "what waits has something to send"
    asks = msgspec.structs.replace(
        entry.newest,
        kind=DigestKind.PAGE_ASKED,
        destination=found.place,
        page=PageAction.NONE,
        page_key=found.name,
        page_after=entry.name,
        page_after_to=(),
        handed_by=entry.destination,
    )
    return Turn(msgspec.structs.replace(entry, asked=key, changed_ms=now_ms)), asks


def answer(question: Digest) -> Digest:
    """Return the answer: nothing keeps the page that was asked for open."""
    return msgspec.structs.replace(
        question,
        kind=DigestKind.PAGE_ANSWERED,
        destination=question.handed_by,
        page_key=question.page_after,
        page_after=question.page_key,
        handed_by=question.destination,
    )


def answered(entry: Delivery | None, said: Digest, now_ms: int) -> Turn | None:
    """Return the entry that waits for this answer, waiting no more; None where none does."""
    if entry is None or not entry.asked or entry.status is not Status.WAITING:
        return None
    if entry.asked.partition("|")[2] != said.page_after:
        return None  # it asks about another page by now
    return Turn(msgspec.structs.replace(entry, after="", after_at="", asked="", changed_ms=now_ms))


def _on(question: Digest, found: Awaited) -> Digest:
    """Return the question for where the page was handed to, or for the page that goes on for it."""
    return msgspec.structs.replace(question, destination=found.place, page_key=found.name)

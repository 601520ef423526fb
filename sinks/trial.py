"""A test message through a sink: the calls that a delivery makes, once each, and what came back.

It says of itself everywhere that it is a test. A page that was opened is closed again, whatever
happens in between: an answer that is lost, an error, somebody who stops it. Works by what a sink
says of itself alone (`Plan`), so for every sink. What an answer means in words is not said here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec

from correlators.change_events import PLACE
from correlators.types import Digest, DigestKind, Level, PageAction, PageReason, ServiceLine
from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    NotFound,
    Outcome,
    Receipt,
    Rejected,
    Retry,
    RetryReason,
    Sink,
    Step,
    Unknown,
    UnknownReason,
)

TITLE: Final = "TEST by stormfold, nobody need do anything"
ENVIRONMENT: Final = "test"
SERVICE: Final = "test"
RESOLVES_MOST: Final = 3
"""Calls to close the page again: it must not stay open for one that got lost."""

_NOT_SENT: Final = frozenset(
    {RetryReason.NOT_CONNECTED, RetryReason.RATE_LIMITED, RetryReason.NEEDS_SOMEBODY}
)


Said = Outcome | NotFound | CannotTell
"""What came back of a call."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a test, and what came back."""

    step: Step
    find: bool = False
    """It was looked whether the message of this step stands there."""
    digest: Digest
    """What it said."""
    answer: Said
    took_ms: int

    @property
    def fine(self) -> bool:
        """True where nobody has to do anything about it."""
        if isinstance(self.answer, Delivered):
            return not self.answer.left_out
        return isinstance(self.answer, NotFound)


def digest_of(destination: str, id: str, now_ms: int, *, pages: bool, over: bool) -> Digest:
    """Return the test's digest for a destination.

    Args:
        destination: as the sink knows it.
        id: of this test; another one makes another thread, message and page.
        now_ms: when it is.
        pages: the destination is a pager.
        over: the test is over: its page is resolved, its message edited.
    """
    page = PageAction.RESOLVE if over else PageAction.TRIGGER
    kind = DigestKind.RESOLVED if over else DigestKind.OPENED
    if not pages and destination.endswith(PLACE):
        kind = DigestKind.DEPLOY  # a record of changes takes nothing else
    return Digest(
        id=id,
        revision=2 if over else 1,
        kind=kind,
        at_ms=now_ms,
        destination=destination,
        storm=False,
        resolved=over,
        environment=ENVIRONMENT,
        title=TITLE,
        incidents=1,
        events=1,
        users=0,
        level=Level.INFO,
        first_ms=now_ms,
        last_ms=now_ms,
        services=(ServiceLine(service=SERVICE, title=TITLE, events=1, incidents=1),),
        page=page if pages else PageAction.NONE,
        page_reason=PageReason.BY_HAND if pages else None,
        page_key=id if pages else "",
    )


class Trial:
    """One test of one destination.

    Args:
        sink: serves the destination; is not closed here.
        destination: one of the sink's.
        id: of this test.
        now_ms: what the clock shows.
        told: is called with every call that was made, as soon as its answer is there.
    """

    def __init__(
        self,
        sink: Sink,
        destination: str,
        *,
        id: str,
        now_ms: Callable[[], int],
        told: Callable[[Tried], None] = lambda one: None,
    ) -> None:
        self._sink = sink
        self._destination = destination
        self._id = id
        self._now_ms = now_ms
        self._told = told
        self._plan = sink.plan(destination)
        self._number = 0
        self._fine = True

    async def run(self) -> bool:
        """Make the calls; return whether nobody has to do anything about any of them."""
        if self._plan.pages:
            await self._page()
        else:
            await self._message()
        return self._fine

    async def _page(self) -> None:
        """Open a page and close it again; a page that may be open is never left so."""
        answer: Said | None = None
        try:
            answer = await self._call(Step.TRIGGER)
        finally:
            if answer is None or _may_be_there(answer):
                await self._close(answer)

    async def _close(self, opened: Said | None) -> None:
        root = Receipt(id=self._id)
        if isinstance(opened, Delivered):
            root = opened.receipt
        for left in reversed(range(RESOLVES_MOST)):
            closed = await self._call(Step.RESOLVE, root=root, over=True, last=not left)
            if isinstance(closed, Delivered | Rejected):
                return

    async def _message(self) -> None:
        """Post a message, look for it where that can be done, and edit it where that can be."""
        first = next(iter(self._plan.steps))
        answer = await self._call(first)
        if not isinstance(answer, Delivered):
            return
        if self._plan.find:
            await self._call(first, find=True)
        if Step.EDIT in self._plan.steps:
            await self._call(Step.EDIT, root=answer.receipt, over=True)

    async def _call(
        self,
        step: Step,
        *,
        root: Receipt | None = None,
        find: bool = False,
        over: bool = False,
        last: bool = True,
    ) -> Said:
        """Make one call within the time that an attempt has; `last`: it is not made again."""
        began_ms, began = self._now_ms(), time.monotonic()
        digest = digest_of(self._destination, self._id, began_ms, pages=self._plan.pages, over=over)
        self._number += 1
        attempt = Attempt(
            key=f"{self._destination}|{self._id}",
            number=self._number,
            destination=self._destination,
            step=step,
            find=find,
            digest=digest,
            root=root,
            started_ms=began_ms,
            deadline_ms=began_ms + self._plan.attempt_ms,
        )
        answer: Said
        try:
            async with asyncio.timeout(self._plan.attempt_ms / 1000):
                answer = await (self._sink.find if find else self._sink.send)(attempt)
        except TimeoutError:
            timed_out = UnknownReason.TIMED_OUT
            answer = CannotTell(timed_out) if find else Unknown(timed_out)
        tried = Tried(
            step=step,
            find=find,
            digest=digest,
            answer=answer,
            took_ms=round((time.monotonic() - began) * 1000),
        )
        if last or tried.fine or isinstance(answer, Rejected):
            self._fine = self._fine and tried.fine
            self._told(tried)
        return answer


def _may_be_there(opened: Said) -> bool:
    """Return whether a page may be open after this answer to its trigger."""
    if isinstance(opened, Retry):
        return opened.reason not in _NOT_SENT
    return not isinstance(opened, Rejected)

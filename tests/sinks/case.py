"""What the behaviour suite knows of a sink and the service behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from correlators.types import Digest, PageAction
from sinks.base import Sink, Step
from sinks.peers.serve import Peer
from tests.sinks.make import digest


@dataclass
class Case:
    """A sink with the service behind it."""

    sink: Sink
    told: Callable[[str], list[str]]
    """What stands there of the digest of this id: one text per message, page, block or line."""
    peer: Peer | None = None
    method: str = ""
    """What the service calls the first call of a delivery."""
    addresses: tuple[str, ...] = ()
    """What the service calls the sink's destinations."""
    over: Callable[[str], bool] = lambda id: True
    """True when the service shows the digest of this id as resolved."""
    refusal: tuple[str, str] = ("", "")
    """A word with which the service refuses for good, and what a dead letter says of it."""
    states: Mapping[str, tuple[Callable[[], object], Callable[[], object]]] = field(
        default_factory=dict
    )
    """By the word with which the service then refuses: what a person breaks, and mends again."""
    lag: Callable[[float], None] | None = None
    """Have the service show what it was told only so many seconds later, where it can be asked."""
    share: float = 0.08
    """Of the calls that meet each fault by chance; less where a message takes several calls."""

    shaped: Callable[[Digest], Digest] = lambda one: one
    """What the sink gets of a digest, where it is no message."""
    called: Callable[[str], str] = lambda id: id
    """What the service calls the digest of this id."""

    def digest(self, id: str = "inc-1", revision: int = 1, *, to: int = 0, **how: Any) -> Digest:
        """Return a digest for one of the sink's destinations; a page where it is a pager."""
        destination = self.sink.destinations[to]
        page = PageAction.NONE
        if self.sink.plan(destination).pages:
            page = PageAction.RESOLVE if how.get("resolved") else PageAction.TRIGGER
        return self.shaped(digest(destination, id=id, revision=revision, page=page, **how))

    @property
    def first_step(self) -> Step:
        """Return the step that a delivery begins with."""
        return next(iter(self.sink.plan(self.sink.destinations[0]).steps))


@asynccontextmanager
async def closing(sink: Sink) -> AsyncIterator[None]:
    """Close the sink at the end, whatever happens."""
    try:
        yield
    finally:
        await sink.close()

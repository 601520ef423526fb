"""What Kafka has said of a fire drill so far: which hop it came to, and when. Pure.

A hop's time is that at which its record could be read by anybody else, in milliseconds since the
webhook was sent. What else stands on the topics is not looked at.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from correlators.incidents import Incident
from correlators.types import Digest, PageAction
from sinks.attempted import Attempted
from sinks.base import Step
from streams import codec
from streams.codec import CodecError
from streams.topic_names import Names

OPENS: Final = frozenset({Step.POST, Step.TRIGGER})
UNTOLD: Final = ("sentry:", "slack_ephemeral:")
"""Destinations that are no message and no page."""


class Hop(NamedTuple):
    """Where a drill came to."""

    name: str
    after_ms: int


class Heard:
    """The way of one drill through the topics."""

    def __init__(self, topics: Names, mark: str) -> None:
        """Args: topics: of the installation; mark: of the drill."""
        self._topics = topics
        self._mark = mark.encode()
        self.hops: list[Hop] = []
        self.incident = ""
        """The id of its incident, empty before it opens."""
        self.opened_ms = 0
        self.told: set[str] = set()
        """Destinations that CORRELATE has told of it."""
        self.paged: set[str] = set()
        """Those of them whom it woke."""
        self.over: dict[str, int] = {}
        """Those that it has told of the end, and the revision that says so."""
        self.has: set[str] = set()
        """Those that have its first message or page."""
        self.has_end: set[str] = set()
        """Those that have the end."""
        self.refused: dict[str, str] = {}
        """The last answer of those that do not take it."""

    @property
    def arrived(self) -> bool:
        """Return whether everybody that was told so far has it."""
        return bool(self.told) and self.told <= self.has

    @property
    def ended(self) -> bool:
        """Return whether everybody that has it has its end."""
        return self.has <= self.has_end

    def record(self, topic: str, value: bytes, at_ms: int) -> None:
        """Take in a record; `at_ms`: since the webhook was sent. Raises: CodecError."""
        if topic == self._topics.decisions:
            self._attempted(value, at_ms)
        elif self._mark not in value:
            return
        elif topic == self._topics.events:
            self._hop("on Kafka: sentry.events", at_ms)
        elif topic == self._topics.deltas:
            self._hop("fingerprinted: incident.deltas", at_ms)
        elif topic == self._topics.incidents:
            self._entry(value, at_ms)
        elif topic == self._topics.deliveries:
            self._digest(codec.digest(value), at_ms)

    def _entry(self, value: bytes, at_ms: int) -> None:
        try:
            found = codec.entry(value)
        except CodecError:
            return  # of another version, and none of a drill that this one made
        if isinstance(found, Incident) and not self.incident:
            self.incident, self.opened_ms = found.id, at_ms
            self._hop(f"incident opened: {found.id}", at_ms)

    def _digest(self, digest: Digest, at_ms: int) -> None:
        to = digest.destination
        if digest.id != self.incident or to.startswith(UNTOLD):
            return
        if digest.resolved or digest.page is PageAction.RESOLVE:
            self.over.setdefault(to, digest.revision)
            self._hop(f"end decided: {to}", at_ms)
            return
        self.told.add(to)
        if digest.page is PageAction.TRIGGER:
            self.paged.add(to)
        what = "page" if digest.page is PageAction.TRIGGER else "message"
        self._hop(f"{what} decided: {to}", at_ms)

    def _attempted(self, value: bytes, at_ms: int) -> None:
        if not self.incident or self.incident.encode() not in value:
            return
        said = codec.said(value)
        if not isinstance(said, Attempted) or said.subject != self.incident or said.beside:
            return
        to = said.destination
        if to not in self.told or said.find:
            return
        if said.outcome != "delivered":
            self.refused[to] = f"{said.outcome} {said.reason}".strip()
        elif said.step in OPENS and to not in self.has:
            self.has.add(to)
            self._hop(f"{'page' if to in self.paged else 'message'} taken: {to}", at_ms)
        elif said.revision >= self.over.get(to, said.revision + 1) and to not in self.has_end:
            self.has_end.add(to)
            self._hop(f"{'page resolved' if to in self.paged else 'end told'}: {to}", at_ms)

    def _hop(self, name: str, at_ms: int) -> None:
        if all(name != one.name for one in self.hops):
            self.hops.append(Hop(name, at_ms))

"""FINGERPRINT as a pure step: raw records in, deltas and state changes out.

It keeps a bounded cache of finished signatures and the open fold, and nothing that a result depends
on: with a cache of size 0 and a flush after every record the merged deltas are the same.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final

import msgspec

from correlators.beats import RESOURCE as HEARTBEAT
from correlators.beats import Beat
from correlators.deltas import incident_key
from correlators.events import decode
from correlators.fingerprint import DEFAULT_VERSION, cache_key, explain
from correlators.first_sight import FirstSight
from correlators.grouping import Grouper, Grouping
from correlators.hot_path import HotPath
from correlators.known_events import Glanced
from correlators.names import check, signed
from correlators.open_deltas import Fold
from correlators.owners import marks_of
from correlators.remembered import Remembered
from correlators.types import Event, IncidentKey, Signature, StateChange, Unreadable, tick_of
from correlators.wire_read import Reason


class RecordKind(StrEnum):
    """What a record of the source turned out to be. The word is the metric label."""

    EVENT = "event"
    STATE_CHANGE = "state_change"
    UNREADABLE = "unreadable"
    HEARTBEAT = "heartbeat"
    """No event: see `beats`."""


class Fingerprinting(msgspec.Struct, frozen=True, kw_only=True):
    """What decides how events become deltas."""

    default_environment: str = "production"
    signature_version: int = DEFAULT_VERSION
    belated_after_ms: int = 120_000
    cache_size: int = 10_000
    """Finished signatures kept; 0 switches the cache off."""

    projects: dict[str, str] = msgspec.field(default_factory=dict)
    """Service by project number, for events that tell no slug."""

    tags: tuple[str, ...] = ()
    """Conditions over tags that rules or owners ask for, `name=pattern`."""
    paths: tuple[str, ...] = ()
    """Patterns of files that owners have."""

    people: dict[str, str] = msgspec.field(default_factory=dict)
    """Names of people by the hash of what Sentry calls them."""

    grouping: Grouping = Grouping()
    """Who says what is the same, and by which rules."""


class Read(msgspec.Struct, frozen=True):
    """A decoded record: the event with its signature, the state change, or why it is neither."""

    kind: RecordKind
    event: Event | None = None
    signature: Signature | None = None
    change: StateChange | None = None
    reason: str = ""
    told: Glanced | None = None
    """In place of event and signature, where it was folded at a glance and that is to be told."""
    beat: str = ""
    """The id of a heartbeat."""

    @property
    def key(self) -> IncidentKey | None:
        """The key of the incident that the event belongs to."""
        if self.told is not None:
            return self.told.key
        if self.event is None or self.signature is None:
            return None
        return incident_key(self.event, self.signature)


_SEEN: Final = Read(RecordKind.EVENT)


class Fingerprinter:
    """Reads records and folds what is in them."""

    def __init__(
        self,
        config: Fingerprinting,
        *,
        tells: bool = False,
        remembered: Remembered | None = None,
    ) -> None:
        """Args: config: what decides; tells: whether `take` tells of every event what it is;
        remembered: shared with others that have the same `config`, its own unless given.

        Raises:
            UnknownVersion: this release cannot make signatures of that version. Glanced here, since
                `read` would put event after event aside for it.
        """
        check(config.signature_version)
        self._config = config
        self._marks = bool(config.tags or config.paths)
        grouper = None if config.grouping.plain else Grouper(config.grouping)
        self._key = grouper.cache_key if grouper else cache_key
        self._make = grouper.signature if grouper else None
        self._explain = grouper.explain if grouper else explain
        remembered = remembered or Remembered(config.cache_size)
        self._cache = remembered.signatures
        self.fold = Fold(belated_after_ms=config.belated_after_ms)
        self._cache_results: Counter[str] = Counter()
        # Rules, marks and Sentry's own groups look at parts of an event that a glance leaves out.
        plain = grouper is None and not self._marks
        self._hot: HotPath | None = None
        self._first = FirstSight(config.default_environment, config.projects)
        if plain and config.cache_size:
            self._hot = HotPath(self.fold, remembered, config.belated_after_ms)
            self._hot.tells = tells

    @property
    def cache_results(self) -> Counter[str]:
        """Look-ups of the signature cache since the start, or since it was cleared: `hit` and
        `miss`."""
        if self._hot is not None and self._hot.hits:
            self._cache_results["hit"] += self._hot.hits
            self._hot.hits = 0
        return self._cache_results

    def read(self, resource: str, body: bytes) -> Read:
        """Return what the record is; nothing is folded."""
        beats = resource == HEARTBEAT
        found = decode(
            "error" if beats else resource,
            body,
            default_environment=self._config.default_environment,
            projects=self._config.projects,
            people=self._config.people,
        )
        match found:
            case _ if beats:
                return self._beat(found)
            case Event():
                return self._signed(found)
            case StateChange():
                return Read(RecordKind.STATE_CHANGE, change=found)
            case Unreadable():
                return Read(RecordKind.UNREADABLE, reason=found.reason)

    def _beat(self, found: Event | StateChange | Unreadable) -> Read:
        """Return the heartbeat behind an event, which is signed as any other, and not cached."""
        if not isinstance(found, Event):
            return Read(RecordKind.UNREADABLE, reason=Reason.NO_EVENT)
        try:
            signed(found, self._config.signature_version, self._make)
        except Exception:  # as in `_signed`
            return Read(RecordKind.UNREADABLE, reason=Reason.DECODER_FAILED)
        return Read(RecordKind.HEARTBEAT, beat=found.event_id)

    def _signed(self, event: Event) -> Read:
        try:
            return Read(RecordKind.EVENT, event=event, signature=self._signature(event))
        except Exception:
            # As in `decode`: one event that nobody foresaw must not stop its partition.
            return Read(RecordKind.UNREADABLE, reason=Reason.DECODER_FAILED)

    def explain(self, event: Event) -> list[str]:
        """Return what decided the event's signature: first the verdict, then every part and step
        with its reason."""
        return self._explain(event, version=self._config.signature_version)

    def take(self, resource: str, body: bytes, at_ms: int) -> Read:
        """Return what the record is, folded at this stream time when it can be read.

        As `add`, but of an event that looks like one before it nothing more is told than that, or
        `Read.told` where that was asked for.
        """
        if self._hot is None:
            return self.add(resource, body, at_ms)
        if self._hot.take(resource, body, at_ms):
            return self._seen() if self._hot.tells else _SEEN
        if self._hot.take_first(self._first, self._sign, at_ms):
            self._cache_results["miss"] += 1
            return self._seen()
        found = self.add(resource, body, at_ms)
        if found.event is not None and found.signature is not None:
            self._hot.learn(found.event, found.signature)
        return found

    def add(self, resource: str, body: bytes, at_ms: int) -> Read:
        """Return what the record is, folded at this stream time when it can be read."""
        found = self.read(resource, body)
        if found.event is not None and found.signature is not None:
            marks: tuple[str, ...] = ()
            if self._marks:
                marks = marks_of(found.event, self._config.tags, self._config.paths)
            self.fold.add(found.event, found.signature, at_ms, marks)
        elif found.change is not None:
            self.fold.add_change(found.change, at_ms)
        elif found.beat:
            self.fold.beats.hold([Beat(tick_of(at_ms), found.beat)])
        else:
            self.fold.heard.note(at_ms)
        return found

    def _seen(self) -> Read:
        """Return what is told of an event that was folded without the long way."""
        assert self._hot is not None
        return Read(RecordKind.EVENT, told=self._hot.told) if self._hot.tells else _SEEN

    def _sign(self, event: Event) -> Signature:
        return signed(event, self._config.signature_version, self._make)

    def _signature(self, event: Event) -> Signature:
        if not self._config.cache_size:
            return self._sign(event)
        key = self._key(event)
        known = self._cache.get(key)
        if known is not None:
            self._cache.move_to_end(key)
            self._cache_results["hit"] += 1
            return known
        self._cache_results["miss"] += 1
        made = self._cache[key] = self._sign(event)
        if len(self._cache) > self._config.cache_size:
            self._cache.popitem(last=False)
        return made

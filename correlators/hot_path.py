"""The hot path of FINGERPRINT: an event whose stack and texts are known is folded at a glance.

What all events of one error share (stack, type, texts, service, environment, release) is found by
the hash of the raw stack and by the raw texts beside it, in a bounded cache. Only what is an
event's own is read: id, user, trace, time. An event that looks like none before it is signed out of
what the glance saw (`first_sight`). Whatever a glance cannot be sure of goes the long way, through
`events.decode`, which stays the one place that says what a field means; what it found is kept for
the next event that looks the same. So no result depends on this module.

A stack that came before, byte for byte, is not even read over (`same_stacks`).

Leaving parts unread is safe: where such a part is odd, the long way drops that part alone, and
where it is no JSON the glance refuses the body too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from xxhash import xxh3_64_intdigest, xxh3_128_digest

from correlators.bare_stacks import Stack, stack_of
from correlators.event_parts import link, message_of, name, request_of
from correlators.events import (
    ALERTS,
    ENVIRONMENT_CHARS,
    EVENT_ID_CHARS,
    EVENT_RESOURCES,
    RELEASE_CHARS,
    SERVICE_CHARS,
    slug_in,
)
from correlators.first_sight import FirstSight
from correlators.glance_parts import happened_ms, told_by_tags, trace_of, user_of
from correlators.known_events import Glanced, Key, Known
from correlators.looks import short
from correlators.open_deltas import Fold, OpenDelta, sample
from correlators.remembered import Remembered
from correlators.same_stacks import MARK
from correlators.types import LEVEL_RANK, TICK_MS, Event, Sample, Signature, tick_of
from correlators.wire import WireEvent
from correlators.wire_glance import GlanceEvent, glance

_DEFAULTS: Final[tuple[object, ...]] = (None, ["{{ default }}"], ["{{default}}"], [], "")
"""Fingerprints that ask for nothing of their own."""

_NULL: Final = b"null"
_DEEP: Final = 32
"""Brackets in the text of an exception from which on it may be a value that is cut where deep."""
CURRENT_MOST: Final = 2_048
"""Looks of one tick whose open delta is at hand; many may have the same one."""


class HotPath:
    """Folds events that look like one that was read before."""

    def __init__(self, fold: Fold, remembered: Remembered, belated_after_ms: int) -> None:
        """Args: fold: where to; remembered: what is known; belated_after_ms: as the fold's."""
        self._fold = fold
        self._belated_after_ms = belated_after_ms
        self._memory = remembered.memory
        self._same = remembered.same
        self._current: dict[Known, OpenDelta] = {}
        """Open deltas of the tick in which the last event came."""
        self._tick = self._flushes = -1
        self._alert = False
        self.hits = 0
        """Events folded since this was set to 0 under a signature that was known."""
        self.tells = False
        """Whether `told` is kept."""
        self.told: Glanced | None = None
        """The last event that was folded here."""

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._memory.kept)

    def take(self, resource: str, body: bytes, at_ms: int) -> bool:
        """Return whether the record was an event that is known, and is folded now."""
        self._memory.unknown = None
        if resource not in EVENT_RESOURCES:
            return False
        self._alert = resource in ALERTS
        cut = self._same.cut(body)
        if cut is not None:
            without, digest = cut
            event = self._look(without)
            if event is not None and bytes(event.exception) == MARK:
                key = self._key(event, digest)
                known = None if key is None else self._memory.kept.young.get(key)
                if known is not None:
                    return self._count(known, event, at_ms)
        event = self._look(body)
        key = None if event is None else self._key(event, None)
        if event is None or key is None:
            return False
        known = self._memory.kept.young.get(key)
        if known is not None:
            self._same.note(body, bytes(event.exception), cast(bytes, key[0]))
        else:
            known = self._memory.find(key, event)
        return known is not None and self._count(known, event, at_ms)

    def _look(self, body: bytes) -> GlanceEvent | None:
        """Return the event in the body as a glance sees it; None where it sees none for certain."""
        try:
            seen = glance(body)
        except (ValueError, RecursionError):
            return None
        if len(seen.triggering_rules) and (rules := bytes(seen.triggering_rules)) != _NULL:
            if rules[:1] != b"[":
                return None
            self._alert = True
        data = seen.data
        return None if data is None else data.error or data.event

    def _count(self, known: Known, event: GlanceEvent, at_ms: int) -> bool:
        """Return whether the event of what is known is folded now; then it is a hit."""
        folded = self._fold_known(known, event, at_ms)
        self.hits += folded
        return folded

    def take_first(self, first: FirstSight, sign: Callable[[Event], Signature], at_ms: int) -> bool:
        """Return whether the event that `take` did not know is signed, kept and folded now.

        Args:
            first: what makes an event of what was seen.
            sign: what makes its signature; what it raises, the long way tells.
            at_ms: as for `take`.
        """
        unknown = self._memory.unknown
        if unknown is None:
            return False
        stack = unknown.stack = unknown.stack or stack_of(unknown.event)
        event = None if stack is None else first.event(unknown.event, stack)
        if event is None:
            return False
        try:
            known = Known(event, sign(event))
        except Exception:  # the long way meets it again, and sets the record aside with its reason
            return False
        if not self._fold_known(known, unknown.event, at_ms):
            return False
        self._memory.keep(unknown, event, known)
        return True

    def learn(self, event: Event, signature: Signature) -> None:
        """Keep what the long way found for the event that `take` refused last."""
        unknown = self._memory.unknown
        if unknown is None:
            return
        seen = unknown.event
        if (
            not slug_in(seen.url or "")
            or not name(str(seen.project), SERVICE_CHARS)
            or not name(str(seen.issue_id), SERVICE_CHARS)
            or (seen.environment and not name(seen.environment, ENVIRONMENT_CHARS))
            or (seen.release and not name(seen.release, RELEASE_CHARS))
            or any(one.value.count("[") + one.value.count("{") > _DEEP for one in event.exceptions)
        ):
            return
        self._memory.keep(unknown, event, Known(event, signature))

    def _key(self, event: GlanceEvent, digest: bytes | None) -> Key | None:
        """Return what is equal of events that look alike; None where a glance cannot tell.

        Args:
            event: as it was seen.
            digest: of its raw stack, where that is known.
        """
        if (
            event.fingerprint not in _DEFAULTS
            or event.issue_id is None
            or event.level in (None, "")
            or event.url is None
            or event.project is None
        ):
            return None
        text = event.message
        if (
            event.logentry is not None
            or event.old_message is not None
            or (text is not None and text.__class__ is not str)
        ):
            text = message_of(cast(WireEvent, event), with_title=False)
        transaction, logger, release = event.transaction, event.logger, event.release
        environment = event.environment
        if not (logger and transaction and release and environment) and told_by_tags(event):
            return None
        url = event.url
        cut = url.find("/events/")
        return (
            digest or xxh3_128_digest(event.exception),
            url[:cut] if cut >= 0 else url,
            event.project,
            environment,
            release,
            event.level,
            event.platform,
            logger,
            transaction,
            event.culprit,
            text and short(text),
            event.issue_id,
        )

    def _fold_known(self, known: Known, event: GlanceEvent, at_ms: int) -> bool:
        """Return whether what is the event's own is certain too; then it is folded."""
        event_id = event.event_id
        if event_id is None or len(event_id) > EVENT_ID_CHARS or not event_id.isascii():
            return False
        raw_id = event_id.encode()
        if not (raw_id.isalnum() and raw_id.islower()):  # of bytes: a fraction of what texts cost
            return False
        user, trace = user_of(event), trace_of(event)
        if user < 0 or trace < 0:
            return False
        fold = self._fold
        occurred = happened_ms(event)
        if 0 < occurred < at_ms - self._belated_after_ms:
            fold.belated += 1
            delta = self._open(known, event, event_id, at_ms, tick_of(occurred))
        else:
            if self._tick != at_ms // TICK_MS or self._flushes != fold.flushes:
                self._current.clear()
                self._tick, self._flushes = at_ms // TICK_MS, fold.flushes
            still = self._current.get(known)
            if still is None:
                if len(self._current) >= CURRENT_MOST:
                    self._current.clear()
                still = self._current[known] = self._open(known, event, event_id, at_ms, -1)
            delta = still
        if at_ms >= fold.heard.settled_ms:
            fold.heard.note(at_ms, known.error)
        identity = xxh3_64_intdigest(known.project + raw_id)
        fresh = not delta.events
        delta.events.add(identity)
        if self._alert:
            delta.alerts.add(identity)
        else:
            delta.sampled = False
        if user:
            delta.users.add(user)
        if trace:
            delta.traces.add(trace)
        delta.issues.add(known.issue_id)
        if at_ms > delta.last_ms:
            delta.last_ms = at_ms
        if at_ms <= delta.sample.at_ms:
            delta.first_ms = min(delta.first_ms, at_ms)
            if not fresh and delta.may_show(event_id, at_ms):
                delta.sample = min(delta.sample, self._sample(known, event, event_id, at_ms))
        if known.rank > LEVEL_RANK[delta.level]:
            delta.level = known.level
        if self.tells:
            self.told = Glanced(known.key, known.signature, event_id, occurred)
        return True

    def _open(
        self, known: Known, event: GlanceEvent, event_id: str, at_ms: int, belated_tick: int
    ) -> OpenDelta:
        """Return the open delta that this event is added to."""
        signature = known.signature
        tick = at_ms // TICK_MS
        place = (known.key, tick, belated_tick, signature.version, signature.aliases)
        delta = self._fold.find(place)
        if delta is None:
            shown = self._sample(known, event, event_id, at_ms)
            delta = self._fold.open(place, known.level, signature, shown)
        return delta

    def _sample(self, known: Known, event: GlanceEvent, event_id: str, at_ms: int) -> Sample:
        line = known.signature.title
        if known.untitled is not None:
            line = cast(Stack, self._memory.stack).title() or known.untitled
        return sample(
            at_ms,
            event_id,
            title=line,
            culprit=known.culprit,
            transaction=known.transaction,
            web_url=link(event.web_url),
            issue_url=link(event.issue_url),
            request=request_of(event.request or event.old_request),
        )

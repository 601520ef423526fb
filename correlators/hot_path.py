"""The hot path of FINGERPRINT: an event whose stack and texts are known is folded at a glance.

What all events of one error share (stack, type, texts, service, environment, release) is found by
the hash of the raw stack and by the raw texts beside it, in a bounded cache. Only what is an
event's own is read: id, user, trace, time. Whatever a glance cannot be sure of goes the long way,
through `events.decode`, which stays the one place that says what a field means; what it found is
kept for the next event that looks the same. So no result depends on this module.

Leaving parts unread is safe: where such a part is odd, the long way drops that part alone, and
where it is no JSON the glance refuses the body too.
"""

from __future__ import annotations

from typing import Final, cast

from xxhash import xxh3_64_intdigest, xxh3_128_digest

from correlators.deltas import incident_key
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
from correlators.glance_parts import happened_ms, told_by_tags, trace_of, user_of
from correlators.hearing import one_name
from correlators.open_deltas import Fold, OpenDelta, sample
from correlators.types import LEVEL_RANK, TICK_MS, Event, Sample, Signature, tick_of
from correlators.wire import WireEvent
from correlators.wire_glance import GlanceEvent, glance

_DEFAULTS: Final[tuple[object, ...]] = (None, ["{{ default }}"], ["{{default}}"], [], "")
"""Fingerprints that ask for nothing of their own."""

_NULL: Final = b"null"
_DEEP: Final = 32
"""Brackets in the text of an exception from which on it may be a value that is cut where deep."""

Key = tuple[object, ...]


class Known:
    """What events have in common that look the same, and the delta that they are added to."""

    __slots__ = (
        *("culprit", "delta", "error", "flushes", "issue_id", "key", "level", "project"),
        *("rank", "signature", "tick", "transaction"),
    )

    def __init__(self, event: Event, signature: Signature) -> None:
        """Args: one of these events, read the long way, and its signature."""
        self.signature = signature
        self.key = incident_key(event, signature)
        self.error = (event.environment, event.service, one_name(self.key, signature.aliases))
        self.project = f"{event.project}\0".encode()
        self.issue_id = event.issue_id
        self.culprit, self.transaction = event.culprit, event.transaction
        self.level = event.level
        self.rank = LEVEL_RANK[event.level]
        self.delta: OpenDelta | None = None
        self.tick = self.flushes = -1


class HotPath:
    """Folds events that look like one that was read before."""

    def __init__(self, fold: Fold, size: int, belated_after_ms: int) -> None:
        """Args: fold: where to; size: most `Known` kept; belated_after_ms: as the fold's."""
        self._fold = fold
        self._half = max(1, size // 2)
        self._belated_after_ms = belated_after_ms
        self._young: dict[Key, Known] = {}
        self._old: dict[Key, Known] = {}
        self._keys: tuple[Key, Key] | None = None
        self.hits = 0
        """Events folded at a glance since this was set to 0."""

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._young) + len(self._old)

    def take(self, resource: str, body: bytes, at_ms: int) -> bool:
        """Return whether the record was an event that is known, and is folded now."""
        self._keys = None
        if resource not in EVENT_RESOURCES:
            return False
        try:
            seen = glance(body)
        except (ValueError, RecursionError):
            return False
        data = seen.data
        event = None if data is None else data.error or data.event
        if event is None or (known := self._find(event)) is None:
            return False
        alert = resource in ALERTS or bytes(seen.triggering_rules) not in (b"", _NULL)
        return self._fold_known(known, event, alert, at_ms)

    def learn(self, event: Event, signature: Signature) -> None:
        """Keep what the long way found for the event that `take` refused last."""
        keys, self._keys = self._keys, None
        if keys is None:
            return
        with_stack = any(one.frames for one in event.exceptions)
        key = keys[0 if with_stack else 1]
        _, url, project, environment, release, *_, issue_id = keys[0]
        if (
            not slug_in(cast(str, url))
            or not name(str(project), SERVICE_CHARS)
            or not name(str(issue_id), SERVICE_CHARS)
            or (environment and not name(cast(str, environment), ENVIRONMENT_CHARS))
            or (release and not name(cast(str, release), RELEASE_CHARS))
            or any(one.value.count("[") + one.value.count("{") > _DEEP for one in event.exceptions)
        ):
            return
        self._keep(key, Known(event, signature))

    def _keep(self, key: Key, known: Known) -> None:
        """Keep it among the young; the old ones that nobody asked for since are forgotten."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = known

    def _find(self, event: GlanceEvent) -> Known | None:
        """Return what is known of events that look like this one."""
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
        key = (
            xxh3_128_digest(event.exception),
            url[:cut] if cut >= 0 else url,
            event.project,
            environment,
            release,
            event.level,
            event.platform,
            logger,
            transaction,
            event.culprit,
            text,
            event.issue_id,
        )
        known = self._young.get(key)
        if known is None:
            known = self._look_longer(key, event)
        return known

    def _look_longer(self, key: Key, event: GlanceEvent) -> Known | None:
        """Return what is known under this key, or, where exceptions have no stack, under all that
        counts then; note the keys for `learn`."""
        if len(event.old_exception) or len(event.old_stacktrace):
            return None
        stacks = b"\0".join((event.exception, event.threads, event.stacktrace))
        longer = (xxh3_128_digest(stacks), event.title, *key[1:])
        for one in (key, longer):
            known = self._young.get(one)
            if known is None and (known := self._old.pop(one, None)) is not None:
                self._keep(one, known)
            if known is not None:
                return known
        self._keys = (key, longer)
        return None

    def _fold_known(self, known: Known, event: GlanceEvent, alert: bool, at_ms: int) -> bool:
        """Return whether what is the event's own is certain too; then it is folded."""
        event_id = event.event_id
        if (
            event_id is None
            or len(event_id) > EVENT_ID_CHARS
            or not (event_id.isascii() and event_id.isalnum() and event_id.islower())
        ):
            return False
        user, trace = user_of(event), trace_of(event)
        if user < 0 or trace < 0:
            return False
        fold = self._fold
        occurred = happened_ms(event)
        if 0 < occurred < at_ms - self._belated_after_ms:
            fold.belated += 1
            delta = self._open(known, event, event_id, at_ms, tick_of(occurred))
        elif known.tick == at_ms // TICK_MS and known.flushes == fold.flushes:
            delta = cast(OpenDelta, known.delta)
        else:
            delta = known.delta = self._open(known, event, event_id, at_ms, -1)
            known.tick, known.flushes = at_ms // TICK_MS, fold.flushes
        if at_ms >= fold.heard.settled_ms:
            fold.heard.note(at_ms, known.error)
        identity = xxh3_64_intdigest(known.project + event_id.encode())
        delta.events.add(identity)
        if alert:
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
            if delta.may_show(event_id, at_ms):
                delta.sample = min(delta.sample, _sample(known, event, event_id, at_ms))
        if known.rank > LEVEL_RANK[delta.level]:
            delta.level = known.level
        self.hits += 1
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
            shown = _sample(known, event, event_id, at_ms)
            delta = self._fold.open(place, known.level, signature, shown)
        return delta


def _sample(known: Known, event: GlanceEvent, event_id: str, at_ms: int) -> Sample:
    return sample(
        at_ms,
        event_id,
        title=known.signature.title,
        culprit=known.culprit,
        transaction=known.transaction,
        web_url=link(event.web_url),
        issue_url=link(event.issue_url),
        request=request_of(event.request or event.old_request),
    )

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

import msgspec
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from correlators.bare_stacks import Stack, stack_of, texts_count
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
from correlators.titles import title, title_of
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
        *("rank", "signature", "tick", "transaction", "untitled"),
    )

    def __init__(self, event: Event, signature: Signature, untitled: str | None) -> None:
        """Args: one of these events, read the long way, and its signature; untitled: where the
        texts of exceptions, and so titles, are each event's own: the title without exceptions."""
        self.untitled = untitled
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
        self._keys: tuple[Key, Key | None, Key | None] | None = None
        self._stack: Stack | None = None
        self._recurring: dict[Key, bool] = {}
        """Stacks that came with texts of their own: whether a signature needs them, if looked."""
        self.hits = 0
        """Events folded at a glance since this was set to 0."""

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._young) + len(self._old)

    def take(self, resource: str, body: bytes, at_ms: int) -> bool:
        """Return whether the record was an event that is known, and is folded now."""
        self._keys = self._stack = None
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
        key = keys[0] if with_stack else keys[1]
        _, url, project, environment, release, *_, issue_id = keys[0]
        if (
            key is None
            or not slug_in(cast(str, url))
            or not name(str(project), SERVICE_CHARS)
            or not name(str(issue_id), SERVICE_CHARS)
            or (environment and not name(cast(str, environment), ENVIRONMENT_CHARS))
            or (release and not name(cast(str, release), RELEASE_CHARS))
            or any(one.value.count("[") + one.value.count("{") > _DEEP for one in event.exceptions)
        ):
            return
        self._keep(key, Known(event, signature, None))
        if with_stack and (bare := keys[2]) is not None:
            self._learn_bare(bare, event, signature)

    def _learn_bare(self, key: Key, event: Event, signature: Signature) -> None:
        """Keep it for other texts too, when it comes the second time and they do not count."""
        needed = self._recurring.get(key)
        if needed is None:
            if len(self._recurring) >= self._half:
                self._recurring.clear()
            self._recurring[key] = True
        elif needed and not texts_count(event):
            self._recurring[key] = False
            untitled = title(msgspec.structs.replace(event, exceptions=()))
            self._keep(key, Known(event, signature, untitled))

    def _keep(self, key: Key, known: Known) -> None:
        """Keep it among the young; the old ones that nobody asked for since are forgotten."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = known

    def _kept(self, key: Key) -> Known | None:
        known = self._young.get(key)
        if known is None and (known := self._old.pop(key, None)) is not None:
            self._keep(key, known)
        return known

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
        """Return what is known under this key, or under what counts else: of a stack all but the
        texts, without one all that stands for it. Note the keys for `learn`."""
        if len(event.old_exception) or len(event.old_stacktrace):
            return None
        if (known := self._kept(key)) is not None:
            return known
        longer = bare = None
        stack = stack_of(event)
        if stack is not None and stack.has_frames:
            bare = (stack.digest, *key[1:])
            known = self._kept(bare)
            self._stack = stack
        else:
            stacks = b"\0".join((event.exception, event.threads, event.stacktrace))
            longer = (xxh3_128_digest(stacks), event.title, *key[1:])
            known = self._kept(longer)
        if known is None:
            self._keys = (key, longer, bare)
        return known

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
                delta.sample = min(delta.sample, self._sample(known, event, event_id, at_ms))
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
            shown = self._sample(known, event, event_id, at_ms)
            delta = self._fold.open(place, known.level, signature, shown)
        return delta

    def _sample(self, known: Known, event: GlanceEvent, event_id: str, at_ms: int) -> Sample:
        line = known.signature.title
        if known.untitled is not None:
            line = title_of(cast(Stack, self._stack).exceptions()) or known.untitled
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

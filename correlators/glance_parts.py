"""The parts of an event that are its own, as a glance sees them: time, user, trace.

Lives here: the short ways to what `event_parts` says, for what is written as usual; and whether the
tags, which a glance leaves raw, may tell what the event does not tell itself. -1 stands for: a
glance cannot tell.
"""

from __future__ import annotations

from xxhash import xxh3_64_intdigest

from correlators.event_parts import occurred_ms, trace_hash, user_hash
from correlators.wire_glance import GlanceEvent


def happened_ms(event: GlanceEvent) -> int:
    """Return the event's own time in milliseconds, 0 for none."""
    moment = event.timestamp
    if isinstance(moment, float) and 1.0 <= moment < 1e11:
        return round(moment * 1000)
    return occurred_ms(moment) or occurred_ms(event.datetime)


def user_of(event: GlanceEvent) -> int:
    """Return the hash of who met the error, 0 for nobody, -1 where a glance cannot tell."""
    user = event.user
    if user is None:
        if len(event.old_user):
            return -1
    elif isinstance(user.id, str) and (told := user.id.strip()) and told != "{{auto}}":
        return xxh3_64_intdigest(b"id:" + told.encode()) or 1
    elif found := user_hash(user, None):
        return found
    return -1 if _may_tell(bytes(event.tags), b'user"') else 0


def trace_of(event: GlanceEvent) -> int:
    """Return the hash of the trace id, 0 for none, -1 where a glance cannot tell."""
    contexts = event.contexts
    if contexts is not None and (trace := contexts.trace) is not None:
        given = trace.trace_id
        if given is not None and len(given) == 32 and given.isascii():
            raw = given.encode()
            if raw.islower() and raw.isalnum():
                try:
                    bytes.fromhex(given)
                except ValueError:
                    pass
                else:
                    return xxh3_64_intdigest(b"trace:" + raw) or 1
        if found := trace_hash(contexts, None):
            return found
    return -1 if _may_tell(bytes(event.tags), b'"trace"') else 0


def _may_tell(tags: bytes, name: bytes) -> bool:
    """Return whether these raw tags may have one of this name: also where letters are escaped."""
    return name in tags or (b"\\" in tags and (b"\\u006" in tags or b"\\u007" in tags))


def told_by_tags(event: GlanceEvent) -> bool:
    """Return whether a tag may stand for what the event does not tell itself."""
    tags = bytes(event.tags)
    return (
        (not event.logger and _may_tell(tags, b'"logger"'))
        or (not event.environment and _may_tell(tags, b'"environment"'))
        or (not event.release and _may_tell(tags, b'release"'))
        or (not event.transaction and _may_tell(tags, b'"transaction"'))
    )

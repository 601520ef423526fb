"""What a self-hosted Sentry writes to its own topic `events`: the event in a message, or none.

A message is a JSON array, `[2, operation, ...]`. The operation `insert` carries an event after its
grouping, once more where Sentry itself repeats it; the others tell Snuba what became of groups that
it has, and carry no event. Which operation it is, is told by the first bytes; Kafka's headers are
not looked at, so a recording of the bodies alone reads the same.

Source: getsentry/sentry-kafka-schemas, topics/events.yaml and schemas/events.v1.schema.json.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from correlators.wire import WireEvent, WireInsert, WireStream
from correlators.wire_read import NotReadable, Reason, fitted, json_of

VERSION: Final = 2
INSERT: Final = "insert"
OTHER_OPERATIONS: Final = frozenset(
    {
        "start_delete_groups",
        "end_delete_groups",
        "start_delete_tag",
        "end_delete_tag",
        "start_merge",
        "end_merge",
        "start_unmerge",
        "end_unmerge",
        "start_unmerge_hierarchical",
        "end_unmerge_hierarchical",
        "exclude_groups",
        "replace_group",
        "tombstone_events",
    }
)
"""Published operations that carry no event."""

_HEAD: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\[\s*([0-9]{1,9})\s*,\s*"([a-z_]{1,40})"\s*[,\]]')
_STREAM: Final = msgspec.json.Decoder(WireStream)


def read_stream(body: bytes) -> WireEvent | str:
    """Return the event of an `insert`, or the name of another known operation.

    Of another operation only the first bytes are looked at, however long it is. What the message
    says of an event goes before what the stored event says: the one is required, the other not.

    Raises:
        NotReadable: it is neither; says why.
    """
    head = _HEAD.match(body)
    if head is None:
        raise NotReadable(_why(body))
    version, operation = int(head[1]), head[2].decode()
    if version != VERSION:
        raise NotReadable(Reason.UNKNOWN_VERSION)
    if operation in OTHER_OPERATIONS:
        return operation
    if operation != INSERT:
        raise NotReadable(Reason.UNKNOWN_OPERATION)
    insert = _insert(body)
    if insert is None or insert.data is None:
        raise NotReadable(Reason.NO_EVENT)
    return _event(insert, insert.data)


def _insert(body: bytes) -> WireInsert | None:
    try:
        return _STREAM.decode(body).insert
    except (ValueError, RecursionError):
        return read_insert_leniently(body)


def read_insert_leniently(body: bytes) -> WireInsert | None:
    """Return what an `insert` carries, every value dropped or converted that does not fit.

    Raises:
        NotJson: the bytes are no JSON.
    """
    value = json_of(body)
    parts = value[2:3] if isinstance(value, list) else []
    return fitted(parts[0], WireInsert) if parts and isinstance(parts[0], dict) else None


def _event(insert: WireInsert, event: WireEvent) -> WireEvent:
    event.event_id = insert.event_id or event.event_id
    if insert.project_id is not None:
        event.project = insert.project_id
    if insert.group_id is not None:
        event.issue_id = insert.group_id
    event.platform = event.platform or insert.platform
    if event.timestamp is None and event.datetime is None:
        event.datetime = insert.datetime
    if not event.hashes and insert.primary_hash:
        event.hashes = [insert.primary_hash]
    # What Sentry searches in: message, title and culprit in one text. So it comes last.
    event.title = event.title or insert.message
    return event


def _why(body: bytes) -> Reason:
    """Return why a body does not begin as every message does."""
    value = json_of(body)
    if not isinstance(value, list):
        return Reason.NOT_AN_ARRAY
    if not value or value[0] != VERSION:
        return Reason.UNKNOWN_VERSION
    return Reason.UNKNOWN_OPERATION

"""The shape of a webhook's event as the hot path looks at it: stack and tags stay raw bytes.

Types and names only, as in `wire`, and of the same fields in the same types, but for those that
stay raw and those that only few bodies carry. What is to be made of it is decided in `hot_path`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct, field, json

from correlators.wire import WireContexts, WireMessage, WireRequest, WireUser

NOTHING: Final = Raw()


class GlanceEvent(Struct, gc=False):
    """One event; in the order in which Sentry writes the fields, which makes reading faster."""

    event_id: str | None = None
    project: int | str | None = None
    release: str | None = None
    platform: str | None = None
    message: str | WireMessage | None = None
    datetime: float | int | str | None = None
    timestamp: float | int | str | None = None
    tags: Raw = NOTHING
    contexts: WireContexts | None = None
    environment: str | None = None
    level: int | str | None = None
    logger: str | None = None
    logentry: WireMessage | None = None
    transaction: str | None = None
    culprit: str | None = None
    title: str | None = None
    fingerprint: list[str | None] | str | None = None
    user: WireUser | None = None
    request: WireRequest | None = None
    threads: Raw = NOTHING
    exception: Raw = NOTHING
    stacktrace: Raw = NOTHING
    url: str | None = None
    web_url: str | None = None
    issue_url: str | None = None
    issue_id: int | str | None = None
    old_exception: Raw = field(default=NOTHING, name="sentry.interfaces.Exception")
    old_stacktrace: Raw = field(default=NOTHING, name="sentry.interfaces.Stacktrace")
    old_message: WireMessage | None = field(default=None, name="sentry.interfaces.Message")
    old_request: WireRequest | None = field(default=None, name="sentry.interfaces.Http")
    old_user: Raw = field(default=NOTHING, name="sentry.interfaces.User")


class GlanceData(Struct, gc=False):
    """`data` of the resources that carry an event."""

    error: GlanceEvent | None = None
    event: GlanceEvent | None = None


class Glance(Struct, gc=False):
    """A webhook around an event."""

    data: GlanceData | None = None
    triggering_rules: Raw = NOTHING


glance: Final = json.Decoder(Glance).decode
"""Bytes to a `Glance`; raises what msgspec does where anything is not strictly of that shape."""

"""From the event that an SDK sent to the event that Sentry's webhook carries.

Only what Sentry's server is documented to change is changed; what it works out by itself (hashes,
title, issue) is left out, because nobody here can know it. Paths of this machine become neutral.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

JsonObject = dict[str, Any]

PROJECT: Final = 4510
REGISTRY: Final = re.compile(r"(/registry/src/)[^/]+/")
"""Cargo's folder of sources, whose next folder names the registry."""
DERIVED_TAGS: Final = ("environment", "level", "release", "server_name", "transaction", "logger")


def stored_form(event: JsonObject) -> JsonObject:
    """Return the event in the form of an `error` webhook's `data.error`.

    A frame that says nothing about `in_app` counts as none of the application's own, as Sentry has
    it after its stack-trace rules.

    Source: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/errors/
    """
    made = {key: value for key, value in event.items() if value is not None}
    made["level"] = made.get("level") or "error"
    for key in ("exception", "threads", "breadcrumbs"):
        if isinstance(made.get(key), list):
            made[key] = {"values": made[key]}
    for frame in frames_of(made):
        frame["in_app"] = bool(frame.get("in_app"))
    entry = _entry(made)
    for gone in ("message", "modules", "_meta", "transaction_info"):
        made.pop(gone, None)
    kind = "error" if (made.get("exception") or {}).get("values") else "default"
    return {
        **made,
        **({"logentry": entry} if entry else {}),
        "message": entry.get("formatted") or "",
        "project": PROJECT,
        "type": kind,
        "version": "7",
        "tags": _tags(made),
    }


def frames_of(event: JsonObject) -> Iterator[JsonObject]:
    """Yield every frame of an event in stored form, of its exceptions and of its threads."""
    holders = [event]
    for key in ("exception", "threads"):
        holders += [value for value in (event.get(key) or {}).get("values") or [] if value]
    for holder in holders:
        yield from (holder.get("stacktrace") or {}).get("frames") or []


def neutral(value: Any, pairs: list[tuple[str, str]]) -> Any:
    """Return the JSON value with each first text of a pair replaced by its second, and without
    the names of registries."""
    match value:
        case str():
            for old, new in pairs:
                value = value.replace(old, new)
            return REGISTRY.sub(r"\1", value)
        case list():
            return [neutral(entry, pairs) for entry in value]
        case dict():
            return {neutral(key, pairs): neutral(entry, pairs) for key, entry in value.items()}
    return value


def _entry(event: JsonObject) -> JsonObject:
    """Return the event's `logentry`; with the parameters filled in where the SDK did not."""
    entry: JsonObject = event.get("logentry") or {}
    given = event.get("message")
    if not entry and given:
        entry = dict(given) if isinstance(given, dict) else {"message": given, "formatted": given}
    if entry and not entry.get("formatted"):
        entry = {**entry, "formatted": _filled(entry.get("message") or "", entry.get("params"))}
    return entry


def _filled(template: str, params: Any) -> str:
    try:
        if isinstance(params, dict):
            return template % params
        return template % tuple(params) if params else template
    except (TypeError, ValueError):
        return template


def _tags(event: JsonObject) -> list[list[str]]:
    given = event.get("tags") or {}
    pairs = given if isinstance(given, list) else given.items()
    found = {str(key): str(value) for key, value in pairs}
    for name in DERIVED_TAGS:
        if event.get(name):
            found[name] = str(event[name])
    return [[name, value] for name, value in sorted(found.items())]

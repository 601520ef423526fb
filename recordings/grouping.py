"""What Sentry's server works out of an event as it stores it: hashes, title, metadata, tags.

A short form of the documented rules, for the events recorded here. Stormfold does not use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

JsonObject = dict[str, Any]
CONTEXT_LINE_MAX: Final = 120
TITLE_MAX: Final = 100


def exceptions(event: JsonObject) -> list[JsonObject]:
    """Return the exceptions of an event, the raised one last; empty for a message."""
    values: list[JsonObject] = (event.get("exception") or {}).get("values") or []
    return values


def _frames(exception: JsonObject) -> list[JsonObject]:
    frames: list[JsonObject] = (exception.get("stacktrace") or {}).get("frames") or []
    return frames


def _parts(event: JsonObject, *, app_only: bool) -> Iterator[str]:
    for exception in exceptions(event):
        for frame in _frames(exception):
            if app_only and not frame.get("in_app"):
                continue
            line = " ".join(str(frame.get("context_line") or "").split())
            yield str(frame.get("module") or frame.get("filename"))
            yield str(frame.get("function"))
            yield line if len(line) <= CONTEXT_LINE_MAX else ""
        yield str(exception.get("type"))


def _md5(parts: Iterator[str]) -> str:
    whole = hashlib.md5(usedforsecurity=False)
    for part in parts:
        whole.update(part.encode())
    return whole.hexdigest()


def message_of(event: JsonObject) -> JsonObject:
    """Return the `logentry` of an event, also for a bare message; empty if there is none."""
    if event.get("logentry"):
        entry: JsonObject = dict(event["logentry"])
        params = entry.get("params")
        if "formatted" not in entry:
            entry["formatted"] = entry["message"] % tuple(params) if params else entry["message"]
        return entry
    text = event.get("message")
    if isinstance(text, dict):  # as the SDK for Java sends it
        return {"message": text["formatted"], **text}
    return {"message": text, "formatted": text} if text else {}


def hashes(event: JsonObject) -> list[str]:
    """Return the event's hashes: of the application's frames, of all frames; else of the message.

    Source: https://docs.sentry.io/concepts/data-management/event-grouping/
    """
    if exceptions(event):
        both = [_md5(_parts(event, app_only=True)), _md5(_parts(event, app_only=False))]
        return list(dict.fromkeys(both))
    words = str(message_of(event).get("message")).split()
    return [_md5("<int>" if word.isdigit() else word for word in words)]


def title(event: JsonObject) -> str:
    """Return the issue's title: the raised exception and its value, else the message."""
    if not exceptions(event):
        return str(message_of(event).get("formatted"))[:TITLE_MAX]
    raised = exceptions(event)[-1]
    first_line = str(raised.get("value") or "").partition("\n")[0]
    if "type" not in raised:  # a message that the SDK for JavaScript gave a stack
        return first_line[:TITLE_MAX]
    return f"{raised['type']}: {first_line}"[:TITLE_MAX] if first_line else str(raised["type"])


def metadata(event: JsonObject) -> JsonObject:
    """Return `metadata`: type, value and place of the raised exception, else the title."""
    if not exceptions(event):
        return {"title": title(event)}
    raised = exceptions(event)[-1]
    told: JsonObject = {key: raised[key] for key in ("type",) if key in raised}
    told["value"] = raised.get("value") or ""
    in_app = [frame for frame in _frames(raised) if frame.get("in_app")]
    if in_app:
        told |= {"filename": in_app[-1].get("filename"), "function": in_app[-1].get("function")}
    return told


def tags(event: JsonObject) -> list[list[str]]:
    """Return the tags as pairs, by name: the SDK's own and those that Sentry derives."""
    found: dict[str, str] = {str(k): str(v) for k, v in (event.get("tags") or {}).items()}
    for name in ("environment", "level", "release", "server_name", "transaction", "logger"):
        if event.get(name):
            found[name] = str(event[name])
    if (event.get("user") or {}).get("id"):
        found["user"] = f"id:{event['user']['id']}"
    if (event.get("request") or {}).get("url"):
        found["url"] = str(event["request"]["url"])
    runtime = (event.get("contexts") or {}).get("runtime")
    if runtime:
        found |= {
            "runtime": f"{runtime['name']} {runtime['version']}",
            "runtime.name": runtime["name"],
        }
    if exceptions(event):
        mechanism = exceptions(event)[-1].get("mechanism") or {}
        found["mechanism"] = str(mechanism.get("type", "generic"))
        found["handled"] = "yes" if mechanism.get("handled", True) else "no"
    return [[name, value] for name, value in sorted(found.items())]

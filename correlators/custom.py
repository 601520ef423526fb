"""Sentry's custom fingerprint: the list by which an SDK or a rule says what belongs together.

Lives here: what its values and variables mean. Not here: which rule gives one (`sentry_rules`),
what an event is without one (`fingerprint`).
"""

from __future__ import annotations

import re
from typing import Final

import xxhash

from correlators.parameterise import parameterise
from correlators.types import Event, Frame

VALUES_READ: Final = 32
VALUE_CHARS: Final = 200

TAG_VARIABLE: Final = "tags."

_VARIABLE: Final = re.compile(r"\{\{\s*+([^\s{}]{1,200}+)\s*+\}\}")
_DEFAULTS: Final = ((), ("{{ default }}",), ("{{default}}",))
_ALIASES: Final = {
    "error.type": "type",
    "error.value": "value",
    "stack.function": "function",
    "stack.abs_path": "path",
    "stack.module": "module",
    "stack.package": "package",
}
_STACK_VARIABLES: Final = frozenset({"function", "path", "stack.filename", "module", "package"})


def variable_in(value: str) -> str:
    """Return the name of the variable that the value is, in one spelling; empty for a constant.

    Only a whole value is a variable: `pay-{{ level }}` is constant text, as in Sentry.
    """
    if not value.startswith("{{"):
        return ""
    found = _VARIABLE.fullmatch(value)
    return _ALIASES.get(found[1], found[1]) if found else ""


def custom_values(event: Event) -> tuple[list[str], bool]:
    """Return the values that are asked for, and whether the default counts too.

    Nothing and True for an event without a fingerprint of its own. Values that differ stay
    different; one that holds variable text, and so perhaps something personal, is shown
    parameterised with its own hash. What repeats the message, as `{{ message }}` or word for word,
    is parameterised alone: it would make a group of every event.

    Source: docs.sentry.io, "SDK fingerprinting"; variables as in "Fingerprint rules".
    """
    values: list[str] = []
    default = not event.sentry_fingerprint
    for raw in event.sentry_fingerprint[:VALUES_READ]:
        name = variable_in(raw)
        if name == "default":
            default = True
        elif name:
            told = value_of(event, name)
            told = raw if told is None else told
            values.append(parameterise(told) if name == "message" else shown(told))
        else:
            values.append(parameterise(raw) if _repeats(event, raw) else shown(raw))
    return values, default


def read_by_custom(event: Event) -> object:
    """Return something that is equal only where the custom values are: for keys of caches.

    An event of the default kind costs one comparison.
    """
    return None if event.sentry_fingerprint in _DEFAULTS else custom_values(event)


def shown(value: str) -> str:
    """Return the value, or what is constant in it with a hash of all of it."""
    text = parameterise(value[:VALUE_CHARS])
    if text == value:
        return value
    return f"{text} #{xxhash.xxh3_64_hexdigest(value.encode('utf-8', 'surrogatepass'))}"


def filled_in(event: Event, template: str) -> str:
    """Return the text with every variable in it replaced by its value; unknown ones stay."""

    def value(match: re.Match[str]) -> str:
        told = value_of(event, _ALIASES.get(match[1], match[1]))
        return match[0] if told is None else told

    return _VARIABLE.sub(value, template)


def with_stack_filled_in(event: Event) -> tuple[str, ...]:
    """Return the custom fingerprint with what it takes from the stack put in.

    For an event that is about to lose frames: Sentry fills in variables from all of them.
    """
    values = (
        (value_of(event, name) or value if name in _STACK_VARIABLES else value)
        for value in event.sentry_fingerprint
        for name in (variable_in(value),)
    )
    return tuple(values)


def value_of(event: Event, name: str) -> str | None:
    """Return what a variable stands for in this event, as it came; None for an unknown variable.

    What the event does not tell is told as missing: `<no-type>`, `<no-value-for-tag-x>`.

    Args:
        event: any event; of a chain the exception that was raised counts.
        name: a variable in the spelling of `variable_in`.
    """
    if name.startswith(TAG_VARIABLE):
        tag = name.removeprefix(TAG_VARIABLE)
        return next((value for key, value in event.tags if key == tag), f"<no-value-for-tag-{tag}>")
    raised = event.exceptions[-1] if event.exceptions else None
    match name:
        case "type":
            return (raised and raised.type) or "<no-type>"
        case "value":
            return (raised and raised.value) or "<no-value>"
        case "message":
            text = event.formatted or event.message or (raised.value if raised else "")
            return text or "<no-message>"
        case "transaction":
            return event.transaction or "<no-transaction>"
        case "logger":
            return event.logger or "<no-logger>"
        case "level":
            return event.level.value
    return _of_frame(crash_frame(event), name) if name in _STACK_VARIABLES else None


def _of_frame(frame: Frame, name: str) -> str:
    match name:
        case "function":
            return frame.function or "<no-function>"
        case "module":
            return frame.module or "<no-module>"
        case "path":
            return frame.abs_path or frame.filename or "<no-abs-path>"
        case "stack.filename":
            return frame.filename or frame.abs_path or "<no-filename>"
    return re.split(r"[/\\]", frame.package)[-1] or "<no-package>"


def crash_frame(event: Event) -> Frame:
    """Return the newest in-app frame of what was raised, else its newest frame."""
    frames = (event.exceptions[-1].frames if event.exceptions else ()) or event.frames
    return next(
        (frame for frame in reversed(frames) if frame.in_app), frames[-1] if frames else Frame()
    )


def _repeats(event: Event, value: str) -> bool:
    """Return whether the value is one of the event's messages, word for word."""
    return value in (event.message, event.formatted) or any(
        value == one.value for one in event.exceptions
    )

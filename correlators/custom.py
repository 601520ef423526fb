"""Sentry's custom fingerprint: the list that an SDK may send to say what belongs together.

Lives here: what its values mean. Not here: what an event is without one (`fingerprint`).
"""

from __future__ import annotations

import re
from typing import Final

import xxhash

from correlators.parameterise import parameterise
from correlators.types import Event, Frame

VALUES_READ: Final = 32
VALUE_CHARS: Final = 200

_VARIABLE: Final = re.compile(r"\{\{\s{0,8}([\w.]{1,40})\s{0,8}\}\}")


def custom_values(event: Event) -> tuple[list[str], bool]:
    """Return the values that the SDK asks for, and whether the default counts too.

    Nothing and True for an event without a fingerprint of its own. Values that differ stay
    different; one that holds variable text, and so perhaps something personal, is shown
    parameterised with its own hash.

    Source: docs.sentry.io, "SDK fingerprinting"; variables as in "Fingerprint rules".
    """
    values: list[str] = []
    default = not event.sentry_fingerprint
    for raw in event.sentry_fingerprint[:VALUES_READ]:
        whole = _VARIABLE.fullmatch(raw.strip()[:VALUE_CHARS])
        if whole and whole[1] == "default":
            default = True
        else:
            values.append(_shown(_VARIABLE.sub(lambda match: _variable(event, match), raw)))
    return values, default


def _shown(value: str) -> str:
    """Return the value, or what is constant in it with a hash of all of it."""
    shown = parameterise(value[:VALUE_CHARS])
    if shown == value:
        return value
    return f"{shown} #{xxhash.xxh3_64_hexdigest(value.encode('utf-8', 'surrogatepass'))}"


def _variable(event: Event, match: re.Match[str]) -> str:
    """Return what a variable stands for in this event; an unknown one stays as it is written."""
    raised = event.exceptions[-1] if event.exceptions else None
    frame = _crashed(event)
    known = {
        "type": raised.type if raised else "",
        "value": parameterise(raised.value) if raised else "",
        "function": frame.function,
        "module": frame.module,
        "transaction": event.transaction,
        "logger": event.logger,
        "level": event.level.value,
        "message": parameterise(event.message),
    }
    name = match[1].removeprefix("error.").removeprefix("stack.")
    if name not in known:
        return match[0]
    return known[name] or f"<no-{name}>"


def _crashed(event: Event) -> Frame:
    """Return the newest in-app frame of what was raised, else its newest frame."""
    frames = event.exceptions[-1].frames if event.exceptions else event.frames
    return next(
        (frame for frame in reversed(frames) if frame.in_app), frames[-1] if frames else Frame()
    )

"""One line for people that says what an event is, and what the type of an exception is called.

Nothing personal is in it: texts lose their variable parts. Not here: what decides sameness
(`fingerprint`), how a text loses its variable parts (`parameterise`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from correlators.parameterise import message_line, parameterise
from correlators.types import Event, ExceptionValue

TITLE_CHARS: Final = 200
TYPE_CHARS: Final = 200


def title(event: Event) -> str:
    """Return one line for people: type and parameterised message, else what names the event."""
    if line := title_of(event.exceptions):
        return line
    for text in (event.message, event.culprit, event.transaction, event.logger):
        if line := message_line(text, chars=TITLE_CHARS, names=True):
            return line
    return "Event without a description"


def title_of(exceptions: Sequence[ExceptionValue]) -> str:
    """Return the title of the newest exception that has a type or a text; empty without any."""
    for exception in reversed(exceptions):
        name = "" if exception.synthetic else type_name(exception)
        text = message_line(exception.value, chars=TITLE_CHARS, names=True)
        if name or text:
            return f"{name}: {text}" if name and text else name or text
    return ""


def type_name(exception: ExceptionValue) -> str:
    """Return the exception's type; a sentence in its place loses its variable parts."""
    name = exception.type[:TYPE_CHARS].strip()
    return name if name.isidentifier() else " ".join(parameterise(name).split())

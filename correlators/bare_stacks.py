"""The stack of an event without the texts of its exceptions: what stays when only values vary.

Two events of one error mostly have the same frames, and differ in variables and in the numbers of
their messages. Lives here: the frames as far as a signature could read them, by their hash, without
the texts; and whether the signatures of an event would be the same with any other texts.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec
from xxhash import xxh3_128_digest

from correlators import fingerprint
from correlators.event_parts import exceptions_of
from correlators.titles import title_of
from correlators.types import Event, ExceptionValue, Frame
from correlators.versions import RULES
from correlators.wire import WireChain, WireException
from correlators.wire_glance import GlanceEvent

_chain: Final = msgspec.json.Decoder(list[WireException | None] | WireChain | None)
_encoder: Final = msgspec.msgpack.Encoder()

Given = list[WireException | None] | WireChain


class Stack:
    """The exceptions of an event as they came."""

    __slots__ = ("_each", "given", "has_frames", "texts")

    def __init__(self, given: Given) -> None:
        """Args: given: the exceptions on the wire.

        Raises:
            ValueError: one of their texts is no text.
        """
        self.given = given
        self._each = _each(given)
        texts: list[str | None] = []
        self.has_frames = False
        for one in self._each:
            text, stack = one.value, one.stacktrace
            if text is not None and text.__class__ is not str:
                raise ValueError
            texts.append(text)
            if stack is not None and stack.frames:
                self.has_frames = True
        self.texts = tuple(texts)

    def digest(self) -> bytes:
        """Return the hash of all of them but their texts."""
        for one in self._each:
            if one.value is not None:
                one.value = True
        made = xxh3_128_digest(_encoder.encode(self.given))
        for one, text in zip(self._each, self.texts, strict=True):
            one.value = text
        return made

    def title(self) -> str:
        """Return the title that their types and texts give; empty without any."""
        return title_of(exceptions_of(self.given, _no_frames))


def stack_of(event: GlanceEvent) -> Stack | None:
    """Return the stack, an empty one where there is none; None where it is not as it should be."""
    if not len(event.exception):
        return _NO_STACK
    try:
        given = _chain.decode(event.exception)
        return _NO_STACK if given is None else Stack(given)
    except (ValueError, RecursionError):
        return None


def _no_frames(_: object) -> tuple[Frame, ...]:
    return ()


def _each(given: Given) -> list[WireException]:
    # One that stands alone is no chain: with `values`, its own fields mean nothing.
    values = given if isinstance(given, list) else [given, *(given.values or ())]
    return [one for one in values if one is not None]


_NO_STACK: Final = Stack([])


class _Watched:
    """An exception that notes whether somebody reads its text."""

    def __init__(self, one: ExceptionValue) -> None:
        self._one = one
        self.was_read = False

    def __getattr__(self, field: str) -> Any:
        return getattr(self._one, field)

    @property
    def value(self) -> str:
        self.was_read = True
        return self._one.value


def texts_count(event: Event) -> bool:
    """Return whether the texts of its exceptions may change the event's signatures.

    What makes a signature is run, and whether it reads a text is watched: what does not read one
    does the same whatever stands there.
    """
    watched = tuple(map(_Watched, event.exceptions))
    seen = msgspec.structs.replace(event, exceptions=cast(tuple[ExceptionValue, ...], watched))
    try:
        for version in fingerprint.VERSIONS:
            fingerprint.parts_by(seen, RULES[version])
    except Exception:
        return True  # what a version cannot sign is told by the long way
    return any(one.was_read for one in watched)

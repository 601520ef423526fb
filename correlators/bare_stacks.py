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
from correlators.types import Event, ExceptionValue
from correlators.versions import RULES
from correlators.wire import WireChain, WireException, WireStack
from correlators.wire_glance import GlanceEvent

_chain: Final = msgspec.json.Decoder(list[WireException | None] | WireChain | None)
_encoder: Final = msgspec.msgpack.Encoder()

_TEXT: Final = (str, type(None))

Given = list[WireException | None] | WireChain


class Stack:
    """The exceptions of an event, and the hash of all of them but their texts."""

    __slots__ = ("_given", "_texts", "digest", "has_frames")

    def __init__(self, given: Given) -> None:
        """Args: given: the exceptions on the wire; their texts are taken out of them."""
        self._given = given
        self._texts = [one.value for one in _each(given)]
        self.has_frames = False
        for one in _each(given):
            if one.value is not None:
                one.value = True
            if one.stacktrace is not None and one.stacktrace.frames:
                self.has_frames = True
        self.digest = xxh3_128_digest(_encoder.encode(given))

    def exceptions(self) -> tuple[ExceptionValue, ...]:
        """Return the exceptions with their texts and without their frames."""
        for one, text in zip(_each(self._given), self._texts, strict=True):
            one.value = text
            if one.stacktrace is not None:
                one.stacktrace = WireStack()
        return exceptions_of(self._given)


def stack_of(event: GlanceEvent) -> Stack | None:
    """Return the stack; None where there is none, or where it is not as it should be."""
    try:
        given = _chain.decode(event.exception) if len(event.exception) else None
        if given is None or any(not isinstance(one.value, _TEXT) for one in _each(given)):
            return None
        return Stack(given)
    except (ValueError, RecursionError):
        return None


def _each(given: Given) -> list[WireException]:
    if isinstance(given, list):
        return [one for one in given if one is not None]
    # One that stands alone is no chain: with `values`, its own fields mean nothing.
    return [given, *(one for one in given.values or () if one is not None)]


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

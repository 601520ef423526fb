"""What events look like: under which keys one is known, and when another is taken for the same.

Lives here: the keys beside that of the raw stack, which `hot_path` asks for first. Not here: what
is kept under a key and for how long (`known_events`).
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import Final, cast

import msgspec
from xxhash import xxh3_128_digest

from correlators.bare_stacks import Stack, stack_of, texts_count
from correlators.event_parts import TEXT_CHARS
from correlators.events import slug_in
from correlators.known_events import Kept, Key, Known, Looks
from correlators.titles import title
from correlators.types import Event
from correlators.wire_glance import GlanceEvent

KEY_CHARS: Final = 256
"""Of a text in a key; for a longer one its hash stands there."""
KEY_CHARS_MOST: Final = 4_096
"""Of all texts in a key; an event that has more is not kept."""

_NEVER: Final = ""
_ONCE: Final = "once"
_OFTEN: Final = "often"
_encoder: Final = msgspec.msgpack.Encoder()


class Texts(StrEnum):
    """What is known of a stack that came with texts of its own."""

    UNSEEN = ""
    CAME = "came"
    """Whether a signature needs its texts was not asked."""
    NEEDED = "needed"
    IDLE = "idle"
    """No signature reads them."""


class Unknown:
    """An event that a glance read and that nothing is known of yet."""

    __slots__ = ("bare", "event", "key", "longer", "stack", "texts")

    def __init__(self, key: Key, event: GlanceEvent) -> None:
        """Args: key: of its raw stack and all beside it; event: as it was seen."""
        self.key = key
        self.event = event
        self.stack: Stack | None = None
        self.bare: Key | None = None
        """Of the stack without texts, where an event came before that differs in nothing else."""
        self.texts = Texts.UNSEEN
        """What is known of that."""
        self.longer: Key | None = None
        """Of an event without a stack: of all that may stand for it."""


class Memory:
    """What is known of events, by what they look like. No result depends on it."""

    def __init__(self, size: int) -> None:
        """Args: size: most `Known` kept."""
        self.kept = Kept(size)
        self._besides = Looks(size // 2)
        """What stood beside a stack."""
        self._bare = Looks(size // 2)
        """Stacks without their texts."""
        self.unknown: Unknown | None = None
        """What nothing was known of, when it was asked for last."""
        self.stack: Stack | None = None
        """Of what was found last by its stack without texts."""

    def find(self, key: Key, event: GlanceEvent) -> Known | None:
        """Return what is known under this key, or under what counts else: of a stack all but the
        texts, without one all that stands for it. What is unknown stays for who asks next."""
        if len(event.old_exception) or len(event.old_stacktrace):
            return None
        if (known := self.kept.find(key)) is not None:
            return known
        unknown = Unknown(key, event)
        came = self._besides.get(key[1:])
        if came != _NEVER and (known := self._find_other(unknown, came)) is not None:
            return known
        # What is beside a stack is part of every key, so what never came has no other.
        self.unknown = unknown
        return None

    def _find_other(self, unknown: Unknown, came: str) -> Known | None:
        """Return what is known of what counts of this stack, beside which an event came before."""
        key, event = unknown.key, unknown.event
        self.stack = stack = unknown.stack = stack_of(event)
        if stack is None or not stack.has_frames:
            unknown.longer = _longer(key, event)
            return self.kept.find(unknown.longer)
        bare = unknown.bare = (stack.digest(), *key[1:])
        known = self.kept.find(bare) or self.kept.find(_with_texts(bare, stack))
        if known is None:
            unknown.texts = Texts(self._bare.get(bare))
            if came == _ONCE and unknown.texts is Texts.UNSEEN:
                unknown.texts = Texts.CAME
            self._besides.put(key[1:], _OFTEN)
        return known

    def keep(self, unknown: Unknown, event: Event, known: Known) -> None:
        """Keep what is known of an event under what it looks like."""
        self.unknown = None
        key = unknown.key
        if slug_in(cast(str, key[1])) != slug_in(unknown.event.url or ""):
            return  # its link names the project behind what of it is in the key
        if sum(len(one) for one in key if isinstance(one, str)) > KEY_CHARS_MOST:
            return
        if unknown.bare is None and unknown.longer is None:
            self._besides.put(key[1:], _ONCE)
        if any(one.frames for one in event.exceptions):
            if unknown.bare is not None:
                self._keep_bare(unknown, unknown.bare, event, known)
        else:
            key = unknown.longer or _longer(key, unknown.event)
        self.kept.keep(key, known)

    def _keep_bare(self, unknown: Unknown, bare: Key, event: Event, known: Known) -> None:
        """Keep it for other texts too, when it comes the second time and they do not count; where
        they do, for another stack that differs in what nobody reads."""
        came = unknown.texts
        if came is Texts.UNSEEN:
            self._bare.put(bare, Texts.CAME)
            return
        if came is Texts.CAME:
            came = Texts.NEEDED if texts_count(event) else Texts.IDLE
            self._bare.put(bare, came)
        if came is Texts.IDLE:
            untitled = title(msgspec.structs.replace(event, exceptions=()))
            self.kept.keep(bare, Known(event, known.signature, untitled))
        elif unknown.stack is not None:
            self.kept.keep(_with_texts(bare, unknown.stack), known)


def _longer(key: Key, event: GlanceEvent) -> Key:
    """Return the key of an event without a stack: what stands for one is in it."""
    stacks = b"\0".join((event.exception, event.threads, event.stacktrace))
    return (xxh3_128_digest(stacks), short(event.title), *key[1:])


def _with_texts(bare: Key, stack: Stack) -> Key:
    """Return the key of a stack whose texts count: one hash of them, as many as there are."""
    texts = [None if text is None else text[:TEXT_CHARS] for text in stack.texts]
    return (*bare, _digest(_encoder.encode(texts)))


def short(text: str | None) -> str | bytes | None:
    """Return a text as it stands in a key: what is kept is bounded in bytes too."""
    if text is None or len(text) <= KEY_CHARS:
        return text
    return _digest(text[:TEXT_CHARS].encode())  # nobody reads more of one


def _digest(text: bytes) -> bytes:
    """Return a hash of which nobody can make two texts that share it: anybody writes the texts of
    events, and xxhash, which is fast, does not withstand that."""
    return blake2b(text, digest_size=16).digest()

"""Which frames of one stack count for sameness, and why.

Lives here: the walk over a stack, and the reasons that `explain` prints. Not here: what a frame is
called (`frames`), how stacks, types and messages make a signature (`fingerprint`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from correlators.frames import Role, frame_name, role_of
from correlators.parameterise import message_line
from correlators.types import ExceptionValue, Frame

RAISING_FRAMES: Final = 4
"""Most frames of one exception that count while its newest ones only raise for others."""

SYSTEM_FRAMES: Final = 3
"""Frames that count where none is in-app: a library's newest frame alone says little."""

WORDS_KEPT: Final = 8
"""Words of a message that count where a frame raises whatever its caller says."""

_RECURSION: Final = frozenset(
    {"RecursionError", "StackOverflowError", "StackOverflowException", "SystemStackError"}
)
_RECURRING: Final = 5
_MARKS: Final = ".,:;!?()[]{}\"'-"


class Why(StrEnum):
    """Why a part counts. The words are the `explain` text."""

    CUSTOM = "the SDK's own fingerprint"
    RAISED = "type of the exception that was raised"
    CAUSE = "type of a cause in the chain"
    IN_APP = "newest in-app frame"
    CALLER = "its caller, because the frame before only checks or raises for others"
    WORDS = "plain words of the message, because the newest frame raises whatever its caller says"
    RECURSION = "recurs: where the stack ran out is chance, so the frames of the cycle count"
    SYSTEM = "newest frames, because none is in-app"
    MESSAGE = "parameterised message, because there is no stack"
    MESSAGE_WITH_STACK = "parameterised message, because the stack only says where it was written"
    PLACE = "the place, because there is neither exception, stack nor message"
    NOTHING = "the event says nothing about itself"


class Part(NamedTuple):
    """One part of a signature and why it counts."""

    text: str
    why: Why


def newest_in_app(frames: Sequence[Frame], platform: str, message: str) -> list[Part]:
    """Return the newest in-app frame; where it only raises, its callers too, to one that works.

    Where the newest raises whatever its caller says, what is said counts: the words of the message.
    """
    found: dict[str, Role] = {}
    role = Role.CHECKS
    for frame in reversed(frames):
        if role is not Role.WORKS:
            role = role_of(frame, platform=platform)
        # What a library does for the frame below is real work, unless it too only raises.
        if frame.in_app and (name := frame_name(frame, platform=platform)):
            found.setdefault(name, role)
            if role is Role.WORKS or len(found) == RAISING_FRAMES:
                break
    parts = [
        Part(f"frame {name}", Why.CALLER if at else Why.IN_APP) for at, name in enumerate(found)
    ]
    if parts and next(iter(found.values())) is Role.FUNNELS and (said := _plain_words(message)):
        parts.append(Part(f"words {said}", Why.WORDS))
    return parts


def _plain_words(text: str) -> str:
    """Return the first plain words of a message: no names in code, no variable parts."""
    line = message_line(text)
    return " ".join(
        [word.lower() for raw in line.split() if _is_plain(word := raw.strip(_MARKS))][:WORDS_KEPT]
    )


def _is_plain(word: str) -> bool:
    """Return whether this is a word of a sentence, like `Expected`, and not `maxSize` or `IO`."""
    return word.isalpha() and len(word) > 1 and word[1:] == word[1:].lower()


def newest_of_any(frames: Sequence[Frame], platform: str) -> list[Part]:
    """Return the newest frames of any kind, each name once."""
    names: dict[str, None] = {}
    for frame in reversed(frames):
        if name := frame_name(frame, platform=platform):
            names[name] = None
            if len(names) == SYSTEM_FRAMES:
                break
    return [Part(f"frame {name}", Why.SYSTEM) for name in names]


def recurring(exception: ExceptionValue, platform: str) -> list[Part]:
    """Return the in-app frames of the cycle that used up the stack, in order of name."""
    if exception.type not in _RECURSION:
        return []
    seen = Counter(
        frame_name(frame, platform=platform) for frame in exception.frames if frame.in_app
    )
    cycle = sorted(name for name, count in seen.items() if name and count >= _RECURRING)
    return [Part(f"frame {name}", Why.RECURSION) for name in cycle[:RAISING_FRAMES]]

"""Which frames of one stack count for sameness, and why.

Lives here: the walk over a stack. Not here: what a frame is called (`frames`), what its code does
(`roles`), how stacks, types and messages make a signature (`fingerprint`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from correlators.frames import Named, dropped, function_of, named
from correlators.parameterise import message_line
from correlators.platforms import SHOWS_LIBRARY, Family, of_runtime
from correlators.reasons import Dropped, Note, Part, Why
from correlators.roles import Role, of_others
from correlators.types import ExceptionValue, Frame
from correlators.versions import Rules

SYSTEM_FRAMES: Final = 3
"""Frames that count where none is in-app: a library's newest frame alone says little."""

NOTES_KEPT: Final = 40
"""Dropped frames that an explanation tells."""

_NOTE_CHARS: Final = 300

WORDS_KEPT: Final = 8
"""Words of a message that count where a frame raises whatever its caller says."""

_RECURSION: Final = frozenset(
    {"RecursionError", "StackOverflowError", "StackOverflowException", "SystemStackError"}
)
_RECURSION_SAID: Final = ("maximum call stack size exceeded", "too much recursion")
_RECURRING: Final = 5
_CYCLE_FRAMES: Final = 4
_UNCAUGHT: Final = re.compile(r"uncaught (?:exception: |\(in promise\):? ?)?", re.IGNORECASE)
_MARKS: Final = ".,:;!?()[]{}\"'-"
_INDEX: Final = re.compile(r"IndexOut|OutOfBounds|OutOfRange")
_GIVEN: Final = re.compile(
    _INDEX.pattern + r"|Argument|Pars(?:e|ing)|Syntax|Format|Illegal(?!State|Access|Monitor|Thread)"
)
"""Words in the type of an error that says: what you gave me is wrong."""


LIBRARY_FRAMES_REMEMBERED: Final = 4_096
"""Frames of libraries that are not read anew under the same rules: those of few libraries stand in
all stacks. No result depends on it."""
_RULES_REMEMBERED: Final = 8

_Seen = dict[tuple[str, ...], tuple[Role, bool]]
_SEEN: Final[dict[int, tuple[Rules, _Seen]]] = {}
"""By the identity of the rules, which are held here so that nothing else gets the same one."""


def _seen_under(rules: Rules) -> _Seen:
    """Return what is remembered of frames of libraries under these rules."""
    held = _SEEN.get(id(rules))
    if held is None:
        if len(_SEEN) >= _RULES_REMEMBERED:
            _SEEN.clear()
        held = _SEEN[id(rules)] = (rules, {})
    return held[1]


def forget_frames() -> None:
    """Have every frame read anew, for whoever measures or tests that."""
    _SEEN.clear()


class Walk:
    """The walk over the stacks of one event under one version's rules.

    `notes` collects what does not count and why; None, as on the hot path, collects nothing.
    """

    def __init__(self, rules: Rules, platform: str, notes: list[Note] | None = None) -> None:
        """Args: rules of the version; platform of the event; where to note what is dropped."""
        self.rules = rules
        self.platform = platform
        self.notes = notes
        self._seen = _seen_under(rules)

    def newest_in_app(self, exception: ExceptionValue) -> list[Part]:
        """Return the newest in-app frame; where it says too little, its callers too.

        It says too little where its code only raises for others: its callers count, to the first
        that works. Where it names no function: to the first that names one. Where it works, but
        the exception's type says that what it was given is at fault: the callers that gave it.
        Where it raises whatever its caller says, what is said counts: the words of the message.
        """
        rules = self.rules
        found: dict[str, Why] = {}
        most, role, first = rules.raising_frames, Role.CHECKS, Role.WORKS
        why, itself, told = Why.IN_APP, True, not rules.unnamed_goes_on
        left = rules.in_app_read
        for frame in reversed(exception.frames[-rules.frames_read :]):
            if not rules.sdk and frame.in_app and (others := of_others(frame)):
                self._note_others(frame, others)
                continue
            # What a library does for the frame below is real work, unless it too only raises.
            if not frame.in_app:
                if role is not Role.WORKS or itself:
                    role_of_library, drops = self._of_library(frame)
                    role = role_of_library if role is not Role.WORKS else role
                    itself = itself and drops
                continue
            name, function, telling = self._named(frame)
            if role is not Role.WORKS:
                role = rules.role(frame, function if name else self._function(frame))
            left -= 1
            if not left:
                break
            if not name:
                continue
            told = told or telling
            if not found:
                first = role
            found.setdefault(name, why)
            if len(found) >= most:
                break
            if role is not Role.WORKS:
                why = Why.CALLER
            elif not told:
                why = Why.LITTLE
            elif why is Why.GIVER:
                continue
            elif why is Why.IN_APP and (givers := self._givers(exception, frame, itself)):
                why, most = Why.GIVER, 1 + givers
            else:
                break
        parts = [Part(f"frame {name}", why) for name, why in found.items()]
        if parts and first is Role.FUNNELS and (said := _plain_words(exception.value)):
            parts.append(Part(f"words {said}", Why.WORDS))
        elif parts and not told and (line := self.said(exception.value)):
            parts.append(Part(f"message {line}", Why.MESSAGE_UNNAMED))
        return parts

    def said(self, text: str) -> str:
        """Return the parameterised message; without what one browser puts before it."""
        if self.rules.naming.by_form and text[:8].lower() == "uncaught":
            text = _UNCAUGHT.sub("", text, count=1)
        return message_line(text)

    def only_written(self, exception: ExceptionValue) -> bool:
        """Return whether an exception that the SDK made up has the stack of where it did so.

        So it is with messages, and with what is thrown though it is no error. A signal handler too
        makes an exception up, but its stack is the crash's.
        """
        if not (self.rules.unnamed_goes_on and exception.synthetic and exception.frames):
            return False
        family = self.rules.naming.family(exception.frames[-1], self.platform)
        return family is not Family.NATIVE

    def newest_of_any(self, frames: Sequence[Frame]) -> list[Part]:
        """Return the newest frames of any kind, each name once.

        Where the rules say so, from the first on that neither only raises nor is the runtime's own.
        """
        names: dict[str, None] = {}
        above: dict[str, Dropped] = {}
        for frame in reversed(frames[-self.rules.frames_read :]):
            if not (name := self._name(frame)):
                continue
            if not self.rules.raisers and not names and (why := self._above(frame)):
                if len(above) < NOTES_KEPT:
                    above.setdefault(name, why)
                continue
            names[name] = None
            if len(names) == SYSTEM_FRAMES:
                break
        if names and self.notes is not None:
            self.notes.extend(Note(f"frame {name}", why) for name, why in above.items())
        return [Part(f"frame {name}", Why.SYSTEM) for name in names or [*above][:SYSTEM_FRAMES]]

    def recurring(self, exception: ExceptionValue) -> list[Part]:
        """Return the in-app frames of the cycle that used up the stack, in order of name."""
        if not self.ran_out(exception):
            return []
        frames = exception.frames[-self.rules.frames_read :]
        seen = Counter(self._name(frame) for frame in frames if frame.in_app)
        cycle = sorted(name for name, count in seen.items() if name and count >= _RECURRING)
        return [Part(f"frame {name}", Why.RECURSION) for name in cycle[:_CYCLE_FRAMES]]

    def ran_out(self, exception: ExceptionValue) -> bool:
        """Return whether the exception says that a recursion used up the stack."""
        if exception.type in _RECURSION:
            return True
        if exception.type not in ("RangeError", "InternalError") or not self.rules.naming.by_form:
            return False
        return exception.value[:80].lower().startswith(_RECURSION_SAID)

    def _named(self, frame: Frame) -> Named:
        made = named(frame, self.rules.naming, platform=self.platform)
        if not made.name and self.notes is not None:
            self._note(frame)
        return made

    def _name(self, frame: Frame) -> str:
        return self._named(frame).name

    def _note(self, frame: Frame) -> None:
        """Note why the frame is dropped, and how the names that count were cleaned."""
        if self.notes is None or len(self.notes) >= NOTES_KEPT:
            return
        if why := dropped(frame, self.rules.naming, platform=self.platform):
            where = frame.module or frame.filename
            note = Note(f"frame {where} {frame.function}"[:_NOTE_CHARS], why)
            if note not in self.notes:
                self.notes.append(note)

    def _note_others(self, frame: Frame, why: Dropped) -> None:
        note = Note(f"frame {frame.function}"[:_NOTE_CHARS], why)
        if self.notes is not None and len(self.notes) < NOTES_KEPT and note not in self.notes:
            self.notes.append(note)

    def _of_library(self, frame: Frame) -> tuple[Role, bool]:
        """Return the role of a library's frame, and whether it never counts."""
        key = (
            frame.function,
            frame.module,
            frame.filename,
            frame.abs_path,
            frame.platform,
            self.platform,
        )
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) >= LIBRARY_FRAMES_REMEMBERED:
                self._seen.clear()
            found = self._seen[key] = (
                self.rules.role(frame, self._function(frame)),
                dropped(frame, self.rules.naming, platform=self.platform) is not None,
            )
        return found

    def _function(self, frame: Frame) -> str:
        return function_of(frame, self.rules.naming, platform=self.platform)

    def _above(self, frame: Frame) -> Dropped | None:
        """Return why a newest frame says nothing about what failed, None where it may."""
        if of_runtime(frame):
            return Dropped.RUNTIME
        works = self.rules.role(frame, self._function(frame)) is Role.WORKS
        return None if works else Dropped.RAISER

    def _givers(self, exception: ExceptionValue, frame: Frame, itself: bool) -> int:
        """Return how many callers count because what was given is at fault, as the type says.

        They are counted from what raised: where a library's container refused an index, the frame
        that used it is the first of them. Any other argument of a library is that frame's own.
        """
        if not self.rules.givers or not _GIVEN.search(kind := exception.type[:200]):
            return 0
        if self.rules.naming.family(frame, self.platform) not in SHOWS_LIBRARY:
            return 0
        if itself:
            return self.rules.givers
        return self.rules.givers - 1 if _INDEX.search(kind) else 0


def _plain_words(text: str) -> str:
    """Return the first plain words of a message: no names in code, no variable parts."""
    line = message_line(text)
    return " ".join(
        [word.lower() for raw in line.split() if _is_plain(word := raw.strip(_MARKS))][:WORDS_KEPT]
    )


def _is_plain(word: str) -> bool:
    """Return whether this is a word of a sentence, like `Expected`, and not `maxSize` or `IO`."""
    return word.isalpha() and len(word) > 1 and word[1:] == word[1:].lower()

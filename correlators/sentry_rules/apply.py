"""Both kinds of rules on one event: an event as the rules want it seen, with reasons.

Pure: the same event and rules give the same event. The order is Sentry's: frames are marked, then
the fingerprint is chosen by all frames, then frames are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from correlators.custom import filled_in, with_stack_filled_in
from correlators.parameterise import message_line
from correlators.sentry_rules.bounds import FRAMES_LOOKED_AT, stacks_within
from correlators.sentry_rules.fingerprint_rules import FingerprintMatching, FingerprintRule
from correlators.sentry_rules.stack_marks import Marks, StackMatching
from correlators.sentry_rules.stack_rules import StackRule
from correlators.types import Event, ExceptionValue, Frame

NOTES_KEPT: Final = 50
TITLE_CHARS: Final = 200


class Applied(NamedTuple):
    """What rules made of an event."""

    event: Event
    title: str
    """What a rule calls it, parameterised; empty where no rule does."""
    notes: list[str]
    """Why, each with the `file:line` of its rule; nothing of the event itself is in them."""


class Rules:
    """All rules of an installation, ready to run."""

    def __init__(
        self, fingerprint_rules: Sequence[FingerprintRule], stack_rules: Sequence[StackRule]
    ) -> None:
        """Args: both in the order of their files."""
        self._stack = StackMatching(stack_rules) if stack_rules else None
        self._fingerprint = FingerprintMatching(fingerprint_rules)

    def key(self, event: Event) -> tuple[object, ...]:
        """Return what rules read of the event beside what every signature reads."""
        reads = self._fingerprint.reads
        return (
            event.release if reads.release else "",
            event.sdk if reads.sdk else "",
            event.formatted if reads.formatted else event.formatted in reads.constants,
            [tag for tag in event.tags if tag[0] in reads.tags] if reads.tags else (),
        )

    def apply(self, event: Event) -> Applied:
        """Return the event with in-app flags, fingerprint and title as the rules want them, and
        without the frames that they leave out."""
        notes: list[str] = []
        kept: list[list[bool]] = []
        if self._stack is not None:
            event, kept = _marked(self._stack, event, notes)
        title = ""
        rule = self._fingerprint.first(event)
        if rule is not None:
            event = msgspec.structs.replace(event, sentry_fingerprint=rule.values)
            notes.append(f"{rule.place}: its fingerprint replaces the event's own")
            if rule.title:
                title = message_line(filled_in(event, rule.title), chars=TITLE_CHARS, names=True)
        if not all(all(stack) for stack in kept):
            event = _without(event, kept)
        return Applied(event, title, notes[:NOTES_KEPT])


def _marked(rules: StackMatching, event: Event, notes: list[str]) -> tuple[Event, list[list[bool]]]:
    """Return the event with its in-app flags, and which frames of each stack are kept: those of
    the exceptions in order, then those of the thread."""
    kept: list[list[bool]] = []
    exceptions: list[ExceptionValue] = []
    within = stacks_within([one.frames for one in event.exceptions])
    if not all(within):
        notes.append(
            f"rules look at {FRAMES_LOOKED_AT} frames of an event: older stacks are as sent"
        )
    for one, looked_at in zip(event.exceptions, within, strict=True):
        if looked_at:
            marks = _run(rules, event.platform, one, one.frames, kept, notes)
            frames = _with_flags(one.frames, marks)
            if frames is not one.frames:
                one = msgspec.structs.replace(one, frames=frames)
        else:
            kept.append([True] * len(one.frames))
        exceptions.append(one)
    marks = _run(rules, event.platform, None, event.frames, kept, notes)
    frames = _with_flags(event.frames, marks)
    return msgspec.structs.replace(event, exceptions=tuple(exceptions), frames=frames), kept


def _run(
    rules: StackMatching,
    platform: str,
    exception: ExceptionValue | None,
    frames: tuple[Frame, ...],
    kept: list[list[bool]],
    notes: list[str],
) -> Marks:
    """Return what the rules say of one stack; adds the frames kept, and why."""
    marks, why = rules.run(frames, platform, exception)
    kept.append(_limited(marks, why))
    notes += why
    return marks


def _limited(marks: Marks, notes: list[str]) -> list[bool]:
    kept = marks.kept()
    beyond = sum(marks.counts) - sum(kept)
    if beyond:
        says = "frame is" if beyond == 1 else "frames are"
        notes.append(f"{marks.most_by}: {beyond} {says} beyond max-frames={marks.most}")
    return kept


def _with_flags(frames: tuple[Frame, ...], marks: Marks) -> tuple[Frame, ...]:
    """Return the frames with their flags; the very same where none changes."""
    if all(frame.in_app == flag for frame, flag in zip(frames, marks.in_app, strict=True)):
        return frames
    return tuple(
        frame if frame.in_app == flag else msgspec.structs.replace(frame, in_app=flag)
        for frame, flag in zip(frames, marks.in_app, strict=True)
    )


def _without(event: Event, kept: list[list[bool]]) -> Event:
    """Return the event with only these frames."""
    return msgspec.structs.replace(
        event,
        sentry_fingerprint=with_stack_filled_in(event),
        exceptions=tuple(
            one if all(stack) else msgspec.structs.replace(one, frames=_these(one.frames, stack))
            for one, stack in zip(event.exceptions, kept, strict=False)
        ),
        frames=_these(event.frames, kept[-1]),
    )


def _these(frames: tuple[Frame, ...], kept: list[bool]) -> tuple[Frame, ...]:
    return tuple(frame for frame, keep in zip(frames, kept, strict=True) if keep)

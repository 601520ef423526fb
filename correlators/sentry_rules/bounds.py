"""What keeps rules cheap on any event: a bounded memory for answers, and a most of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from correlators.types import Frame

ANSWERS_KEPT: Final = 4_096
FRAMES_LOOKED_AT: Final = 2_000
"""Frames of one event that rules look at: whole stacks, those of the newest exceptions."""

T = TypeVar("T")


class Memo(Generic[T]):
    """What `answer` says about frames, asked once for each as long as there is room."""

    def __init__(self, answer: Callable[[tuple[str, ...]], T]) -> None:
        """Args: answer: pure; takes what rules look at in a frame."""
        self._answer = answer
        self._known: dict[tuple[str, ...], T] = {}

    def about(self, looked_at: tuple[str, ...]) -> T:
        """Return the answer."""
        found = self._known.get(looked_at)
        if found is None:
            if len(self._known) >= ANSWERS_KEPT:
                self._known.clear()
            found = self._known[looked_at] = self._answer(looked_at)
        return found


def stacks_within(stacks: Sequence[Sequence[Frame]]) -> list[bool]:
    """Return which stacks of a chain, oldest cause first, rules look at: the newest that have
    room."""
    room = FRAMES_LOOKED_AT
    within: list[bool] = []
    for frames in reversed(stacks):
        room -= len(frames)
        within.append(room >= 0)
    return within[::-1]

"""A bounded memory for answers that are a function of the question alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

ANSWERS_KEPT: Final = 4_096

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

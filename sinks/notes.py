"""What a sink counts and says beside its outcomes: texts that were cut, refusals and their cure.

Counted by bounded words; logged once in a while for each word, without any content of a message.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

AGAIN_S: Final = 600.0
"""So long the same thing is not logged again."""
KEPT: Final = 1_000
"""Things remembered as logged."""


class Notes:
    """Counters of one sink, taken by whoever exposes them.

    Args:
        clock: seconds that do not go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[str, ...], float] = {}
        self.cuts: Counter[str] = Counter()
        """Messages shortened, by the limit."""
        self.refusals: Counter[str] = Counter()
        """Calls refused, by the service's word."""
        self.forms: Counter[str] = Counter()
        """Messages that were told in the ordinary form because theirs failed, by its name."""

    def cut(self, destination: str, limits: Iterable[str]) -> None:
        """Count what a message was cut at."""
        for limit in limits:
            self.cuts[limit] += 1
            if self._first("cut", limit):
                log.warning("message shortened", destination=destination, limit=limit)

    def refused(self, destination: str, word: str, detail: str, *, loud: bool) -> None:
        """Count a refusal; a loud one, which somebody has to put right, is logged as an error."""
        self.refusals[word] += 1
        if loud and self._first("refused", destination, word):
            log.error("refused until somebody acts", destination=destination, error=detail)

    def form_failed(self, destination: str, form: str, detail: str) -> None:
        """Count a form that could not be used; the error holds nothing of any event."""
        self.forms[form] += 1
        if self._first("form", form):
            so = "the message takes the ordinary form"
            log.error("template failed", destination=destination, error=detail, so=so)

    def unread(self, destination: str, detail: str) -> None:
        """Say that nothing can be looked up there."""
        if self._first("unread", destination, detail):
            says = "a message whose outcome is unknown is sent again, marked as a possible repeat"
            log.warning("history cannot be read", destination=destination, error=detail, so=says)

    def take(self) -> tuple[Counter[str], Counter[str]]:
        """Return cuts and refusals since the last call."""
        taken = (self.cuts, self.refusals)
        self.cuts, self.refusals = Counter(), Counter()
        return taken

    def take_forms(self) -> Counter[str]:
        """Return the forms that failed since the last call."""
        taken, self.forms = self.forms, Counter()
        return taken

    def _first(self, *what: str) -> bool:
        now = self._clock()
        said = self._said.get(what)
        if said is not None and now - said < AGAIN_S:
            return False
        if len(self._said) >= KEPT:
            self._said.clear()
        self._said[what] = now
        return True

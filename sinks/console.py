"""The console: one readable block per digest, for a start without Slack and for looking on.

Printing is at least once: after a crash the last block may stand there twice, with the same id.
"""

from __future__ import annotations

import sys
from typing import Final, TextIO

from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Limit,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Scope,
    Step,
)
from sinks.render import plain_text

WIDTH: Final = 72


class ConsoleSink:
    """Prints every digest to a stream, standard output unless another is given."""

    name = "console"

    def __init__(self, *, names: tuple[str, ...] = ("default",), out: TextIO | None = None) -> None:
        self._destinations = tuple(f"{self.name}:{one}" for one in names)
        self._out = out
        limit = Limit(name="print", scope=Scope.DESTINATION, every_ms=1, burst=100, in_flight=1)
        self._plan = Plan(
            steps={Step.POST: (limit,)}, repeatable=frozenset({Step.POST}), rollup=False
        )

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination; they all print to the same stream."""
        return self._destinations

    def account(self, destination: str) -> str:
        """Return the sink's name: there is one console."""
        return self.name

    def plan(self, destination: str) -> Plan:
        """Return one step: every revision is printed."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Print the digest and return a receipt; a stream that is closed rejects it."""
        text = plain_text(attempt.digest, possible_repeat=attempt.possible_repeat)
        out = self._out if self._out is not None else sys.stdout
        try:
            print("─" * WIDTH, text, "", sep="\n", file=out, flush=True)
        except (OSError, ValueError) as error:
            return Rejected(RejectReason.NO_SUCH_PLACE, type(error).__name__)
        return Delivered(Receipt(id=f"{attempt.digest.id}.{attempt.digest.revision}"))

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: a console remembers nothing."""
        return CannotTell("a console remembers nothing")

    async def close(self) -> None:
        """Do nothing: the stream belongs to the caller."""

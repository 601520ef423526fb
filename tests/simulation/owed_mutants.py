"""Reports and personal telling, broken in known ways: each of these some run must see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

import msgspec

from correlators.entries import Entry
from correlators.partition import Partition
from correlators.personal import Choice
from correlators.personal_telling import PersonalTelling
from correlators.reporting import Reporting
from correlators.scheduled import Coming, report_key
from tests.simulation.mutants import Mutant

RESTORE: Final = Partition.__init__
DUE: Final = Reporting.due


def _forgets(kind: type[Entry]) -> Callable[[], AbstractContextManager[Any]]:
    """Goes on from a state without its entries of a kind."""

    def restored(
        self: Partition, config: Any, progress: Any, entries: Iterable[Entry] = (), **how: Any
    ) -> None:
        kept = [one for one in entries if not isinstance(one, kind)]
        RESTORE(self, config, progress, kept, **how)

    return lambda: patch.object(Partition, "__init__", restored)


def _told_again(self: Reporting, coming: Coming, tick: int) -> None:
    """Has a report begin before the one before it is over."""
    DUE(self, coming, tick)
    after = self._state.get(report_key(coming.name, coming.times, coming.environment))
    if isinstance(after, Coming):
        self._state.put(msgspec.structs.replace(after, from_tick=coming.from_tick))


def _passed_over(self: Reporting, coming: Coming, tick: int) -> None:
    """Tells a report that is due to nobody, and goes on as if it were told."""
    DUE(self, coming, tick)
    self._digests = []


OWED_MUTANTS: Final[dict[str, Mutant]] = {
    "a report on its way is forgotten by a restart": Mutant(patches=_forgets(Coming), seen_by=3),
    "a report tells again what the one before told": Mutant(
        patches=lambda: patch.object(Reporting, "due", _told_again), seen_by=2
    ),
    "a report that is due is passed over": Mutant(
        patches=lambda: patch.object(Reporting, "due", _passed_over)
    ),
    "whoever is mentioned is not told so": Mutant(
        patches=lambda: patch.object(PersonalTelling, "mentioned", lambda *_: None), seen_by=1
    ),
    "whoever something is assigned to is not told so": Mutant(
        patches=lambda: patch.object(PersonalTelling, "_assigned", lambda *_: None), rare=True
    ),
    "what a person chose is forgotten by a restart": Mutant(patches=_forgets(Choice), rare=True),
}

"""The versions of signatures that this release can make, as data.

Lives here: what one version does differently from another; nothing else knows a version's number.
A release ships the old version and the new, so that a switch can alias what is open. A new version
is a new entry: what is equal is shared, and an entry that was released never changes.

| | 1 | 2 |
|---|---|---|
| cleaning of names | one list for all languages | a list per family |
| classes that a compiler made of a function | a name of their own | the function's |
| minified names, browser built-ins, bridges | count | do not count |
| a frame that only names a file | counts alone | its caller counts too; else the message |
| code that raises for others | by first word, ending or class | also by a fault it speaks of |
| an argument at fault (JVM, .NET, PHP) | newest frame | the two callers that gave it, too |
| exception groups | each distinct exception | Sentry's tree: one distinct member stands alone |
| what only carries a cause | counts | does not count |
| a stack of where the SDK made an exception up | counts alone | the message counts with it |
| signals as types (native) | count | do not count where there is a stack |
| Sentry's own SDK and a panic's, called in-app | count | do not count |
| no in-app frame | three newest | three newest below the runtime's own and what only raises |
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.naming import NAMING_1, NAMING_2, Naming
from correlators.roles import RoleOf, role_1, role_2


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What one version of signatures does."""

    naming: Naming
    role: RoleOf
    frames_read: int
    """Newest frames of a stack that are looked at; the work per event is bounded by it."""

    in_app_read: int
    """In-app frames of a stack that are looked at before one of them is enough."""

    raising_frames: int
    """Most frames of one exception that count while its newest ones only raise for others."""

    givers: int = 0
    """Callers that count where an exception's type says that what was given is at fault."""

    unnamed_goes_on: bool = False
    """A frame that names no function lets its caller count, and the message where none does."""

    trees: bool = False
    """Exception groups are read as Sentry's tree."""

    carriers: bool = True
    """Exceptions that only carry their cause count."""

    signals: bool = True
    """The type of a native crash counts, though the signal handler made it up."""

    sdk: bool = True
    """Frames of Sentry's own SDK and of the panic itself count where they are called in-app."""

    raisers: bool = True
    """Frames that only raise, and the runtime's own, count where no frame is in-app."""


RULES: Final = {
    1: Rules(
        naming=NAMING_1, role=role_1, frames_read=100_000, in_app_read=100_000, raising_frames=4
    ),
    2: Rules(
        naming=NAMING_2,
        role=role_2,
        frames_read=2_000,
        in_app_read=64,
        raising_frames=6,
        givers=2,
        unnamed_goes_on=True,
        trees=True,
        carriers=False,
        signals=False,
        sdk=False,
        raisers=False,
    ),
}
"""Rules by version."""

VERSIONS: Final = tuple(sorted(RULES))
"""Signature versions that this release can make."""

DEFAULT_VERSION: Final = VERSIONS[-1]

"""What is said where a button was pressed when Sentry did not take what it asked for. Pure.

In the thread of the incident, and to whoever pressed alone, where they pressed. One notice for one
decision, however many issues it was about: those that came first in its tick say it for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from correlators.issue_change import IssueChange, IssueDoes
from correlators.types import Digest, DigestKind
from sinks.corrections import not_taken
from sinks.entries import DeadLetter, DeadReason

PLACE: Final = "sentry:"
_NOW: Final = {
    IssueDoes.RESOLVE: "resolved",
    IssueDoes.UNRESOLVE: "unresolved",
    IssueDoes.IGNORE: "ignored",
    IssueDoes.ASSIGN: "assigned",
}
_WHY: Final = {
    DeadReason.RETRIES_EXHAUSTED: "it could not be reached for half an hour; do it again",
    DeadReason.UNKNOWN_DESTINATION: "`sentry` is not configured any more; do it in Sentry",
    DeadReason.OUTBOX_FULL: "too much was waiting to be delivered; do it again",
}


def not_made(dead: Iterable[DeadLetter]) -> list[Digest]:
    """Return what is told of the changes of issues among what was given up, once for each place."""
    return list(_notices([one for one in dead if one.destination.startswith(PLACE)]))


def _notices(dead: Iterable[DeadLetter]) -> Iterator[Digest]:
    for one in dead:
        digest = msgspec.msgpack.decode(one.digest, type=Digest)
        if digest.issue_change is None:
            continue
        says = _says(digest.issue_change, one)
        mine = not_taken(digest, digest.issue_change, says)
        if mine is not None:
            yield mine
        for to in digest.page_told:
            yield msgspec.structs.replace(
                digest,
                id=digest.issue_change.subject,
                kind=DigestKind.ISSUE_TROUBLE,
                destination=to,
                page_told=(),
                handed_by=one.destination,
                notice=says,
            )


def _says(change: IssueChange, dead: DeadLetter) -> str:
    """Return what was not done, why, and what to do."""
    others = f", one of {change.together}," if change.together > 1 else ""
    why = _WHY.get(dead.reason) or dead.detail or dead.reason.value.replace("_", " ")
    return f"Sentry said no: issue {change.issue_id}{others} is not {_NOW[change.does]} ({why})"

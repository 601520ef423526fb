"""Who says what is the same: our signature, by Sentry's rules if there are any, or Sentry itself.

Lives here: the choice per service, and how Sentry's identities become signatures. Not here: what
rules mean (`sentry_rules`), our signature (`fingerprint`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec
import xxhash

from correlators import fingerprint
from correlators.custom import shown
from correlators.sentry_rules.apply import Rules
from correlators.sentry_rules.fingerprint_rules import FingerprintRule
from correlators.sentry_rules.stack_rules import StackRule
from correlators.types import Event, Signature, SignatureKind

SENTRYS_VERSION: Final = 0
"""Goes into fingerprints of Sentry's identities in place of a signature version: a new version of
our signatures leaves them as they are."""


class By(StrEnum):
    """What tells one error from another. The word stands in stormfold.yaml."""

    SIGNATURE = "signature"
    SENTRY_HASHES = "sentry_hashes"
    SENTRY_ISSUE = "sentry_issue"


class Grouping(msgspec.Struct, frozen=True, kw_only=True):
    """The choice, and the rules that our signature heeds."""

    by: By = By.SIGNATURE
    services: dict[str, By] = msgspec.field(default_factory=dict)
    """Services that differ from `by`."""
    fingerprint_rules: tuple[FingerprintRule, ...] = ()
    stack_rules: tuple[StackRule, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether every event simply has our signature."""
        return not (
            self.fingerprint_rules
            or self.stack_rules
            or any(by is not By.SIGNATURE for by in (self.by, *self.services.values()))
        )

    def by_of(self, service: str) -> By:
        """Return the choice for this service."""
        return self.services.get(service, self.by)


class Grouper:
    """Makes signatures as a grouping asks for; `plain` ones need none of it."""

    def __init__(self, grouping: Grouping) -> None:
        """Args: grouping: what decides."""
        self._grouping = grouping
        self._rules = Rules(grouping.fingerprint_rules, grouping.stack_rules)

    def cache_key(self, event: Event) -> bytes:
        """Return 16 bytes that are equal only where everything that `signature` reads is equal."""
        kind, identity = self._sentrys(event)
        read = (kind, identity, () if kind else self._rules.key(event))
        made = xxhash.xxh3_128(fingerprint.cache_key(event))
        try:
            made.update(_ENCODER.encode(read))
        except UnicodeEncodeError:
            made.update(repr(read).encode("utf-8", "backslashreplace"))
        return made.digest()

    def signature(self, event: Event, *, version: int) -> Signature:
        """Return the event's signature: Sentry's identity where that is chosen and known, else
        ours, after the rules.

        Args:
            event: any event.
            version: one of `fingerprint.VERSIONS`.

        Raises:
            UnknownVersion: this release does not know the version.
        """
        kind, identity = self._sentrys(event)
        if kind is not None:
            # Only what looks like Sentry's own is shown: a body may say anything here.
            told = identity if _SENTRYS.fullmatch(identity) else shown(identity)
            parts = (f"{_WORDS[kind]} {told}",)
            return Signature(
                version=version,
                kind=kind,
                parts=parts,
                title=fingerprint.title(event),
                fingerprint=fingerprint.fingerprint(SENTRYS_VERSION, parts),
            )
        applied = self._rules.apply(event)
        made = fingerprint.signature(applied.event, version=version)
        return msgspec.structs.replace(made, title=applied.title) if applied.title else made

    def explain(self, event: Event, *, version: int) -> list[str]:
        """Return why this event is what it is: what decided, then the choice where the event does
        not tell it, every rule that did something with its `file:line`, and the parts.

        Raises:
            UnknownVersion: this release does not know the version.
        """
        by = self._grouping.by_of(event.service)
        kind, _ = self._sentrys(event)
        if kind is not None:
            made = self.signature(event, version=version)
            return [
                f"decided by {kind}: grouping of {event.service} is {by}",
                *(f"{part}: what Sentry calls it" for part in made.parts),
            ]
        told = []
        if by is not By.SIGNATURE:
            told.append(f"grouping of {event.service} is {by}, but the event tells none: signature")
        applied = self._rules.apply(event)
        verdict, *reasons = fingerprint.explain(applied.event, version=version)
        return [verdict, *told, *applied.notes, *reasons]

    def _sentrys(self, event: Event) -> tuple[SignatureKind | None, str]:
        """Return Sentry's identity of this event where it is chosen and known, else None."""
        match self._grouping.by_of(event.service):
            case By.SENTRY_HASHES if event.sentry_hashes:
                return SignatureKind.SENTRY_HASH, event.sentry_hashes[0]
            case By.SENTRY_ISSUE if event.issue_id:
                return SignatureKind.SENTRY_ISSUE, event.issue_id
        return None, ""


_SENTRYS: Final = re.compile(r"[0-9a-f]{32}|[0-9]{1,20}")
_ENCODER: Final = msgspec.msgpack.Encoder()
_WORDS: Final = {
    SignatureKind.SENTRY_HASH: "sentry hash",
    SignatureKind.SENTRY_ISSUE: "sentry issue",
}

"""The names of an error: its fingerprints under every shipped version, and which one is taken.

A release ships several versions. FINGERPRINT makes a signature under the configured one and tells
the fingerprints of the others beside it; CORRELATE takes a delta under the version that *it* is
configured to. So a new version is taken at one tick per environment, the first that a CORRELATE of
the new configuration applies, whatever mix of FINGERPRINTs runs during a rolling restart. What
stands open under an older name is `aliases`' matter.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from correlators import fingerprint
from correlators.fingerprint import UnknownVersion, signature
from correlators.types import Delta, Event, Signature


def check(version: int) -> None:
    """Return if this release can make signatures of that version.

    Raises:
        UnknownVersion: it cannot.
    """
    known = fingerprint.VERSIONS
    if version not in known:
        raise UnknownVersion(
            f"signature version {version}; this release knows {', '.join(map(str, known))}"
        )


class Make(Protocol):
    """What makes a signature under one version."""

    def __call__(self, event: Event, *, version: int) -> Signature:
        """Return the event's signature."""


def signed(event: Event, version: int, make: Make | None = None) -> Signature:
    """Return the event's signature under this version, with its fingerprints under the others.

    Every version is paid for, so it is called where a finished signature is not at hand.

    Args:
        event: any event.
        version: the one that is taken.
        make: what makes them; `fingerprint.signature` by default.

    Raises:
        UnknownVersion: this release does not know the version.
    """
    make = make or signature
    made = make(event, version=version)
    aliases: list[tuple[int, str]] = []
    for other in sorted(fingerprint.VERSIONS):
        if other != version:
            try:
                aliases.append((other, make(event, version=other).fingerprint))
            except Exception:
                # What a version that is not taken cannot sign must not cost the event.
                continue
    return msgspec.structs.replace(made, aliases=tuple(aliases)) if aliases else made


def taken(delta: Delta, version: int) -> Delta:
    """Return the delta under its name of this version; as it is where it has none.

    Args:
        delta: of any version.
        version: the one that CORRELATE is configured to.
    """
    if delta.version == version:
        return delta
    name = dict(delta.aliases).get(version)
    return delta if name is None else _under(delta, version, name)


def named(delta: Delta, name: str) -> Delta:
    """Return the delta under another of its names: no name is lost, they change places.

    Args:
        delta: any delta.
        name: its fingerprint, or one of its aliases.
    """
    if name == delta.key.fingerprint:
        return delta
    version = next(other for other, found in delta.aliases if found == name)
    return _under(delta, version, name)


def _under(delta: Delta, version: int, name: str) -> Delta:
    rest = [one for one in delta.aliases if one != (version, name)]
    return msgspec.structs.replace(
        delta,
        key=msgspec.structs.replace(delta.key, fingerprint=name),
        version=version,
        aliases=tuple(sorted([*rest, (delta.version, delta.key.fingerprint)])),
    )

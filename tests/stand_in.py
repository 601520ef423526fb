"""A second signature version for tests of the switch: version 1 under other fingerprints.

Whatever differs after a switch to it comes from the switch, whichever versions the release has."""

from __future__ import annotations

import msgspec
import pytest
import xxhash

from correlators import fingerprint, names
from correlators.types import Event, Signature

OLD, NEW = 1, 2

_signature = fingerprint.signature


def signature(event: Event, *, version: int = OLD) -> Signature:
    """Return the signature of version 1, as one of `version`."""
    made = _signature(event, version=OLD)
    if version == OLD:
        return made
    other = name_under(version, made.fingerprint)
    return msgspec.structs.replace(made, version=version, fingerprint=other)


def name_under(version: int, old: str) -> str:
    """Return what the version calls an error that the old one calls by this fingerprint."""
    return xxhash.xxh3_128_hexdigest(f"{version} {old}".encode())


def install(patch: pytest.MonkeyPatch) -> None:
    """Let this process ship both, until the patch is undone."""
    patch.setattr(fingerprint, "VERSIONS", (OLD, NEW))
    patch.setattr(names, "signature", signature)

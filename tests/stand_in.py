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
    other = xxhash.xxh3_128_hexdigest(f"{version} {made.fingerprint}".encode())
    return msgspec.structs.replace(made, version=version, fingerprint=other)


def install(patch: pytest.MonkeyPatch) -> None:
    """Let this process ship both, until the patch is undone."""
    patch.setattr(fingerprint, "VERSIONS", (OLD, NEW))
    patch.setattr(names, "signature", signature)

"""The step of FINGERPRINT: what it refuses before the first record."""

from __future__ import annotations

import pytest

from correlators.fingerprint import VERSIONS, UnknownVersion
from correlators.fingerprinter import Fingerprinter, Fingerprinting


def test_a_version_that_it_cannot_make_stops_it_before_the_first_event() -> None:
    Fingerprinter(Fingerprinting(signature_version=VERSIONS[-1]))
    with pytest.raises(UnknownVersion):
        Fingerprinter(Fingerprinting(signature_version=VERSIONS[-1] + 1))

"""Prometheus's own tool, for what only Prometheus can say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from observability.at_hand import NotAtHand, programs


@pytest.fixture(scope="session")
def promtool() -> Path:
    """CI has it, or gets it; a machine without it says what would give it."""
    try:
        return programs()["promtool"]
    except NotAtHand as missing:
        # What CI must not pass without, a machine that is no Debian may be tried without.
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))

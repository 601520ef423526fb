"""How many functions of this repository are called: what work costs, on any machine.

The same from Python 3.11 to 3.13: only functions of our own files count, and comprehensions, which
are functions up to 3.11 and none from 3.12 on, never do.

Source: docs.python.org, sys.setprofile; PEP 709.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_OURS: Final = tuple(f"{_ROOT / one}/" for one in ("correlators", "sinks", "streams"))
_INLINED: Final = ("<listcomp>", "<dictcomp>", "<setcomp>")


class Calls:
    """Counts calls of this repository's functions while `counting` lasts."""

    def __init__(self) -> None:
        self.made = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count in this thread."""

        def note(frame: FrameType, event: str, argument: object) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(_OURS):
                self.made += code.co_name not in _INLINED

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(before)

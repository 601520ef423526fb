"""How many blocks of memory an event takes while it is read and folded, whether they stay or not.

Python tells how many blocks are allocated, not how often one was. So it is asked at every call and
return, of Python's functions and of C's: what there is more than before was taken since. What a
single C function takes and gives back again is not seen. The same on every machine; another Python
takes another number.

Source: docs.python.org, sys.getallocatedblocks, sys.setprofile.
"""

from __future__ import annotations

import gc
import sys
from types import FrameType
from typing import Final

from benchmarks.counts.folding import START_MS
from benchmarks.storm.events import RESOURCE, Traffic, events
from correlators.fingerprinter import Fingerprinter
from streams.settings import load

WARM: Final = 500
"""Events before those that count."""


def blocks_taken(traffic: Traffic, count: int) -> float:
    """Return how many blocks each of so many events takes, on average."""
    fingerprinter = Fingerprinter(load(None, {}).fingerprinting())
    bodies = list(events(traffic, WARM + count, at_ms=START_MS))
    for body in bodies[:WARM]:
        fingerprinter.take(RESOURCE, body, START_MS)
    taken = last = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal taken, last
        now = sys.getallocatedblocks()
        taken += max(0, now - last)
        last = now

    gc.collect()
    gc.disable()  # when it runs depends on all that ran before
    before = sys.getprofile()
    last = sys.getallocatedblocks()
    sys.setprofile(note)
    try:
        for body in bodies[WARM:]:
            fingerprinter.take(RESOURCE, body, START_MS)
    finally:
        sys.setprofile(before)
        gc.enable()
    return taken / count

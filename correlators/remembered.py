"""What FINGERPRINT remembers of events, for all source partitions of a process at once.

An error comes over every partition of its topic: what one of them has learnt of it the others need
not learn again, and what is kept is bounded for all of them together. No result depends on it.
"""

from __future__ import annotations

from collections import OrderedDict

from correlators.looks import Memory
from correlators.same_stacks import SameStacks
from correlators.types import Signature


class Remembered:
    """The caches of one way of fingerprinting."""

    def __init__(self, size: int) -> None:
        """Args: size: most finished signatures kept, of the glance and of the long way each."""
        self.memory = Memory(size)
        self.same = SameStacks()
        self.signatures: OrderedDict[bytes, Signature] = OrderedDict()
        """Of the long way, by what a signature reads."""

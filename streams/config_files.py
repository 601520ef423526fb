"""The files of a configuration: read once, so that all who take it take the very same bytes.

A parent reads them from the disk and hands what it has read to its stage processes, which read
nothing from the disk themselves: a file that changes between two reads is never half of both.
Secrets are no part of it: they stay references.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path


class Reread(StrEnum):
    """What became of files that were read again. The word is the metric label."""

    TAKEN = "taken"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Files:
    """Gives the bytes of files, and keeps what it gave."""

    def __init__(self, kept: Mapping[str, bytes] | None = None) -> None:
        """Args: kept: all files that there are, by path; None reads them from the disk."""
        self._from_disk = kept is None
        self._kept = dict(kept or {})

    @property
    def kept(self) -> dict[str, bytes]:
        """What was read, by path."""
        return dict(self._kept)

    def read(self, path: Path, most_bytes: int) -> bytes:
        """Return the file's bytes, at most one more than `most_bytes`: then it is too long.

        Raises:
            OSError: it cannot be read.
        """
        name = str(path)
        if name not in self._kept:
            if not self._from_disk:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            with path.open("rb") as file:
                self._kept[name] = file.read(most_bytes + 1)
        return self._kept[name]

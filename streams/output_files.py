"""Files that a command writes: whole or not at all, and refused before the work if they cannot be.

What is no regular file (a pipe, a device) is written directly, since there is nothing to replace.

Errors: `OutputError` when a file cannot be written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class OutputError(Exception):
    """A file of results cannot be written; the text names it and why."""


def check_writable(path: Path) -> None:
    """Return if a file can be made here, before the work of hours is done for it.

    Raises:
        OutputError: it cannot.
    """
    folder = path.parent
    if path.is_dir() or not folder.is_dir():
        raise OutputError(f"{path}: not a file in a folder that exists")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OutputError(f"{path}: not writable")


def write(path: Path, rows: Iterable[bytes]) -> None:
    """Write the file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with written(path) as stream:
        stream.writelines(rows)


@contextmanager
def written(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """Give a stream whose content becomes the file once the block ends well; else nothing stays.

    Args:
        path: where the file is to be; one that exists is replaced.
        private: only its owner may read it, whatever the process's mask allows.

    Raises:
        OutputError: it cannot be written; an `OSError` of the block counts as that too.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                yield stream
            return
        with _beside(path, private=private) as stream:
            try:
                yield stream
                stream.flush()
                os.replace(stream.name, path)
            except BaseException:
                os.unlink(stream.name)
                raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _beside(path: Path, *, private: bool) -> IO[bytes]:
    """Open a new file in the folder of `path`, unless private readable as the mask allows."""
    stream = tempfile.NamedTemporaryFile(  # noqa: SIM115
        dir=path.parent, prefix=f".{path.name}.", delete=False
    )
    if not private:
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(stream.name, 0o666 & ~mask)
    return stream

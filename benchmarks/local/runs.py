"""One command as a process of its own: how long it took, its CPU, and the memory of it and its own.

Errors: `Failed` when it ended with another status than 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

_LOOK_EVERY_S: Final = 0.2
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """A command failed; the text says which and how."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How a command stood when so much of its file was read."""

    share: float
    wall_s: float
    own_mib: float
    """Most memory that its first process had resident up to here."""
    all_mib: float
    """Most that all its processes had together up to here."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a command took."""

    wall_s: float
    cpu_s: float
    """Of all its processes."""
    own_mib: float
    """Most memory that its first process had resident."""
    all_mib: float
    """Most that all of its processes had together; what they share counts for each."""
    marks: tuple[Mark, ...]


def run(arguments: Sequence[str], out: Path, shares: Sequence[float] = ()) -> Cost:
    """Return what `python ARGUMENTS` took; what it prints goes to the file.

    Args:
        arguments: the last one is the file that it reads.
        out: for what it prints.
        shares: of that file, ascending; how it stood is noted when so much of it was read.

    Raises:
        Failed: it ended with another status than 0.
    """
    began = time.monotonic()
    with out.open("wb") as stream:
        process = subprocess.Popen([sys.executable, *arguments], stdout=stream, stderr=stream)
    own = everything = 0
    marks: list[Mark] = []
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        sizes = [_resident(one) for one in _family(process.pid)]
        own = max(own, sizes[0])
        everything = max(everything, sum(sizes))
        if len(marks) < len(shares):
            share = _read_of(process.pid, Path(arguments[-1]))
            if share >= shares[len(marks)]:
                marks.append(
                    Mark(
                        share=shares[len(marks)],
                        wall_s=round(time.monotonic() - began, 2),
                        own_mib=_mib(own),
                        all_mib=_mib(everything),
                    )
                )
        time.sleep(_LOOK_EVERY_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(
            f"{' '.join(arguments)}: status {process.returncode}: {out.read_text()[-500:]}"
        )
    return Cost(
        wall_s=round(time.monotonic() - began, 2),
        cpu_s=round(used.ru_utime + used.ru_stime, 2),
        own_mib=_mib(own),
        all_mib=_mib(everything),
        marks=tuple(marks),
    )


def _family(pid: int) -> list[int]:
    """Return the process and all below it."""
    found = [pid]
    for one in found:
        for tasks in Path(f"/proc/{one}/task").glob("*/children"):
            found.extend(map(int, _read(tasks).split()))
    return found


def _read_of(pid: int, path: Path) -> float:
    """Return which share of the file the process has read; 0 while it is not open."""
    for one in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            if one.resolve() == path.resolve():
                position = _read(Path(f"/proc/{pid}/fdinfo/{one.name}")).split()[1]
                return int(position) / path.stat().st_size
        except (OSError, IndexError):
            continue
    return 0.0


def _mib(size: int) -> float:
    return round(size / 1024**2, 1)


def _resident(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * _PAGE_BYTES if fields else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # It has ended meanwhile.

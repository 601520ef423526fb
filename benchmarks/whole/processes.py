"""The processes of a worker, and what the system says of their memory.

Source: proc_pid_stat(5), proc_pid_cmdline(5), proc_pid_status(5).
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from streams.processes import StageName

PARENT: Final = "parent"
_KIB: Final = 1 / 1024


class Memory(msgspec.Struct, frozen=True):
    """Of one process, MiB."""

    resident: float
    most: float
    """Resident, ever since it began."""


def memory_of(pid: int) -> Memory:
    """Return what a process has resident.

    Raises:
        ProcessLookupError: there is no such process.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        raise ProcessLookupError(pid) from None
    found = dict(line.split(":", 1) for line in lines)
    if "VmRSS" not in found:  # it has ended, and its parent does not know yet
        raise ProcessLookupError(pid)
    resident, most = (int(found[name].split()[0]) * _KIB for name in ("VmRSS", "VmHWM"))
    return Memory(round(resident, 2), round(most, 2))


def stage_processes(parents: set[int]) -> dict[str, int]:
    """Return the process of each stage that one of these parents has started, by its name."""
    found: dict[str, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (folder / "cmdline").read_text().split("\0")
            if parent in parents and "streams.app" in words:
                name = StageName(words[words.index("streams.app") + 1])
                found[name.value] = int(folder.name)
    return found

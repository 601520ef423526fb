"""A contender in a process of its own: it writes what it did into a file, or is said to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.storm.work import Done

WITHIN_S: Final = 600.0
"""How long one contender may take."""
SAID_CHARS: Final = 2_000
"""Of what a process that failed wrote last."""


class Failed(Exception):
    """A contender failed, or what it made is wrong; the text says which and how."""


async def run_child(
    says: str,
    program: Sequence[str],
    out: Path,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Return what a process did.

    Args:
        says: its name in errors.
        program: with its arguments.
        out: where it writes a `Done`, as JSON; nothing is there before.
        folder: where it runs, its parent's unless given.
        environment: its own, its parent's unless given.

    Raises:
        Failed: it took too long, ended with another status than 0 or wrote nothing.
    """
    process = await asyncio.create_subprocess_exec(
        *program,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    except TimeoutError:
        raise Failed(f"{says}: not done within {WITHIN_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    done = None if process.returncode else _read(out)
    if done is None:
        text = said.decode(errors="replace")[-SAID_CHARS:]
        raise Failed(f"{says}: ended with status {process.returncode}\n{text}".rstrip())
    return done


def _read(out: Path) -> Done | None:
    return msgspec.json.decode(out.read_bytes(), type=Done) if out.exists() else None

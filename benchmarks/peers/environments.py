"""A virtual environment for each peer, made when it is first needed and kept.

They stand in `.peers` beside the code, which git ignores. What is in one is pinned in the peer's
requirements file; what the pure code of this repository needs comes in the very versions that run
here, so that all contenders decode, hash and count alike.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
FOLDER: Final = ROOT / ".peers"

OURS: Final = ("datasketches", "msgspec", "xxhash")
"""What `correlators` needs."""

MADE: Final = "made.txt"
"""In an environment: what it was made for, written when it is complete."""

WITHIN_S: Final = 300.0


class NoEnvironment(Exception):
    """An environment cannot be made; the text is what pip or venv said last."""


def pins(peer: str) -> list[str]:
    """Return what an environment holds, `name==version` each, the peer first."""
    theirs = (HERE / f"{peer}.txt").read_text().split()
    return [*theirs, *(f"{name}=={importlib.metadata.version(name)}" for name in OURS)]


def python_of(peer: str, folder: Path = FOLDER) -> Path:
    """Return the interpreter of a peer's environment, which is made if it is not there as pinned.

    Raises:
        NoEnvironment: it cannot be made.
    """
    environment = folder / peer
    python = environment / "bin" / "python"
    wanted = "\n".join((sys.version, *pins(peer)))
    made = environment / MADE
    if made.exists() and made.read_text() == wanted:
        return python
    shutil.rmtree(environment, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(environment))
    _run(str(python), "-m", "pip", "install", "--disable-pip-version-check", *pins(peer))
    made.write_text(wanted)
    return python


def _run(*command: str) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoEnvironment(str(error)) from error
    if ran.returncode:
        raise NoEnvironment((ran.stderr or ran.stdout)[-2_000:])

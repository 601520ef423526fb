"""Prometheus and promtool, found or fetched: on the PATH, else Debian's package, only unpacked.

The package is unpacked into the user's cache and not installed: no service is started, and no
right to install is needed.

Errors: `NotAtHand`, with every way that was tried.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

WITHIN_S: Final = 300.0
PACKAGES: Final = ("prometheus", "prometheus-alertmanager")
_PROGRAMS: Final = ("prometheus", "promtool", "amtool")


class NotAtHand(Exception):
    """There is no Prometheus; the text says what would give one."""


def programs() -> dict[str, Path]:
    """Return the paths of `prometheus`, `promtool` and `amtool`.

    Raises:
        NotAtHand: neither the PATH nor Debian's package has them.
    """
    found = {name: path for name in _PROGRAMS if (path := shutil.which(name))}
    if len(found) == len(_PROGRAMS):
        return {name: Path(path) for name, path in found.items()}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stormfold"
    unpacked = cache / "prometheus-debian"
    if not unpacked.is_dir():
        _fetch(unpacked)
    return {name: unpacked / "usr" / "bin" / name for name in _PROGRAMS}


def _fetch(unpacked: Path) -> None:
    """Unpack Debian's packages there, whole or not at all."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NotAtHand(
            f"{', '.join(_PROGRAMS)} are not on the PATH, and this is no Debian whose packages "
            f"({', '.join(PACKAGES)}) could be unpacked: install Prometheus and Alertmanager"
        )
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=unpacked.parent) as folder:
        download = ["apt-get", "download", "-q", *PACKAGES]
        # A fresh machine has no lists of packages; only root may fetch them.
        update = ["apt-get", "update", "-q"]
        if not _done(download, folder) and not (_done(update, folder) and _done(download, folder)):
            raise NotAtHand(f"apt-get does not get {', '.join(PACKAGES)}: install them")
        whole = Path(folder, "unpacked")
        for package in Path(folder).glob("*.deb"):
            if not _done(["dpkg-deb", "-x", str(package), str(whole)], folder):
                raise NotAtHand(f"{package.name} cannot be unpacked")
        try:
            whole.rename(unpacked)
        except OSError:  # another process was first
            assert unpacked.is_dir()


def _done(command: list[str], folder: str) -> bool:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=WITHIN_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0

"""Paths of the machine become those of a server, and nothing personal may slip out.

The check lists what it finds; whoever writes a recording refuses it then.
"""

from __future__ import annotations

import re
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_EMAIL: Final = re.compile(r"[\w.+-]+@(?!example\.com\b)[\w-]+(?:\.[A-Za-z]{2,})+")
_ADDRESS: Final = re.compile(r"\b(?!127\.0\.0\.1\b|192\.0\.2\.)(?:\d{1,3}\.){3}\d{1,3}\b")
_HOMES: Final = re.compile(r"/(?:root|home|tmp|Users|private)/[\w.-]+|\.pyenv|\.venv")


class Cleaner:
    """Turns the paths of one run into neutral ones."""

    def __init__(self, deployed: Iterable[tuple[str, str]]) -> None:
        """Take the folders of the run's programs, each with what a server would call it."""
        paths = sysconfig.get_paths()
        version = sysconfig.get_python_version()
        pairs = [
            *deployed,
            (paths["purelib"], "/usr/lib/python3/dist-packages"),
            (paths["platlib"], "/usr/lib/python3/dist-packages"),
            (paths["stdlib"], f"/usr/lib/python{version}"),
            (sys.executable, "/usr/bin/python3"),
        ]
        resolved = [(str(Path(old).resolve()), new) for old, new in pairs]
        self._pairs = sorted({*pairs, *resolved}, key=lambda pair: -len(pair[0]))

    def clean(self, value: Any) -> Any:
        """Return the JSON value with every path of the machine replaced."""
        match value:
            case str():
                for old, new in self._pairs:
                    value = value.replace(old, new)
                return value
            case list():
                return [self.clean(entry) for entry in value]
            case dict():
                return {key: self.clean(entry) for key, entry in value.items()}
        return value


def leaks(text: str) -> list[str]:
    """Return what in a text still tells of the machine or of people: path, name, mail, address."""
    here = (tempfile.gettempdir(), str(Path.home()), str(Path.cwd()), sys.prefix, sys.base_prefix)
    found = [f"path {path}" for path in here if path != "/" and f"{path}/" in text]
    if f'"{socket.gethostname()}"' in text:
        found.append("the name of this machine")
    for kind, pattern in (("mail", _EMAIL), ("address", _ADDRESS), ("path", _HOMES)):
        found += [f"{kind} {hit.group()}" for hit in pattern.finditer(text)]
    return sorted(set(found))

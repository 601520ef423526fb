"""Where a frame's code stands: its module, else its file, without what changes between builds.

Lives here: the first half of a frame's name. Not here: the function in it, and which frames are
generated (`frames`). A place never holds an absolute folder, a host, a query or a build hash.
"""

from __future__ import annotations

import re
from typing import Final

from correlators.cleaning import Step
from correlators.naming import NAME_CHARS, Naming, cleaned
from correlators.platforms import Family
from correlators.types import Frame

PATH_CHARS: Final = 4_096
"""Longest path, with its query, that is searched for its end; those of systems end here too."""

_FOLDERS: Final = re.compile(r"[\\/]")
_QUERY: Final = re.compile(r"[?#].*")
_SITE: Final = re.compile(
    r"(?:blob:|data:)?(?:https?|file|capacitor|ionic)://[^/]*+(?:/|$)|data:.*"
)
_GENERIC_FILE: Final = re.compile(r"(?:index|main|page|route|layout|mod|handler)\.\w{1,6}")
_RELATIVE: Final = re.compile(
    r"(?:webpack(?:-internal)?://+[^/]*/|app://+|\./|~/)*+(?![/\\]|[A-Za-z]:|\w+://)(.*)"
)
_BASE_CLASS: Final = re.compile(
    r"(?<=\.)(?:Base|Abstract)++[A-Z][a-z]\w*$|(?<=\.)[A-Z]\w*(?<!Data)(?<!Code)Base$"
)
_TELLING: Final = re.compile(r"[a-z]{2}[A-Z][a-z]+[A-Z][a-z]|[A-Za-z]{2}_[A-Za-z]+_[A-Za-z]")
"""A function's name of three words or more."""

_BUILT_FOLDERS: Final = frozenset(
    {"", ".", "..", "~", "dist", "src", "build", "static", "js", "assets", "lib", "out", "app"}
)


def place(frame: Frame, module: str, naming: Naming, family: Family) -> str:
    """Return the frame's module, else its file's name; empty when it has neither."""
    if naming.by_form and family is Family.JAVASCRIPT and (frame.filename or frame.abs_path):
        module = ""  # Sentry and the SDKs make it out of the path.
    steps = naming.module.get(family, ())
    if module.isascii() and not naming.cut.search(module):
        if module:
            return module
    elif module := _FOLDERS.split(cleaned(module, steps).rstrip("\\/"))[-1]:
        return module
    path = _path(frame, naming, family)
    parts = _FOLDERS.split(path.rstrip("\\/"))
    if not parts[-1] and naming.by_form and family is Family.NATIVE:
        parts = _FOLDERS.split(frame.package[-NAME_CHARS:])
    if parts[-1].lower() in naming.unnamed:
        return ""
    file = cleaned(parts[-1], naming.file).lower()
    return f"{folder}/{file}" if (folder := _folder(path, parts, naming, family)) else file


def place_steps(
    frame: Frame, module: str, naming: Naming, family: Family
) -> tuple[str, tuple[Step, ...]]:
    """Return what stands for the place before it is cleaned, and the steps that clean it."""
    if module and not (naming.by_form and family is Family.JAVASCRIPT and frame.filename):
        return module, naming.module.get(family, ())
    return _FOLDERS.split(_path(frame, naming, family).rstrip("\\/"))[-1], naming.file


def without_base(where: str, function: str, family: Family) -> str:
    """Return the package alone for a function with a telling name in a base class.

    Code moves up and down between base classes, and they are renamed and split; what it does keeps
    its name. A short name such as `get` needs its class.
    """
    if family not in (Family.JVM, Family.DOTNET) or not _TELLING.search(function):
        return where
    return _BASE_CLASS.sub("(base)", where)


def _path(frame: Frame, naming: Naming, family: Family) -> str:
    """Return the path of the frame's file without query, and without the site it came from."""
    path = frame.filename or frame.abs_path
    if not naming.by_form:
        return _QUERY.sub("", path[-NAME_CHARS:])
    path = _QUERY.sub("", path[:PATH_CHARS] if len(path) > NAME_CHARS else path)
    if family is Family.JAVASCRIPT and (site := _SITE.match(path)):
        path = path[site.end() - 1 :]
        if "." not in path.rsplit("/", 1)[-1]:
            return "(page)"  # Its address may hold ids, and its host is no part of the code.
    return path[-NAME_CHARS:]


def _folder(path: str, parts: list[str], naming: Naming, family: Family) -> str:
    """Return the folder inside the project of a script whose own name says nothing, or nothing."""
    if not naming.by_form or family is not Family.JAVASCRIPT or len(parts) < 2:
        return ""
    match = _RELATIVE.fullmatch(path)
    if not match or not _GENERIC_FILE.fullmatch(parts[-1]):
        return ""
    inside = [part for part in _FOLDERS.split(match[1])[:-1] if part not in _BUILT_FOLDERS]
    return inside[-1].lower() if inside else ""

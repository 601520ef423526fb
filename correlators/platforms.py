"""Families of platforms: whose frames look alike, and what their stacks show.

Lives here: which family a frame belongs to, and which frames are of the runtime itself. Not here:
what is cleaned in each (`cleaning`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from correlators.types import Frame


class Family(StrEnum):
    """Platforms whose runtimes name functions in the same way. The word is the `explain` text."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    JVM = "jvm"
    GO = "go"
    RUBY = "ruby"
    PHP = "php"
    DOTNET = "dotnet"
    NATIVE = "native"
    DART = "dart"
    ELIXIR = "elixir"
    OTHER = "other"


SHOWS_LIBRARY: Final = frozenset({Family.JVM, Family.DOTNET, Family.PHP})
"""Families in which a call into the runtime's own library is a frame: there a newest frame that is
in-app raised by itself. A Python or JavaScript built-in that raises leaves no frame."""

_BY_PLATFORM: Final = {
    "python": Family.PYTHON,
    "javascript": Family.JAVASCRIPT,
    "node": Family.JAVASCRIPT,
    "java": Family.JVM,
    "kotlin": Family.JVM,
    "scala": Family.JVM,
    "clojure": Family.JVM,
    "groovy": Family.JVM,
    "android": Family.JVM,
    "go": Family.GO,
    "ruby": Family.RUBY,
    "php": Family.PHP,
    "csharp": Family.DOTNET,
    "dotnet": Family.DOTNET,
    "native": Family.NATIVE,
    "c": Family.NATIVE,
    "cpp": Family.NATIVE,
    "cocoa": Family.NATIVE,
    "objc": Family.NATIVE,
    "swift": Family.NATIVE,
    "rust": Family.NATIVE,
    "dart": Family.DART,
    "flutter": Family.DART,
    "elixir": Family.ELIXIR,
}
_BY_EXTENSION: Final = {
    "py": Family.PYTHON,
    **dict.fromkeys(("js", "mjs", "cjs", "jsx", "ts", "tsx", "vue", "svelte"), Family.JAVASCRIPT),
    **dict.fromkeys(("java", "kt", "scala", "clj", "groovy"), Family.JVM),
    "go": Family.GO,
    "rb": Family.RUBY,
    "php": Family.PHP,
    **dict.fromkeys(("cs", "fs", "vb"), Family.DOTNET),
    **dict.fromkeys(("c", "cc", "cpp", "cxx", "h", "hpp", "m", "mm", "swift", "rs"), Family.NATIVE),
    "dart": Family.DART,
    **dict.fromkeys(("ex", "exs"), Family.ELIXIR),
}


_RUNTIME_MODULE: Final = re.compile(
    r"(?:java|javax|jdk|sun|kotlin|kotlinx|scala|clojure|groovy|System|Microsoft)\."
    r"|(?:runtime|reflect|sync|internal|node|dart)(?:$|[./:])|java\.base/"
)
_RUNTIME_FUNCTION: Final = re.compile(r"(?:std|core|alloc|__cxxabiv1|__gnu_cxx)::|_Z?N?St\d|_dl_")
_RUNTIME_FILE: Final = re.compile(r"node:|internal/|<frozen |<internal:|dart:|(?:.*/)?rustc/")


def of_runtime(frame: Frame) -> bool:
    """Return whether the frame is of the language's own library, by its module, file or path."""
    return bool(
        _RUNTIME_MODULE.match(frame.module[:100])
        or _RUNTIME_FILE.match(frame.filename[:100])
        or _RUNTIME_FUNCTION.match(frame.function[:100])
    )


def family_of(frame: Frame, platform: str) -> Family:
    """Return the frame's family: its own platform, else the event's, else by its file's ending."""
    found = _BY_PLATFORM.get(frame.platform) or _BY_PLATFORM.get(platform)
    if found is None:
        _, dot, ending = frame.filename[-12:].rpartition(".")
        found = _BY_EXTENSION.get(ending.lower()) if dot else None
    return found or Family.OTHER


def family_by_platform(_frame: Frame, platform: str) -> Family:
    """Return the family as version 1 sees it: JavaScript by the event's platform, or all others."""
    return Family.JAVASCRIPT if platform in ("javascript", "node") else Family.OTHER

"""What a frame's code does when an error passes through it, as far as its name says.

Lives here: telling code that checks or raises for its caller from code that fails itself. Not here:
what follows from it (`stacks`). Names are matched by words of the trade, never by project.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Final

from correlators.naming import NAME_CHARS
from correlators.reasons import Dropped
from correlators.types import Frame


class Role(StrEnum):
    """What a frame's code does when an error passes through it, as far as its name says."""

    WORKS = "works"
    """The error is its own."""
    CHECKS = "checks"
    """It checks for its caller: unrelated errors share it, the caller tells them apart."""
    FUNNELS = "funnels"
    """It raises what its caller says: the caller and the words of the message tell errors apart."""


RoleOf = Callable[[Frame, str], Role]
"""A frame and its cleaned function to the frame's role."""

_RAISES: Final = re.compile(
    r"_*(?i:(?P<funnels>throw|raise|report|fail|reject|abort|panic|unexpected|illegal|unsupported)"
    r"|assert|check|require|ensure|validate|verify|expect|must)(?![a-z])"
)
_RAISES_BY_END: Final = ("Error", "error", "Exception", "exception", "Failure", "failure")
_RAISING_CLASS: Final = re.compile(
    r"(?:(?P<funnels>[eE]xceptions?|[eE]rrors?)"
    r"|[aA]ssert(?:ion)?s?|[pP]reconditions?|Validate|Verify|Guard|Ensure|Checks?)$"
)

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FAULTS: Final = frozenset(
    {"throw", "throws", "rethrow", "raise", "panic", "unexpected", "illegal", "unsupported"}
    | {"invalid", "missing", "mismatch", "weird", "bad", "unknown", "cannot", "problem"}
    | {"violation", "error", "exception", "failure", "fatal", "wrong"}
)
_FAULTS_FIRST: Final = _FAULTS - {"error", "unknown", "problem"} | {"bail", "die", "croak"}
_FAULTS_LAST: Final = frozenset({"throw", "rethrow", "raise", "panic", "abort"})
_BEFORE_FAULT: Final = frozenset(
    {"handle", "on", "make", "create", "build", "new", "wrap", "maybe", "do", "emit", "signal"}
    | {"log", "deal"}
)
"""First words after which a fault is what the function is about, and not what it works on."""

_GUARDS_FIRST: Final = frozenset(
    {"enforce", "demand", "invariant", "precondition", "guard", "assertion"}
)
_NOTHING_FIRST: Final = re.compile(r"(?:is_?)?(?:not|non)_?(?i:null|nil|none|empty|blank|negative)")
_RAISERS: Final = frozenset(
    {"terminate", "kill", "pthread_kill", "gsignal", "exit", "RaiseException", "unwrap", "_exit"}
    | {"abort_with_payload", "abort_internal", "assert_rtn", "cxa_throw", "exceptionPreprocess"}
)
"""Functions of runtimes through which a program ends or an error is thrown."""

_LAST: Final = re.compile(r".*(?:[.#]|::)")


def role_1(frame: Frame, function: str) -> Role:
    """Return the role as version 1 sees it: by the first word, the ending, or the class."""
    last = function.rsplit(".", 1)[-1]
    if last.endswith(_RAISES_BY_END):
        return Role.FUNNELS
    found = _RAISES.match(last) or _RAISING_CLASS.search(frame.module[-NAME_CHARS:])
    if not found:
        return Role.WORKS
    return Role.FUNNELS if found["funnels"] else Role.CHECKS


def role_2(frame: Frame, function: str) -> Role:
    """Return the role also by a fault that the name speaks of, and of a runtime's own raisers."""
    role = role_1(frame, function)
    return _by_words(_LAST.sub("", function)) if role is Role.WORKS else role


@lru_cache(maxsize=4096)
def _by_words(name: str) -> Role:
    """Return the role that the words of a function's name tell."""
    bare = name.lstrip("_")
    if bare in _RAISERS or _RAISES.match(name) or _NOTHING_FIRST.match(name):
        found = _RAISES.match(name)
        return Role.FUNNELS if found and found["funnels"] else Role.CHECKS
    words = [word.lower() for word in _WORD.findall(bare)[:12]]
    if not words:
        return Role.WORKS
    if words[0] in _FAULTS_FIRST or words[-1] in _FAULTS_LAST:
        return Role.FUNNELS
    if words[0] in _BEFORE_FAULT and not _FAULTS.isdisjoint(words[1:]):
        return Role.FUNNELS
    return Role.CHECKS if words[0] in _GUARDS_FIRST else Role.WORKS


_SDK_CHARS: Final = 80
_SDK: Final = re.compile(
    r"<?sentry_[a-z_]{1,40}::|sentry::|io\.sentry\.(?!samples?\.)|sentry_sdk(?:\.|$)|Sentry\\"
    r"|github\.com/getsentry/sentry-go(?:$|[/.])|Sentry(?:::|\.(?:Internal|Protocol)\.)"
)


_PANICS: Final = re.compile(r"__rustc::|_{0,2}rust_(?:begin_unwind|panic)|core::panicking::")


def of_others(frame: Frame) -> Dropped | None:
    """Return why code is not the program's although it is called in-app; None where it may be.

    It is that of Sentry's own SDK, by the name it has in each language: where an SDK leaves its own
    frames in-app they are the newest of every stack that it writes. Or it is what the language's
    runtime raises a panic with, which SDKs that are older than the runtime do not know.
    """
    where = (frame.module or frame.function)[:_SDK_CHARS]
    if _SDK.match(where):
        return Dropped.SDK
    return Dropped.RUNTIME if _PANICS.match(where) else None

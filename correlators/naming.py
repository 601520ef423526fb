"""How each version names frames, as data: which steps clean, what is no name, what is generated.

Lives here: the options of naming, and the sets of the versions. Not here: the steps themselves
(`cleaning`), and what becomes of them (`places`, `frames`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from correlators.cleaning import (
    FILE_1,
    FILE_2,
    FUNCTION_1,
    FUNCTION_2,
    LAST_DOTTED,
    MODULE_1,
    MODULE_2,
    Step,
)
from correlators.platforms import Family, family_by_platform, family_of
from correlators.types import Frame

NAME_CHARS: Final = 200
"""Longest module or function that is read, in characters; C++ templates go further."""

_UNNAMED_1: Final = frozenset(
    {"", "?", "<anonymous>", "anonymous", "(anonymous)", "<unknown>", "unknown", "<redacted>"}
    | {"null", "{closure}", "[native code]", "native", "eval", "<unlabeled>", "(unknown)"}
)
_UNNAMED_2: Final = _UNNAMED_1 | {
    *("<lambda>", "lambda", "global code", "module code", "eval code", "(anonymous function)"),
    *("anonymous function", "<anonymous closure>", "<fn>", "undefined", "<none>", "-"),
    *("Anonymous function", "Global code", "<anonymous function>", "Eval code"),
}
_GENERATED_1: Final = re.compile(
    r"(?:\$Proxy\d+|Generated(?:Method|Constructor)Accessor\d+|LambdaForm\$\w+)(?:$|[/.])"
)
_GENERATED_2: Final = re.compile(
    _GENERATED_1.pattern
    + r"|\$\$FastClassBy|^(?:java\.base/)?(?:sun|jdk\.internal|java\.lang)\.(?:reflect|invoke)\."
    r"|^org\.codehaus\.groovy\.(?:runtime|reflection)\.|^System\.Reflection\b"
)


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """How one version names frames."""

    family: Callable[[Frame, str], Family] = family_of
    function: Mapping[Family, tuple[Step, ...]]
    module: Mapping[Family, tuple[Step, ...]]
    file: tuple[Step, ...]
    cut: re.Pattern[str]
    """What a module must hold for any step to find something in it."""

    unnamed: frozenset[str]
    generated: re.Pattern[str]
    by_form: bool = True
    """Whether the rest of what a language's tools leave behind is known (`frames`, `places`)."""


NAMING_1: Final = Naming(
    family=family_by_platform,
    function={Family.OTHER: FUNCTION_1, Family.JAVASCRIPT: (*FUNCTION_1, LAST_DOTTED)},
    module=dict.fromkeys(Family, (MODULE_1,)),
    file=FILE_1,
    cut=re.compile(r"[$/@]"),
    unnamed=_UNNAMED_1,
    generated=_GENERATED_1,
    by_form=False,
)
NAMING_2: Final = Naming(
    function=FUNCTION_2,
    module={**dict.fromkeys(Family, (MODULE_1,)), **MODULE_2},
    file=FILE_2,
    cut=re.compile(r"[$/@`+]|_(?:Subclass|ClientProxy)$|\.v\d+$"),
    unnamed=_UNNAMED_2,
    generated=_GENERATED_2,
)


def cleaned(name: str, steps: tuple[Step, ...]) -> str:
    """Return the name after these steps, in order."""
    for _, pattern, put in steps:
        name = pattern.sub(put, name)
    return name

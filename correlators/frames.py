"""What a stack frame is called, without what changes between builds, hosts and runs.

Lives here: the name of one frame out of module, file, function and line, and which frames are
generated code. Not here: the single cleaning steps (`cleaning`), what a frame's code does when an
error passes through it (`roles`), which frames of a stack count (`stacks`). A name never holds a
line number, an address, a build hash or an absolute folder. Names are matched by their form in each
language, never by project.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

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
from correlators.reasons import Dropped
from correlators.types import Frame

NAME_CHARS: Final = 200
"""Longest module or function that is read, in characters; C++ templates go further."""

LINE_CHARS: Final = 120
"""Longest source line that stands for a function without a name; longer ones are minified code."""

_UNNAMED_1: Final = frozenset(
    {"", "?", "<anonymous>", "anonymous", "(anonymous)", "<unknown>", "unknown", "<redacted>"}
    | {"null", "{closure}", "[native code]", "native", "eval", "<unlabeled>", "(unknown)"}
)
_UNNAMED_2: Final = _UNNAMED_1 | {
    *("<lambda>", "lambda", "global code", "module code", "eval code", "(anonymous function)"),
    *("anonymous function", "<anonymous closure>", "<fn>", "undefined", "<none>", "-"),
}
_INLINED: Final = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
"""Frames that older Pythons make for a comprehension and newer ones do not."""

_GENERATED_1: Final = re.compile(
    r"(?:\$Proxy\d+|Generated(?:Method|Constructor)Accessor\d+|LambdaForm\$\w+)(?:$|[/.])"
)
_GENERATED_2: Final = re.compile(
    _GENERATED_1.pattern
    + r"|\$\$FastClassBy|^(?:java\.base/)?(?:sun|jdk\.internal|java\.lang)\.(?:reflect|invoke)\."
    r"|^org\.codehaus\.groovy\.(?:runtime|reflection)\.|^System\.Reflection\b"
)
_GENERATED_FUNCTIONS: Final = {
    Family.JVM: re.compile(r"access\$\w+|\$[rp]8\$.*"),
    Family.JAVASCRIPT: re.compile(
        r"asyncGeneratorStep\d*|__awaiter|_?asyncToGenerator|fulfilled|rejected|_next|_throw"
        r"|tryCatch|__webpack_require__|__webpack_exec__|webpackJsonpCallback"
    ),
    Family.DOTNET: re.compile(r"lambda_method\d*(?:\(.*)?"),
}
_BUILT_IN_FILES: Final = frozenset({"<anonymous>", "[native code]", "native", "native code"})

_FOLDERS: Final = re.compile(r"[\\/]")
_QUERY: Final = re.compile(r"[?#].*")
_JOINT: Final = (
    (re.compile(r"^(.+?)\$(\w+?)(?:\$\d+)+$"), frozenset({"invokeSuspend", "invoke"})),
    (re.compile(r"^(.+?)\$\$anonfun\$(\w+)(?:\$.*)?$"), frozenset({"apply", "applyOrElse"})),
    (
        re.compile(r"^([a-z][\w.\-]*)\$(\w+?[^$\d][^$]*?)(?:\$fn__\d+|__\d+)*$"),
        frozenset({"invoke", "invokeStatic", "invokePrim", "doInvoke", "applyTo"}),
    ),
    (re.compile(r"^(.+?)\$_(\w+?)_closure\d+.*$"), frozenset({"doCall", "call"})),
    (re.compile(r"^(.+?)[+.]<(\w+)>d__\d+.*$"), frozenset({"MoveNext", "MoveNext()"})),
)
"""Classes that a compiler made out of one function: the class tells the function's true name."""

_MINIFIED: Final = re.compile(r"(?:[\w$]+\.)*+[A-Za-z_$]{1,2}\d?")
_GENERIC_FILE: Final = re.compile(r"(?:index|main|page|route|layout|mod|handler)\.\w{1,6}")
_RELATIVE: Final = re.compile(
    r"(?:webpack(?:-internal)?://+[^/]*/|app://+|\./|~/)*+(?![/\\]|[A-Za-z]:|\w+://)(.*)"
)
_BASE_CLASS: Final = re.compile(r"(?<=\.)(?:Base|Abstract)++[A-Z][a-z]\w*$|(?<=\.)[A-Z]\w*Base$")
_TELLING: Final = re.compile(r"[a-z]{2}[A-Z][a-z]+[A-Z][a-z]|[A-Za-z]{2}_[A-Za-z]+_[A-Za-z]")
"""A function's name of three words or more."""

_BUILT_FOLDERS: Final = frozenset(
    {"", ".", "..", "~", "dist", "src", "build", "static", "js", "assets", "lib", "out", "app"}
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
    """Whether the rest of what a language's tools leave behind is known: see `_true_names`."""


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


class Named(NamedTuple):
    """A frame's name, empty when it says nothing, and the function in it, which may be empty."""

    name: str
    function: str
    telling: bool
    """It names a function or shows its line, and not only a file."""


_NAMELESS: Final = Named("", "", telling=False)


def frame_name(frame: Frame, naming: Naming, *, platform: str) -> str:
    """Return `module function` or `file function`; empty when the frame says nothing."""
    return named(frame, naming, platform=platform).name


def named(frame: Frame, naming: Naming, *, platform: str) -> Named:
    """Return what the frame is called.

    Equal for the same code whatever its line, folder, host, build or release.

    Args:
        frame: any frame.
        naming: of the version.
        platform: the event's platform, such as `python`.

    Source: which parts count follows Sentry's grouping, docs.sentry.io, "Event grouping".
    """
    if dropped(frame, naming, platform=platform):
        return _NAMELESS
    family = naming.family(frame, platform)
    module, function = _true_names(frame, naming, family)
    where = _place(frame, module, naming, family)
    function = _function(function, naming, family)
    if naming.by_form and ("Base" in where or "Abstract" in where):
        where = _without_base(where, function, family)
    if function or not frame.context_line:
        return Named(f"{where} {function}".strip(), function, bool(function))
    line = " ".join(frame.context_line[:NAME_CHARS].split())
    if len(line) > LINE_CHARS:
        return Named(where, "", telling=False)
    return Named(f"{where} `{line}`", "", telling=True)


def dropped(frame: Frame, naming: Naming, *, platform: str) -> Dropped | None:
    """Return why the frame never counts, None for one that may."""
    function = frame.function[-NAME_CHARS:]
    if (function.rsplit(".", 1)[-1] if naming.by_form else frame.function) in _INLINED:
        return Dropped.INLINED
    if frame.module and naming.generated.search(frame.module[:NAME_CHARS]):
        return Dropped.GENERATED
    if not naming.by_form:
        return None
    family = naming.family(frame, platform)
    made = _GENERATED_FUNCTIONS.get(family)
    if made and made.fullmatch(function.rsplit(".", 1)[-1]):
        return Dropped.GENERATED
    if family is Family.GO and frame.filename.endswith("<autogenerated>"):
        return Dropped.GENERATED
    if family is Family.JAVASCRIPT and (frame.filename or frame.abs_path) in _BUILT_IN_FILES:
        return Dropped.BUILT_IN
    return None


def function_of(frame: Frame, naming: Naming, *, platform: str) -> str:
    """Return the function's name without closures, addresses, arguments; may be empty."""
    return _function(frame.function[:NAME_CHARS], naming, naming.family(frame, platform))


def cleanings(frame: Frame, naming: Naming, *, platform: str) -> list[tuple[str, str, str]]:
    """Return before, after and the reason of each step that changes this frame's function."""
    family = naming.family(frame, platform)
    name = _true_names(frame, naming, family)[1]
    found = []
    for step in () if _is_plain(name, naming) else naming.function.get(family, ()):
        if (made := step.clean(name)) != name:
            found.append((name, made, step.why))
            name = made
    return found


def _true_names(frame: Frame, naming: Naming, family: Family) -> tuple[str, str]:
    """Return module and function; those of the source where a compiler made a class of one."""
    module, function = frame.module[:NAME_CHARS], frame.function[:NAME_CHARS]
    if not naming.by_form:
        return module, function
    function = function or frame.raw_function[:NAME_CHARS]
    if family in (Family.JVM, Family.DOTNET) and ("$" in module or "<" in module):
        for form, functions in _JOINT:
            if function in functions and (match := form.match(module)):
                return match[1], match[2]
    if family is Family.JAVASCRIPT and _MINIFIED.fullmatch(function):
        name = frame.filename or frame.abs_path
        if not name.endswith((".ts", ".tsx", ".vue", ".svelte")):
            return module, ""
    return module, function


def _place(frame: Frame, module: str, naming: Naming, family: Family) -> str:
    """Return the frame's module, else its file's name; empty when it has neither."""
    if naming.by_form and family is Family.JAVASCRIPT and (frame.filename or frame.abs_path):
        module = ""  # Sentry and the SDKs make it out of the path.
    steps = naming.module.get(family, ())
    if module.isascii() and not naming.cut.search(module):
        if module:
            return module
    elif module := _FOLDERS.split(_cleaned(module, steps).rstrip("\\/"))[-1]:
        return module
    path = _QUERY.sub("", (frame.filename or frame.abs_path)[-NAME_CHARS:])
    parts = _FOLDERS.split(path.rstrip("\\/"))
    if not parts[-1] and naming.by_form and family is Family.NATIVE:
        parts = _FOLDERS.split(frame.package[-NAME_CHARS:])
    if parts[-1].lower() in naming.unnamed:
        return ""
    file = _cleaned(parts[-1], naming.file).lower()
    return f"{folder}/{file}" if (folder := _folder(path, parts, naming, family)) else file


def _without_base(where: str, function: str, family: Family) -> str:
    """Return the package alone for a function with a telling name in a base class.

    Code moves up and down between base classes, and they are renamed and split; what it does keeps
    its name. A short name such as `get` needs its class.
    """
    if family not in (Family.JVM, Family.DOTNET) or not _TELLING.search(function):
        return where
    return _BASE_CLASS.sub("(base)", where)


def _folder(path: str, parts: list[str], naming: Naming, family: Family) -> str:
    """Return the folder inside the project of a script whose own name says nothing, or nothing."""
    if not naming.by_form or family is not Family.JAVASCRIPT or len(parts) < 2:
        return ""
    match = _RELATIVE.fullmatch(path)
    if not match or not _GENERIC_FILE.fullmatch(parts[-1]):
        return ""
    inside = [part for part in _FOLDERS.split(match[1])[:-1] if part not in _BUILT_FOLDERS]
    return inside[-1].lower() if inside else ""


def _function(name: str, naming: Naming, family: Family) -> str:
    """Return the function's name after the steps of its family; may be empty."""
    if not _is_plain(name, naming):
        name = _cleaned(name, naming.function.get(family, ()))
        name = name.rsplit("\\", 1)[-1].strip(" .")
    return "" if name in naming.unnamed else name


def _is_plain(name: str, naming: Naming) -> bool:
    """Return whether no step can find anything in the name."""
    return name.isidentifier() and not (naming.by_form and ("__" in name or name[0] == "_"))


def _cleaned(name: str, steps: tuple[Step, ...]) -> str:
    for _, pattern, put in steps:
        name = pattern.sub(put, name)
    return name

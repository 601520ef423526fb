"""What a stack frame is called, without what changes between builds, hosts and runs.

Lives here: cleaning of modules, files and functions, and telling code that only raises from code
that fails. Not here: which frames of a stack count (`fingerprint`). A name never holds a line
number, an address, a build hash or a folder. Names are matched by their form in each language,
never by project.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from correlators.types import Frame

NAME_CHARS: Final = 200
"""Longest module or function that is read, in characters; C++ templates go further."""

_UNNAMED: Final = frozenset(
    {
        "",
        "?",
        "<anonymous>",
        "anonymous",
        "(anonymous)",
        "<unknown>",
        "unknown",
        "<redacted>",
        "null",
    }
    | {"{closure}", "[native code]", "native", "eval", "<unlabeled>", "(unknown)"}
)
_INLINED: Final = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
"""Frames that older Pythons make for a comprehension and newer ones do not."""

_FUNCTION_CLEANED: Final = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"^.{0,199}<locals>\.", ""),
        (r" \[as [^\]]*+\]$", ""),
        (r"^(?:async |new |get |set |bound |Async)++(?=[\w.<])", ""),
        (r"^(?:(?:block|rescue|ensure)(?: \(\d+ levels\))? in )++", ""),
        (r"^.*@anonymous.*::", ""),
        (r"\{closure[^}]*+\}", "{closure}"),
        (r"[+@]?0x[0-9A-Fa-f]++", ""),
        (r"::h[0-9a-f]{16}$", ""),
        (r"(?:::\{\{closure\}\})++", ""),
        (r"\[\.\.\.\]", ""),
        (r"(?:\.func\d++|\.gowrap\d++)(?:\.\d++|\.func\d++)*+$", ""),
        (r"^lambda\$(?:null|([^$]++))\$\w++$", r"\1"),
        (r"^\$anonfun\$([^$]++)\$\d++$", r"\1"),
        (r"^access\$\d++$", ""),
        (r"^CGLIB\$([^$]++)\$\d++$", r"\1"),
        (r"^.*?<(\w++)>[a-z]__[\w|]*+(?:\.MoveNext)?$", r"\1"),
        (r"(?:/?<)++$", ""),
        (r"\([^()]*+\)(?: const)?$", ""),
        (r"\$\d++$", ""),
    )
)
_MODULE_CUT: Final = re.compile(
    r"_?\$\$.*|\$(?:MockitoMock|HibernateProxy|ByteBuddy|Proxy\d*)\b.*|\$Lambda\b.*|(?:\$\d++)++$|\$fn__\d++.*|@[0-9a-f]++$"
)
_GENERATED: Final = re.compile(
    r"(?:\$Proxy\d+|Generated(?:Method|Constructor)Accessor\d+|LambdaForm\$\w+)(?:$|[/.])"
)
_BUILD_HASH: Final = re.compile(
    r"[.\-~](?:(?=\w*\d)\w{6,}+|(?=[A-Z]{0,2}[a-z]\w*[A-Z])\w{8})(?=\.)"
)
_FOLDERS: Final = re.compile(r"[\\/]")
_QUERY: Final = re.compile(r"[?#].*")
_LAST_DOTTED: Final = frozenset({"javascript", "node"})

_RAISES: Final = re.compile(
    r"_*(?i:(?P<funnels>throw|raise|report|fail|reject|abort|panic|unexpected|illegal|unsupported)"
    r"|assert|check|require|ensure|validate|verify|expect|must)(?![a-z])"
)
_RAISES_BY_END: Final = ("Error", "error", "Exception", "exception", "Failure", "failure")
_RAISING_CLASS: Final = re.compile(
    r"(?:(?P<funnels>[eE]xceptions?|[eE]rrors?)"
    r"|[aA]ssert(?:ion)?s?|[pP]reconditions?|Validate|Verify|Guard|Ensure|Checks?)$"
)


class Role(StrEnum):
    """What a frame's code does when an error passes through it, as far as its name says."""

    WORKS = "works"
    """The error is its own."""
    CHECKS = "checks"
    """It checks for its caller: unrelated errors share it, the caller tells them apart."""
    FUNNELS = "funnels"
    """It raises what its caller says: the caller and the words of the message tell errors apart."""


def frame_name(frame: Frame, *, platform: str) -> str:
    """Return `module function` or `file function`; empty when the frame says nothing.

    Equal for the same code whatever its line, folder, host, build or release.

    Args:
        frame: any frame.
        platform: the event's platform, such as `python`.

    Source: which parts count follows Sentry's grouping, docs.sentry.io, "Event grouping".
    """
    function = frame.function[:NAME_CHARS]
    if function in _INLINED or _GENERATED.search(frame.module[:NAME_CHARS]):
        return ""
    where = module_of(frame)
    function = function_of(function, platform=platform)
    if function or not frame.context_line:
        return f"{where} {function}".strip()
    line = " ".join(frame.context_line[:NAME_CHARS].split())
    return f"{where} `{line}`" if len(line) <= LINE_CHARS else where


LINE_CHARS: Final = 120
"""Longest source line that stands for a function without a name; longer ones are minified code."""


def module_of(frame: Frame) -> str:
    """Return the frame's module, else its file's name; empty when it has neither."""
    module = frame.module[:NAME_CHARS]
    if module.isascii() and "$" not in module and "/" not in module and "@" not in module:
        if module:
            return module
    elif module := _FOLDERS.split(_MODULE_CUT.sub("", module).rstrip("\\/"))[-1]:
        return module
    path = _QUERY.sub("", (frame.filename or frame.abs_path)[-NAME_CHARS:])
    file = _FOLDERS.split(path.rstrip("\\/"))[-1]
    return "" if file.lower() in _UNNAMED else _BUILD_HASH.sub("", file).lower()


def function_of(name: str, *, platform: str) -> str:
    """Return the function's name without closures, addresses, arguments; may be empty."""
    if not name.isidentifier():
        for pattern, put in _FUNCTION_CLEANED:
            name = pattern.sub(put, name)
        if platform in _LAST_DOTTED:
            name = name.rsplit(".", 1)[-1]
        name = name.rsplit("\\", 1)[-1].strip(" .")
    return "" if name in _UNNAMED else name


def role_of(frame: Frame, *, platform: str) -> Role:
    """Return whether the frame's code fails itself, or only checks or raises for its caller."""
    function = function_of(frame.function[:NAME_CHARS], platform=platform)
    last = function.rsplit(".", 1)[-1]
    if last.endswith(_RAISES_BY_END):
        return Role.FUNNELS
    found = _RAISES.match(last) or _RAISING_CLASS.search(frame.module[-NAME_CHARS:])
    if not found:
        return Role.WORKS
    return Role.FUNNELS if found["funnels"] else Role.CHECKS

"""What most likely went wrong where a file is no YAML.

The parser says what it stumbled over, often a line after the slip. What is said here quotes nothing
of the file, which may hold secrets.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

_HASH: Final = re.compile(r"[:\[,-][ \t]+#[\w-]")
_LINES_BEFORE: Final = 1


def hint(text: str, error: yaml.MarkedYAMLError) -> str:
    """Return `; ` and what to look at, or nothing where there is no likely cause."""
    problem = error.problem or ""
    if r"'\t'" in problem:
        return "; indent with spaces, not with tabs"
    if error.problem_mark and _HASH.search(_around(text, error.problem_mark.line)):
        return "; a text that begins with # needs quotes, else the rest of its line is a comment"
    if "<block" in problem:
        return "; look at how far this line and the one above are indented"
    if problem.startswith("mapping values are not allowed"):
        return (
            "; a text with a colon and a space in it needs quotes, and each key a line of its own"
        )
    return ""


def _around(text: str, line: int) -> str:
    """Return the line that the parser stumbled over, and those just before it."""
    return "\n".join(text.splitlines()[max(0, line - _LINES_BEFORE) : line + 1])

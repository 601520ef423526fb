"""Stack-trace rules: what may stand in a line of the file.

A rule is `matcher:pattern ... action ...`, with `[ caller ] |` before and `| [ callee ]` behind
the matchers of the frame itself; both together are a range. What rules do to frames is in
`stack_marks`.

Source: docs.sentry.io, "Stack trace rules".
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from correlators.sentry_rules.syntax import Matcher, RuleProblem, Scanner, Where, read_lines

MATCHERS: Final = (
    "family",
    "path",
    "module",
    "function",
    "package",
    "app",
    "category",
    "type",
    "value",
    "mechanism",
)
ACTIONS: Final = (
    "+app, -app, +group, -group (each also with ^ or v before it), max-frames=N, category=NAME"
)
FRAMES_MOST: Final = 1_000
ACTIONS_MOST: Final = 16

_SAYS: Final = "matcher:pattern ... action ..."
_FLAG: Final = re.compile(r"([\^v]?)([+\-])(app|group)(?![A-Za-z0-9_.\-])")
_NUMBER: Final = re.compile(r"max-frames\s*+=\s*+([0-9]{1,9})(?!\S)")
_CATEGORY: Final = re.compile(r"category\s*+=\s*+([A-Za-z0-9_.\-]{1,100})(?!\S)")
_ACTION: Final = re.compile(r"[\^v]?[+\-]|[A-Za-z0-9_.\-]++\s*+=")
OF_EXCEPTION: Final = frozenset({"type", "value", "mechanism"})


class Action(msgspec.Struct, frozen=True):
    """One thing that a rule does: set a flag, or one of two variables."""

    name: str
    """`app`, `group`, `max-frames` or `category`."""
    flag: bool = False
    direction: str = ""
    """Of a flag: this frame, `^` those nearer to the crash, `v` those further away."""
    number: int = 0
    word: str = ""


class StackRule(msgspec.Struct, frozen=True):
    """One line of the file."""

    matchers: tuple[Matcher, ...]
    actions: tuple[Action, ...]
    place: str
    """`file:line`."""


def parse_stack_rules(text: str, file: str) -> tuple[tuple[StackRule, ...], tuple[str, ...]]:
    """Return the rules of a file in order, and its problems as `file:line: what is wrong`."""
    return read_lines(text, file, _rule)


def _rule(line: str, place: str) -> StackRule:
    scanner = Scanner(line)
    matchers = scanner.matchers(lambda rest: bool(_ACTION.match(rest)), MATCHERS, _SAYS)
    for matcher in matchers:
        if matcher.where is not Where.HERE and matcher.name in OF_EXCEPTION:
            raise RuleProblem(f"{matcher.name} is of the exception: it stands outside [ ]")
    actions: list[Action] = []
    while scanner.rest and not scanner.rest.startswith("#"):
        if flag := scanner.match(_FLAG):
            actions.append(Action(flag[3], flag[2] == "+", flag[1]))
        elif number := scanner.match(_NUMBER):
            if int(number[1]) > FRAMES_MOST:
                raise RuleProblem(f"expected max-frames from 0 to {FRAMES_MOST}")
            actions.append(Action("max-frames", number=int(number[1])))
        elif category := scanner.match(_CATEGORY):
            actions.append(Action("category", word=category[1]))
        else:
            raise RuleProblem(f"expected an action, found {scanner.found}; allowed: {ACTIONS}")
    if not actions:
        raise RuleProblem(f"expected at least one action; allowed: {ACTIONS}")
    if len(actions) > ACTIONS_MOST:
        raise RuleProblem(f"expected at most {ACTIONS_MOST} actions")
    return StackRule(matchers, tuple(actions), place)

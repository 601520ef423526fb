"""A regular expression run step by step, so that a test can count what `re` only takes time for.

It reads the parse tree of `re` itself and walks it as `re` does: choices in order, greedy repeats
from the longest, nothing given back by what is possessive or atomic. One step is one node tried at
one place, or one character taken by a repeat. That it finds the same matches as `re` is a test too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

Then = Callable[[int], int]
"""What is matched behind a node: the end of all, or -1."""

Node = Callable[[int, Then], int]

_CATEGORIES: Final[dict[Any, Callable[[str], bool]]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    op.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
    op.CATEGORY_NOT_WORD: lambda char: not (char.isalnum() or char == "_"),
}
_CHARS: Final = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)


class Steps:
    """A pattern; counts what it takes to search a text."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.taken = 0
        self._text = ""
        tree = parser.parse(pattern.pattern, pattern.flags)
        self._match = self._sequence(list(tree), pattern.flags)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Return where all matches lie, as `finditer` finds them; `taken` starts anew."""
        at = self.taken = 0
        self._text = text
        while at < len(self._text):
            end = self._match(at, lambda end: end)
            if end > at:
                yield at, end
            at = max(end, at + 1)

    def _sequence(self, nodes: list[Any], flags: int) -> Node:
        made = [self._node(kind, value, flags) for kind, value in nodes]

        def run(at: int, then: Then, index: int = 0) -> int:
            if index == len(made):
                return then(at)
            return made[index](at, lambda end: run(end, then, index + 1))

        return run

    def _node(self, kind: Any, value: Any, flags: int) -> Node:
        if kind in _CHARS:
            return self._one(_char(kind, value, flags))
        if kind is op.SUBPATTERN:
            _, added, dropped, inner = value
            return self._sequence(list(inner), (flags | added) & ~dropped)
        if kind is op.BRANCH:
            return self._branch([self._sequence(list(branch), flags) for branch in value[1]])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            return self._repeat(kind, value, flags)
        if kind is op.ATOMIC_GROUP:
            return self._alone(self._sequence(list(value), flags))
        if kind in (op.ASSERT, op.ASSERT_NOT):
            return self._look(kind is op.ASSERT, value, flags)
        assert kind is op.AT, kind
        return self._place(value)

    def _one(self, fits: Callable[[str], bool]) -> Node:
        def run(at: int, then: Then) -> int:
            self.taken += 1
            return then(at + 1) if at < len(self._text) and fits(self._text[at]) else -1

        return run

    def _branch(self, branches: list[Node]) -> Node:
        def run(at: int, then: Then) -> int:
            for branch in branches:
                self.taken += 1
                if (end := branch(at, then)) >= 0:
                    return end
            return -1

        return run

    def _alone(self, inner: Node) -> Node:
        def run(at: int, then: Then) -> int:
            end = inner(at, lambda end: end)
            return then(end) if end >= 0 else -1

        return run

    def _repeat(self, kind: Any, value: Any, flags: int) -> Node:
        least, most, inner = value
        item = self._sequence(list(inner), flags)
        limit = sys.maxsize if most is op.MAXREPEAT else int(most)
        if kind is op.POSSESSIVE_REPEAT:
            return self._alone(self._longest(item, least, limit))
        if kind is op.MAX_REPEAT and len(inner) == 1 and inner[0][0] in _CHARS:
            return self._longest(item, least, limit)

        def run(at: int, then: Then, count: int = 0) -> int:
            self.taken += 1

            def more() -> int:
                if count == limit:
                    return -1
                return item(at, lambda end: run(end, then, count + 1) if end > at else -1)

            if count < least:
                return more()
            if kind is op.MIN_REPEAT:
                return end if (end := then(at)) >= 0 else more()
            return end if (end := more()) >= 0 else then(at)

        return run

    def _longest(self, item: Node, least: int, most: int) -> Node:
        """Return a repeat that gives back whole items, each taken in its one first way."""

        def run(at: int, then: Then) -> int:
            ends = [at]
            while len(ends) <= most:
                self.taken += 1
                end = item(ends[-1], lambda end: end)
                if end <= ends[-1]:
                    break
                ends.append(end)
            while len(ends) > least:
                self.taken += 1
                if (end := then(ends.pop())) >= 0:
                    return end
            return -1

        return run

    def _look(self, wanted: bool, value: Any, flags: int) -> Node:
        direction, inner = value
        item = self._sequence(list(inner), flags)
        back = inner.getwidth()[0] if direction < 0 else 0

        def run(at: int, then: Then) -> int:
            self.taken += 1
            found = at >= back and item(at - back, lambda end: end) >= 0
            return then(at) if found is wanted else -1

        return run

    def _place(self, value: Any) -> Node:
        word = _CATEGORIES[op.CATEGORY_WORD]

        def run(at: int, then: Then) -> int:
            self.taken += 1
            if value is op.AT_BOUNDARY:
                before = at > 0 and word(self._text[at - 1])
                holds = before is not (at < len(self._text) and word(self._text[at]))
            else:
                assert value is op.AT_END_STRING, value
                holds = at == len(self._text)
            return then(at) if holds else -1

        return run


def _char(kind: Any, value: Any, flags: int) -> Callable[[str], bool]:
    """Return whether a character fits a node that takes one."""
    if kind is op.ANY:
        return lambda char: char != "\n" or bool(flags & re.DOTALL)
    if kind is op.NOT_LITERAL:
        return lambda char: ord(char) != value
    items = [(kind, value)] if kind is op.LITERAL else list(value)
    negated = items[0][0] is op.NEGATE
    known: dict[str, bool] = {}

    def fits(char: str) -> bool:
        if char not in known:
            forms = {char, char.lower(), char.upper()} if flags & re.IGNORECASE else {char}
            found = any(_in(form, items[negated:]) for form in forms if len(form) == 1)
            known[char] = found is not negated
        return known[char]

    return fits


def _in(char: str, items: list[Any]) -> bool:
    """Return whether a character is one of a set."""
    for kind, value in items:
        if kind is op.LITERAL and ord(char) == value:
            return True
        if kind is op.RANGE and value[0] <= ord(char) <= value[1]:
            return True
        if kind is op.CATEGORY and _CATEGORIES[value](char):
            return True
    return False

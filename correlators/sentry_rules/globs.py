"""Glob patterns as Sentry's rules mean them, matched in time linear in the text.

`*` is any text, `?` one character, `[a-z]` and `[!a-z]` one of a class, `{a,b}` either, and a
backslash takes the next character as it is. In a path `*` and `?` stop at `/` and `**` does not;
`**/` also stands for no folder at all; a backslash is a `/` there, and
escapes nothing.

A pattern becomes a set of states that moves along the text; each step is looked up in a bounded
table that fills as texts come. The table changes no result.

Source: docs.sentry.io, "Fingerprint rules" and "Stack trace rules"; details as in Rust's globset.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PATTERN_CHARS: Final = 500
ALTERNATIVES_MOST: Final = 64
_STEPS_KEPT: Final = 4_096


class BadGlob(ValueError):
    """The pattern is none; the text says why."""


class _Class(NamedTuple):
    """One character of a class; `ranges` are pairs of first and last."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]

    def holds(self, char: str) -> bool:
        return self.negated != any(first <= char <= last for first, last in self.ranges)


class _Any(NamedTuple):
    """A wildcard: one character, text without `/` (`within`), any text, or whole folders."""

    kind: str


_ONE: Final = _Any("?")
_WITHIN: Final = _Any("*")
_TEXT: Final = _Any("**")
_FOLDERS: Final = _Any("**/")

Token = str | _Class | _Any


class Glob:
    """One pattern, ready to match."""

    def __init__(self, pattern: str, *, path: bool = False, ignore_case: bool = False) -> None:
        """Args: pattern: as written; path: `/` separates; ignore_case: a is A.

        Raises:
            BadGlob: it is too long, has too many alternatives, or something in it is not closed.
        """
        if len(pattern) > PATTERN_CHARS:
            raise BadGlob(f"longer than {PATTERN_CHARS} characters")
        self._path = path
        self._fold = ignore_case or path
        if path:
            pattern = pattern.replace("\\", "/")
        found = _Parser(pattern.lower() if self._fold else pattern, path=path).alternatives()
        self._machines = [_Machine(tokens, path=path) for tokens in found]

    def matches(self, text: str) -> bool:
        """Return whether all of the text has the pattern; a path also with a `/` before it."""
        if self._fold:
            text = text.lower()
        if self._path:
            text = text.replace("\\", "/")
        for machine in self._machines:
            if machine.matches(text):
                return True
        if not self._path or text.startswith("/"):
            return False
        return any(machine.matches("/" + text) for machine in self._machines)


class _Parser:
    """Reads a pattern into its alternatives, each a list of tokens."""

    def __init__(self, pattern: str, *, path: bool) -> None:
        self._pattern = pattern
        self._path = path
        self._at = 0

    def alternatives(self) -> list[list[Token]]:
        found = self._sequence(inside=False)
        if self._at < len(self._pattern):
            raise BadGlob("a } without its {; a literal one is \\}")
        return found

    def _sequence(self, *, inside: bool) -> list[list[Token]]:
        found: list[list[Token]] = [[]]
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if char == "}" or (inside and char == ","):
                break
            if char == "{":
                ends = self._either()
                if len(found) * len(ends) > ALTERNATIVES_MOST:
                    raise BadGlob(f"more than {ALTERNATIVES_MOST} alternatives")
                found = [[*begin, *end] for begin in found for end in ends]
            else:
                token = self._token(char)
                for tokens in found:
                    tokens.append(token)
        return found

    def _either(self) -> list[list[Token]]:
        found: list[list[Token]] = []
        while self._at < len(self._pattern):
            self._at += 1
            # An empty alternative counts for none.
            found += [one for one in self._sequence(inside=True) if one]
            if self._pattern[self._at : self._at + 1] == "}":
                self._at += 1
                return found or [[]]
        raise BadGlob("a { that is not closed; a literal one is \\{")

    def _token(self, char: str) -> Token:
        self._at += 1
        match char:
            case "*":
                return self._star()
            case "?":
                return _ONE
            case "[":
                return self._class()
            case "\\" if not self._path:
                if self._at == len(self._pattern):
                    raise BadGlob("a backslash at its end")
                self._at += 1
                return self._pattern[self._at - 1]
        return char

    def _star(self) -> Token:
        begin = self._at - 1
        while self._pattern[self._at : self._at + 1] == "*":
            self._at += 1
        if not self._path:
            return _TEXT
        if self._at - begin == 1:
            return _WITHIN
        if self._pattern[begin - 1 : begin] in ("", "/", "{", ",") and self._next("/"):
            self._at += 1
            while self._pattern.startswith("**/", self._at):
                self._at += 3
            return _FOLDERS
        return _TEXT

    def _next(self, char: str) -> bool:
        return self._pattern[self._at : self._at + 1] == char

    def _class(self) -> Token:
        negated = self._next("!") or self._next("^")
        begin = self._at + negated
        end = self._pattern.find("]", begin + 1)
        if end < 0:
            raise BadGlob("a [ that is not closed; a literal one is \\[")
        self._at = end + 1
        given = self._pattern[begin:end]
        ranges: list[tuple[str, str]] = []
        while given:
            if len(given) > 2 and given[1] == "-":
                if given[0] > given[2]:
                    raise BadGlob(f"the range {given[:3]} is the wrong way round")
                ranges.append((given[0], given[2]))
                given = given[3:]
            else:
                ranges.append((given[0], given[0]))
                given = given[1:]
        return _Class(negated, tuple(ranges))


class _Row(dict[str, "_Row"]):
    """Where each character leads from a set of states (bit i: `i` tokens are matched)."""

    __slots__ = ("states",)

    def __init__(self, states: int) -> None:
        super().__init__()
        self.states = states


class _Machine:
    """One alternative as states: a text of `*` is a loop at a state, every other token a step."""

    def __init__(self, tokens: list[Token], *, path: bool) -> None:
        self._path = path
        self._prefix = _literals(tokens)
        self._suffix = _literals(tokens[::-1])[::-1]
        plain = len(self._prefix) == len(tokens)
        self._exact = self._prefix if plain else None
        rest = tokens[len(self._prefix) : len(tokens) - len(self._suffix)]
        self._only_ends = not plain and all(token is _TEXT for token in rest)
        self._needle = _longest(rest)
        self._loops_any = self._loops_within = self._optional = 0
        self._steps: list[tuple[int, Token]] = []
        at = 0
        for token in tokens:
            if token is _WITHIN:
                self._loops_within |= 1 << at
            elif token is _TEXT:
                self._loops_any |= 1 << at
            elif token is _FOLDERS:
                self._loops_any |= 1 << at
                self._optional |= 1 << at
                self._steps.append((1 << at, "/"))
                at += 1
            else:
                self._steps.append((1 << at, token))
                at += 1
        self._end = 1 << at
        self._clear()

    def _clear(self) -> None:
        self._kept = 0
        self._rows: dict[int, _Row] = {}

    def matches(self, text: str) -> bool:
        if self._exact is not None:
            return text == self._exact
        if not (text.startswith(self._prefix) and text.endswith(self._suffix)):
            return False
        if self._only_ends:
            return len(text) >= len(self._prefix) + len(self._suffix)
        if self._needle not in text:
            return False
        row = self._row(self._entered(1))
        for char in text:
            known = row.get(char)
            row = self._step(row, char) if known is None else known
            if not row.states:
                return False
        return bool(row.states & self._end)

    def _row(self, states: int) -> _Row:
        found = self._rows.get(states)
        if found is None:
            found = self._rows[states] = _Row(states)
        return found

    def _step(self, row: _Row, char: str) -> _Row:
        """Return where this character leads; found once and kept, as long as there is room."""
        moved = 0
        for state, token in self._steps:
            if row.states & state and self._takes(token, char):
                moved |= state << 1
        loops = self._loops_any if char == "/" else self._loops_any | self._loops_within
        states = self._entered(moved) | (row.states & loops)
        if self._kept >= _STEPS_KEPT:
            self._clear()
        self._kept += 1
        row[char] = found = self._row(states)
        return found

    def _entered(self, states: int) -> int:
        """Return the states with those behind whole folders: there may be none."""
        return states | ((states & self._optional) << 1)

    def _takes(self, token: Token, char: str) -> bool:
        if isinstance(token, str):
            return token == char
        if self._path and char == "/":
            return False
        if isinstance(token, _Class):
            return token.holds(char)
        return True


def _literals(tokens: list[Token]) -> str:
    """Return the characters that the tokens begin with, up to the first wildcard."""
    found: list[str] = []
    for token in tokens:
        if not isinstance(token, str):
            break
        found.append(token)
    return "".join(found)


def _longest(tokens: list[Token]) -> str:
    """Return the longest run of characters in the tokens: a text without it cannot match."""
    runs = [""]
    for token in tokens:
        if isinstance(token, str):
            runs[-1] += token
        else:
            runs.append("")
    return max(runs, key=len)

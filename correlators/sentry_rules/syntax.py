"""The lines of a rule file: comments, quoting, matchers, and how what is wrong is told.

Lives here: what both kinds of rules share. What stands behind the matchers is read in
`fingerprint_rules` and `stack_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from correlators.sentry_rules.globs import BadGlob, Glob

RULES_MOST: Final = 2_000
LINE_CHARS: Final = 2_000
MATCHERS_MOST: Final = 32
PROBLEMS_TOLD: Final = 20
_FOUND_CHARS: Final = 60

_MATCHER: Final = re.compile(
    r"(!?)(?:([A-Za-z0-9_.\-]++)|\"([A-Za-z0-9_.:\- ]++)\"):(?:\"((?:[^\"\\]|\\.)*+)\"|(\S++))"
)
_NAME: Final = re.compile(r"!?\"?([A-Za-z0-9_.\-]++)\"?:")
_ESCAPED: Final = re.compile(r"\\([\"\\nrt])")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_YES: Final = frozenset({"1", "yes", "true"})
_NO: Final = frozenset({"0", "no", "false"})
FAMILIES: Final = ("javascript", "native", "other", "all")
_NATIVE: Final = frozenset({"objc", "cocoa", "swift", "native", "c"})
_JAVASCRIPT: Final = frozenset({"javascript", "node"})

CANONICAL: Final = {
    "error.type": "type",
    "error.value": "value",
    "error.mechanism": "mechanism",
    "stack.abs_path": "path",
    "stack.module": "module",
    "stack.function": "function",
    "stack.package": "package",
}
"""The short name of every matcher that has two."""

_PATHS: Final = frozenset({"path", "package", "release"})


class RuleProblem(ValueError):
    """A line is no rule; the text says what was found and what is allowed."""


class Where(StrEnum):
    """Whose frame a matcher looks at."""

    HERE = "frame"
    CALLER = "caller"
    CALLEE = "callee"


class Matcher(msgspec.Struct, frozen=True):
    """One `name:pattern` of a rule."""

    name: str
    """In its short spelling; `tags.NAME` for a tag."""
    pattern: str
    negated: bool = False
    where: Where = Where.HERE


R = TypeVar("R")


def read_lines(
    text: str, file: str, read: Callable[[str, str], R]
) -> tuple[tuple[R, ...], tuple[str, ...]]:
    """Return the rules of a file in order, and its problems as `file:line: what is wrong`.

    Args:
        text: of the whole file.
        file: its name, for places.
        read: takes one rule's line and its place `file:line`; raises `RuleProblem`.
    """
    rules: list[R] = []
    problems: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        place = f"{file}:{number}"
        try:
            if len(stripped) > LINE_CHARS:
                raise RuleProblem(f"expected at most {LINE_CHARS} characters in a line")
            if len(rules) == RULES_MOST:
                raise RuleProblem(f"expected at most {RULES_MOST} rules in a file")
            rules.append(read(stripped, place))
        except RuleProblem as error:
            problems.append(f"{place}: {error}")
            if len(rules) == RULES_MOST or len(problems) == PROBLEMS_TOLD:
                break
    return tuple(rules), tuple(problems)


class Scanner:
    """Walks along one line."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    @property
    def rest(self) -> str:
        """What is not read yet, without the blanks before it."""
        while self._line[self._at : self._at + 1].isspace():
            self._at += 1
        return self._line[self._at :]

    def take(self, text: str) -> bool:
        """Return whether this comes next; if so it is read."""
        if not self.rest.startswith(text):
            return False
        self._at += len(text)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return what comes next in this form, read; None if it has another."""
        found = pattern.match(self.rest)
        self._at += found.end() if found else 0
        return found

    def matchers(
        self, ends: Callable[[str], bool], allowed: Collection[str], says: str
    ) -> tuple[Matcher, ...]:
        """Return the matchers up to what ends them, siblings included.

        Args:
            ends: whether the rest of the line, which is not empty, is no matcher any more.
            allowed: the short names that a matcher may have.
            says: what a rule looks like.

        Raises:
            RuleProblem: there is none, or one is wrong.
        """
        found: list[Matcher] = []
        if self.rest.startswith("["):
            found.append(self._sibling(Where.CALLER, allowed))
            if not self.take("|"):
                raise RuleProblem(f"expected | behind the caller's ], found {self.found}")
        here = len(found)
        while self.rest and not self.rest.startswith(("|", "[")) and not ends(self.rest):
            found.append(self._matcher(Where.HERE, allowed))
        if len(found) == here:
            raise RuleProblem(f"expected {says}, found {self.found}")
        if self.take("|"):
            found.append(self._sibling(Where.CALLEE, allowed))
        if len(found) > MATCHERS_MOST:
            raise RuleProblem(f"expected at most {MATCHERS_MOST} matchers")
        return tuple(found)

    def _sibling(self, where: Where, allowed: Collection[str]) -> Matcher:
        if not self.take("["):
            raise RuleProblem(f"expected [ matcher:pattern ] behind |, found {self.found}")
        found = self._matcher(where, allowed)
        if not self.take("]"):
            raise RuleProblem(
                "expected one matcher between [ and ], with a blank before the ], "
                f"found {self.found}"
            )
        return found

    def _matcher(self, where: Where, allowed: Collection[str]) -> Matcher:
        found = self.match(_MATCHER)
        if found is None:
            if (begun := self.match(_NAME)) is not None:
                raise RuleProblem(f"expected a pattern right behind {begun[0]}, found {self.found}")
            raise RuleProblem(f"expected matcher:pattern, found {self.found}")
        negated, bare, quoted, in_quotes, plain = found.groups()
        given = bare or quoted
        name = CANONICAL.get(given, given)
        tag = name.startswith("tags.") and len(name) > 5 and "tags.NAME" in allowed
        if not tag and name not in allowed:
            words = ", ".join(allowed)
            raise RuleProblem(f'unknown matcher "{given[:_FOUND_CHARS]}"; allowed: {words}')
        if plain is not None and plain.startswith('"'):
            raise RuleProblem(f"expected a closing quote in {found[0][:_FOUND_CHARS]}")
        pattern = unescaped(in_quotes) if plain is None else plain
        made = Matcher(name, pattern, bool(negated), where)
        check_of(made)
        return made

    @property
    def found(self) -> str:
        """What stands here, shortened, for problems."""
        rest = self.rest
        if not rest:
            return "the end of the line"
        cut = rest[:_FOUND_CHARS] + ("..." if len(rest) > _FOUND_CHARS else "")
        return f"`{cut}`"


def unescaped(text: str) -> str:
    """Return the text of a quoted word; a backslash before another character stays, for globs."""
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def truth(word: str) -> bool | None:
    """Return what yes or no means, None for another word."""
    word = word.lower()
    return True if word in _YES else False if word in _NO else None


def family_of(platform: str) -> str:
    """Return the family of a platform: javascript, native or other.

    Source: getsentry/sentry, stacktraces/platform.py.
    """
    if platform in _JAVASCRIPT:
        return "javascript"
    return "native" if platform in _NATIVE else "other"


def check_of(matcher: Matcher, *, ignore_case: Collection[str] = ()) -> Callable[[str], bool]:
    """Return the check of a value that the event has; negation is the caller's.

    `app` takes `yes` and `no`, `family` the family, `sdk` the name; everything else is a glob.

    Args:
        matcher: any.
        ignore_case: the names whose globs do; paths always do.

    Raises:
        RuleProblem: its pattern is none.
    """
    if matcher.name == "app":
        wanted = truth(matcher.pattern)
        if wanted is None:
            raise RuleProblem(
                f'app takes yes, true, 1, no, false or 0, found "{matcher.pattern[:_FOUND_CHARS]}"'
            )
        return ("yes" if wanted else "no").__eq__
    if matcher.name in ("family", "sdk"):
        words = frozenset(matcher.pattern.split(","))
        if matcher.name == "family" and (wrong := sorted(words.difference(FAMILIES))):
            raise RuleProblem(
                f'unknown family "{wrong[0][:_FOUND_CHARS]}"; allowed: {", ".join(FAMILIES)}, '
                "several with commas and no blanks"
            )
        return (lambda _: True) if "all" in words else words.__contains__
    try:
        glob = Glob(
            matcher.pattern,
            path=matcher.name in _PATHS,
            ignore_case=matcher.name in ignore_case,
        )
    except BadGlob as error:
        raise RuleProblem(f"the pattern of {matcher.name} is no glob: {error}") from None
    return glob.matches

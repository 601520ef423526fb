"""Typed values out of a YAML file, and where in it each problem is.

One `Reader` reads one file. A wrong value is noted with file, line, path, what was found and what
is allowed, and its default is used until `finish` raises them all together. It knows nothing of
what the settings mean. What might be a secret is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from streams.config_files import Files
from streams.references import Secret, SettingsError, Unresolved, resolve
from streams.yaml_hints import hint

PROBLEMS_TOLD: Final = 20
FOUND_CHARS: Final = 60
FILE_BYTES: Final = 1_048_576
LIST_ENTRIES: Final = 100

_TAG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DURATION: Final = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SAID: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_HARMLESS: Final = re.compile(r"\\?.|<[a-z ]+>")
_TOKEN: Final = re.compile(r"xox|[a-z]+://\S*@|(?=\S*[0-9])(?=\S*[A-Za-z])\S{20,}")


class Reader:
    """Reads one file and gathers its problems."""

    def __init__(self, file: str, environ: Mapping[str, str], files: Files | None = None) -> None:
        """Args: file: its name, for errors; environ: what references look in; files: where those
        that it names are read."""
        self._file = file
        self.files = files or Files()
        self._environ = environ
        self._problems: dict[tuple[int, str], None] = {}

    def root(self, content: bytes) -> Node | None:
        """Return the file's one document, None when it is empty.

        Raises:
            SettingsError: it is no YAML at all.
        """
        if len(content) > FILE_BYTES:
            raise SettingsError(f"{self._file}: longer than {FILE_BYTES} bytes")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise SettingsError(f"{self._file}:{line} not UTF-8") from None
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except RecursionError:
            raise SettingsError(f"{self._file}: too deeply nested") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            why = f"{_why(error)}{hint(text, error)}"
            raise SettingsError(f"{self._file}:{line} not YAML: {why}") from None
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            why = "a character that YAML forbids"
            raise SettingsError(f"{self._file}:{line} not YAML: {why}") from None

    def finish(self) -> None:
        """Return when there was no problem.

        Raises:
            SettingsError: with every problem noted, in the order of lines, at most `PROBLEMS_TOLD`.
        """
        if not self._problems:
            return
        lines = [text for _, text in sorted(self._problems, key=lambda noted: noted[0])]
        if len(lines) > PROBLEMS_TOLD:
            lines[PROBLEMS_TOLD:] = [f"and {len(lines) - PROBLEMS_TOLD} more"]
        raise SettingsError(*lines)

    @property
    def noted(self) -> int:
        """How many problems are noted so far."""
        return len(self._problems)

    def problem(self, node: Node, path: str, text: str) -> None:
        """Note one problem."""
        self._problems[node.start_mark.line, f"{self.place(node, path)}: {text}"] = None

    def problem_outside(self, place: str, text: str) -> None:
        """Note a problem that stands in no line of the file."""
        self._problems[-1, f"{place}: {text}"] = None

    def place(self, node: Node, path: str) -> str:
        """Return `stormfold.yaml:14 sinks.slack.token`."""
        return f"{self._file}:{node.start_mark.line + 1} {path}".rstrip()

    def section(
        self, node: Node | None, path: str, allowed: Collection[str] | None
    ) -> dict[str, Node]:
        """Return the section's entries by key; nothing for an absent or an empty section.

        Args:
            node: the section, None when it is absent.
            path: its place in the file, as in `sinks.slack`.
            allowed: the keys it may have; None when people choose them.
        """
        if node is None or _is_null(node):
            return {}
        if not isinstance(node, MappingNode):
            self.problem(node, path, f"expected a section with keys, found {_kind(node)}")
            return {}
        entries: dict[str, Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            below = f"{path}.{name}".lstrip(".")
            if not isinstance(key, ScalarNode):
                self.problem(key, path, f"expected a word as the key, found {_kind(key)}")
            elif allowed is not None and name not in allowed:
                words = ", ".join(sorted(allowed)) or "none"
                self.problem(key, below, f"unknown key; allowed: {words}")
            elif name in entries:
                self.problem(key, below, "stands here for the second time")
            else:
                entries[name] = value
        return entries

    def text(
        self, node: Node | None, path: str, default: str, pattern: re.Pattern[str], says: str
    ) -> str:
        """Return the text, with its references followed, if all of it has the pattern.

        Args:
            node: the entry, None when it is absent.
            path: its place in the file.
            default: for an absent one, and for a wrong one.
            pattern: what the text must match from end to end.
            says: what is allowed, as in `a name of a-z, 0-9`.
        """
        if node is None:
            return default
        value = self._resolved(node, path, "str", says)
        if value is not None and not pattern.fullmatch(value):
            self._wrong(node, path, says)
            return default
        return default if value is None else value

    def integer(self, node: Node | None, path: str, default: int, low: int, high: int) -> int:
        """Return the integer if it lies from `low` to `high`."""
        if node is None:
            return default
        says = f"an integer from {low} to {high}"
        value = self._resolved(node, path, "int", says)
        if value is not None and not (_INTEGER.fullmatch(value) and low <= int(value) <= high):
            self._wrong(node, path, says)
            return default
        return default if value is None else int(value)

    def boolean(self, node: Node | None, path: str, default: bool) -> bool:
        """Return what a yes or no says."""
        if node is None:
            return default
        says = "yes or no"
        value = self._resolved(node, path, "bool", says)
        if value is not None and value.lower() not in _SAID:
            self._wrong(node, path, says)
            return default
        return default if value is None else _SAID[value.lower()]

    def duration_ms(self, node: Node | None, path: str, default: int, low: int, high: int) -> int:
        """Return the duration in milliseconds if it lies from `low` to `high` milliseconds."""
        if node is None:
            return default
        says = f"a duration from {duration(low)} to {duration(high)}, such as 800ms, 10s, 5m, 24h"
        value = self._resolved(node, path, "str", says)
        if value is None:
            return default
        found = duration_in(value)
        if found is None or not low <= found <= high:
            self._wrong(node, path, says)
            return default
        return found

    def entries(self, node: Node | None, path: str, says: str) -> list[Node] | None:
        """Return the list's entries, None for an absent or a wrong one.

        Args:
            node: the list, None when it is absent.
            path: its place in the file.
            says: what it must be a list of.
        """
        if node is None:
            return None
        if not isinstance(node, SequenceNode):
            self.problem(node, path, f"expected a list of {says}, found {_kind(node)}")
            return None
        if len(node.value) > LIST_ENTRIES:
            self.problem(node, path, f"expected at most {LIST_ENTRIES} entries")
        return list(node.value)

    def secret(self, node: Node | None, path: str, default: str) -> Secret:
        """Return the secret unread; absent, it is the reference `default`."""
        if node is None:
            return Secret(default, place=f"{self._file} {path}", environ=self._environ)
        if not isinstance(node, ScalarNode) or node.tag != _TAG + "str":
            says = "expected a text such as ${NAME} or file:/path (in quotes)"
            self.problem(node, path, f"{says}, found {_kind(node)}")
            return Secret("", place=self.place(node, path), environ=self._environ)
        return Secret(node.value, place=self.place(node, path), environ=self._environ)

    def _resolved(self, node: Node, path: str, tag: str, says: str) -> str | None:
        """Return the scalar's text, None (and a problem) when it is of another kind."""
        if isinstance(node, ScalarNode) and "${" in node.value:
            try:
                return resolve(node.value, self._environ)
            except Unresolved as error:
                self.problem(node, path, str(error))
                return None
        if not isinstance(node, ScalarNode) or node.tag != _TAG + tag:
            self._wrong(node, path, says)
            return None
        return str(node.value)

    def _wrong(self, node: Node, path: str, says: str) -> None:
        self.problem(node, path, f"expected {says}, found {_found(node)}")


def duration_in(text: str) -> int | None:
    """Return the length that a text such as `5m` says, in milliseconds; None if it says none."""
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _UNIT_MS[match[2]] if match is not None else None


def duration(length_ms: int) -> str:
    """Return the length in its largest whole unit, as the file would say it: `5m`."""
    for unit in ("d", "h", "m", "s"):
        if length_ms >= _UNIT_MS[unit] and length_ms % _UNIT_MS[unit] == 0:
            return f"{length_ms // _UNIT_MS[unit]}{unit}"
    return f"{length_ms}ms"


def _why(error: yaml.MarkedYAMLError) -> str:
    """Return the parser's words without what it quotes, which may be part of a secret."""
    problem = error.problem or "it ends too early"
    if problem.startswith("but ") and error.context:
        problem = f"{error.context}, {problem}"
    return _QUOTED.sub(
        lambda quoted: quoted[0] if _HARMLESS.fullmatch(quoted[1] or quoted[2] or "") else "...",
        problem,
    )


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _TAG + "null"


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a section with keys"
    if isinstance(node, SequenceNode):
        return "a list"
    if _is_null(node):
        return "nothing (a text that begins with # needs quotes)"
    words = {"int": "a number", "float": "a number", "bool": "yes or no", "timestamp": "a date"}
    return words.get(node.tag.removeprefix(_TAG), "a text")


def _found(node: Node) -> str:
    if not isinstance(node, ScalarNode) or _is_null(node):
        return _kind(node)
    if "${" in node.value:
        return f'"{node.value[:FOUND_CHARS]}", whose value is something else'
    if _TOKEN.match(node.value):
        return "a text that looks like a secret"
    cut = node.value[:FOUND_CHARS] + ("..." if len(node.value) > FOUND_CHARS else "")
    shown = cut.encode("unicode_escape").decode()
    return f'"{shown}"' if node.tag == _TAG + "str" else shown

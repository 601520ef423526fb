"""`${NAME}`, `${NAME:-default}` and `file:/path` in the configuration; secrets that stay unread.

Secrets are held as the reference that stands in the file, and read only when they are used; neither
`repr`, nor an error, nor a comparison shows what one holds.

    SettingsError       the configuration is wrong, or a secret that it names is not there
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SECRET_BYTES: Final = 65_536
"""Longest file that is read as a secret."""

_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")
_INSIDE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_FILE: Final = "file:"


class SettingsError(Exception):
    """The configuration cannot be used; one line per problem, none of which shows a secret."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Unresolved(Exception):
    """A reference cannot be followed; the text says which and why."""


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """Return the text with every reference replaced.

    As in a shell, a variable that is set but empty counts as unset where a default is given.

    Raises:
        Unresolved: a reference is malformed, or its variable is unset and has no default.
    """

    def value(match: re.Match[str]) -> str:
        inside = _INSIDE.fullmatch(match.group(1))
        if inside is None:
            raise Unresolved("a reference is written ${NAME} or ${NAME:-default}")
        variable, default = inside.groups()
        found = environ.get(variable)
        if default is not None:
            return found or default
        if found is None:
            raise Unresolved(f"the environment variable {variable} is not set")
        return found

    if "${" in _REFERENCE.sub("", text):
        raise Unresolved("a reference is written ${NAME} or ${NAME:-default}")
    return _REFERENCE.sub(value, text)


class Secret:
    """A reference to a secret, read only by `reveal`."""

    __slots__ = ("_environ", "_place", "_reference")

    def __init__(self, reference: str, *, place: str, environ: Mapping[str, str]) -> None:
        """Hold the reference without following it.

        Args:
            reference: `${NAME}`, `file:/path`, or the secret itself.
            place: where it stands, for errors, as in `stormfold.yaml:9 intake.secrets[0]`.
            environ: the variables that `reveal` looks in.
        """
        self._reference = reference
        self._place = place
        self._environ = environ

    def reveal(self) -> str:
        """Return the secret itself, never empty.

        Raises:
            SettingsError: it is unset, empty, or its file cannot be read.
        """
        try:
            value = resolve(self._reference, self._environ)
            if self._reference.startswith(_FILE):
                value = _content(value.removeprefix(_FILE))
        except Unresolved as error:
            raise SettingsError(f"{self._place}: {error}") from None
        if not value.strip():
            raise SettingsError(f"{self._place}: {self.source} is empty")
        return value

    @property
    def missing(self) -> str:
        """Why it cannot be used, on one line; empty when it can."""
        try:
            self.reveal()
        except SettingsError as error:
            return str(error)
        return ""

    @property
    def place(self) -> str:
        """Where it stands in the configuration, for errors."""
        return self._place

    @property
    def source(self) -> str:
        """Where it comes from, in words that do not show it."""
        if self._reference.startswith(_FILE):
            return self._reference
        names = [
            "${" + match.group(1).partition(":-")[0] + "}"
            for match in _REFERENCE.finditer(self._reference)
        ]
        return " and ".join(names) if names else "a text in the file"

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._reference == other._reference

    def __hash__(self) -> int:
        return hash((Secret, self._reference))


def _content(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(SECRET_BYTES + 1)
        if len(content) > SECRET_BYTES:
            raise Unresolved(f"the file {path} is longer than {SECRET_BYTES} bytes")
        return content.decode("utf-8").strip("\r\n")
    except OSError as error:
        raise Unresolved(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unresolved(f"the file {path} is not text") from None
    except ValueError:
        raise Unresolved("a path has no zero byte") from None

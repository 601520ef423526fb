"""Words and lists of words of `stormfold.yaml`, each of them one of those known."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from yaml.nodes import Node, SequenceNode

from streams.yaml_reader import Reader


def destinations(
    reader: Reader, node: Node | None, path: str, known: Collection[str]
) -> tuple[str, ...]:
    """Return the destinations of a list, each once."""
    return tuple(dict.fromkeys(words(reader, node, path, tuple(known)))) if node else ()


def word(reader: Reader, node: Node | None, path: str, default: str, known: Iterable[str]) -> str:
    """Return the word, which must be one of those known."""
    allowed = list(known)
    pattern = re.compile("|".join(map(re.escape, allowed)) or r"(?!)")
    return reader.text(node, path, default, pattern, "one of " + (", ".join(allowed) or "none"))


def words(reader: Reader, node: Node, path: str, known: Collection[str]) -> list[str]:
    """Return the words of a list, or the one that stands in its place."""
    if not isinstance(node, SequenceNode):
        found = [word(reader, node, path, "", known)]
    else:
        entries = reader.entries(node, path, "words") or []
        found = [word(reader, one, f"{path}[{at}]", "", known) for at, one in enumerate(entries)]
    return [one for one in found if one]

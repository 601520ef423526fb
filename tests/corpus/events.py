"""The corpus: real events by language, the text of their signatures, and what is expected of them.

`LANGUAGE.jsonl.gz` holds the events, `LANGUAGE.signatures.txt` what the default signature version
makes of them, `expected.toml` which of them are the same failure. How they were recorded stands in
recordings/README.md.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from correlators.events import decode
from correlators.fingerprint import signature
from correlators.types import Event, Signature

FOLDER: Final = Path(__file__).parent
LANGUAGES: Final = tuple(sorted(file.name.split(".")[0] for file in FOLDER.glob("*.jsonl.gz")))
EXPECTED: Final = FOLDER / "expected.toml"
REWRITE: Final = "python -m tests.corpus --write"


class Entry(NamedTuple):
    """One event of the corpus, read and signed."""

    name: str
    """`CASE@RELEASE`, with `-BROWSER` where there are several and `+N` for a case's further
    events."""
    sent: dict[str, Any]
    event: Event
    made: Signature

    @property
    def failure(self) -> str:
        """What failed: the case, whatever the release and the browser."""
        case, _, where = self.name.partition("@")
        _, again, number = where.partition("+")
        return f"{case}{again}{number}"


class Expected(NamedTuple):
    """What one language's events should be, and what is known not to be so."""

    same: dict[str, str]
    """A failure's name, by the name of a case that is another way to the same failure."""
    split: dict[str, str]
    """Failures that have several signatures and should have one, with the reason."""
    joined: dict[frozenset[str], str]
    """Failures that share a signature and should not, with the reason."""


@cache
def entries(language: str) -> tuple[Entry, ...]:
    """Return the events of one language as the intake would have them from Sentry's webhook."""
    found = []
    with gzip.open(FOLDER / f"{language}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            body = json.dumps({"action": "created", "data": {"error": row["event"]}}).encode()
            event = decode("error", body, default_environment="production")
            assert isinstance(event, Event), row["name"]
            found.append(Entry(row["name"], row["event"], event, signature(event)))
    return tuple(found)


def snapshot(language: str) -> str:
    """Return the readable signatures: one block for the events of a case that have the same."""
    return "\n".join(_blocks(language))


def _blocks(language: str) -> Iterator[str]:
    blocks: dict[tuple[str, str], list[str]] = {}
    for entry in entries(language):
        made = entry.made
        text = "".join(f"  {_line(part)}\n" for part in (f"title {made.title}", *made.parts))
        key = (entry.failure, f"{made.kind}\n{text}")
        blocks.setdefault(key, []).append(entry.name)
    order = list(dict.fromkeys(failure for failure, _ in blocks))
    for (_, text), names in sorted(blocks.items(), key=lambda item: order.index(item[0][0])):
        yield f"{' '.join(names)}: {text}"


def _line(text: str) -> str:
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def snapshot_file(language: str) -> Path:
    """Return where the language's signatures are kept."""
    return FOLDER / f"{language}.signatures.txt"


@cache
def expected(language: str) -> Expected:
    """Return what `expected.toml` says of a language."""
    told = tomllib.loads(EXPECTED.read_text(encoding="utf-8")).get(language, {})
    same = {other: group[0] for group in told.get("same", []) for other in group}
    wrong = told.get("known_wrong", [])
    return Expected(
        same=same,
        split={name: one["reason"] for one in wrong for name in one.get("split", [])},
        joined={frozenset(one["joined"]): one["reason"] for one in wrong if "joined" in one},
    )

"""Shows or rewrites the signatures of the corpus.

python -m tests.corpus                     the unified diff of stored and present signatures
python -m tests.corpus --write             stores the present ones
python -m tests.corpus LANGUAGE CASE       explains the signatures of the events of a case
"""

from __future__ import annotations

import argparse
import difflib

from correlators.fingerprint import explain
from tests.corpus.events import LANGUAGES, REWRITE, entries, snapshot, snapshot_file


def difference(language: str) -> str:
    """Return the unified diff from the stored to the present signatures; empty for none."""
    file = snapshot_file(language)
    stored = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = difflib.unified_diff(
        stored.splitlines(keepends=True),
        snapshot(language).splitlines(keepends=True),
        f"stored/{file.name}",
        f"present/{file.name}",
    )
    return "".join(lines)


def main() -> None:
    """Do what the arguments ask."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("language", nargs="?", choices=LANGUAGES)
    parser.add_argument("case", nargs="?")
    parser.add_argument("--write", action="store_true", help="store the present signatures")
    given = parser.parse_args()
    if given.case:
        for entry in entries(given.language):
            if entry.failure == given.case:
                print(entry.name, *explain(entry.event), sep="\n  ")
        return
    for language in [given.language] if given.language else LANGUAGES:
        if given.write:
            snapshot_file(language).write_text(snapshot(language), encoding="utf-8", newline="\n")
        elif told := difference(language):
            print(told, f"To store these: {REWRITE}", sep="\n")


if __name__ == "__main__":
    main()

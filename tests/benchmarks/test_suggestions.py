"""The score of suggested merges: right pairs are pairs of one label."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.suggestions import measure
from tests.streams.test_suggest import line


def labelled(label: str, text: str) -> str:
    return json.dumps(json.loads(text) | {"label": label}) + "\n"


def test_right_and_wrong_suggestions_and_what_is_missed_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(
        labelled("one", line(1, "query", "load", "main"))
        + labelled("one", line(2, "ask", "query", "load", "main"))
        + labelled("two", line(3, "again", "query", "load", "main"))
        + labelled("two", line(4, "render", "page", error="KeyError"))
    )
    found = measure(path, threshold=0.4, by_literal_stack=False)
    assert (found.signatures, found.true_pairs) == (4, 2)
    assert found.right == 1
    assert found.suggested == 3
    assert (round(found.precision, 2), found.recall) == (0.33, 0.5)
    everything = measure(path, threshold=0, by_literal_stack=True)
    assert everything.recall >= found.recall

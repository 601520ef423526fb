"""`pages.ack_for`: how long an acknowledgement lasts that names no end of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.describe import describe
from streams.settings import SettingsError, load


@pytest.mark.parametrize(("text", "for_ms", "said"), [("", 0, "never"), ("1h", 3_600_000, "1h")])
def test_an_acknowledgement_stands_until_it_is_taken_back_or_as_long_as_is_said(
    tmp_path: Path, text: str, for_ms: int, said: str
) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text(f"pages: {{ack_for: {text}}}\n" if text else "")
    settings = load(path, {})
    assert settings.correlation().pages.ack_for_ms == for_ms
    assert describe(settings)["ack_for"] == said


@pytest.mark.parametrize("text", ["30s", "8d", "soon", "-1m"])
def test_a_time_that_cannot_be_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text(f"pages:\n  ack_for: {text}\n")
    with pytest.raises(SettingsError, match=r"stormfold\.yaml:2 pages\.ack_for: expected"):
        load(path, {})

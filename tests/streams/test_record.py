"""`stormfold record` without a Kafka: what is refused before anything is read, and what is told."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from correlators.entries import Membership
from correlators.fingerprinter import Fingerprinter
from correlators.storms import Storm
from correlators.types import Level
from streams.assignments import Lives, Spool
from streams.bar import Way, bar
from streams.local import Pipeline
from streams.record import Options, run
from streams.settings import Settings, load

NOWHERE = {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}


def _settings() -> Settings:
    return load(None, NOWHERE)


def _run(out: Path, **more: Any) -> tuple[int, str, str]:
    said, errors = io.StringIO(), io.StringIO()
    status = run(_settings(), Options(out=out, **more), said, errors, now_ms=10**12)
    return status, said.getvalue(), errors.getvalue()


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("r.json", {}, "ends in .jsonl, .jsonl.gz or .jsonl.zst"),
        ("none/r.gz", {}, "not a file in a folder that exists"),
        ("r.gz", {"digests": Path("/none/d")}, "/none/d"),
        ("r.gz", {"since": "2"}, "--since: expected a duration"),
        ("r.gz", {"since": "0s"}, "from 1s to 365d"),
        ("r.gz", {"since": "99999999d"}, "from 1s to 365d"),
    ],
)
def test_wrong_use_is_status_2_in_one_line_and_nothing_is_read(
    tmp_path: Path, name: str, more: dict[str, Any], why: str
) -> None:
    status, said, errors = _run(tmp_path / name, **more)
    assert (status, said, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("stormfold record: ")
    assert why in errors


def test_no_output_may_overwrite_another(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "r.jsonl")
    status, _, errors = _run(tmp_path / "r.jsonl", assignments=tmp_path / "link.jsonl")
    assert status == 2
    assert "a file each" in errors


def test_without_kafka_it_fails_in_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    status, said, errors = _run(tmp_path / "r.gz", since="2h")
    assert (status, said, errors.count("\n")) == (1, "", 1)
    assert "127.0.0.1:1" in errors
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_not_applied_has_its_row_and_no_incident() -> None:
    settings = _settings()
    lives = Lives(settings.correlation())
    spool = Spool()
    reader = Fingerprinter(settings.fingerprinting())
    pipeline = Pipeline(
        settings.correlation(),
        settings.fingerprinting(),
        lambda step: lives.learn(step.entries.values()),
    )
    for line, at_ms in enumerate((1_000, 2_999, 3_000), start=1):
        body = json.dumps({"event_id": f"{line:032x}", "project": "p", "message": "x"}).encode()
        pipeline.add("event", body, at_ms)
        spool.note(line, reader.read("event", body), at_ms, 120_000)
    pipeline.finish()
    rows = [json.loads(row) for row in spool.rows(lives, up_to_tick=2)]
    assert [row["incident"] is not None for row in rows] == [True, True, False]
    assert len({row["fingerprint"] for row in rows}) == 1
    assert all(json.loads(row)["incident"] for row in spool.rows(lives))
    spool.close()


def test_a_storm_that_the_state_has_forgotten_is_none() -> None:
    lives = Lives(_settings().correlation())
    storm = Storm(
        id="b",
        environment="e",
        opened_tick=1,
        last_tick=2,
        first_ms=1,
        last_ms=2,
        level=Level.ERROR,
    )
    merged = Storm(
        id="a",
        environment="e",
        opened_tick=1,
        last_tick=2,
        closed_tick=3,
        merged_into="b",
        first_ms=1,
        last_ms=2,
        level=Level.ERROR,
    )
    lives.learn([Membership(incident_id="i", from_tick=1, storm_id="a")])
    assert lives.storm("i", 2) is None
    lives.learn([merged])
    assert lives.storm("i", 2) is None
    lives.learn([storm])
    assert lives.storm("i", 2) == "b"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_drawn_on_a_terminal_and_nowhere_else() -> None:
    for errors, drawn in ((_Terminal(), True), (io.StringIO(), False)):
        with bar("record", errors, lambda: Way(1, 2, 1_234)) as moved:
            moved()
        assert ("record" in errors.getvalue()) == drawn
        assert ("1,234 lines" in errors.getvalue()) == drawn

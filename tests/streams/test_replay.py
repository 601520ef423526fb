"""Replay: a row for every line, digests in order, counts, statuses; the same bytes every time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.output_files import OutputError, write
from streams.replay import Options, Pace, Speed, Via, run
from streams.settings import Settings, load

SENTRY = Path(__file__).parents[1] / "fixtures" / "sentry"
START_S = 1_700_000_000


def _event(number: int, after_s: float, project: str, **more: object) -> dict[str, object]:
    return {
        "event": {
            "event_id": f"{number:032x}",
            "timestamp": START_S + after_s,
            "project": project,
            "exception": {"values": [{"type": "TimeoutError"}]},
            **more,
        }
    }


def _outage() -> list[dict[str, object]]:
    """Three services fail at once; another error stays apart, much earlier."""
    lines = [_event(1, 0, "ambient", exception={"values": [{"type": "KeyError"}]})]
    for number in range(30):
        service = ("checkout", "payment", "catalogue")[number % 3]
        lines.append(_event(10 + number, 3_600 + number / 2, service))
    return lines


def _file(path: Path, lines: list[dict[str, object]], *bad: str) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "".join(bad))
    return path


def _settings() -> Settings:
    return load(None, {})


def _run(options: Options) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    status = run(_settings(), options, out, errors)
    return status, out.getvalue(), errors.getvalue()


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_has_a_row_and_a_storm_from_the_onset_on(tmp_path: Path) -> None:
    file = _file(tmp_path / "r", _outage(), "junk\n")
    out = tmp_path / "a"
    status, _, errors = _run(Options(files=(file,), assignments=out))
    rows = _rows(out)
    assert status == 3
    assert f"{file}:32: " in errors
    assert [row["line"] for row in rows] == list(range(1, 33))
    assert list(rows[0]) == ["line", "event_id", "fingerprint", "incident", "storm"]
    assert rows[0]["storm"] is None
    assert rows[0]["incident"].startswith("inc-")
    assert {row["storm"] for row in rows[1:31]} == {rows[1]["storm"]}
    assert rows[1]["storm"].startswith("storm-")
    assert len({row["incident"] for row in rows[1:31]}) == 3
    assert rows[31] == dict.fromkeys(rows[31], None) | {"line": 32}


def test_a_belated_event_is_in_the_incident_of_its_own_time(tmp_path: Path) -> None:
    lines = [_event(1, 0, "cart"), _event(2, 2_460, "cart")]
    late = {"at_ms": (START_S + 2_700) * 1000, "resource": "event"}
    belated = late | {"body": _event(3, 5, "cart")["event"]}
    out = tmp_path / "a"
    _run(Options(files=(_file(tmp_path / "r", [*lines, belated]),), assignments=out))
    first, second, third = (row["incident"] for row in _rows(out))
    assert first != second
    assert third == first


def test_digests_are_sorted_and_have_the_fields_that_stay(tmp_path: Path) -> None:
    out = tmp_path / "d"
    _run(Options(files=(_file(tmp_path / "r", _outage()),), digests=out))
    rows = _rows(out)
    assert rows
    places = [(row["at_ms"], row["destination"], row["id"], row["revision"]) for row in rows]
    assert places == sorted(places)
    names = "at_ms destination kind id revision incidents events users title"
    assert all(list(row) == names.split() for row in rows)


def test_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    quarantined = {"at_ms": 1, "resource": "event", "body": "{"}
    file = _file(tmp_path / "r", [quarantined, *_outage()], "junk\n", "\n\n")
    status, out, _ = _run(Options(files=(file,), json=True))
    counts = json.loads(out)
    assert status == 3
    assert out.count("\n") == 1
    assert counts["events"] == 31
    assert counts["storms"] == 1
    assert counts["incidents"] == 4
    assert (counts["quarantined"], counts["skipped"], counts["late"]) == (1, 1, 0)


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    file = _file(tmp_path / "r", _outage())
    made = []
    for name in ("1", "2"):
        out, told = tmp_path / f"a{name}", tmp_path / f"d{name}"
        assert _run(Options(files=(file,), assignments=out, digests=told))[0] == 0
        made.append((out.read_bytes(), told.read_bytes()))
    assert made[0] == made[1]


def test_many_bad_lines_are_named_up_to_a_bound_and_counted(tmp_path: Path) -> None:
    status, out, errors = _run(
        Options(files=(_file(tmp_path / "r", _outage(), *["x\n"] * 500),), json=True)
    )
    assert status == 3
    assert json.loads(out)["skipped"] == 500
    assert errors.count("skipped") == 20
    assert "480 further" in errors


@pytest.mark.parametrize(
    "options",
    [
        lambda file: Options(files=(file.parent / "none",)),
        lambda file: Options(files=(file,), assignments=file.parent / "none" / "a"),
        lambda file: Options(files=(file,), digests=file.parent),
        lambda file: Options(files=(file,), digests=file),
        lambda file: Options(
            files=(file,), digests=file.parent / "a", assignments=file.parent / "a"
        ),
        lambda file: Options(files=(file,), via=Via.KAFKA),
        lambda file: Options(files=(file,), via=Via.INTAKE),
    ],
    ids=[
        "no file",
        "no folder",
        "a folder",
        "the recording itself",
        "one file for both",
        "kafka under clock wall",
        "intake under clock wall",
    ],
)
def test_wrong_use_is_status_2_and_nothing_is_replayed(
    tmp_path: Path, options: Callable[[Path], Options]
) -> None:
    file = _file(tmp_path / "r", _outage())
    before = file.read_bytes()
    status, out, errors = _run(options(file))
    assert (status, out) == (2, "")
    assert errors.startswith("stormfold replay: ")
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_results_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "a"
    out.write_bytes(b"before")

    def rows() -> Any:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space"):
        write(out, rows())
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


def test_pace_keeps_to_the_recorded_time() -> None:
    now_s = [100.0]
    pace = Pace(Speed.TWENTY, lambda: now_s[0])
    assert pace.wait_s(60_000) == 0
    assert pace.wait_s(80_000) == pytest.approx(1.0)
    now_s[0] += 0.4
    assert pace.wait_s(80_000) == pytest.approx(0.6)
    now_s[0] += 5
    assert pace.wait_s(80_000) == 0
    assert Pace(Speed.MAX).wait_s(10**12) == 0


def test_an_event_that_every_source_tells_is_one_event_of_one_incident(tmp_path: Path) -> None:
    webhook = json.loads((SENTRY / "error.created.json").read_bytes())
    stored = webhook["data"]["error"]
    around = json.loads((SENTRY / "events" / "errors1.json").read_bytes())
    around[2] |= {"event_id": stored["event_id"], "project_id": stored["project"]}
    around[2]["data"] = {name: part for name, part in stored.items() if name != "url"}
    at_ms = 1_791_188_131_000
    lines: list[dict[str, object]] = [
        {"at_ms": at_ms, "resource": "error", "body": webhook},
        {
            "at_ms": at_ms + 1,
            "resource": "legacy",
            "body": json.loads((SENTRY / "legacy_plugin.json").read_bytes()),
        },
        {"at_ms": at_ms + 20_000, "resource": "events", "body": json.dumps(around)},
        {"at_ms": at_ms + 20_000, "resource": "events", "body": '[2, "end_merge", {}]'},
    ]
    file = _file(tmp_path / "recording", lines)
    options = Options(
        files=(file,), assignments=tmp_path / "rows", digests=tmp_path / "digests", json=True
    )
    out, errors = io.StringIO(), io.StringIO()
    settings = msgspec.structs.replace(_settings(), projects={"4507": "checkout"})
    assert run(settings, options, out, errors) == 0
    rows = _rows(tmp_path / "rows")
    assert len({row["incident"] for row in rows[:3]} | {row["event_id"] for row in rows[:3]}) == 2
    assert rows[3]["event_id"] is None
    assert {digest["events"] for digest in _rows(tmp_path / "digests")} == {1}
    counts = json.loads(out.getvalue())
    assert (counts["incidents"], counts["quarantined"], counts["skipped"]) == (1, 0, 0)

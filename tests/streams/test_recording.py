"""Recordings: what a line is, what time it has, and that bad lines are named and skipped."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from streams.recording import BadLine, Problem, Record, Recording, RecordingError


def _write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _line(at_ms: int = 1_000, body: object = None, **more: object) -> bytes:
    line = {"at_ms": at_ms, "resource": "error", "body": {} if body is None else body, **more}
    return json.dumps(line).encode()


def _event(timestamp: object = None) -> bytes:
    return json.dumps({"event": {"timestamp": timestamp}, "label": "a"}).encode()


def _records(*files: Path) -> list[Record]:
    lines = list(Recording(files))
    assert not [line for line in lines if isinstance(line, BadLine)]
    return [line for line in lines if isinstance(line, Record)]


def _problems(recording: Recording) -> list[tuple[int, Problem]]:
    return [(line.number, line.problem) for line in recording if isinstance(line, BadLine)]


def test_an_object_body_is_the_bytes_as_they_stand_in_the_line(tmp_path: Path) -> None:
    raw = b'{"b" : 1.10,  "a":"\\u00e9"}'
    line = b'{"at_ms": 5, "resource": "error", "body":  ' + raw + b' , "more": [1]}'
    (record,) = _records(_write(tmp_path / "r", line))
    assert record.body == raw


def test_a_text_body_is_its_text_in_utf_8(tmp_path: Path) -> None:
    (record,) = _records(_write(tmp_path / "r", _line(body='not "json" é')))
    assert record.body == 'not "json" é'.encode()


def test_an_event_line_is_a_bare_event_at_its_own_time(tmp_path: Path) -> None:
    (record,) = _records(_write(tmp_path / "r", _event(12.5)))
    assert (record.resource, record.at_ms, record.label) == ("event", 12_500, "a")
    assert json.loads(record.body) == {"timestamp": 12.5}


@pytest.mark.parametrize(
    "timestamp", [None, "nonsense", {"a": 1}, [], True], ids=["none", "text", "map", "list", "bool"]
)
def test_an_event_without_a_time_has_that_of_the_line_before(
    tmp_path: Path, timestamp: object
) -> None:
    records = _records(_write(tmp_path / "r", _event("1970-01-01T00:00:09Z"), _event(timestamp)))
    assert [record.at_ms for record in records] == [9_000, 9_000]


def test_time_never_goes_back_also_over_files(tmp_path: Path) -> None:
    first = _write(tmp_path / "1", _line(5_000), _line(3_000))
    second = _write(tmp_path / "2", _line(4_000), _line(6_000))
    recording = Recording([first, second])
    found = [(line.line, line.at_ms) for line in recording if isinstance(line, Record)]
    assert found == [(1, 5_000), (2, 5_000), (3, 5_000), (4, 6_000)]
    assert recording.raised == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", Problem.NOT_JSON),
        (b"[1]", Problem.NOT_JSON),
        (b"\xff{}", Problem.NOT_JSON),
        (b"{}", Problem.NO_RECORD),
        (b'{"at_ms": 1, "resource": "error"}', Problem.NO_RECORD),
        (b'{"at_ms": 1.5, "resource": "error", "body": {}}', Problem.BAD_AT_MS),
        (b'{"at_ms": -1, "resource": "error", "body": {}}', Problem.BAD_AT_MS),
        (b'{"at_ms": 1' + b"0" * 30 + b', "resource": "error", "body": {}}', Problem.BAD_AT_MS),
        (b'{"at_ms": 1, "resource": 5, "body": {}}', Problem.BAD_RESOURCE),
        (b'{"at_ms": 1, "resource": "error", "body": [1]}', Problem.BAD_BODY),
        (b'{"at_ms": 1, "resource": "error", "body_base64": "e}"}', Problem.BAD_BASE64),
        (b'{"at_ms": 1, "resource": "error", "body_base64": {}}', Problem.BAD_BASE64),
        (b'{"at_ms": 1, "resource": "", "body": "", "body_base64": ""}', Problem.TWO_BODIES),
        (b'{"event": "x"}', Problem.BAD_EVENT),
        (b'{"event": {}}', Problem.NO_TIME),
    ],
)
def test_a_bad_line_is_named_skipped_and_counted(
    tmp_path: Path, line: bytes, problem: Problem
) -> None:
    path = _write(tmp_path / "r", line, _line())
    recording = Recording([path])
    bad, good = recording
    assert isinstance(bad, BadLine)
    assert bad.problem is problem
    assert str(bad).startswith(f"{path}:1: ")
    assert isinstance(good, Record)
    assert (good.line, recording.skipped, recording.lines) == (2, 1, 2)


def test_a_line_that_is_too_long_is_skipped_whole(tmp_path: Path) -> None:
    path = _write(tmp_path / "r", _line(), _line(body="x" * 500), _line())
    recording = Recording([path], line_bytes=200)
    assert _problems(recording) == [(2, Problem.TOO_LONG)]
    assert recording.lines == 3


def test_blank_lines_are_bad_but_for_the_end_of_a_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "r", _line(), b"", _line(), b"", b"")
    recording = Recording([path, path])
    assert _problems(recording) == [(2, Problem.BLANK), (2, Problem.BLANK)]
    assert recording.lines == 6


def test_plain_gzip_and_zstandard_are_told_by_their_bytes(tmp_path: Path) -> None:
    plain = _write(tmp_path / "plain.zst", _line(), _line(2_000))
    packed = tmp_path / "gzip"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    zstd = tmp_path / "zstd.gz"
    zstd.write_bytes(zstandard.compress(plain.read_bytes()))
    assert _records(plain) == _records(packed) == _records(zstd)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_data_that_breaks_off_is_an_error_and_no_end(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    path = tmp_path / "r"
    path.write_bytes(pack(b"".join(_line(number) + b"\n" for number in range(3_000)))[:-40])
    with pytest.raises(RecordingError, match="breaks off"):
        list(Recording([path]))


def test_a_file_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        Recording([_write(tmp_path / "r", _line()), tmp_path / "none"])

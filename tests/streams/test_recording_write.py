"""Recordings that are written: read back byte for byte, whole or not at all, for their owner."""

from __future__ import annotations

import json
import resource
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.event_parts import LAST_MS
from streams.output_files import OutputError
from streams.recording import Record, Recording
from streams.recording_write import ENDINGS, WrongEnding, check_ending, line_of, recording_file

BODIES = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.sampled_from(
        [b"", b"{}", b' {"a": 1}\r\n', b"\xff\x00", b"\xed\xa0\x80", b"\xef\xbb\xbf{}"]
    )
)
LINES = st.lists(st.tuples(st.integers(0, LAST_MS), st.text(max_size=20), BODIES), max_size=4)


@given(LINES, st.sampled_from(ENDINGS))
def test_every_record_reads_back_byte_for_byte(
    lines: list[tuple[int, str, bytes]], ending: str
) -> None:
    lines.sort(key=lambda line: line[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"r{ending}"
        with recording_file(path) as writer:
            for line in lines:
                writer.add(*line)
        read = list(Recording([path]))
    assert read == [
        Record(line=number, at_ms=at_ms, resource=resource, body=body)
        for number, (at_ms, resource, body) in enumerate(lines, start=1)
    ]
    assert writer.lines == len(lines)


def test_a_body_that_is_text_is_readable_and_any_other_is_in_base64() -> None:
    text, in_base64 = line_of(5, "error", b'{"a": "\xc3\xa9"}')
    assert json.loads(text) == {"at_ms": 5, "resource": "error", "body": '{"a": "é"}'}
    assert not in_base64
    raw, in_base64 = line_of(5, "error", b"\xff")
    assert json.loads(raw) == {"at_ms": 5, "resource": "error", "body_base64": "/w=="}
    assert in_base64


def test_a_text_whose_escapes_would_not_be_read_is_in_base64() -> None:
    line, in_base64 = line_of(5, "error", b"\x00" * 100, line_bytes=300)
    assert in_base64
    assert len(line) < 300


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_lines_give_the_same_file_for_its_owner_alone(tmp_path: Path, ending: str) -> None:
    found = []
    for name in "ab":
        path = tmp_path / f"{name}{ending}"
        path.write_bytes(b"before")
        with recording_file(path) as writer:
            writer.add(1, "error", b"x" * 5_000)
        found.append(path.read_bytes())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found[0] == found[1] != b"before"


@pytest.mark.parametrize("name", ["r", "r.json", "r.jsonl.bz2", "gz", "r.zip"])
def test_another_ending_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(WrongEnding, match=r"\.jsonl, \.jsonl\.gz or \.jsonl\.zst"):
        check_ending(Path(name))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Have every write past this size fail, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _write_much(path: Path) -> None:
    with recording_file(path) as writer:
        for number in range(3_000):
            writer.add(number, "error", number.to_bytes(4, "big") * 20)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_disk_error_leaves_what_was_there_and_no_half_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r{ending}"
    path.write_bytes(b"before")
    with files_of_at_most(4_096), pytest.raises(OutputError, match="cannot be written"):
        _write_much(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"before"


def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path / "r.gz")
    assert list(tmp_path.iterdir()) == []


def _interrupted(path: Path) -> None:
    with recording_file(path) as writer:
        writer.add(1, "error", b"x")
        raise KeyboardInterrupt


def test_a_device_is_written_directly(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space"):
        _write_much(path)

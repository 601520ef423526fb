"""A replay by several processes: the same bytes, a clear error when one dies, and a clean end."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zstandard

from benchmarks.local.day import lines as day
from streams.local_parallel import Side, follow
from streams.recording import BadLine, Recording, RecordingError
from streams.replay import Options, run
from streams.replay_results import Results
from streams.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = sorted((ROOT / "recordings").glob("*outage.jsonl.gz"))
SETTINGS = load(ROOT / "stormfold.yaml", {})
DEADLINE_S = 60.0


def _alone(files: list[Path], folder: Path) -> tuple[bytes, bytes, str, str]:
    """Return assignments, digests, counts and complaints of a replay in this process."""
    out, errors = io.StringIO(), io.StringIO()
    rows, told = folder / "rows", folder / "told"
    options = Options(files=tuple(files), assignments=rows, digests=told, json=True)
    run(SETTINGS, options, out, errors)
    read = [path.read_bytes() if path.exists() else b"" for path in (rows, told)]
    return read[0], read[1], out.getvalue(), errors.getvalue()


def _together(
    files: list[Path], folder: Path, *, alone_bytes: int
) -> tuple[bytes, bytes, str, list[str]]:
    """Return the same of one by two processes beside this one, from so many bytes on."""
    results = Results(SETTINGS.correlation(), SETTINGS.fingerprinting(), rows=True)
    named: list[str] = []
    rows, told = folder / "rows2", folder / "told2"
    try:
        follow(
            Recording(files),
            [Side(SETTINGS, results)],
            workers=2,
            bad_line=lambda bad: named.append(f"{bad}; skipped"),
            alone_bytes=alone_bytes,
        )
        results.write_assignments(rows)
        results.write_digests(told)
        return rows.read_bytes(), told.read_bytes(), results.counts().json().decode(), named
    finally:
        results.close()


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.split("-")[0])
def test_committed_recordings_give_the_same_bytes(path: Path, tmp_path: Path) -> None:
    rows, told, counts, _ = _alone([path], tmp_path)
    assert rows.count(b"\n") > 100
    assert _together([path], tmp_path, alone_bytes=100_000) == (rows, told, counts, [])


def test_what_is_bad_and_what_goes_back_is_told_in_order_with_the_same_numbers(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    made = list(day(600))
    with first.open("wb") as stream:
        for number, line in enumerate(made[300:]):
            stream.write(line + (b"\njunk\n" if number % 50 == 20 else b"\n"))
            stream.write(b"\n\r\n" if number % 70 == 30 else b"")
    # All of it lies before the first file, so every time in it is raised.
    second.write_bytes(b"\n".join(made[:300]) + b"\n{}\n\n\n")
    rows, told, counts, errors = _alone([first, second], tmp_path)
    assert json.loads(counts)["skipped"] == 15
    again = _together([first, second], tmp_path, alone_bytes=0)
    assert again[:3] == (rows, told, counts)
    assert again[3] == errors.splitlines()[:15]
    assert errors.splitlines()[15:] == ["300 lines went back in time and were raised"]


def test_a_file_that_breaks_off_is_told_after_what_came_before(tmp_path: Path) -> None:
    whole = gzip.compress(b"junk\n" + b"\n".join(day(400)))
    file = tmp_path / "broken.gz"
    file.write_bytes(whole[: len(whole) // 2])
    *_, errors = _alone([file], tmp_path)
    results = Results(SETTINGS.correlation(), SETTINGS.fingerprinting(), rows=False)
    told: list[str] = []
    with pytest.raises(RecordingError) as found:
        follow(
            Recording([file]),
            [Side(SETTINGS, results)],
            workers=2,
            bad_line=lambda bad: told.append(f"{bad}; skipped"),
            alone_bytes=0,
        )
    results.close()
    assert [*told, f"stormfold replay: {found.value}"] == errors.splitlines()


def test_sides_that_fingerprint_alike_share_it_and_others_do_not_mix(tmp_path: Path) -> None:
    path = RECORDINGS[-1]
    quick = msgspec.structs.replace(
        SETTINGS, incidents=msgspec.structs.replace(SETTINGS.incidents, settle_ms=1_000)
    )
    other = msgspec.structs.replace(SETTINGS, default_environment="x", signature_version=1)
    each = [_digests(tmp_path, path, one) for one in (SETTINGS, quick, other)]
    assert len({one[0] for one in each}) == 3
    assert _digests(tmp_path, path, SETTINGS, quick, other) == [one[0] for one in each]


def _digests(folder: Path, path: Path, *settings: Settings) -> list[bytes]:
    gathered = [Results(one.correlation(), one.fingerprinting(), rows=True) for one in settings]
    sides = [Side(one, results) for one, results in zip(settings, gathered, strict=True)]
    follow(Recording([path]), sides, workers=2, bad_line=_no_bad_line, alone_bytes=50_000)
    found = []
    for results in gathered:
        results.write_digests(folder / "told")
        results.write_assignments(folder / "rows")
        results.close()
        found.append((folder / "told").read_bytes() + (folder / "rows").read_bytes())
    return found


def _no_bad_line(bad: BadLine) -> None:
    raise AssertionError(str(bad))


# As a command


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that takes far longer than it takes to end its replay."""
    path = tmp_path_factory.mktemp("long") / "long.jsonl.zst"
    with zstandard.open(path, "wb", zstandard.ZstdCompressor(level=1)) as stream:
        for line in day(60_000):
            stream.write(line + b"\n")
    return path


@contextmanager
def _command(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "replay", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _until(holds: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def _fingerprinting(pid: int) -> list[int]:
    """Return the processes below this one that make portions."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for tasks in found for child in tasks.read_text().split()]
    return [child for child in children if b"spawn_main" in _command_line(child)]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _reads(pid: int, path: Path) -> bool:
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            if os.readlink(one) == str(path):
                return True
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux' /proc")


@needs_proc
def test_a_process_that_dies_ends_the_replay_with_an_error(long: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    with _command("--workers", "2", "--assignments", str(rows), str(long)) as process:
        _until(lambda: len(_fingerprinting(process.pid)) == 2)
        os.kill(_fingerprinting(process.pid)[0], signal.SIGKILL)
        out, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (1, b"")
    assert errors.count(b"\n") == 1, errors.decode()
    assert errors.startswith(b"stormfold replay: one of the processes that fingerprint ended")
    assert not rows.exists()


@needs_proc
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_replay_leaves_old_results_and_nothing_else(
    long: Path, tmp_path: Path, workers: int, number: signal.Signals, status: int
) -> None:
    rows = tmp_path / "rows"
    rows.write_bytes(b"before")
    with _command("--workers", str(workers), "--assignments", str(rows), str(long)) as process:
        if workers > 1:
            _until(lambda: len(_fingerprinting(process.pid)) == workers)
        _until(lambda: _reads(process.pid, long))
        others = _fingerprinting(process.pid)
        # To all of them, as a terminal and a service manager do.
        os.killpg(process.pid, number)
        out, errors = process.communicate(timeout=DEADLINE_S)
        _until(lambda: not any(map(_command_line, others)))
    assert (process.returncode, out) == (status, b"")
    assert errors.count(b"\n") == 1, errors.decode()
    assert b"interrupted after" in errors
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


@needs_proc
def test_processes_end_with_the_one_that_started_them(long: Path) -> None:
    with _command("--workers", "2", str(long)) as process:
        _until(lambda: len(_fingerprinting(process.pid)) == 2)
        others = _fingerprinting(process.pid)
        process.kill()
        _until(lambda: not any(map(_command_line, others)))

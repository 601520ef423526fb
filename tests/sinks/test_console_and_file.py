"""The sinks without a service: the console and the file."""

from __future__ import annotations

import io
from pathlib import Path

from sinks.base import Delivered, Rejected, Retry, Step
from sinks.console import ConsoleSink
from sinks.file import FileSink
from tests.sinks.make import attempt, digest


async def test_a_closed_console_rejects() -> None:
    out = io.StringIO()
    out.close()
    outcome = await ConsoleSink(out=out).send(attempt(Step.POST, digest("console:default")))
    assert isinstance(outcome, Rejected)


async def test_a_file_that_cannot_be_written_is_refused_and_is_its_owners_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "told.jsonl"
    assert isinstance(
        await FileSink(path).send(attempt(Step.POST, digest("file:default"))), Delivered
    )
    assert path.stat().st_mode & 0o777 == 0o600
    outcome = await FileSink(tmp_path / "none" / "x").send(
        attempt(Step.POST, digest("file:default"))
    )
    assert isinstance(outcome, Rejected)


async def test_a_full_disk_is_tried_again() -> None:
    outcome = await FileSink(Path("/dev/full")).send(attempt(Step.POST, digest("file:default")))
    assert isinstance(outcome, Retry)

"""`stormfold incidents ignore`: how long is whole minutes, and wrong use is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app


@pytest.mark.parametrize("given", ["soon", "-1h", "30s", "366d", ""])
def test_a_length_that_sentry_does_not_know_is_refused(tmp_path: Path, given: str) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text('kafka: {bootstrap: "127.0.0.1:1"}\n')
    arguments = ["incidents", "ignore", "inc-1", "--for", given, "--config", str(path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("--for: expected whole minutes up to a year")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["ignore", "inc-1", "--for", "2h"], ["unignore", "inc-1"]])
def test_without_kafka_one_line_says_so(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text('kafka: {bootstrap: "127.0.0.1:1"}\n')
    done = CliRunner().invoke(app, ["incidents", *command, "--config", str(path)])
    assert done.exit_code != 0
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1

"""`stormfold dead-letters`: what is wrong is one line, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app

CONFIG = """
kafka: {bootstrap: "127.0.0.1:1"}
sinks:
  slack: {token: x, channels: {incidents: C1}}
  pagerduty: {routing_key: y}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "stormfold.yaml"
    path.write_text(CONFIG)
    return str(path)


def said(config: str, *arguments: str) -> tuple[int, str]:
    """Return the exit status and the one line that was said."""
    done = CliRunner().invoke(app, ["dead-letters", *arguments, "--config", config])
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.exit_code, done.stderr.rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["redrive"], "expected ids, or --all"),
        (["redrive", "dl-1", "--all"], "expected ids, or --all"),
        (["redrive", "dl-1", "--reason", "invalid"], "expected ids, or --all"),
        (["redrive", "dl-1", "--to", "slack:other"], "--to: expected one of slack:incidents"),
        (["redrive", "dl-1", "--within", "soon"], "--within: expected a duration up to 1h"),
        (["redrive", "--all", "--reason", "bad"], "--reason: expected one of not_authorised"),
        (["redrive", "--all", "--since", "bad"], "--since: expected a duration such as 30m"),
        (["list", "--reason", "bad"], "--reason: expected one of not_authorised"),
        (["list", "--since", "yesterday"], "--since: expected a duration such as 30m"),
        (["drop", "dl-1", "--reason", "x" * 201], "--reason: expected a text of at most 200"),
        (["drop", "dl-1", "--reason", "\x1b[2J"], "--reason: expected a text of at most 200"),
    ],
)
def test_what_is_asked_for_in_a_wrong_way_is_one_line(
    config: str, arguments: list[str], says: str
) -> None:
    status, line = said(config, *arguments)
    assert status == 2
    assert line.startswith(says)


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--all", "--json"],
        ["show", "dl-1"],
        ["redrive", "dl-1"],
        ["drop", "dl-1"],
    ],
)
def test_without_kafka_it_is_one_line_that_names_the_address(
    config: str, arguments: list[str]
) -> None:
    status, line = said(config, *arguments)
    assert status == 1
    assert line.startswith("Kafka at 127.0.0.1:1 cannot be asked: ")

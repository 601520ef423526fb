"""`stormfold silences` and `incidents`: what is wrong is one line, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.exit_status import WRONG_USE

CONFIG = 'kafka: {bootstrap: "127.0.0.1:1"}\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "stormfold.yaml"
    path.write_text(CONFIG)
    return str(path)


def said(config: str, *arguments: str) -> tuple[int, str]:
    """Return the exit status and the one line that was said."""
    done = CliRunner().invoke(app, [*arguments, "--config", config])
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.exit_code, done.stderr.rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["storm-1"], "expected --for or --until"),
        (["storm-1", "--for", "1h", "--until", "2026-12-01T22:00Z"], "expected --for or --until"),
        (["storm-1", "--for", "soon"], '--for: expected a duration such as 30m, 2h, 7d, found "s'),
        (["storm-1", "--until", "22:00"], "--until: expected a moment such as 2026-12-01T22:00+"),
        (["--service", "a", "--for", "1h"], "expected --environment"),
        (["-e", "x", "--service", "a" * 201, "--for", "1h"], "--service: expected a text or"),
        (["-e", "x", "--error-type", "\x1b", "--for", "1h"], "--error-type: expected a text or"),
        (["-e", "x", "--level", "loud", "--for", "1h"], "--level: expected some of debug"),
        (["-e", "x", "--min-level", "loud", "--for", "1h"], "--level: expected some of debug"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_with_what_is_wrong(
    config: str, arguments: list[str], says: str
) -> None:
    status, line = said(config, "silences", "add", *arguments)
    assert status == 2
    assert line.startswith(says)


@pytest.mark.parametrize(
    "arguments",
    [
        ["silences", "list"],
        ["silences", "add", "storm-1", "--for", "1h", "--yes"],
        ["silences", "expire", "sil-1"],
        ["incidents", "list", "--json"],
        ["incidents", "show", "inc-1"],
        ["incidents", "ack", "inc-1"],
        ["incidents", "ack", "inc-1", "--for", "30m"],
        ["incidents", "resolve", "inc-1"],
        ["incidents", "false-alarm", "inc-1"],
        ["incidents", "page", "storm-1"],
        ["incidents", "assign", "inc-1", "payments"],
        ["incidents", "comment", "inc-1", "it was DNS"],
        ["incidents", "merge", "inc-1", "inc-2"],
    ],
)
def test_without_kafka_it_is_one_line_that_names_the_address(
    config: str, arguments: list[str]
) -> None:
    status, line = said(config, *arguments)
    assert status == 1
    assert line.startswith("Kafka at 127.0.0.1:1 cannot be asked: ")


def test_a_part_that_does_not_exist_is_wrong_use(config: str) -> None:
    assert CliRunner().invoke(app, ["silences", "brew"]).exit_code == 2
    assert CliRunner().invoke(app, ["incidents", "show"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ack", "inc-1", "--for", "8d"], "--for: expected a duration up to 7d, such as 30m, fo"),
        (["ack", "inc-1", "--for", "soon"], "--for: expected a duration up to 7d"),
        (["assign", "inc-1", "x" * 121], "assignee is longer than 120 characters"),
        (["comment", "inc-1", ""], "a comment has 1 to 1000 characters"),
        (["comment", "inc-1", "x" * 1_001], "a comment has 1 to 1000 characters"),
        (["resolve", "inc-1", "--by", "x" * 121], "actor is longer than 120 characters"),
    ],
)
def test_an_act_that_cannot_be_is_refused_before_kafka_is_asked(
    config: str, arguments: list[str], says: str
) -> None:
    status, line = said(config, "incidents", *arguments)
    assert status == WRONG_USE
    assert line.startswith(says)


def test_a_storm_is_not_split_but_one_of_its_incidents(config: str) -> None:
    status, line = said(config, "incidents", "split", "storm-1")
    assert status == WRONG_USE
    assert line.endswith("`stormfold incidents show storm-1` lists them")

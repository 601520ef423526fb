"""Log lines are one stream, one of each kind, and without anything secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from aiokafka.errors import KafkaConnectionError

from streams.logs import EVERY_S, KINDS_KEPT, QUIET, RepeatFilter, configure


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def record(name: str, message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, args, None)


def test_our_lines_and_a_librarys_look_the_same() -> None:
    out = io.StringIO()
    configure(json=True, level="info", stream=out)
    structlog.get_logger("streams.intake").info("listening", port=8080)
    logging.getLogger("aiokafka.client").warning("node %s is gone", 1)
    ours, theirs = lines(out)
    assert (ours["event"], ours["port"], ours["logger"]) == ("listening", 8080, "streams.intake")
    assert (theirs["event"], theirs["level"]) == ("node 1 is gone", "warning")
    assert ours.keys() - {"port"} == theirs.keys()


def test_an_outage_is_told_once_per_ten_seconds_with_a_count() -> None:
    clock = Clock()
    repeats = RepeatFilter(clock=clock)
    passed = []
    for _ in range(60 * 45):
        line = record("aiokafka.client", "Unable connect to node with id %s", 1)
        if repeats.filter(line):
            passed.append(getattr(line, "held_back", 0))
        clock.now += 1 / 45
    assert len(passed) == 60 / EVERY_S
    assert passed[0] == 0
    assert all(count == pytest.approx(45 * EVERY_S, abs=2) for count in passed[1:])


def test_lines_that_differ_in_a_number_are_of_one_kind() -> None:
    repeats = RepeatFilter(clock=Clock())
    assert repeats.filter(record("faust.app", "commit is overlapping (runtime=72.5)"))
    assert not repeats.filter(record("faust.app", "commit is overlapping (runtime=73.1)"))
    assert repeats.filter(record("faust.app", "something else"))


def test_lines_of_another_logger_pass_each_time() -> None:
    repeats = RepeatFilter(clock=Clock())
    assert all(repeats.filter(record("streams.stage", "the same")) for _ in range(3))
    assert repeats.filter(record("aiokafka.client", "the same"))
    assert repeats.filter(record("aiokafka.conn", "the same"))
    assert repeats.filter(record("aiokafkaesque", "the same"))
    assert repeats.filter(record("aiokafkaesque", "the same"))


def test_the_filter_remembers_a_bounded_number_of_kinds() -> None:
    repeats = RepeatFilter(clock=Clock())
    assert repeats.filter(record("aiokafka", "the oldest"))
    for number in range(KINDS_KEPT):
        assert repeats.filter(record(f"aiokafka.n{number}", "a line"))
    assert repeats.filter(record("aiokafka", "the oldest"))
    assert not repeats.filter(record(f"aiokafka.n{KINDS_KEPT - 1}", "a line"))


def test_the_count_of_what_was_held_back_stands_in_the_line() -> None:
    out = io.StringIO()
    configure(json=True, level="info", stream=out)
    line = record("mode", "again")
    line.held_back = 41
    root = logging.getLogger()
    root.handle(line)
    assert lines(out)[0]["held_back"] == 41


@pytest.mark.parametrize("as_json", [True, False])
def test_an_outage_is_told_in_a_line_and_a_bug_with_its_traceback(as_json: bool) -> None:
    out = io.StringIO()
    configure(json=as_json, level="info", stream=out)
    for name, error in (
        ("faust.worker", KafkaConnectionError("no broker")),
        ("aiokafka.conn", ConnectionResetError("cut")),
        ("faust.agents", ZeroDivisionError("a bug")),
        ("streams.stage", ConnectionResetError("ours")),
    ):
        try:
            raise error
        except Exception:
            logging.getLogger(name).exception("it failed")
    said = out.getvalue()
    assert said.count("Traceback") == 2
    assert "it failed: KafkaConnectionError: KafkaConnectionError: no broker" in said
    assert "it failed: ConnectionResetError: cut" in said
    assert "ZeroDivisionError: a bug" in said


@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_secret_is_written(as_json: bool) -> None:
    out = io.StringIO()
    configure(json=as_json, level="debug", stream=out)
    log = structlog.get_logger("streams.intake")
    log.warning("refused", token="hunter2", body=b"hunter2", headers={"Cookie": "hunter2"})
    logging.getLogger("aiokafka.conn").debug("Request %s", "hunter2")
    logging.getLogger("slack_sdk.web").debug("Sending %s", "hunter2")
    logging.getLogger("httpx").info("POST %s", "https://hooks.example/hunter2")

    def fail(local: str) -> None:
        raise RuntimeError("failed")

    try:
        fail("hunter" + "2")
    except RuntimeError:
        log.exception("it failed")
    assert "RuntimeError: failed" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_below_the_level_nothing_is_written() -> None:
    out = io.StringIO()
    configure(json=True, level="WARNING", stream=out)
    structlog.get_logger("streams").info("quiet")
    logging.getLogger("mode").info("quiet")
    assert out.getvalue() == ""


def test_configured_again_it_replaces_what_was_before() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure(json=True, level="info", stream=first)
    configure(json=True, level="info", stream=second)
    structlog.get_logger("streams").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="debug, info, warning, error, critical, found 'loud'"):
        configure(json=True, level="loud")

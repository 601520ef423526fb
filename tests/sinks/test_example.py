"""The example of CONTRIBUTING.md keeps the rules of the house, and the interface of a sink."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sinks.cases import CASES, SERVED
from tests.sinks.example import ROOT, files


def test_the_example_is_a_sink_a_peer_and_a_case_and_takes_part_in_the_suite() -> None:
    assert list(files()) == [
        "sinks/gotify.py",
        "sinks/peers/gotify.py",
        "tests/sinks/gotify_case.py",
    ]
    assert "gotify" in CASES
    assert "gotify" in SERVED


@pytest.mark.parametrize("path", sorted(files()))
@pytest.mark.parametrize("checks", [["check"], ["format", "--check"]], ids=lambda one: one[0])
def test_each_of_its_files_passes_the_checks(path: str, checks: list[str]) -> None:
    command = [sys.executable, "-m", "ruff", *checks, "--stdin-filename", path, "-"]
    done = subprocess.run(
        command, input=files()[path], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

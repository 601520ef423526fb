"""The table that the chaos tests fill, and when it is shown and written."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from tests.chaos import table
from tests.chaos.measure import Measured

ROW = "row of the chaos table"

Note = Callable[[Measured], Measured]


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Puts a row into the table; what it must hold is checked afterwards."""

    def put(row: Measured) -> Measured:
        # What stands in a test's report reaches whoever sums up, from another process too.
        request.node.user_properties.append((ROW, msgspec.to_builtins(row)))
        return row

    return put


@pytest.fixture
def seed(soak: bool) -> int:
    """A new seed for every soak; it stands in the row, and a failed test prints it."""
    drawn = random.SystemRandom().randrange(2**31) if soak else 1
    print(f"seed {drawn}")
    return drawn


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the table; write it where that was asked for."""
    reports = [
        report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)
    ]
    rows = [
        msgspec.convert(row, Measured)
        for report in reports
        if report.when == "call"
        for name, row in report.user_properties
        if name == ROW
    ]
    if not rows:
        return
    terminalreporter.section("chaos")
    terminalreporter.write(table.text_of(rows))
    folder = config.getoption("--table")
    if folder is not None:
        table.write(rows, folder)

"""What the tests of the core share: events are numbered anew for each of them."""

from __future__ import annotations

from tests.correlators import score


def pytest_runtest_setup() -> None:
    """Whatever ran before in this process, the same test makes the same events."""
    score.restart_numbers()

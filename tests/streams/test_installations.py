"""What Sentry says of its integration is in the log, and no other change is."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from correlators.changes import change_of
from correlators.types import StateChange
from correlators.wire_read import read_change
from streams.agents.installations import say

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sentry"


def change(name: str, action: str = "") -> StateChange:
    resource = name.partition(".")[0]
    body = (FIXTURES / name).read_bytes()
    if action:
        body = body.replace(b'"created"', f'"{action}"'.encode(), 1)
    return change_of(resource, read_change(body), body)


@pytest.mark.parametrize(
    ("action", "level", "says"),
    [
        ("", "info", "was installed in Sentry"),
        ("deleted", "warning", "was taken out of Sentry"),
        ("moved", "info", "is not known here"),
    ],
)
def test_a_change_of_the_installation_is_one_line(action: str, level: str, says: str) -> None:
    with capture_logs() as lines:
        say([change("issue.created.json"), change("installation.created.json", action)])
    (line,) = lines
    assert (line["log_level"], says in line["event"]) == (level, True)
    assert "moved" not in str(line)


def test_other_changes_are_not_logged() -> None:
    with capture_logs() as lines:
        say([change("issue.resolved.json"), change("comment.created.json")])
    assert lines == []

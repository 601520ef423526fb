"""What a pager says is of its page, and asks nothing of Sentry."""

from __future__ import annotations

from typing import Any

import pytest

from correlators.acts import Act, ActOutcome, Assign, Resolve
from correlators.types import Level
from tests.correlators.score import event
from tests.correlators.test_asking import Stage, asked, by, outcomes


def paged() -> Stage:
    stage = Stage()
    stage.run(20, event(0, issue="41", level=Level.FATAL))
    return stage


@pytest.mark.parametrize(("kind", "how"), [(Resolve, {}), (Assign, {"assignee": "Ada"})])
def test_who_ends_or_hands_on_a_page_decides_nothing_about_its_issue(
    kind: type[Any], how: dict[str, str]
) -> None:
    stage = paged()
    page = f"{stage.incident().id}.1"
    act: Act = kind(actor="Ben", source="pagerduty", at_ms=0, subject=page, **how)
    decided = stage.run(30, acts=[(25, act)])
    assert [one.outcome for one in outcomes(decided)] == [ActOutcome.DONE]
    assert asked(decided) == []
    # The same of the incident is about its issue.
    again = stage.run(40, acts=[(35, by(kind, stage.incident().id, **how))])
    assert [one.issue_id for one in asked(again)] == ["41"]

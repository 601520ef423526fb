"""The key `reports`: what it may say, and how `stormfold check` shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from correlators.recurring import WEEK, Recurring, evenly
from correlators.rulings import Urgency
from correlators.scheduled import TOLD, Scheduled
from streams.describe import describe
from streams.settings import Settings, SettingsError, load
from streams.zones import zone

BEFORE = """\
sinks: {console: {}, file: {path: told.jsonl}}
teams: {team-pay: {to: [console:default]}}
"""


def loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "stormfold.yaml"
    path.write_text(BEFORE + text)
    return load(path, {})


def test_a_report_says_of_what_when_and_to_whom(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
reports:
  - {name: low, every: 4h, to: console:default, urgency: digest, team: team-pay}
  - {name: daily, every: day, at: "07:30", days: [mon, fri], to: [console:default]}
  - {name: weekly, every: week, zone: Europe/Berlin, environment: ["prod*", stage],
     to: [console:default, file:default], urgency: [page, alert]}
""",
    )
    low, daily, weekly = settings.correlation().holding.reports
    assert low == Scheduled(
        name="low",
        at=Recurring(zone=zone("UTC"), days=WEEK, minutes=evenly(240, 0)),
        to=("console:default",),
        team="team-pay",
        urgency=(Urgency.DIGEST,),
    )
    assert (daily.at, daily.urgency) == (
        Recurring(zone=zone("UTC"), days=(0, 4), minutes=(450,)),
        TOLD,
    )
    assert weekly.at == Recurring(zone=zone("Europe/Berlin"), days=(0,), minutes=(480,))
    assert weekly.environment == ("prod*", "stage")
    assert weekly.urgency == (Urgency.ALERT, Urgency.PAGE)
    assert describe(settings)["reports"] == {
        "low": "every 4 h, one at 00:00 UTC, of production, owned by team-pay, urgency digest"
        " -> console:default",
        "daily": "once at 07:30 UTC on mon, fri, of production -> console:default",
        "weekly": "once at 08:00 Europe/Berlin on mon, of prod*, stage, urgency alert or page"
        " -> console:default, file:default",
    }


def test_without_reports_nothing_is_scheduled_and_other_reports_are_another_configuration(
    tmp_path: Path,
) -> None:
    none = loaded(tmp_path, "")
    assert none.correlation().holding.reports == ()
    assert describe(none)["reports"] is None
    one = loaded(tmp_path, "reports: [{name: a, every: day, to: console:default}]")
    assert one.configuration != none.configuration


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{every: day, to: console:default}", "reports[0].name: is missing"),
        ("{name: a, every: 5h, to: console:default}", "reports[0].every: expected one of 1h, 2h"),
        ("{name: a, every: day}", "reports[0].to: is missing"),
        ("{name: a, every: day, to: slack:x}", "reports[0].to: expected one of console:default"),
        ("{name: a, every: day, to: console:default, team: x}", "reports[0].team: expected one of"),
        (
            "{name: a, every: day, to: console:default, urgency: drop}",
            "reports[0].urgency: expected one of digest, alert, page",
        ),
        (
            "{name: a, every: week, days: [mon, tue], to: console:default}",
            "reports[0].days: expected the one day of a weekly report",
        ),
        (
            '{name: a, every: day, at: "24:00", to: console:default}',
            "reports[0].at: expected a time of day",
        ),
        (
            "{name: a, every: day, zone: Europe/Atlantis, to: console:default}",
            "reports[0].zone: expected a time zone",
        ),
        (
            "{name: a, every: day, to: console:default}, {name: a, every: 4h, to: console:default}",
            "reports[1].name: is the name of another report too",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        loaded(tmp_path, f"reports: [{text}]")
    assert problem in str(raised.value)


def test_a_report_of_more_than_is_remembered_is_refused(tmp_path: Path) -> None:
    text = "incidents: {remember: 3d}\nreports: [{name: a, every: week, to: console:default}]"
    with pytest.raises(SettingsError, match=r"at most incidents\.remember, which is 3d"):
        loaded(tmp_path, text)
    assert loaded(tmp_path, text.replace("week", "day")).holding.reports


def test_more_reports_than_there_may_be_are_refused(tmp_path: Path) -> None:
    many = ", ".join(f"{{name: r{at}, every: day, to: console:default}}" for at in range(21))
    with pytest.raises(SettingsError, match="expected at most 20, found 21"):
        loaded(tmp_path, f"reports: [{many}]")

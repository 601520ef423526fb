"""Who is who: read from the file, checked, shown without what is personal."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.describe import describe
from streams.people import Person, by_pagerduty, by_slack, in_sentry
from streams.settings import Settings, SettingsError, load

WHO = """
people:
  ada: {slack: U0ADA, sentry: ada.l, pagerduty: PADA42, email: ada@shop.example}
  Ben O'Neil: {slack: W0BEN, email: ben@shop.example}
  cy: {sentry: "71"}
  di:
"""


def read(folder: Path, text: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(text)
    return load(path, {})


def test_a_person_has_one_name_and_what_the_services_call_them(tmp_path: Path) -> None:
    people = read(tmp_path, WHO).people
    assert by_slack(people) == {"U0ADA": "ada", "W0BEN": "Ben O'Neil"}
    assert by_pagerduty(people) == {"PADA42": "ada"}
    assert in_sentry(people) == {"ada": "ada.l", "Ben O'Neil": "ben@shop.example", "cy": "user:71"}
    assert people["di"] == Person()
    assert read(tmp_path, "").people == {}


def test_check_shows_where_they_are_known_and_nothing_personal(tmp_path: Path) -> None:
    settings = read(tmp_path, WHO)
    assert describe(settings)["people"] == {
        "ada": ["slack", "sentry", "pagerduty", "email"],
        "Ben O'Neil": ["slack", "email"],
        "cy": ["sentry"],
        "di": [],
    }
    assert "shop.example" not in str(describe(settings)) + repr(settings)


def test_who_is_who_decides_nothing(tmp_path: Path) -> None:
    sentry = "sentry: {organisation: shop}\n"
    assert read(tmp_path, sentry + WHO).configuration == read(tmp_path, sentry).configuration
    assert read(tmp_path, WHO).correlation() == read(tmp_path, "").correlation()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("people: {ada: {slak: U0ADA}}", "people.ada"),
        ("people: {ada: {slack: ada}}", "people.ada.slack: expected the id of a user in Slack"),
        ("people: {ada: {slack: S0TEAM}}", "the id of a user in Slack"),
        ("people: {ada: {email: ada}}", "people.ada.email: expected a mail address"),
        ("people: {ada: {sentry: 'ada l'}}", "a user name, a mail address or the number"),
        ("people: {ada: {pagerduty: ada}}", "the id of a user in PagerDuty"),
        ("people: {'@ada': {}}", "expected a name of at most 80"),
        ("people: {ME: {}}", "and not me"),
        ("people: {ada: {slack: U0A1}, bo: {slack: U0A1}}", "people.bo.slack: it is ada's already"),
        ("people: {ada: {}, Ada: {}}", "people.Ada: expected a name of its own"),
        ("teams: {Pay: {}}\npeople: {pay: {}}", "a team is called so"),
        ("owners: [{owner: ops, service: a}]\npeople: {ops: {}}", "a team is called so"),
        ("teams: {x: {}}\nservices: {a: {owner: x}}\npeople: {x: {}}", "a team is called so"),
    ],
)
def test_who_cannot_be_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text + "\n")
    assert says in str(error.value)

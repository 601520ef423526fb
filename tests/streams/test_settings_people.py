"""Who is who: read from the file, checked, shown without what is personal."""

from __future__ import annotations

from pathlib import Path

import pytest

from correlators.known_people import hash_of
from correlators.personal import Personal
from streams.describe import describe
from streams.people import Person, by_pagerduty, by_slack, in_sentry
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks
from streams.slack_personal import CHOSEN

WHO = """
people:
  ada: {slack: U0ADA, sentry: ada.l, pagerduty: PADA42, email: ada@shop.example}
  Ben O'Neil: {slack: W0BEN, email: ben@shop.example}
  cy: {sentry: "71"}
  di:
"""
SINKS = """
sinks:
  slack: {channels: {incidents: C0INC}}
  email: {host: localhost, tls: none, from: alerts@shop.test, lists: {ops: [ops@shop.test]}}
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


def test_who_is_who_in_slack_and_pagerduty_decides_nothing(tmp_path: Path) -> None:
    sinks = "sinks: {slack: {channels: {incidents: C0INC}}}\n"
    ids = ("{slack: U0ADA, pagerduty: PADA42}", "{slack: U0ADB}")
    one, two = (read(tmp_path, f"{sinks}people: {{ada: {one}}}\n") for one in ids)
    assert one.configuration == two.configuration
    assert one.correlation() == two.correlation()
    assert read(tmp_path, WHO).correlation().personal == Personal()


def test_nothing_that_decides_holds_an_id_or_an_address(tmp_path: Path) -> None:
    settings = read(tmp_path, SINKS + WHO)
    decides = repr((settings.correlation(), settings.fingerprinting()))
    for called in ("U0ADA", "W0BEN", "PADA42", "shop.example", "ada.l"):
        assert called not in decides
    assert settings.fingerprinting().people[hash_of("ADA@shop.example")] == "ada"


def told(settings: Settings) -> dict[str, tuple[str, str]]:
    people = settings.correlation().personal.people
    return {name: (one.assigned.value, one.mentioned.value) for name, one in people.items()}


def test_whoever_says_nothing_is_told_in_slack_else_by_mail_else_not_at_all(
    tmp_path: Path,
) -> None:
    assert told(read(tmp_path, SINKS + WHO)) == {
        "ada": ("slack", "slack"),
        "Ben O'Neil": ("slack", "slack"),
    }
    mail = SINKS.replace("  slack: {channels: {incidents: C0INC}}\n", "")
    assert told(read(tmp_path, mail + WHO)) == {
        "ada": ("email", "email"),
        "Ben O'Neil": ("email", "email"),
    }


def test_people_say_by_what_they_are_told_of_each(tmp_path: Path) -> None:
    who = """\
people:
  ada: {slack: U0ADA, email: ada@shop.example, tell: both}
  bo: {slack: U0BO, email: bo@shop.example, tell: {assigned: email, mentioned: none}}
  cy: {slack: U0CY, tell: {mentioned: none}}
"""
    settings = read(tmp_path, SINKS + who)
    assert told(settings) == {
        "ada": ("both", "both"),
        "bo": ("email", "none"),
        "cy": ("slack", "none"),
    }
    destinations = describe(settings)["destinations"]
    assert isinstance(destinations, list)
    shown = {one["destination"]: one["to"] for one in destinations if isinstance(one, dict)}
    assert shown["person_slack:<name>"] == "3 people, each alone"
    assert shown["person_mail:<name>"] == "2 people, each alone"
    assert describe(settings)["people"] == {
        "ada": ["slack", "email"],
        "bo": ["slack", "email"],
        "cy": ["slack"],
    }
    assert describe(settings)["told_personally"] == {
        "ada": {"assigned": "both", "mentioned": "both"},
        "bo": {"assigned": "email", "mentioned": "none"},
        "cy": {"assigned": "slack", "mentioned": "none"},
    }


@pytest.mark.parametrize("word", sorted(CHOSEN))
def test_the_file_takes_every_word_that_people_say_in_slack(tmp_path: Path, word: str) -> None:
    person = "people: {{ada: {{slack: U0ADA, email: ada@shop.example, tell: {}}}}}\n"
    by = CHOSEN[word]
    said = told(read(tmp_path, SINKS + person.format(word)))
    assert said == {"ada": (by or "slack", by or "slack")}
    one = told(read(tmp_path, SINKS + person.format(f"{{mentioned: {word}}}")))
    assert one == {"ada": ("slack", by or "slack")}


def test_the_sinks_that_tell_people_are_made_and_show_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text(SINKS + WHO)
    settings = load(path, {"SLACK_BOT_TOKEN": "xoxb-local-only"})
    sinks = {one.name: one for one in make_sinks(settings)}
    assert sinks["person_slack"].destinations == (
        "person_slack:ada",
        "person_slack:Ben O'Neil",
    )
    assert sinks["person_mail"].destinations == ("person_mail:ada", "person_mail:Ben O'Neil")
    assert "U0ADA" not in repr(sinks)
    assert "shop.example" not in repr(sinks)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("people: {ada: {slak: U0ADA}}", "people.ada"),
        ("people: {ada: {slack: U0ADA, tell: sms}}", "expected one of slack, email, both, none"),
        ("people: {ada: {slack: U0ADA, tell: mail}}", "email needs email of the same person"),
        ("people: {ada: {email: a@b.io, tell: {assigned: both}}}", "both needs slack of the same"),
        ("people: {ada: {slack: U0ADA, tell: {paged: slack}}}", "people.ada.tell"),
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

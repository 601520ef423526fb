"""Rules, teams, owners and what holds back, as they are read from the file, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from correlators.conditions import AtLeast
from correlators.owners import OWNER, Owner, Team
from correlators.rulings import Urgency
from correlators.schedules import Span, Weekly
from correlators.types import Level
from streams.describe_rules import hold_lines, rule_line
from streams.settings import Settings, SettingsError, load

SINKS = """
sinks:
  slack: {token: x, channels: {incidents: "#incidents", pay: "#pay", releases: "#r"}}
  pagerduty: {routing_key: k}
"""
REST = "\n  - {name: rest, to: [slack:incidents]}\n"


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "stormfold.yaml"
    path.write_text(SINKS + text)
    return load(path, {})


def refused(tmp_path: Path, text: str) -> list[str]:
    """Return what is told, without the file's name and the lines of the sinks."""
    with pytest.raises(SettingsError) as told:
        read(tmp_path, text)
    begin = f"{tmp_path}/stormfold.yaml:"
    lines = str(told.value).splitlines()
    assert all(line.startswith(begin) for line in lines)
    found = []
    for line in lines:
        number, _, rest = line.removeprefix(begin).partition(" ")
        found.append(f"{int(number) - SINKS.count(chr(10))} {rest}")
    return found


def test_a_whole_file_of_rules_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
teams:
  team-pay: {to: [slack:pay], page: [pagerduty:default]}
owners:
  - {service: "pay*", owner: team-pay}
  - {path: "src/billing/*", owner: team-pay}
  - {tag: "area=search", owner: team-search}
rules:
  - name: noise
    when: {error_type: "*ValidationError", level: [info, warning]}
    drop: known noise
  - name: gold users
    when: {tag: "tier=gold", events: 10 in 5m, min_level: error, storm: no}
    to: [owner]
    page: [pagerduty:default]
    fallback: slack:incidents
    every: 30m
    continue: true
  - name: rest
    to: [slack:incidents]
quiet_hours:
  - {name: nights, zone: Europe/Berlin, days: [mon, sun], from: "22:00", to: "07:00"}
maintenance:
  - {name: move, from: "2026-12-01T10:00+01:00", to: "2026-12-01T12:00Z", when: {service: db}}
  - {name: patches, days: [wed], from: "00:00", to: "24:00", pages: no}
inhibit:
  - {name: db, source: {service: db}, mutes: {text: "*database*"}, any_service: true}
spike_protection: {per_hour: 100}
""",
    )
    noise, gold, rest = settings.rules
    assert (noise.urgency, noise.reason) == (Urgency.DROP, "known noise")
    assert (noise.when.error_type, noise.when.level) == (
        ("*ValidationError",),
        (Level.INFO, Level.WARNING),
    )
    assert (gold.urgency, gold.to, gold.page) == (Urgency.PAGE, (OWNER,), ("pagerduty:default",))
    assert gold.fallback == "slack:incidents"
    assert (gold.every_ms, gold.goes_on) == (1_800_000, True)
    assert (gold.when.events, gold.when.min_level) == (AtLeast(10, 300_000), Level.ERROR)
    assert (gold.when.tag, gold.when.storm) == (("tier=gold",), False)
    assert (rest.urgency, rest.when.given) == (Urgency.ALERT, ())
    assert settings.teams == {"team-pay": Team(("slack:pay",), ("pagerduty:default",))}
    assert settings.owners[1] == Owner(owner="team-pay", path="src/billing/*")
    nights, move, patches = settings.holding.periods
    assert (nights.maintenance, nights.pages) == (False, False)
    assert isinstance(nights.times[0], Weekly)
    assert (nights.times[0].days, nights.times[0].zone.name) == ((0, 6), "Europe/Berlin")
    assert move.times == (Span(from_ms=1_796_115_600_000, to_ms=1_796_126_400_000),)
    assert (move.maintenance, move.pages, patches.pages) == (True, True, False)
    (inhibition,) = settings.holding.inhibitions
    assert (inhibition.any_service, inhibition.pages) == (True, False)
    assert settings.holding.most_per_hour == 100
    fingerprinting = settings.fingerprinting()
    assert fingerprinting.tags == ("area=search", "tier=gold")
    assert fingerprinting.paths == ("src/billing/*",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "rules:\n  - {name: a, when: {error_typ: X}, to: [slack:pay]}" + REST,
            "2 rules[0].when.error_typ: unknown key; allowed: ",
        ),
        (
            "rules:\n  - {name: a, when: {level: [warn]}, to: [slack:pay]}" + REST,
            "2 rules[0].when.level[0]: expected one of debug, info, warning, error, fatal, "
            'found "warn"',
        ),
        (
            "rules:\n  - {name: a, when: {events: 10 per 5m}, to: [slack:pay]}" + REST,
            "2 rules[0].when.events: expected how many in which time, such as 50 in 5m, "
            'at most 24h, found "10 per 5m"',
        ),
        (
            "rules:\n  - {name: a, when: {users: 10 in 2d}, to: [slack:pay]}" + REST,
            "2 rules[0].when.users: expected how many in which time, such as 50 in 5m, "
            'at most 24h, found "10 in 2d"',
        ),
        (
            "rules:\n  - {name: a, to: [slack:nowhere]}" + REST,
            "2 rules[0].to[0]: expected one of slack:incidents, slack:pay, slack:releases, owner, "
            "found ",
        ),
        (
            "rules:\n  - {name: a, urgency: page, to: [slack:pay]}" + REST,
            "2 rules[0]: a rule has destinations to page exactly when its urgency is page",
        ),
        (
            "rules:\n  - {name: a, drop: noise, to: [slack:pay]}" + REST,
            "2 rules[0]: a rule that drops has a reason and no destinations",
        ),
        (
            "rules:\n  - {name: a, when: {service: pay}, to: [slack:pay]}\n",
            "2 rules: the last rule, a, asks for service, so other events reach nobody; "
            "expected a last rule without `when` that tells somebody",
        ),
        (
            "rules:\n  - {name: own, to: [owner]}\n",
            "2 rules: the last rule, own, reaches nobody where there is no owner; "
            "expected a last rule without `when` that tells somebody",
        ),
        (
            'rules:\n  - {name: a, when: {service: "p*"}, to: [slack:pay]}\n'
            "  - {name: b, when: {service: pay, level: fatal}, to: [slack:pay]}" + REST,
            "3 rules[1]: b can never match: rules[0], a, takes all that it asks for",
        ),
        (
            "rules:\n  - {name: rest, when: {service: x}, to: [slack:pay]}" + REST,
            "3 rules[1].name: is the name of rules[0] too",
        ),
        (
            "quiet_hours:\n  - {name: n, zone: Europe/Atlantis, from: '22:00', to: '07:00'}",
            "2 quiet_hours[0].zone: expected a time zone such as Europe/Berlin, "
            'found "Europe/Atlantis"',
        ),
        (
            "quiet_hours:\n  - {name: n, from: 22, to: '07:00'}",
            '2 quiet_hours[0].from: expected a time of day such as "22:00" (in quotes), found 22',
        ),
        (
            "maintenance:\n  - {name: m, from: '2026-12-02T10:00Z', to: '2026-12-01T10:00Z'}",
            "2 maintenance[0]: it must end after it begins",
        ),
        (
            "maintenance:\n  - {name: m, from: '2026-12-01T10:00', to: '2026-12-01T12:00Z'}",
            "2 maintenance[0].from: expected a moment with its offset such as ",
        ),
        (
            "inhibit:\n  - {name: db, mutes: {service: api}}",
            "2 inhibit[0].source: is missing",
        ),
        (
            "spike_protection: {per_hour: 0}",
            "1 spike_protection.per_hour: expected an integer from 1 to 100000, found 0",
        ),
        (
            "owners:\n  - {owner: a, service: x, path: y}",
            "2 owners[0]: exactly one of service, path and tag is given",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    (line,) = refused(tmp_path, text)
    assert line.startswith(told)


def test_a_wrong_rule_hides_no_other_by_what_it_lacks(tmp_path: Path) -> None:
    # Without its wrong part, the first would take everything.
    text = "rules:\n  - {name: a, when: {servce: x}, to: [slack:pay]}" + REST
    assert len(refused(tmp_path, text)) == 1


def test_every_example_of_the_documentation_is_a_configuration(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 3
    rules, deploys, holds = (read(tmp_path, one) for one in examples)
    assert rule_line(deploys.rules[0]) == (
        "releases: environment production and lifecycle deploy -> alert to slack:releases"
    )
    assert [rule_line(rule) for rule in rules.rules] == [
        "known noise: level info or warning and error_type *ValidationError or NotFound "
        "-> dropped: users mistype",
        "loud in production: environment production and min_level error and events 50 in 5m "
        "-> page to slack:incidents, owner, pages pagerduty:default",
        "big storm: environment production and storm_services 3 "
        "-> page to slack:incidents, pages pagerduty:default",
        "staging: environment stag* -> digest to slack:incidents",
        "what teams own: always -> alert to owner, at most every 30m",
        "everything else: always -> alert to slack:incidents",
    ]
    assert hold_lines(holds.holding) == [
        "quiet hours nights: mon, tue, wed, thu, fri 22:00 to 07:00 Europe/Berlin: "
        "service report*, no pages",
        "maintenance database move: 2026-12-01T21:00Z to 2026-12-02T01:00Z: "
        "service db or checkout, pages too",
        "maintenance patch day: wed 03:00 to 04:00 UTC: always, pages too",
        "inhibit database down: service db and level fatal mutes of any service service api*",
        "spike protection: 120 an hour and environment, no pages",
    ]


def test_without_rules_pages_and_routes_are_the_rules(tmp_path: Path) -> None:
    decides = read(tmp_path, "").correlation().decides
    assert [rule_line(rule).split(" -> ")[0] for rule in decides] == [
        "storm: environment production and storm_services 3",
        "fatal: environment production and level fatal",
        "loud: environment production and events 50 in 5m",
        "everything: always",
    ]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("when: {lifecycle: deploy}, page: [pagerduty:default], to: [slack:pay]", "cannot page"),
        ("when: {lifecycle: deploy, events: 5 in 1m}, to: [slack:pay]", "a deploy has no events"),
    ],
)
def test_a_rule_that_makes_no_sense_for_deploys_is_refused(
    tmp_path: Path, rule: str, says: str
) -> None:
    (line,) = refused(tmp_path, f"rules:\n  - {{name: r, {rule}}}{REST}")
    assert line.startswith("2 rules[0]: r: ")
    assert line.endswith(says)


def test_a_rule_for_deploys_and_one_for_metric_alerts_are_read(tmp_path: Path) -> None:
    first = "  - {name: releases, when: {lifecycle: deploy}, to: [slack:pay]}"
    second = "  - {name: metric, when: {metric_alert: yes}, to: [slack:pay]}"
    settings = read(tmp_path, f"rules:\n{first}\n{second}{REST}")
    assert rule_line(settings.rules[0]) == "releases: lifecycle deploy -> alert to slack:pay"
    assert rule_line(settings.rules[1]) == "metric: metric_alert yes -> alert to slack:pay"

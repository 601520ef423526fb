"""Every page has somebody to take its place, or the configuration is refused by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.describe import describe
from streams.settings import Settings, SettingsError, load

SLACK = 'slack: {token: x, channels: {incidents: "#incidents", oncall: "#oncall"}}'
SINKS = f"sinks: {{{SLACK}, pagerduty: {{routing_key: k}}}}\n"


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "stormfold.yaml"
    path.write_text(text)
    return load(path, {})


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as told:
        read(tmp_path, text)
    return [one.removeprefix(f"{tmp_path}/stormfold.yaml:") for one in str(told.value).split("\n")]


def instead(settings: Settings) -> dict[tuple[str, str], str]:
    """Return who is paged instead, by the name of the rule and the destination."""
    config = settings.correlation()
    rules = config.decides
    return {(rules[one.rule].name, one.paged): one.fallback for one in config.stand_ins}


def test_where_nothing_is_said_the_first_chat_of_the_route_takes_the_page(tmp_path: Path) -> None:
    settings = read(tmp_path, SINKS)
    assert set(instead(settings).values()) == {"slack:incidents"}
    assert settings.pages.remind_every_ms == 300_000
    said = describe(settings)["page_instead"]
    assert isinstance(said, dict)
    assert said["fatal: pagerduty:default"] == "slack:incidents"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("pages: {fallback: slack:oncall}", "slack:oncall"),
        ("routes: {fallback: slack:oncall}", "slack:oncall"),
        ("pages: {fallback: slack:oncall}\nroutes: {fallback: slack:incidents}", "slack:incidents"),
        ("routes: {tell: [slack:oncall, slack:incidents]}", "slack:oncall"),
    ],
)
def test_what_is_nearest_to_the_page_says_who_takes_it(
    tmp_path: Path, more: str, found: str
) -> None:
    assert set(instead(read(tmp_path, SINKS + more)).values()) == {found}


def test_a_chat_can_be_paged_and_is_not_its_own_fallback(tmp_path: Path) -> None:
    settings = read(tmp_path, SINKS + "routes: {page: [slack:incidents]}")
    assert settings.routes.page == ("slack:incidents",)
    assert set(instead(settings).values()) == {"slack:oncall"}
    settings = read(tmp_path, SINKS + "routes: {page: [pagerduty:default, slack:incidents]}")
    assert set(instead(settings).values()) == {"slack:oncall"}


def test_rules_and_teams_name_their_own(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SINKS
        + """
pages: {fallback: slack:incidents, remind_every: 10m}
teams:
  pay: {to: [slack:incidents], page: [slack:oncall], fallback: pagerduty:default}
  search: {page: [pagerduty:default]}
rules:
  - {name: pay, when: {service: pay}, page: [owner]}
  - {name: db, when: {service: db}, page: [pagerduty:default], fallback: slack:oncall}
  - {name: rest, to: [slack:incidents]}
""",
    )
    assert instead(settings) == {
        ("pay", "slack:oncall"): "pagerduty:default",
        ("pay", "pagerduty:default"): "slack:incidents",
        ("db", "pagerduty:default"): "slack:oncall",
    }
    assert settings.pages.remind_every_ms == 600_000


NOBODY = (
    "nobody is paged when pagerduty:default cannot be; expected a chat that the same route tells, "
    "or another destination named by `fallback`, such as `pages: {fallback: slack:incidents}`"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sinks:\n  pagerduty: {routing_key: k}\n", f"2 sinks.pagerduty: {NOBODY}"),
        (SINKS + "routes:\n  tell: []\n  page: [pagerduty:default]\n", f"4 routes.page: {NOBODY}"),
        (
            SINKS + "rules:\n  - {name: a, page: [pagerduty:default]}\n",
            f"3 rules[0].page: {NOBODY}",
        ),
        (
            SINKS
            + "teams:\n  pay: {page: [pagerduty:default]}\n"
            + "rules:\n  - {name: a, page: [owner], continue: yes}\n"
            + "  - {name: rest, to: [slack:incidents]}\n",
            f"3 teams.pay.page: {NOBODY}",
        ),
    ],
)
def test_a_page_that_nobody_can_take_over_is_refused_by_its_line(
    tmp_path: Path, text: str, line: str
) -> None:
    assert refused(tmp_path, text) == [line]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            "routes: {page: [slack:oncall], fallback: slack:oncall}",
            "2 routes.fallback: expected another destination than those paged, found slack:oncall",
        ),
        (
            "teams: {pay: {page: [slack:oncall], fallback: slack:oncall}}",
            "2 teams.pay.fallback: expected another destination than those paged, found "
            "slack:oncall",
        ),
        (
            "pages: {fallback: slack:nowhere}",
            "2 pages.fallback: expected one of slack:incidents, slack:oncall, pagerduty:default, "
            'found "slack:nowhere"',
        ),
        (
            "pages: {remind_every: 5s}",
            "2 pages.remind_every: expected a duration from 1m to 1d, such as 800ms, 10s, 5m, 24h, "
            'found "5s"',
        ),
    ],
)
def test_a_fallback_is_another_destination_that_is_known(
    tmp_path: Path, more: str, line: str
) -> None:
    assert refused(tmp_path, SINKS + more) == [line]


def test_the_example_of_the_page_is_read_and_does_what_it_says(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")
    settings = read(tmp_path, text.split("```yaml\n")[1].split("```")[0])
    assert instead(settings) == {
        ("db", "pagerduty:default"): "slack:incidents",
        ("pay", "slack:oncall"): "pagerduty:default",
        ("loud", "pagerduty:default"): "slack:oncall",
    }
    assert settings.pages.remind_every_ms == 600_000

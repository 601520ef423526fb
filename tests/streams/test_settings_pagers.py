"""Routing keys, regions and who is paged for a service, as they are read from the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.describe import describe, missing_for_sinks, wrong_for_sinks
from streams.settings import Settings, SettingsError, load

KEY = "k" * 32
SEVERAL = f"""\
sinks:
  slack: {{token: x, channels: {{incidents: "#incidents"}}}}
  pagerduty:
    routing_key: "${{KEY}}"
    routing_keys: {{payments: {KEY}, shop: "${{SHOP}}"}}
"""


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(text)
    return load(path, environ)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_each_routing_key_is_a_destination_and_the_one_without_a_name_is_paged(
    tmp_path: Path,
) -> None:
    settings = read(tmp_path, SEVERAL, KEY=KEY)
    pagers = ("pagerduty:default", "pagerduty:payments", "pagerduty:shop")
    assert settings.sinks.pagers == pagers
    assert settings.routes.page == pagers[:1]
    named = read(tmp_path, SEVERAL.replace('    routing_key: "${KEY}"\n', ""), KEY=KEY)
    assert named.sinks.pagers == pagers[1:] == named.routes.page
    routed = read(tmp_path, SEVERAL + "routes: {page: [pagerduty:shop]}\n")
    assert routed.routes.page == ("pagerduty:shop",)


def test_rules_teams_and_services_may_name_each_of_them(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SEVERAL
        + """\
teams: {team-pay: {page: [pagerduty:payments]}}
services: {payment: {page: [pagerduty:payments]}, mail: {}}
rules:
  - {name: own, page: [service], to: [slack:incidents]}
  - {name: rest, to: [slack:incidents]}
""",
    )
    assert settings.teams["team-pay"].page == ("pagerduty:payments",)
    assert settings.correlation().services["payment"].page == ("pagerduty:payments",)
    assert settings.rules[0].page == ("service",)
    told = describe(settings)
    assert told["services"] == {"payment": {"page": ["pagerduty:payments"]}, "mail": {}}
    rules = told["rules"]
    assert isinstance(rules, dict)
    assert str(rules["own"]).endswith("pages service")


def test_check_shows_that_a_services_own_take_the_place_of_the_route(tmp_path: Path) -> None:
    page = "services: {payment: {page: [pagerduty:payments]}}\n"
    told = describe(read(tmp_path, SEVERAL + page))["rules"]
    assert isinstance(told, dict)
    assert str(told["fatal"]).endswith("pages service, else pagerduty:default")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "services: {payment: {page: [pagerduty:paymnts]}}\n",
            "stormfold.yaml:6 services.payment.page[0]: expected one of pagerduty:default, "
            'pagerduty:payments, pagerduty:shop, slack:incidents, found "pagerduty:paymnts"',
        ),
        (
            "services: {payment: {page: [slack:incidents]}}\n",
            "stormfold.yaml:6 services.payment.page: nobody is paged when slack:incidents cannot "
            "be; expected a chat that the same route tells, or another destination named by "
            "`fallback`, such as `pages: {fallback: slack:incidents}`",
        ),
        (
            "    changes: [paymnts]\n",
            "stormfold.yaml:6 sinks.pagerduty.changes[0]: expected one of default, payments, shop, "
            'found "paymnts"',
        ),
        (
            "    region: apac\n",
            'stormfold.yaml:6 sinks.pagerduty.region: expected one of us, eu, found "apac"',
        ),
    ],
)
def test_what_is_not_configured_is_refused_with_what_is(
    tmp_path: Path, text: str, told: str
) -> None:
    assert refused(tmp_path, SEVERAL + text) == told


def test_a_name_is_given_once(tmp_path: Path) -> None:
    text = f"sinks: {{pagerduty: {{routing_key: {KEY}, routing_keys: {{default: {KEY}}}}}}}\n"
    assert "is what routing_key is called already" in refused(tmp_path, text)
    assert "found none" in refused(tmp_path, "sinks: {pagerduty: {routing_keys: {}}}\n")


@pytest.mark.parametrize(
    ("more", "events", "api"),
    [
        ("", "https://events.pagerduty.com", "https://api.pagerduty.com"),
        ("    region: eu\n", "https://events.eu.pagerduty.com", "https://api.eu.pagerduty.com"),
        (
            '    region: eu\n    base_url: "${NONE:-}"\n',
            "https://events.eu.pagerduty.com",
            "https://api.eu.pagerduty.com",
        ),
        (
            "    region: eu\n    base_url: http://127.0.0.1:9\n    api_url: http://127.0.0.1:8\n",
            "http://127.0.0.1:9",
            "http://127.0.0.1:8",
        ),
    ],
)
def test_the_region_says_where_events_go_unless_an_address_does(
    tmp_path: Path, more: str, events: str, api: str
) -> None:
    pagerduty = read(tmp_path, SEVERAL + more).sinks.pagerduty
    assert pagerduty is not None
    assert (pagerduty.base_url, pagerduty.api_url) == (events, api)


def test_deploys_are_told_at_the_keys_that_are_named_or_at_all(tmp_path: Path) -> None:
    for said, names in (
        ("[shop]", ("shop",)),
        ("yes", ("default", "payments", "shop")),
        ("no", ()),
    ):
        pagerduty = read(tmp_path, SEVERAL + f"    changes: {said}\n").sinks.pagerduty
        assert pagerduty is not None
        assert pagerduty.changes == names


def test_a_key_of_the_wrong_length_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "s3cr3t-s3cr3t"
    monkeypatch.setenv("KEY", wrong)
    monkeypatch.setenv("SHOP", KEY)
    settings = read(tmp_path, SEVERAL, KEY=wrong, SHOP=KEY)
    (line,) = wrong_for_sinks(settings)
    assert line == (
        f"{tmp_path}/stormfold.yaml:4 sinks.pagerduty.routing_key: ${{KEY}} has 13 characters, "
        "an integration key of the Events API v2 has 32"
    )
    assert line in missing_for_sinks(settings)
    checked = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "stormfold.yaml")])
    assert checked.exit_code == 2
    assert line in checked.output
    assert wrong not in checked.output
    (other,) = wrong_for_sinks(read(tmp_path, SEVERAL, KEY="s3cr3t-" + KEY[7:], SHOP=KEY))
    assert "other characters than letters and digits" in other
    assert "s3cr3t" not in other
    monkeypatch.setenv("KEY", KEY)
    good = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "stormfold.yaml")])
    assert good.exit_code == 0

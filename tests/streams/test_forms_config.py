"""Whose on-call a message names: of whom its rule pages, of its service, its owner, the routes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from streams.forms_config import policies_of
from streams.settings import Settings, SettingsError, load
from tests.sinks.make import digest

SINKS = """
sinks:
  slack: {channels: {incidents: C0INC}}
  pagerduty:
    routing_keys: {pay: a, shop: b, all: c, bare: d}
    api_token: t
    escalation_policies: {pay: PPAY01, shop: PSHOP1, all: PALL01}
teams: {team-pay: {page: ["pagerduty:pay"]}}
services: {payment: {page: ["pagerduty:bare", "pagerduty:shop"]}, checkout: {runbook: "https://w.test"}}
"""
RULES = """
rules:
  - {name: mine, when: {level: fatal}, to: ["slack:incidents"], page: [owner]}
  - {name: all, when: {level: error}, to: ["slack:incidents"], page: ["pagerduty:all"]}
  - {name: rest, to: ["slack:incidents"]}
"""


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(text)
    return load(path, {})


@pytest.mark.parametrize(
    ("rule", "service", "policies"),
    [
        ("mine", "payment", ("PPAY01",)),
        ("all", "payment", ("PALL01",)),
        ("rest", "payment", ("PSHOP1",)),
        ("rest", "checkout", ("PPAY01",)),
        ("gone", "checkout", ("PPAY01",)),
    ],
)
def test_the_policies_are_those_of_whom_the_rule_pages(
    tmp_path: Path, rule: str, service: str, policies: tuple[str, ...]
) -> None:
    of = policies_of(loaded(tmp_path, SINKS + RULES))
    what = msgspec.structs.replace(digest(), rule=rule, origin=service, owners=("team-pay", "x"))
    assert of(what) == policies


def test_without_rules_the_service_pages_else_the_routes(tmp_path: Path) -> None:
    of = policies_of(loaded(tmp_path, SINKS + 'routes: {page: ["pagerduty:all"]}'))
    what = msgspec.structs.replace(digest(), rule="fatal", origin="payment")
    assert of(what) == ("PSHOP1",)
    assert of(msgspec.structs.replace(what, origin="cart")) == ("PALL01",)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{nobody: PABC123}", "unknown key; allowed: default"),
        ("{default: not-an-id}", "expected the id of an escalation policy"),
        ("{default: PABC123}", "who is on call is asked with an api_token, found none"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told(tmp_path: Path, given: str, says: str) -> None:
    token = "" if "asked" in says else ", api_token: t"
    text = f"sinks: {{pagerduty: {{routing_key: a, escalation_policies: {given}{token}}}}}"
    with pytest.raises(SettingsError, match=says):
        loaded(tmp_path, text)

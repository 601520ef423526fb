"""Every alert fires in its fault and in no other: Prometheus's own promtool says so."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
import yaml

from observability.at_hand import programs
from observability.rules.all import WATCHDOG, alerts, alerts_file, recordings_file
from observability.rules.made import Pace, Severity
from observability.rules.promises import BURNS, PROMISES
from streams.cli import app
from tests.observability.alert_cases import CASES
from tests.observability.case import Case
from tests.observability.well_shown import WELL, attempts

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = ROOT / "observability"
RUNBOOKS: Final = sorted((ROOT / "docs" / "runbooks").glob("Stormfold*.md"))
FIRING: Final = 'count by (alertname) (ALERTS{alertstate="firing"}) > 0'
SHIPPED: Final = Pace()
LOOKS: Final = (
    *("status", "check", "topics --check", "why-", "explain ", "incidents list"),
    *("dead-letters list", "dead-letters show"),
    # It sends a test, and says so.
    "test-sink ",
)


def ran(*command: object) -> str:
    done = subprocess.run(
        [str(one) for one in command], capture_output=True, text=True, check=False
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return text


def test_the_files_are_what_the_code_makes() -> None:
    assert (HERE / "alerts.yml").read_text("utf-8") == alerts_file(SHIPPED)
    assert (HERE / "recordings.yml").read_text("utf-8") == recordings_file(SHIPPED)


def test_prometheus_takes_the_rules_at_any_pace(promtool: Path, tmp_path: Path) -> None:
    for factor in (1.0, 1 / 60):
        (tmp_path / "alerts.yml").write_text(alerts_file(Pace(factor)), "utf-8")
        (tmp_path / "recordings.yml").write_text(recordings_file(Pace(factor)), "utf-8")
        said = ran(promtool, "check", "rules", *sorted(tmp_path.glob("*.yml")))
        assert said.count("SUCCESS") == 2


def test_prometheus_takes_what_it_scrapes(promtool: Path) -> None:
    assert "SUCCESS" in ran(promtool, "check", "config", HERE / "prometheus.yml")


@pytest.mark.usefixtures("promtool")
def test_alertmanager_takes_the_example() -> None:
    assert "SUCCESS" in ran(programs()["amtool"], "check-config", HERE / "alertmanager.yml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_in_this_fault_these_alerts_fire_and_no_others(
    case: Case, promtool: Path, tmp_path: Path
) -> None:
    shown = {**WELL, **case.changed}
    tests = {
        "rule_files": [str(HERE / name) for name in ("alerts.yml", "recordings.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": s, "values": v} for s, v in shown.items() if v],
                "promql_expr_test": [_fire(at, fires) for at, fires in case.fires.items()],
            }
        ],
    }
    file = tmp_path / "case.yml"
    file.write_text(yaml.safe_dump(tests), "utf-8")
    ran(promtool, "test", "rules", file)


def _fire(minute: int, names: set[str]) -> dict[str, Any]:
    every = sorted({*names, WATCHDOG.name})
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in every]
    # How many series an alert has is not asked here.
    return {"expr": f"0 * ({FIRING}) + 1", "eval_time": f"{minute}m", "exp_samples": samples}


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    names = {alert.name for alert in alerts(SHIPPED)} - {WATCHDOG.name}
    fired = {name for case in CASES for at in case.fires.values() for name in at}
    assert fired == names
    for name in names:
        of_it = [case for case in CASES if any(name in at for at in case.fires.values())]
        assert any(name not in at for case in of_it for at in case.fires.values()), name


def test_without_any_series_the_watchdog_fires_and_that_nobody_is_there(
    promtool: Path, tmp_path: Path
) -> None:
    gone = {"StormfoldDown", "StormfoldStageMissing", "StormfoldWatermarkStuck"}
    tests = {
        "rule_files": [str(HERE / name) for name in ("alerts.yml", "recordings.yml")],
        "tests": [{"interval": "1m", "input_series": [], "promql_expr_test": [_fire(5, gone)]}],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(tests), "utf-8")
    ran(promtool, "test", "rules", tmp_path / "case.yml")


def test_of_a_service_of_which_no_call_ever_failed_none_fails(
    promtool: Path, tmp_path: Path
) -> None:
    ratio = "sink:stormfold_failed_attempts:ratio_rate5m"
    expected = {"labels": f'{ratio}{{sink="slack"}}', "value": 0}
    asked = {"expr": ratio, "eval_time": "20m", "exp_samples": [expected]}
    shown = [{"series": attempts("delivered"), "values": WELL[attempts("delivered")]}]
    tests = {
        "rule_files": [str(HERE / "recordings.yml")],
        "tests": [{"interval": "1m", "input_series": shown, "promql_expr_test": [asked]}],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(tests), "utf-8")
    ran(promtool, "test", "rules", tmp_path / "case.yml")


@pytest.mark.parametrize("alert", alerts(SHIPPED), ids=lambda alert: alert.name)
def test_an_alert_has_a_page_for_whoever_is_woken_by_it(alert: Any) -> None:
    page = (ROOT / "docs" / "runbooks" / f"{alert.name}.md").read_text("utf-8")
    assert page.startswith(f"# {alert.name}\n")
    sections = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert sections[:4] == ["What it means", "What is lost", "Look", "Do"]
    if alert.severity is not Severity.NONE:
        look = page.partition("## Look\n")[2].partition("\n## ")[0]
        assert "```" in look, "no command to look with"


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_what_a_page_says_to_type_is_a_whole_command(page: Path) -> None:
    """At night nobody looks up which option is missing."""
    code = re.findall(r"^stormfold .*$", page.read_text("utf-8"), re.MULTILINE)
    for line in code:
        words = shlex.split(line, comments=True)[1:]
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context("stormfold", words)


def test_the_list_of_pages_says_who_is_called() -> None:
    text = (ROOT / "docs" / "runbooks" / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", text, re.MULTILINE)
    assert sorted(listed) == sorted((alert.name, alert.severity) for alert in alerts(SHIPPED))


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_who_looks_changes_nothing(page: Path) -> None:
    look = page.read_text("utf-8").partition("## Look\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^stormfold .*$", look, re.MULTILINE):
        command = " ".join(shlex.split(line, comments=True)[1:])
        assert command.startswith(LOOKS), command


def test_no_page_is_left_of_an_alert_that_is_no_more() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    assert pages == {alert.name for alert in alerts(SHIPPED)}


def test_somebody_is_called_sooner_the_faster_a_budget_burns() -> None:
    assert [burn.rate for burn in BURNS] == sorted((b.rate for b in BURNS), reverse=True)
    assert len({promise.name for promise in PROMISES}) == len(PROMISES)
    # The fastest rate must be possible: not more than everything can fail.
    assert all(BURNS[0].rate * (1 - promise.objective) < 1 for promise in PROMISES)

"""Dashboards and rules speak of metrics that exist, and the dashboards are what the code makes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from observability.dashboards.__main__ import BOARDS, HERE
from observability.dashboards.made import MARKS, names, written
from observability.rules import promises
from observability.rules.all import alerts, recordings
from observability.rules.made import Pace
from streams.metrics import METRICS, Metric

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = {sample: metric for metric in METRICS for sample in metric.samples}
RECORDED: Final[dict[str, str]] = {}
"""What is recorded under a name, for every promise, as one text."""
for one in (*recordings(Pace()), *promises.recordings(Pace())):
    RECORDED[one.name] = " + ".join(filter(None, (RECORDED.get(one.name), one.expr)))
NOT_OURS: Final = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}

NAME: Final = re.compile(r"\bstormfold_[a-z_]+\b")
BY: Final = re.compile(r"\bby\s*\(([^)]*)\)")
SELECTOR: Final = re.compile(r"\{([^{}]*)\}")
MATCHER: Final = re.compile(r'([a-z]+)\s*[=!]~?\s*"([^"]*)"')
SHOWN: Final = re.compile(r"\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}")
COLONS: Final = re.compile(r"\b[a-z_]+:[a-z0-9_:]+\b")


def panels() -> Iterator[dict[str, Any]]:
    for board in BOARDS:
        for panel in json.loads(written(board))["panels"]:
            if panel["type"] != "row":
                yield panel


def expressions() -> list[tuple[str, str]]:
    """Each PromQL expression with the labels that are shown beside it, as one text."""
    found = [(t["expr"], t["legendFormat"]) for p in panels() for t in p["targets"]]
    found += [(expr, title) for _, expr, _, title, _ in MARKS]
    found += [(alert.expr, alert.summary) for alert in alerts(Pace())]
    return found + [(one.expr, "") for one in recordings(Pace())]


def spelled_out(expression: str) -> str:
    """Return an expression with what is recorded beforehand put in its place."""
    while COLONS.search(expression):
        expression = COLONS.sub(lambda found: f"({RECORDED[found[0]]})", expression)
    return expression


def metrics_in(expression: str) -> list[Metric]:
    return [SAMPLES[name] for name in NAME.findall(expression)]


@pytest.mark.parametrize(("expression", "shown"), expressions())
def test_an_expression_names_metrics_and_labels_of_the_list(expression: str, shown: str) -> None:
    known = {"promise"} if "promise:" in expression else set()
    expression = spelled_out(expression)
    unknown = [name for name in NAME.findall(expression) if name not in SAMPLES]
    assert not unknown
    known |= {label.name for metric in metrics_in(expression) for label in metric.labels}
    known |= {"le"} if "_bucket" in expression else set()
    for name, labels in NOT_OURS.items():
        known |= labels if re.search(rf"\b{name}\{{", expression) else set()
    used = {name.strip() for group in BY.findall(expression) for name in group.split(",")}
    matchers = [m for s in SELECTOR.findall(expression) for m in MATCHER.findall(s)]
    used |= {label for label, _ in matchers}
    assert used <= known
    for selector in re.finditer(r"\b(stormfold_[a-z_]+)\{([^{}]*)\}", expression):
        metric = SAMPLES[selector[1]]
        words = {label.name: label.words for label in metric.labels}
        words["le"] = tuple(str(float(bound)) for bound in metric.buckets)
        for label, value in MATCHER.findall(selector[2]):
            assert set(value.split("|")) <= {"", *words[label]}, value
    assert set(SHOWN.findall(shown)) - {"value"} <= known


@pytest.mark.parametrize(("expression", "shown"), expressions())
def test_counters_are_read_as_rates_and_gauges_as_they_are(expression: str, shown: str) -> None:
    for name in NAME.findall(spelled_out(expression)):
        rated = re.search(rf"\b(?:rate|increase)\({name}[{{\[]", spelled_out(expression))
        assert (rated is not None) == (SAMPLES[name].kind != "gauge"), shown


@pytest.mark.parametrize("alert", alerts(Pace()), ids=lambda alert: alert.name)
def test_what_an_alert_counts_is_told_from_nought_on(alert: Any) -> None:
    """An increase does not see the first of something that appears with it."""
    begun = {"sink", "destination"}  # As soon as the process knows what is configured.
    alarms = re.match(r"sum(?: by \([a-z, ]+\) )?\(increase\((stormfold_[a-z_]+)", alert.expr)
    for metric in [SAMPLES[alarms[1]]] if alarms else []:
        assert all(one.words or one.name in begun for one in metric.labels), metric.name


def test_prometheus_reads_every_query(promtool: Path, tmp_path: Path) -> None:
    filled = {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "1h"}
    rules = []
    for number, (expr, _) in enumerate(expressions()):
        for name, value in filled.items():
            expr = expr.replace(name, value)
        rules.append({"record": f"stormfold:query{number}", "expr": expr})
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
    assert f"{len(rules)} rules found" in done.stdout, done.stderr


def test_every_metric_that_tells_of_loss_or_standstill_has_an_alert() -> None:
    alarmed = {m.name for alert in alerts(Pace()) for m in metrics_in(spelled_out(alert.expr))}
    assert alarmed >= {
        "dead_letters", "quarantined", "frozen_entries", "stalls", "excluded_sources",
        "parked_partitions", "stage_processes", "restarts", "deleted_unread", "tick_lag_seconds",
        "applied_time_seconds", "page_outcomes", "page_seconds", "delivery_seconds",
        "intake_answer_seconds",
    }  # fmt: skip


def test_every_metric_is_on_a_dashboard() -> None:
    shown = {m.name for p in panels() for t in p["targets"] for m in metrics_in(
        spelled_out(t["expr"]))}  # fmt: skip
    # These have alerts, and no course worth a look.
    assert {metric.name for metric in METRICS} - shown <= ONLY_ALARMED


ONLY_ALARMED: Final = {
    "config_refused", "config_reloads", "pagerduty_webhooks",
    "raised_times", "slack_requests", "transactions",
}  # fmt: skip


def test_the_dashboards_are_what_the_code_makes_each_time() -> None:
    assert {path.name for path in HERE.glob("*.json")} == set(names(BOARDS))
    for name, board in names(BOARDS).items():
        assert (HERE / name).read_text("utf-8") == written(board) == written(board)


def test_every_panel_reads_the_provisioned_datasource_and_says_what_it_shows() -> None:
    file = ROOT / "observability/grafana/provisioning/datasources/prometheus.yml"
    uids = {source["uid"] for source in yaml.safe_load(file.read_text("utf-8"))["datasources"]}
    titles: set[tuple[str, str]] = set()
    for board in BOARDS:
        for mark in json.loads(written(board))["annotations"]["list"]:
            assert mark["datasource"]["uid"] in uids
    for panel in panels():
        assert panel["datasource"]["uid"] in uids
        assert all(target["datasource"]["uid"] in uids for target in panel["targets"])
        assert panel["description"].endswith(".")
        titles.add((panel["title"], panel["description"]))
    assert len(titles) > 40


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    for board in BOARDS:
        taken: set[tuple[int, int]] = set()
        every = json.loads(written(board))["panels"]
        assert len({panel["id"] for panel in every}) == len(every)
        for panel in every:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert at["x"] + at["w"] <= 24
            assert not cells & taken
            taken |= cells

"""Dashboard, alerts, scrape and compose files speak of what exists, and publish nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.broker.types import KAFKA_VERSION, SETTINGS
from streams.metrics import METRICS, Metric
from streams.settings import load

ROOT = Path(__file__).resolve().parents[2]
OBSERVABILITY = ROOT / "observability"
DASHBOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))
SAMPLES = {sample: metric for metric in METRICS for sample in metric.samples}

NAME = re.compile(r"\bstormfold_[a-z_]+\b")
BY = re.compile(r"\bby\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\{([^{}]*)\}")
MATCHER = re.compile(r'([a-z]+)\s*[=!]~?\s*"([^"]*)"')
SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def panels() -> Iterator[dict[str, Any]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            if panel["type"] != "row":
                yield panel


def alerts() -> list[dict[str, Any]]:
    groups = read_yaml(OBSERVABILITY / "alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    """Each PromQL expression with the labels that are shown beside it, as one text."""
    of_panels = [(t["expr"], t["legendFormat"]) for p in panels() for t in p["targets"]]
    return of_panels + [(rule["expr"], json.dumps(rule["annotations"])) for rule in alerts()]


def metrics_in(expression: str) -> list[Metric]:
    return [SAMPLES[name] for name in NAME.findall(expression)]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = read_yaml(ROOT / "docker-compose.yml")
    return document


# -- PromQL


@pytest.mark.parametrize(("expression", "shown"), expressions())
def test_an_expression_names_metrics_and_labels_of_the_list(expression: str, shown: str) -> None:
    unknown = [name for name in NAME.findall(expression) if name not in SAMPLES]
    assert not unknown
    known = {label.name for metric in metrics_in(expression) for label in metric.labels}
    known |= {"le"} if "_bucket" in expression else set()
    known |= {"job"} if not metrics_in(expression) else set()
    used = {name.strip() for group in BY.findall(expression) for name in group.split(",")}
    matchers = [m for s in SELECTOR.findall(expression) for m in MATCHER.findall(s)]
    used |= {label for label, _ in matchers}
    assert used <= known
    for metric in metrics_in(expression):
        words = {label.name: label.words for label in metric.labels}
        for label, value in matchers:
            assert set(value.split("|")) <= set(words[label])
    assert {label for label in SHOWN.findall(shown) if label != "value"} <= known


@pytest.mark.parametrize(("expression", "shown"), expressions())
def test_counters_are_read_as_rates_and_gauges_as_they_are(expression: str, shown: str) -> None:
    for name in NAME.findall(expression):
        rated = re.search(rf"\b(?:rate|increase)\({name}[{{\[]", expression) is not None
        assert rated == (SAMPLES[name].kind != "gauge"), shown


def test_every_metric_that_tells_of_loss_or_standstill_has_an_alert() -> None:
    alarmed = {metric.name for rule in alerts() for metric in metrics_in(rule["expr"])}
    assert {"dead_letters", "quarantined", "stalls", "parked_partitions", "restarts"} <= alarmed
    assert "tick_lag_seconds" in alarmed


# -- Grafana


def test_the_dashboard_shows_what_goes_in_out_and_wrong() -> None:
    shown = {m.name for p in panels() for t in p["targets"] for m in metrics_in(t["expr"])}
    assert shown >= {
        "intake_resources", "digests", "source_lag_records", "tick_lag_seconds", "deliveries",
        "quarantined", "incidents_open", "storms_open", "suppressed", "dead_letters",
    }  # fmt: skip


def test_every_panel_reads_the_provisioned_datasource_and_says_what_it_shows() -> None:
    provisioned = read_yaml(OBSERVABILITY / "grafana/provisioning/datasources/prometheus.yml")
    uids = {source["uid"] for source in provisioned["datasources"]}
    for panel in panels():
        assert panel["datasource"]["uid"] in uids
        assert all(target["datasource"]["uid"] in uids for target in panel["targets"])
        assert panel["description"].endswith(".")


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        every = json.loads(path.read_text(encoding="utf-8"))["panels"]
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


# -- compose


def test_every_port_is_published_on_the_loopback_address_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) >= 5
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_the_five_services_and_the_topics_are_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {
        "kafka", "topics", "intake", "worker", "prometheus", "grafana",
    }  # fmt: skip
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) == (name != "topics")
        assert "${" not in str(service.get("image"))


def test_kafka_is_told_what_every_broker_for_stormfold_is_told(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"
    told = {name: str(value) for name, value in kafka["environment"].items()}
    for setting, value in SETTINGS.items():
        assert told["KAFKA_" + setting.upper().replace(".", "_")] == value


def test_nothing_secret_stands_in_the_files(compose: dict[str, Any]) -> None:
    for name in ("intake", "worker", "topics"):
        environment = compose["services"][name]["environment"]
        for secret in ("SENTRY_CLIENT_SECRET", "SLACK_BOT_TOKEN", "PAGERDUTY_ROUTING_KEY"):
            assert environment[secret] is None
    assert not re.search(r"^\s*ARG\b", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert (ROOT / ".dockerignore").read_text().split("\n")[1] == "*"


def test_what_the_example_reads_from_the_environment_is_passed_on(compose: dict[str, Any]) -> None:
    named = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "stormfold.yaml").read_text("utf-8")))
    named -= {"NAME", "INTAKE_PORT", "METRICS_PORT"}  # an example; the ports are published
    assert len(named) > 20
    for name in ("intake", "worker", "topics"):
        assert named <= set(compose["services"][name]["environment"])


def test_the_image_runs_stormfold_as_nobody_special_from_locked_packages() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "stormfold"
    assert 'ENTRYPOINT ["stormfold"]' in text
    assert "--require-hashes" in text
    fetched = [line for line in text.splitlines() if re.search(r"pip (install|wheel)", line)]
    locked = re.compile(r"--require-hashes|--no-index|--no-build-isolation --no-deps")
    assert all(locked.search(line) for line in fetched)


def test_in_a_container_the_mounted_settings_listen_where_others_can_reach_them(
    compose: dict[str, Any],
) -> None:
    told = compose["services"]["worker"]["environment"]
    inside = load(ROOT / "stormfold.yaml", {name: told[name] for name in told if told[name]})
    assert (inside.intake.host, inside.metrics.host) == ("0.0.0.0", "0.0.0.0")
    assert inside.kafka.bootstrap == "kafka:9092"
    outside = load(ROOT / "stormfold.yaml", {})
    assert (outside.intake.host, outside.metrics.host) == ("127.0.0.1", "127.0.0.1")


def test_the_healthchecks_and_scrapes_ask_the_ports_of_the_mounted_settings(
    compose: dict[str, Any],
) -> None:
    settings = load(ROOT / "stormfold.yaml", {})
    asked = {"intake": settings.intake.port, "worker": settings.metrics.port}
    scraped = (OBSERVABILITY / "prometheus.yml").read_text(encoding="utf-8")
    for name, port in asked.items():
        assert f"127.0.0.1:{port}/" in compose["services"][name]["healthcheck"]["test"][-1]
        assert compose["services"][name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f'"{name}:{port}"' in scraped


def test_what_is_mounted_exists(compose: dict[str, Any]) -> None:
    mounted = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    ]
    assert {name for name in mounted if not name.startswith("./")} == set(compose["volumes"])
    for path in mounted:
        if path.startswith("./"):
            assert (ROOT / path).exists(), path


def test_prometheus_scrapes_services_of_the_compose_file(compose: dict[str, Any]) -> None:
    jobs = read_yaml(OBSERVABILITY / "prometheus.yml")["scrape_configs"]
    targets = {t for job in jobs for static in job["static_configs"] for t in static["targets"]}
    hosts = {target.split(":")[0] for target in targets} - {"localhost"}
    assert hosts == {"intake", "worker"}
    assert hosts <= set(compose["services"])

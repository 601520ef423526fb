"""The compose and scrape files speak of what exists, and publish nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.broker.types import KAFKA_VERSION, SETTINGS
from streams.settings import load

ROOT = Path(__file__).resolve().parents[2]
OBSERVABILITY = ROOT / "observability"


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = read_yaml(ROOT / "docker-compose.yml")
    return document


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

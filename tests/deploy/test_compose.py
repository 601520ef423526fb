"""The compose file and the image: what they name exists, publishes nothing and may do little."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sinks.peers.__main__ import KEY, TOKEN
from streams import healthy
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


def test_every_port_is_published_on_the_loopback_address_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) >= 9
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_the_services_are_there_for_real_and_for_the_demo(compose: dict[str, Any]) -> None:
    profiles = {name: one.get("profiles") for name, one in compose["services"].items()}
    live, demo = ["live"], ["demo"]
    assert profiles == {
        "kafka": None, "prometheus": None, "grafana": None,
        "topics": live, "intake": live, "worker": live,
        "demo-topics": demo, "demo-intake": demo, "demo-worker": demo,
        "slack": demo, "pagerduty": demo, "storm": demo,
    }  # fmt: skip
    for name, service in compose["services"].items():
        assert re.fullmatch(r"stormfold|[a-z/-]+:v?\d+\.\d+\.\d+", service["image"]), name


def test_everything_starts_once_what_it_needs_is_well(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for needed, how in service.get("depends_on", {}).items():
            once = compose["services"][needed].get("restart") == "no"
            told = "service_completed_successfully" if once else "service_healthy"
            assert how == {"condition": told}, (name, needed)
            checked = "test" in compose["services"][needed].get("healthcheck", {})
            assert checked != once
            assert compose["services"][needed].get("profiles") in (None, service.get("profiles"))
    needs = {name: set(one.get("depends_on", {})) for name, one in compose["services"].items()}
    assert needs["worker"] == needs["intake"] == {"topics"}
    assert needs["storm"] == {"demo-intake", "demo-worker"}


def test_every_container_may_do_little(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert not {"privileged", "user"} & set(service)
        # Kafka's image writes its settings beside its jars.
        assert service.get("read_only", False) == (name != "kafka"), name


def test_the_demo_differs_in_its_services_keys_and_namespace_alone(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    for name in ("topics", "intake", "worker"):
        live, demo = services[name], services[f"demo-{name}"]
        for key in ("command", "image", "volumes", "ports", "healthcheck", "mem_limit"):
            assert live.get(key) == demo.get(key)
        told = {
            key: value
            for key, value in demo["environment"].items()
            if live["environment"][key] != value
        }
        settings = load(ROOT / "stormfold.yaml", told | {"KAFKA_BOOTSTRAP": "kafka:9092"})
        assert settings.namespace == "demo"
        assert re.findall(r"//([a-z]+):(\d+)", told["SLACK_BASE_URL"]) == [("slack", "8091")]
        assert re.findall(r"//([a-z]+):(\d+)", told["PAGERDUTY_BASE_URL"]) == [
            ("pagerduty", "8092")
        ]
        assert told["SLACK_BOT_TOKEN"] == TOKEN
        assert told["PAGERDUTY_ROUTING_KEY"] == KEY
    for peer, port in (("slack", "8091"), ("pagerduty", "8092")):
        assert services[peer]["command"] == [peer, "--host", "0.0.0.0", "--port", port]
    secret = services["demo-intake"]["environment"]["SENTRY_CLIENT_SECRET"]
    assert services["storm"]["environment"] == {"SENTRY_CLIENT_SECRET": secret}
    _, _, to = services["storm"]["command"]
    assert to == "http://demo-intake:8080/sentry"


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
    arguments = re.findall(r"^\s*ARG\b.*", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert arguments == ["ARG BASE=python:3.11-slim-bookworm"]
    assert (ROOT / ".dockerignore").read_text().split("\n")[1] == "*"


def test_what_the_example_reads_from_the_environment_is_passed_on(compose: dict[str, Any]) -> None:
    named = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "stormfold.yaml").read_text("utf-8")))
    named -= {"NAME", "INTAKE_PORT", "METRICS_PORT"}  # an example; the ports are published
    assert len(named) > 20
    for name in ("intake", "worker", "topics"):
        assert named <= set(compose["services"][name]["environment"])


def test_the_image_runs_stormfold_as_nobody_special_from_locked_packages() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "10001:10001"
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert 'CMD ["python", "-m", "streams.healthy"]' in text
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
        assert port in healthy.PORTS.values()
        check = compose["services"][name]["healthcheck"]["test"]
        assert check == ["CMD", "python", "-m", healthy.__name__]
        assert compose["services"][name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f'"{name}:{port}"' in scraped


def test_what_is_mounted_exists(compose: dict[str, Any]) -> None:
    mounted = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    ]
    # Folders, but for the settings: a file mounted alone stays the old one when it is written anew.
    single = {path for path in mounted if (ROOT / path).is_file()}
    assert single == {"./stormfold.yaml"}
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
    for host in hosts:
        networks = compose["services"][f"demo-{host}"]["networks"]
        assert networks == {"default": {"aliases": [host]}}

"""Finding a broker: which way is open, and what is said when none is."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.broker import BrokerFailed, NoBroker, Way, own_broker, running_broker, ways
from streams.broker.answers import wait_until_answers
from streams.broker.jars import java_version, why_not_java


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of ours on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_without_any_way_the_error_names_all_three(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    with pytest.raises(NoBroker) as caught, running_broker(say=print, environ=bare):
        pass
    assert not any(each.open for each in caught.value.found)
    text = str(caught.value)
    assert text.count("\n") == 3
    for word in ("KAFKA_BOOTSTRAP=host:port", "Docker not found", "Java 17", "Java not found"):
        assert word in text


def test_a_broker_of_ones_own_needs_java_even_when_one_is_given(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path), "KAFKA_BOOTSTRAP": "127.0.0.1:9092"}
    with pytest.raises(NoBroker), own_broker(say=print, environ=environ):
        pass


def test_a_given_broker_that_does_not_answer_is_never_replaced(closed_port: int) -> None:
    environ = {"KAFKA_BOOTSTRAP": f"127.0.0.1:{closed_port}"}
    with (
        pytest.raises(BrokerFailed, match=f"KAFKA_BOOTSTRAP is set, but 127.0.0.1:{closed_port}"),
        running_broker(say=print, environ=environ, given_within_s=0.3),
    ):
        pass


def test_the_wait_ends_at_once_when_the_broker_died(closed_port: int) -> None:
    before = time.monotonic()
    with pytest.raises(BrokerFailed, match="its process ended"):
        wait_until_answers(
            f"127.0.0.1:{closed_port}", within_s=60, died=lambda: "its process ended"
        )
    assert time.monotonic() - before < 30


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ("something else", None),
    ],
)
def test_the_version_is_what_java_says(tmp_path: Path, told: str, version: int | None) -> None:
    assert java_version(_java(tmp_path, told)) == version


def test_java_too_old_and_maven_missing_are_one_line_each(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert why_not_java(environ) == "Java not found"
    java = _java(tmp_path, 'openjdk version "11.0.2"')
    assert why_not_java(environ) == f"Java too old: {java} is Java 11, 17 or newer is needed"
    _java(tmp_path, 'openjdk version "17.0.1"')
    assert "Maven not found" in why_not_java(environ)
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\n")
    maven.chmod(0o755)
    assert why_not_java(environ) == ""


def test_java_home_wins_over_path(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    _java(home / "bin", 'openjdk version "11"')
    _java(tmp_path, 'openjdk version "21"')
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path), "JAVA_HOME": str(home)}
    assert "is Java 11" in why_not_java(environ)


def test_a_docker_engine_that_hangs_costs_three_seconds_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        environ = {
            "PATH": str(tmp_path),
            "HOME": str(tmp_path),
            "DOCKER_HOST": "set",
        }
        before = time.monotonic()
        found = ways(environ)
        assert time.monotonic() - before < 30
    docker = next(each for each in found if each.way is Way.DOCKER)
    assert not docker.open
    assert docker.why == "Docker is installed, but its engine does not answer"


def test_docker_without_the_package_that_talks_to_it_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "testcontainers", None)
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    found = next(each for each in ways(environ) if each.way is Way.DOCKER)
    assert not found.open
    assert found.why.endswith("pip install testcontainers")


def test_the_guard_is_plain_shell() -> None:
    from streams.broker.jvm import GUARD

    assert subprocess.run(["/bin/sh", "-n", "-c", GUARD], check=False).returncode == 0


def _java(folder: Path, told: str) -> str:
    """Return a program that answers `-version` as this Java would."""
    java = folder / "java"
    java.write_text(f"#!/bin/sh\nprintf '%s\\n' '{told}' >&2\n")
    java.chmod(0o755)
    return str(java)

"""The command line: exit statuses, data alone on standard output, secrets nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from typer.testing import CliRunner

from streams.broker import Broker
from streams.cli import app
from streams.cli_topics import topics_exist
from streams.settings import load
from streams.topics import ensure

ROOT = Path(__file__).resolve().parents[2]


def _stormfold(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        cwd=folder,
        env=kept | env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_replay_prints_the_counts_alone(tmp_path: Path) -> None:
    event = {"event_id": "a" * 32, "timestamp": 1, "project": "p", "message": "x"}
    (tmp_path / "r").write_text(json.dumps({"event": event}) + "\n")
    done = _stormfold(tmp_path, "replay", "r", "--json", "--assignments", "a", "--digests", "d")
    assert done.returncode == 0
    assert json.loads(done.stdout)["events"] == 1
    assert done.stderr == ""
    assert (tmp_path / "a").read_text().count("\n") == 1
    assert (tmp_path / "d").read_text().count("\n") == 2


@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["replay", "r", "--json"]])
def test_an_output_that_takes_no_more_is_one_line_and_status_1(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "r").touch()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *command],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SENTRY_CLIENT_SECRET": "x"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "stormfold: No space left on device\n"


@pytest.mark.parametrize(
    "command",
    [
        "replay",
        "replay none",
        "replay none --speed 3",
        "run --stages brew",
        "record r.txt",
        "status --stages brew",
        "nonsense",
    ],
)
def test_wrong_use_is_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, command.split()).exit_code == 2


def test_wrong_use_is_the_status_of_the_process(tmp_path: Path) -> None:
    assert _stormfold(tmp_path, "replay", "none").returncode == 2


def test_a_wrong_configuration_is_status_2_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "stormfold.yaml").write_text("namespace: x\nclok: data\n")
    done = _stormfold(tmp_path, "check")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "stormfold.yaml:2 clok" in done.stderr


def test_check_shows_where_things_go_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "stormfold.yaml").write_text(
        "sinks: {slack: {token: '${TOKEN}', channels: {incidents: '#a'}}}\n"
        "intake: {secrets: ['literal-secret-1']}\n"
    )
    done = _stormfold(tmp_path, "check", TOKEN="value-secret-2")
    assert done.returncode == 0
    assert "slack:incidents" in done.stdout
    assert "secret-1" not in done.stdout + done.stderr
    assert "secret-2" not in done.stdout + done.stderr
    described = json.loads(_stormfold(tmp_path, "check", "--json").stdout)
    assert described["tell"] == ["slack:incidents"]
    assert "TOKEN" in _stormfold(tmp_path, "check").stderr


def test_check_shows_teams_and_leaves_what_the_rules_decide_to_the_rules(tmp_path: Path) -> None:
    (tmp_path / "stormfold.yaml").write_text(
        "sinks: {slack: {token: x, channels: {incidents: '#a', pay: '#b'}}}\n"
        "teams: {team-pay: {to: [slack:pay], slack: S0123456789}}\n"
        "rules: [{name: rest, to: [slack:incidents]}]\n"
    )
    described = json.loads(_stormfold(tmp_path, "check", "--json").stdout)
    assert described["teams"] == {
        "team-pay": {"to": ["slack:pay"], "mentioned_in_slack": "S0123456789"}
    }
    assert described["tell"] == described["page"] == "as the rules say"
    assert described["rules"] == {"rest": "always -> alert to slack:incidents"}


@pytest.mark.parametrize("command", ["topics", "status", "run", "intake"])
def test_without_kafka_a_command_fails_in_one_line(tmp_path: Path, command: str) -> None:
    done = _stormfold(tmp_path, command, KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "127.0.0.1:1" in done.stderr
    assert done.stderr.count("KafkaConnectionError") <= 1


def test_a_run_that_could_not_deliver_is_refused_by_the_names_of_its_secrets(
    tmp_path: Path,
) -> None:
    (tmp_path / "stormfold.yaml").write_text(
        "sinks:\n  slack: {}\n  pagerduty:\n    routing_key: file:/no/such/key\n"
    )
    nowhere = {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    done = _stormfold(tmp_path, "run", **nowhere)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "stormfold.yaml sinks.slack.token: the environment variable SLACK_BOT_TOKEN is not set",
        "stormfold.yaml:4 sinks.pagerduty.routing_key: the file /no/such/key cannot be read: "
        "No such file or directory",
    ]
    others = _stormfold(tmp_path, "run", "--stages", "fingerprint,correlate", **nowhere)
    assert others.returncode == 1
    assert "127.0.0.1:1" in others.stderr


def test_version_and_help(tmp_path: Path) -> None:
    assert _stormfold(tmp_path, "--version").stdout.startswith("stormfold ")
    assert "replay" in _stormfold(tmp_path, "--help").stdout


async def test_a_run_is_refused_while_a_self_hosted_sentrys_topic_is_missing(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    gone = f"{namespace}-gone"
    path = tmp_path / "stormfold.yaml"
    path.write_text(
        f"namespace: {namespace}\n"
        f"kafka: {{bootstrap: '{kafka.bootstrap}', sentry_topics: [{gone}]}}\n"
    )
    settings = load(path, {})
    await ensure(settings)
    done = await asyncio.to_thread(_stormfold, tmp_path, "run")
    assert done.returncode == 2
    assert f"{gone}: missing; kafka.sentry_topics names it as a self-hosted Sentry's" in done.stderr
    assert "`stormfold topics`" not in done.stderr
    # Webhooks need no such topic: they are taken all the same.
    await topics_exist(settings, foreign=False)
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        assert gone not in await client.list_topics()
    finally:
        await client.close()

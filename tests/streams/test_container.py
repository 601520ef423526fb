"""The Docker way to a broker, against a local engine that answers as Docker's API does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest

from streams.broker import BrokerFailed
from streams.broker.container import GUARD, IMAGE, _pull


class Engine(ThreadingHTTPServer):
    """An engine without the image; how a pull ends is chosen by the test."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.pull_says: list[dict[str, Any]] = []
        self.pull_stalls = False
        self.refuses = 0
        """How many removals are answered as if the container were not there yet."""
        self.removals: list[str] = []
        self.closing = threading.Event()
        self.url = f"tcp://127.0.0.1:{self.server_address[1]}"


class _Calls(BaseHTTPRequestHandler):
    server: Engine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.41", "Version": "20.10"})
        else:
            self._answer(404, {"message": f"No such image: {IMAGE}"})

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for step in self.server.pull_says:
            line = json.dumps(step).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        if self.server.pull_stalls:
            self.server.closing.wait(30)
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def do_DELETE(self) -> None:
        self.server.removals.append(self.path)
        if len(self.server.removals) <= self.server.refuses:
            self._answer(404, {"message": "No such container"})
        else:
            self._answer(204, None)

    def _answer(self, status: int, body: object) -> None:
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as made:
        serving = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield made
        made.closing.set()
        made.shutdown()
        serving.join()


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    made = docker.DockerClient(base_url=engine.url, version="1.41", timeout=60)
    yield made
    made.close()


def test_an_image_that_is_not_to_be_had_is_one_line_with_the_engines_reason(
    engine: Engine, client: docker.DockerClient
) -> None:
    engine.pull_says = [{"status": "Pulling"}, {"error": "dial tcp:\n no such host"}]
    said: list[str] = []
    with pytest.raises(BrokerFailed) as caught:
        _pull(client, IMAGE, said.append)
    assert str(caught.value) == f"cannot pull {IMAGE}: dial tcp: no such host"
    assert said == [f"First time: Docker pulls {IMAGE}."]


def test_a_pull_that_ends_without_the_image_fails(
    engine: Engine, client: docker.DockerClient
) -> None:
    engine.pull_says = [{"status": "Pull complete"}]
    with pytest.raises(BrokerFailed, match=f"cannot pull {IMAGE}: No such image"):
        _pull(client, IMAGE, print)


def test_a_pull_that_stands_still_ends(engine: Engine, client: docker.DockerClient) -> None:
    engine.pull_says, engine.pull_stalls = [{"status": "Downloading"}], True
    before = time.monotonic()
    with pytest.raises(BrokerFailed, match=f"cannot pull {IMAGE}: it stood still"):
        _pull(client, IMAGE, print, still_within_s=0.5)
    assert time.monotonic() - before < 20


def test_the_container_of_a_killed_owner_is_removed_even_if_it_was_still_being_made(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.refuses = 1
    assert _guarded(engine, monkeypatch, last_word="") == 0
    assert len(engine.removals) == 2
    assert all("/containers/a-name?" in path and "force=True" in path for path in engine.removals)


def test_a_guard_that_is_told_so_removes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _guarded(engine, monkeypatch, last_word="removed\n") == 0
    assert not engine.removals


def _guarded(engine: Engine, monkeypatch: pytest.MonkeyPatch, *, last_word: str) -> int:
    """Run a guard to its end; its pipe is closed after the word, as a killed owner's is."""
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    command = [sys.executable, "-c", GUARD, "a-name"]
    return subprocess.run(command, input=last_word, text=True, timeout=120, check=False).returncode

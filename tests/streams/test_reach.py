"""A stage process waits for Kafka before it starts, and not a moment longer."""

from __future__ import annotations

import socket

import pytest

from streams.stage import reach
from streams.stage.reach import wait_for_kafka


def closed_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def never() -> None:
    raise AssertionError("it accepts: nobody waits")


def test_it_goes_on_at_once_when_one_of_several_servers_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bootstrap = f"127.0.0.1:{closed_port()}, 127.0.0.1:{server.getsockname()[1]}"
        assert wait_for_kafka(bootstrap, never)


def test_it_goes_on_as_soon_as_a_server_is_back() -> None:
    port, opened = closed_port(), list[socket.socket]()

    def come_back() -> None:
        opened.append(socket.create_server(("127.0.0.1", port)))

    try:
        assert wait_for_kafka(f"127.0.0.1:{port}", come_back)
        assert len(opened) == 1
    finally:
        for server in opened:
            server.close()


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1

    monkeypatch.setattr(reach, "MOST_PAUSES", 3)
    assert not wait_for_kafka(f"127.0.0.1:{closed_port()}", pause)
    assert pauses == 3

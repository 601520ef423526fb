"""Whether Kafka can be reached at all: a stage process waits for that before it starts.

Else each one that dies while the brokers are away would die again and again, with longer and longer
pauses, and sleep through their return.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

import structlog

TRY_S: Final = 2.0
"""A server that takes longer to accept a connection is asked again."""

PAUSE_S: Final = 0.25
MOST_PAUSES: Final = 2_400
"""About ten minutes; the start then fails by itself, and its parent counts that."""

log = structlog.get_logger(__name__)


def wait_for_kafka(bootstrap: str, pause: Callable[[], None] = lambda: time.sleep(PAUSE_S)) -> bool:
    """Return whether one of the servers has accepted a connection, as soon as one does.

    It is closed at once: what is spoken over it is the Kafka client's business.

    Args:
        bootstrap: `host:port`, several with commas between them.
        pause: waits a little between two rounds.
    """
    servers = [_address(one) for one in bootstrap.split(",")]
    for pauses in range(MOST_PAUSES):
        if any(map(_accepts, servers)):
            return True
        if not pauses:
            log.warning("waits for Kafka", bootstrap=bootstrap)
        pause()
    return False


def _accepts(server: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(server, TRY_S):
        return True
    return False


def _address(server: str) -> tuple[str, int]:
    host, port = server.strip().rsplit(":", 1)
    return host.strip("[]"), int(port)

"""Webhooks for the behaviour suite: two receivers of one machine, which is allowed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from sinks.peers.serve import Clock
from sinks.peers.webhook import Arrived, WebhookPeer
from sinks.webhook import Endpoint, WebhookSink
from tests.sinks.case import Case, closing

HERE: Final = (ip_network("127.0.0.0/8"),)
TIMEOUT_MS: Final = 400
"""As for the other sinks."""


def secret(name: str) -> str:
    """Return a secret of this name."""
    return "whsec_" + base64.b64encode(f"{name} local only".encode().ljust(32, b".")).decode()


HOOKS: Final = {"mender": secret("mender"), "ops": secret("ops")}


@asynccontextmanager
async def webhook_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two receivers; a digest is a message for each revision."""
    async with WebhookPeer(secrets=HOOKS, clock=clock) as peer:
        sink = WebhookSink(
            endpoints={
                name: Endpoint(url=peer.url(name), secrets=(one,)) for name, one in HOOKS.items()
            },
            internal=HERE,
            timeout_ms=TIMEOUT_MS,
            clock=clock,
        )

        def arrived(id: str) -> list[Arrived]:
            return [one for one in peer.arrived if one.message["data"]["id"] == id]

        def first(id: str) -> list[str]:
            # The end of what was told is a message of its own.
            found = [one for one in arrived(id) if one.message["data"]["revision"] == 1]
            assert len({one.id for one in found}) <= 1, "sent again under another id"
            return [json.dumps(one.message, ensure_ascii=False) for one in found]

        async with closing(sink):
            yield Case(
                sink,
                first,
                peer,
                "hook",
                tuple(HOOKS),
                over=lambda id: arrived(id)[-1].message["data"]["resolved"] is True,
                refusal=("400", "status 400"),
                states={
                    "status 401": (
                        lambda: peer.replace_secret("mender", secret("other")),
                        lambda: peer.first_secret("mender"),
                    ),
                    "status 404": (
                        lambda: peer.remove_receiver("mender"),
                        lambda: peer.first_secret("mender"),
                    ),
                    "status 307": (
                        lambda: peer.move("mender", peer.url("ops")),
                        lambda: peer.move("mender", ""),
                    ),
                },
            )

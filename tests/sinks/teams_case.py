"""Teams for the behaviour suite: two workflows, each with its channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sinks.peers.serve import Clock
from sinks.peers.teams import TeamsPeer, secret_of
from sinks.teams import TeamsSink
from tests.sinks.case import Case, closing

WORKFLOWS: Final = ("shop", "ops")
SIGNATURES: Final = tuple(map(secret_of, WORKFLOWS))
TIMEOUT_MS: Final = 400
"""As for the other sinks."""


@asynccontextmanager
async def teams_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two workflows; a digest is a card for each revision."""
    async with TeamsPeer(workflows=WORKFLOWS, clock=clock) as peer:
        sink = TeamsSink(
            workflows={name: peer.workflow_url(name) for name in WORKFLOWS}, timeout_ms=TIMEOUT_MS
        )

        def cards(id: str) -> list[str]:
            assert peer.failed == [], "a card that Teams does not draw"
            return [one.text for one in peer.posted if f" {id} " in one.text]

        def first(id: str) -> list[str]:
            # The end of what was told is a card of its own.
            return [one for one in cards(id) if "Resolved: " not in one]

        async with closing(sink):
            yield Case(
                sink,
                first,
                peer,
                "workflow",
                WORKFLOWS,
                over=lambda id: "Resolved" in cards(id)[-1],
                refusal=("400", "status 400"),
                states={
                    "status 401": (lambda: peer.renew("shop"), lambda: peer.give_back("shop")),
                    "status 404": (
                        lambda: peer.delete_workflow("shop"),
                        lambda: peer.restore_workflow("shop"),
                    ),
                    "turned off": (lambda: peer.turn_off("shop"), lambda: peer.turn_on("shop")),
                },
            )

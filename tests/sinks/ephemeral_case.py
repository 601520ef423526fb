"""One person in a local Slack for the behaviour suite: a digest is an act that did nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from correlators.pressed import Answer, Pressed
from correlators.types import Digest, DigestKind
from sinks.peers.serve import Clock
from sinks.peers.slack import SlackPeer
from sinks.slack_ephemeral import SlackEphemeralSink
from tests.sinks.case import Case, closing

BOT: Final = "xoxb-local-only"
ADA: Final = Pressed("U0ADA", "C0INC")


def shaped(one: Digest, to: Pressed = ADA, outcome: str = "gone") -> Digest:
    """Return the digest as a correction of an acknowledgement of it."""
    answer = Answer(to=to, act="acknowledge", subject=one.id, outcome=outcome)
    return msgspec.structs.replace(one, kind=DigestKind.CORRECTION, answer=answer)


@asynccontextmanager
async def ephemeral_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """One person in one channel."""
    async with SlackPeer(token=BOT, channels={"C0INC": "incidents"}, clock=clock) as peer:
        sink = SlackEphemeralSink(token=BOT, base_url=peer.base_url)

        def told(id: str) -> list[str]:
            return [one.text for one in peer.back.ephemerals if f"`{id}`" in one.text]

        async with closing(sink):
            yield Case(sink, told, peer, "chat.postEphemeral", ("C0INC",), shaped=shaped)

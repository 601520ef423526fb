"""Mail for the behaviour suite: two lists of one server; a digest is a thread of mails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Final

from correlators.types import Digest
from sinks.base import Attempt, Outcome, Step
from sinks.email import EmailSink
from sinks.peers.email import EmailPeer
from sinks.peers.email_store import Mail
from sinks.peers.serve import Clock
from sinks.smtp import Server
from sinks.smtp_words import Tls
from tests.sinks.case import Case, closing
from tests.sinks.make import attempt, digest

USER: Final = "stormfold"
PASSWORD: Final = "smtp-local-only"
SENDER: Final = Address("Stormfold", "stormfold", "shop.test")
ADA, BOB, OPS = "ada@shop.test", "bob@shop.test", "ops@shop.test"
LISTS: Final = {"payments": (ADA, BOB), "ops": (OPS,)}
TIMEOUT_MS: Final = 1_000
"""A mail takes some eight answers, and the machine may be busy."""


def made(peer: EmailPeer, **how: Any) -> EmailSink:
    """Return a sink that talks to this server."""
    server = Server(
        host="127.0.0.1",
        port=peer.smtp_port,
        tls=how.pop("tls", Tls.NONE),
        user=USER if peer.users else "",
        password=PASSWORD,
    )
    how = {"lists": LISTS, "timeout_ms": TIMEOUT_MS, **how}
    return EmailSink(server=server, sender=SENDER, **how)


def of(peer: EmailPeer, id: str) -> list[Mail]:
    """Return the mails of the digest of this id, in order."""
    return [one for one in peer.mails if one.header("X-Stormfold-Incident") == id]


def post(one: Digest | None = None, **how: Any) -> Attempt:
    return attempt(Step.POST, one or digest("email:payments"), **how)


async def send(peer: EmailPeer, attempt: Attempt | None = None, **how: Any) -> Outcome:
    sink = made(peer, **{"timeout_ms": 10_000, **how})
    return await sink.send(attempt or post())


def boxes(peer: EmailPeer) -> tuple[int, int]:
    return len(peer.inbox(ADA)), len(peer.inbox(BOB))


@asynccontextmanager
async def email_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two lists of one server."""
    async with EmailPeer(users={USER: PASSWORD}, clock=clock) as peer:
        sink = made(peer)

        def told(id: str) -> list[str]:
            """Return what whoever was told most got; nothing where somebody got nothing."""
            firsts = [one for one in of(peer, id) if not one.header("In-Reply-To")]
            to = {one for first in firsts for one in first.recipients}
            people = [one for each in LISTS.values() if to & set(each) for one in each]
            boxes = [[mail for mail in firsts if one in mail.recipients] for one in people]
            most = max(boxes, key=len) if boxes and all(boxes) else []
            return [f"{one.part('plain')}\n{one.part('html')}" for one in most]

        async with closing(sink):
            yield Case(
                sink,
                told,
                peer,
                "data",
                (ADA, OPS),
                share=0.02,
                over=lambda id: "✅" in of(peer, id)[-1].part("plain"),
                refusal=("554 5.7.1 no such words here", "554 5.7.1"),
                states={
                    "535": (
                        lambda: peer.set_password(USER, "another"),
                        lambda: peer.set_password(USER, PASSWORD),
                    ),
                    "550 5.1.1": (
                        lambda: peer.remove_boxes(*LISTS["payments"]),
                        lambda: peer.add_boxes(*LISTS["payments"]),
                    ),
                },
            )

"""One person for the behaviour suite: by a direct message of a local Slack, and by mail."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from correlators.personal import Deed, ForPerson
from correlators.types import Digest, DigestKind
from sinks.peers.email import EmailPeer
from sinks.peers.serve import Clock
from sinks.peers.slack import SlackPeer
from sinks.person import PersonMailSink, PersonSlackSink
from sinks.smtp import Server
from sinks.smtp_words import Tls
from tests.sinks.case import Case, closing
from tests.sinks.email_case import ADA, BOB, PASSWORD, SENDER, TIMEOUT_MS, USER, of
from tests.sinks.make import digest

BOT: Final = "xoxb-local-only"
NAME: Final = "Ben O'Neil"


def shaped(one: Digest, deed: Deed = Deed.ASSIGNED) -> Digest:
    """Return the digest as somebody is told of it."""
    act = {"act": "comment", "act_text": "please look"} if deed is Deed.MENTIONED else {}
    act = act or {"act": "assign", "act_text": NAME}
    theirs = ForPerson(deed, one.id)
    return msgspec.structs.replace(
        one, kind=DigestKind.NOTED, act_by="dora", act_in="slack", personal=theirs, **act
    )


def theirs(destination: str, deed: Deed = Deed.ASSIGNED, **how: Any) -> Digest:
    return shaped(digest(destination, **{"id": "inc-00000000000000aa", **how}), deed)


def mail_sink(peer: EmailPeer) -> PersonMailSink:
    server = Server(
        host="127.0.0.1", port=peer.smtp_port, tls=Tls.NONE, user=USER, password=PASSWORD
    )
    people = {NAME: BOB, "ada": ADA}
    return PersonMailSink(server=server, sender=SENDER, people=people, timeout_ms=TIMEOUT_MS)


@asynccontextmanager
async def person_slack_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two people of one workspace."""
    async with SlackPeer(token=BOT, channels={"C0INC": "incidents"}, clock=clock) as peer:
        people = {NAME: "U0BEN", "ada": "U0ADA"}
        peer.workspace.people |= {"U0BEN": "ben", "U0ADA": "ada"}
        sink = PersonSlackSink(token=BOT, people=people, base_url=peer.base_url)

        def told(id: str) -> list[str]:
            posts = [one for user in people.values() for one in peer.posts(user)]
            texts = [json.dumps(one.blocks, ensure_ascii=False) + one.text for one in posts]
            return [one for one in texts if f"`{id}`" in one]

        async with closing(sink):
            yield Case(sink, told, peer, "chat.postMessage", ("U0BEN", "U0ADA"), shaped=shaped)


@asynccontextmanager
async def person_mail_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two people of one mail server."""
    async with EmailPeer(users={USER: PASSWORD}, clock=clock) as peer:
        sink = mail_sink(peer)

        def told(id: str) -> list[str]:
            return [f"{one.part('plain')}\n{one.part('html')}" for one in of(peer, id)]

        async with closing(sink):
            yield Case(sink, told, peer, "data", (BOB, ADA), shaped=shaped)

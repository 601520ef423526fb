"""Sentry for the behaviour suite: a digest is an issue that is archived, then resolved."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from correlators.issue_change import IssueChange, IssueDoes
from correlators.types import Digest, DigestKind
from sinks.peers.sentry import SentryPeer
from sinks.peers.serve import Clock
from sinks.sentry import Organisation, SentrySink
from tests.sinks.case import Case, closing

TOKENS: Final = {"shop": "sntrys_local-only", "other": "sntrys_other-only"}
TIMEOUT_MS: Final = 400
"""As for the other sinks."""


@asynccontextmanager
async def sentry_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two organisations of one Sentry; a digest is an issue that is archived, then resolved."""
    async with SentryPeer(tokens=TOKENS, clock=clock) as peer:
        sink = SentrySink(
            organisations={
                "default": Organisation(slug="shop", token=TOKENS["shop"], api_url=peer.base_url),
                "other": Organisation(slug="other", token=TOKENS["other"], api_url=peer.base_url),
            },
            timeout_ms=TIMEOUT_MS,
        )
        slugs = {"sentry:default": "shop", "sentry:other": "other"}

        def number(id: str) -> str:
            return str(1_000_000_000 + zlib.crc32(id.encode()) % 1_000_000_000)

        def shaped(one: Digest) -> Digest:
            peer.add_issue(number(one.id), slugs[one.destination])
            does = IssueDoes.RESOLVE if one.resolved else IssueDoes.IGNORE
            change = IssueChange(issue_id=number(one.id), does=does, subject=one.id)
            return msgspec.structs.replace(one, kind=DigestKind.ISSUE_CHANGE, issue_change=change)

        def logs(id: str) -> list[Any]:
            found = [peer.issues.get((slug, number(id))) for slug in slugs.values()]
            return [one for one in found if one is not None and one.log]

        def only_once(id: str) -> list[str]:
            asked = [[what["status"] for _, what in one.log] for one in logs(id)]
            assert all(len(set(each)) == len(each) for each in asked), "changed to the same twice"
            return [json.dumps(each) for each in asked]

        async with closing(sink):
            yield Case(
                sink,
                only_once,
                peer,
                "issue.put",
                ("shop", "other"),
                over=lambda id: all(one.status == "resolved" for one in logs(id)),
                refusal=("403", "status 403"),
                states={
                    "status 401": (
                        lambda: peer.revoke_token("shop"),
                        lambda: peer.restore_token("shop"),
                    ),
                    "event:write": (
                        lambda: peer.take_scope("event:write"),
                        lambda: peer.give_scope("event:write"),
                    ),
                },
                shaped=shaped,
                called=number,
            )

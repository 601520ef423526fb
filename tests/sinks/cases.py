"""Every sink with the service behind it, for the behaviour suite. A new sink adds a line to CASES.

A case says how to make the sink and its local service, and how to read off the service what stands
there of a digest.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sinks.console import ConsoleSink
from sinks.file import FileSink
from sinks.pagerduty import PagerDutySink
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Clock
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_webhooks import secret_of
from sinks.slack import SlackSink
from sinks.slack_webhook import SlackWebhookSink
from tests.sinks.case import Case, closing
from tests.sinks.email_case import PASSWORD, email_case
from tests.sinks.ephemeral_case import ephemeral_case
from tests.sinks.example import example_case
from tests.sinks.person_case import person_mail_case, person_slack_case
from tests.sinks.sentry_case import TOKENS, sentry_case
from tests.sinks.teams_case import SIGNATURES, teams_case
from tests.sinks.webhook_case import HOOKS, webhook_case

TOKEN: Final = "xoxb-local-only"
KEY: Final = "k" * 32
OTHER_KEY: Final = "o" * 32
SECRETS: Final = (
    *TOKENS.values(),
    PASSWORD,
    *SIGNATURES,
    *HOOKS.values(),
    TOKEN,
    KEY,
    OTHER_KEY,
    secret_of("C0INC"),
    secret_of("C0OPS"),
)
MARK: Final = "possible repeat"
TIMEOUT_MS: Final = 400
"""Real time after which a sink gives a call up; only calls that are slow on purpose take it."""


@asynccontextmanager
async def slack_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two channels of one workspace."""
    channels = {"C0INC": "incidents", "C0OPS": "ops"}
    async with SlackPeer(token=TOKEN, channels=channels, clock=clock) as peer:
        sink = SlackSink(
            token=TOKEN,
            channels={"incidents": "C0INC", "ops": "C0OPS"},
            base_url=peer.base_url,
            timeout_ms=TIMEOUT_MS,
        )

        def told(id: str) -> list[str]:
            posts = [*peer.posts("incidents"), *peer.posts("ops")]
            return [
                json.dumps(one.blocks, ensure_ascii=False) + one.text
                for one in posts
                if one.metadata is not None and one.metadata["event_payload"]["id"] == id
            ]

        async with closing(sink):
            yield Case(
                sink,
                told,
                peer,
                "chat.postMessage",
                ("C0INC", "C0OPS"),
                over=lambda id: all("✅" in one for one in told(id)),
                refusal=("restricted_action", "restricted_action"),
                states=_slack_states(peer),
                lag=peer.lag_history,
            )


def _slack_states(
    peer: SlackPeer,
) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    here = "incidents"
    return {
        "token_revoked": (peer.revoke_token, peer.restore_token),
        "account_inactive": (peer.deactivate, peer.restore_token),
        "missing_scope": (
            lambda: peer.take_scope("chat:write"),
            lambda: peer.give_scope("chat:write"),
        ),
        "not_in_channel": (lambda: peer.remove_bot(here), lambda: peer.invite_bot(here)),
        "is_archived": (
            lambda: peer.archive(here),
            lambda: peer.archive(here, archived=False),
        ),
        "restricted_action": (lambda: peer.restrict(here), lambda: peer.restrict(here, "")),
    }


@asynccontextmanager
async def slack_webhook_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two channels of one workspace, each by its incoming webhook."""
    channels = {"C0INC": "incidents", "C0OPS": "ops"}
    async with SlackPeer(token=TOKEN, channels=channels, clock=clock) as peer:
        webhooks = {name: peer.webhook_url(name) for name in channels.values()}
        sink = SlackWebhookSink(webhooks=webhooks, timeout_ms=TIMEOUT_MS)

        def told(id: str) -> list[str]:
            posts = [*peer.posts("incidents"), *peer.posts("ops")]
            texts = [json.dumps(one.blocks, ensure_ascii=False) + one.text for one in posts]
            return [one for one in texts if f"`{id}`" in one]

        async with closing(sink):
            yield Case(
                sink,
                told,
                peer,
                "webhook",
                ("C0INC", "C0OPS"),
                over=lambda id: "✅" in told(id)[-1],
                refusal=("no_service", "no_service"),
            )


@asynccontextmanager
async def pagerduty_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """Two services of one account."""
    async with PagerDutyPeer(routing_keys=[KEY, OTHER_KEY], clock=clock) as peer:
        sink = PagerDutySink(
            routing_keys={"default": KEY, "other": OTHER_KEY},
            base_url=peer.base_url,
            timeout_ms=TIMEOUT_MS,
        )

        def pages(id: str) -> list[Any]:
            return [one for one in peer.pages if one.dedup_key == f"stormfold-{id}"]

        async with closing(sink):
            yield Case(
                sink,
                lambda id: [json.dumps(one.events, ensure_ascii=False) for one in pages(id)],
                peer,
                "enqueue",
                (KEY, OTHER_KEY),
                over=lambda id: all(one.status == "resolved" for one in pages(id)),
                refusal=("403", "status 403"),
                states={
                    "Invalid routing key": (
                        lambda: peer.remove_key(KEY),
                        lambda: peer.add_key(KEY),
                    )
                },
            )


@asynccontextmanager
async def console_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """A console that is read."""
    out = io.StringIO()
    yield Case(
        ConsoleSink(out=out),
        lambda id: [one for one in out.getvalue().split("─" * 72) if id in one],
    )


@asynccontextmanager
async def file_case(clock: Clock, folder: Path) -> AsyncIterator[Case]:
    """A file that is read."""
    file = folder / "told.jsonl"
    yield Case(
        FileSink(file),
        # Not splitlines: a title may hold what Unicode calls the end of a line.
        lambda id: [
            one for one in file.read_text()[:-1].split("\n") if json.loads(one)["id"] == id
        ],
    )


CASES: Final = {
    "slack": slack_case,
    "slack_ephemeral": ephemeral_case,
    "slack_webhook": slack_webhook_case,
    "pagerduty": pagerduty_case,
    "email": email_case,
    "person_slack": person_slack_case,
    "person_mail": person_mail_case,
    "sentry": sentry_case,
    "teams": teams_case,
    "webhook": webhook_case,
    "gotify": example_case(),  # the example of CONTRIBUTING.md
    "console": console_case,
    "file": file_case,
}
"""By the sink's name, as in the registry."""

SERVED: Final = sorted(
    set(CASES)
    - {"console", "file", "slack_ephemeral", "slack_webhook", "person_slack", "person_mail"}
)
"""The sinks whose service is a peer that can fail and be asked what it has; a webhook cannot, nor
what one person alone is told."""

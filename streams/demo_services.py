"""The local Slack and PagerDuty that Stormfold tells in the demo, and what it was told to tell.

They keep the documented limits in real time, since a worker's deliveries do. The configuration is
`stormfold.yaml` itself; what stands in it as a variable is set to these services.

Errors: `DemoError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from correlators.entries import Entry, key_of
from correlators.types import Digest, PageAction
from sinks.peers.pagerduty import Alert, PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_store import Message
from streams.replay_results import Results
from streams.settings import Clock, Settings, load

CHANNEL: Final = "C0INC"
TOKEN: Final = "xoxb-demo"
ROUTING_KEY: Final = "e" * 32


class DemoError(Exception):
    """The demo cannot go on; the text says why in one line."""


class Heard(Results):
    """Every digest and the newest state entries that CORRELATE decided."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.correlation(), settings.fingerprinting(), rows=False)
        self.digests: list[Digest] = []
        self.newest: dict[str, Entry] = {}
        """State entries by key; what was removed stays as it was."""

    def digest(self, digest: Digest) -> None:
        """Note a digest."""
        super().digest(digest)
        self.digests.append(digest)

    def entries(self, entries: Iterable[Entry | None]) -> None:
        """Note changed state entries, in the order of their change."""
        found = [entry for entry in entries if entry is not None]
        super().entries(found)
        self.newest.update((key_of(entry), entry) for entry in found)


class Services:
    """Stormfold's Slack and PagerDuty. Use as an async context."""

    def __init__(self) -> None:
        self.slack = SlackPeer(token=TOKEN, channels={CHANNEL: "incidents"})
        self.pager = PagerDutyPeer(routing_keys=[ROUTING_KEY])

    async def __aenter__(self) -> Self:
        await self.slack.start()
        await self.pager.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.slack.close()
        await self.pager.close()

    def environment(self, environ: Mapping[str, str], namespace: str) -> dict[str, str]:
        """Return the environment in which `stormfold.yaml` means these services."""
        return dict(environ) | {
            "STORMFOLD_NAMESPACE": namespace,
            "STORMFOLD_CLOCK": "data",
            "INTAKE_PORT": "0",
            "METRICS_PORT": "0",
            "SENTRY_CLIENT_SECRET": "demo",
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_BASE_URL": self.slack.base_url,
            "SLACK_CHANNEL": CHANNEL,
            "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
            "PAGERDUTY_BASE_URL": self.pager.base_url,
        }

    def settings(self, config: Path, environ: Mapping[str, str]) -> Settings:
        """Return the settings of the demo, which can tell nobody but these services.

        Raises:
            DemoError: the file names other ones.
            SettingsError: the file is wrong.
        """
        settings = load(config, environ)
        slack, pager = settings.sinks.slack, settings.sinks.pagerduty
        if slack is None or pager is None:
            raise DemoError(f"{config}: the demo needs both slack and pagerduty under sinks")
        if slack.base_url != self.slack.base_url or pager.base_url != self.pager.base_url:
            raise DemoError(
                f"{config}: the base_url of slack and pagerduty must be ${{SLACK_BASE_URL...}} and "
                "${PAGERDUTY_BASE_URL...}; the demo tells local services only"
            )
        if pager.api_token is not None:
            raise DemoError(
                f"{config}: leave out sinks.pagerduty.api_token; the demo asks local services only"
            )
        if settings.sentry is not None:
            raise DemoError(f"{config}: leave out sentry; the demo asks local services only")
        if settings.clock is not Clock.DATA:
            raise DemoError(f"{config}: clock must be ${{STORMFOLD_CLOCK:-wall}} for the demo")
        return settings

    @property
    def posts(self) -> list[Message]:
        """Messages that stand in the channel."""
        return self.slack.posts(CHANNEL)

    @property
    def replies(self) -> int:
        """Messages that stand in threads."""
        return len(self.slack.messages(CHANNEL)) - len(self.posts)

    @property
    def refused(self) -> int:
        """Calls answered 429."""
        return sum(call.outcome == "ratelimited" for call in self.slack.calls)

    @property
    def pages(self) -> list[Alert]:
        """Alerts that woke somebody."""
        return self.pager.pages

    def post_of(self, id: str) -> Message | None:
        """Return the first message of this incident or storm."""
        for message in self.posts:
            payload = (message.metadata or {}).get("event_payload", {})
            if payload.get("id") == id:
                return message
        return None

    def waiting(self, digests: list[Digest]) -> int:
        """Return how many incidents and storms are not yet shown in their newest revision."""
        newest: dict[tuple[str, str], Digest] = {}
        for one in digests:
            pager = one.page is not PageAction.NONE
            newest[one.destination, one.page_key if pager else one.id] = one
        return sum(not self._shown(one) for one in newest.values())

    def _shown(self, digest: Digest) -> bool:
        match digest.page:
            case PageAction.TRIGGER | PageAction.ACKNOWLEDGE | PageAction.UNACKNOWLEDGE:
                return bool(self.pages)
            case PageAction.RESOLVE:
                return not self.pager.open_alerts()
            case PageAction.NONE:
                post = self.post_of(digest.id)
                shown = f"{digest.id}, revision {digest.revision}"
                return post is not None and shown in post.text

"""What direct alerts would have done: each event told by itself, on a local Slack and PagerDuty.

As Sentry does it with a rule "every time" in one channel: one Slack message for every event, and
one page for every issue of level error in production, under a dedup key per issue. The two services
keep their documented limits in recorded time: their clock is that of the alert being sent, so the
figures are those of the outage as it happened, however fast it is played.

Source: Sentry, issue alerts (action interval "every trigger") and its PagerDuty integration
(dedup_key = short id of the issue).
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from correlators.types import LEVEL_RANK, Event, Level
from sinks.http import Http
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.words import escape_slack, short
from streams.demo_material import Line, Material, RecordedClock, event_of

CHANNEL: Final = "C0ALERTS"
TOKEN: Final = "xoxb-demo-direct"
ROUTING_KEY: Final = "d" * 32

Json = dict[str, Any]


class Direct:
    """A Slack and a PagerDuty that hear every alert by itself. Use as an async context."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._at_s = material.first_ms / 1000
        self.slack = SlackPeer(token=TOKEN, channels={CHANNEL: "alerts"}, clock=self._now_s)
        self.pager = PagerDutyPeer(routing_keys=[ROUTING_KEY], clock=self._now_s)
        self._http = Http(timeout_ms=10_000)

    def _now_s(self) -> float:
        return self._at_s

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
        await self._http.close()
        await self.slack.close()
        await self.pager.close()

    @property
    def sent(self) -> int:
        """Slack messages tried so far."""
        return len(self.slack.calls)

    @property
    def refused(self) -> int:
        """Slack messages answered 429 so far."""
        return sum(call.outcome == "ratelimited" for call in self.slack.calls)

    @property
    def pages(self) -> int:
        """Pages so far."""
        return len(self.pager.alerts)

    async def run(self, clock: RecordedClock) -> None:
        """Send every alert, none before its recorded moment; return when all are answered."""
        for line in self._material.events:
            await clock.until(line.record.at_ms)
            await self._alert(line)

    async def _alert(self, line: Line) -> None:
        event = line.read.event
        assert event is not None
        issue = self._material.short_ids.get(event.issue_id, event.issue_id)
        raw = event_of(line.record)
        self._at_s = line.record.at_ms / 1000
        calls = [
            self._http.post(
                f"{self.slack.base_url}chat.postMessage",
                msgspec.json.encode({"channel": CHANNEL, **slack_alert(raw, event, issue)}),
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
        ]
        if pages(event):
            trigger = msgspec.json.encode(_trigger(raw, event, issue))
            calls.append(self._http.post(f"{self.pager.base_url}/v2/enqueue", trigger))
        await asyncio.gather(*calls)


def pages(event: Event) -> bool:
    """Return whether direct alerts page for this event."""
    loud = LEVEL_RANK[event.level] >= LEVEL_RANK[Level.ERROR]
    return loud and event.environment == "production"


def slack_alert(raw: Json, event: Event, issue: str) -> Json:
    """Return the Slack message that Sentry posts for one event, as far as a reader sees it.

    Args:
        raw: the event as Sentry sends it.
        event: the same, decoded.
        issue: Sentry's readable issue id.

    Source: sentry/integrations/slack/message_builder/issues.py.
    """
    metadata = raw.get("metadata") or {}
    kind = metadata.get("type") or metadata.get("title") or str(raw.get("title", ""))
    value = short(str(metadata.get("value") or ""), 500)
    title = short(escape_slack(kind), 150)
    face = "🔴" if event.level is Level.ERROR else "🟠"
    blocks = [_section(f"{face} *<{event.web_url}|{title}>*")]
    if raw.get("culprit"):
        blocks.append(_section(f"`{escape_slack(raw['culprit'])}`"))
    if value:
        blocks.append(_section(f"```{escape_slack(value)}```"))
    blocks.append(
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": word}}
                for word in ("Resolve", "Archive", "Select Assignee...")
            ],
        }
    )
    context = f"Project: {event.service}    Alert: every event    Short ID: {issue}"
    blocks.append(
        {"type": "context", "elements": [{"type": "mrkdwn", "text": escape_slack(context)}]}
    )
    return {"text": title, "blocks": blocks}


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _trigger(raw: Json, event: Event, issue: str) -> Json:
    return {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": issue,
        "payload": {
            "summary": short(str(raw.get("title") or issue), 1_000),
            "source": event.service,
            "severity": "error",
            "component": event.service,
        },
    }

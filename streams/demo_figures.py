"""The figures that the demo shows, read off what the local services received."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sinks.peers.slack_store import Message
from streams.demo_direct import CHANNEL as ALERTS
from streams.demo_direct import pages
from streams.demo_material import AMBIENT
from streams.demo_services import CHANNEL, Services

if TYPE_CHECKING:
    from streams.demo import Run


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Both ways in numbers."""

    direct_sent: int
    direct_refused: int
    direct_pages: int
    direct_outage_pages: int
    outage_events: int
    posts: int
    replies: int
    refused: int
    pages: int
    storm_replies: int
    decided: int
    """Digests decided for Slack."""
    coalesced: int
    """Of these, revisions that a newer one replaced before they were sent."""

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the lines of the table."""
        return [
            ("Slack messages sent", f"{self.direct_sent}", f"{self.posts + self.replies}"),
            ("  refused with 429", f"{self.direct_refused}", f"{self.refused}"),
            ("  in the channel", f"{self.direct_sent - self.direct_refused}", f"{self.posts}"),
            ("  in threads", "0", f"{self.replies}"),
            ("Pages (PagerDuty)", f"{self.direct_pages}", f"{self.pages}"),
            (
                "Of the outage: messages",
                f"{self.outage_events}",
                f"1 and {self.storm_replies} in its thread",
            ),
            ("Of the outage: pages", f"{self.direct_outage_pages}", f"{self.pages}"),
        ]


def figures_of(run: Run) -> Figures:
    """Return the figures of a finished run."""
    services, direct = run.services, run.direct
    slack = [one for one in run.heard.digests if one.destination.startswith("slack:")]
    outage_issues = {
        line.read.event.issue_id
        for line in run.material.events
        if line.read.event is not None
        and pages(line.read.event)
        and not line.record.label.startswith(AMBIENT)
    }
    post = services.post_of(run.story.storm_id)
    return Figures(
        direct_sent=direct.sent,
        direct_refused=direct.refused,
        direct_pages=direct.pages,
        direct_outage_pages=len(outage_issues),
        outage_events=run.story.outage_events,
        posts=len(services.posts),
        replies=services.replies,
        refused=services.refused,
        pages=len(services.pages),
        storm_replies=len(services.slack.replies(CHANNEL, post.ts)) if post else 0,
        decided=len(slack),
        coalesced=len(slack) - len(services.posts) - services.replies,
    )


def raw_alert(run: Run) -> Message:
    """Return the first direct alert of the outage that its Slack took."""
    first_ms = min(
        line.record.at_ms
        for line in run.material.events
        if not line.record.label.startswith(AMBIENT)
    )
    messages = run.direct.slack.messages(ALERTS)
    return next(one for one in messages if one.at * 1000 >= first_ms)


def peak_of(services: Services, post: Message) -> Message:
    """Return the message as it stood last before it was resolved."""
    shown = [post.blocks]
    for call in services.slack.calls:
        if call.outcome != "ok" or "blocks" not in call.args:
            continue
        payload = (call.args.get("metadata") or {}).get("event_payload", {})
        first = (post.metadata or {}).get("event_payload", {})
        edits = call.method == "chat.update" and call.args.get("ts") == post.ts
        if (edits or payload == first) and not _resolved(call.args["blocks"]):
            shown.append(call.args["blocks"])
    return Message(
        ts=post.ts,
        channel=post.channel,
        text=post.text,
        blocks=shown[-1],
        metadata=post.metadata,
        edits=max(0, len(shown) - 2),
    )


def _resolved(blocks: list[dict[str, dict[str, str]]]) -> bool:
    return bool(blocks) and blocks[0].get("text", {}).get("text", "").startswith("✅")


def page_of(services: Services) -> list[str]:
    """Return the first page in lines: what woke somebody."""
    if not services.pages:
        return ["nobody was paged"]
    alert = services.pages[0]
    call = next(one for one in services.pager.calls if one.args.get("dedup_key") == alert.dedup_key)
    payload = call.args["payload"]
    details = payload.get("custom_details", {})
    state = "resolved by Stormfold" if alert.resolved_at is not None else "open"
    return [
        f"{alert.severity.upper()}: {alert.summary}",
        f"why: {details.get('why_paged', '').replace('_', ' ')}; source: {payload['source']}; "
        f"{state}",
        *(f"{service}: {said}" for service, said in details.get("services", {}).items()),
        f"dedup key: {alert.dedup_key}",
    ]

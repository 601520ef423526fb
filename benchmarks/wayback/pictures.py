"""Pictures of channels and of what one person sees, by a browser that this machine has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sinks.peers.drawn import html_message, html_page, page
from sinks.peers.drawn_alerts import alerts_html
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_store import BOT, Message
from streams.picture import WIDTH, PictureError, take


def channel(slack: SlackPeer, name: str) -> str:
    """Return a channel as a page."""
    return html_page(slack, name)


def alone(slack: SlackPeer, user: str) -> str:
    """Return what only one person saw, as a page."""
    seen = [one for one in slack.back.ephemerals if one.user == user]
    at = f"{slack.clock():.6f}"
    drawn = [
        html_message(
            Message(at, one.channel, one.text, one.blocks, None, user=BOT),
            lead="Only visible to you",
        )
        for one in seen
    ]
    return page(f"what only {slack.back.names.get(user, user)} sees", "\n".join(drawn))


def pager(pagerduty: PagerDutyPeer) -> str:
    """Return the alerts as a page."""
    return page("PagerDuty", alerts_html(pagerduty.alerts))


def draw(pages: Sequence[tuple[str, str]], folder: Path, *, width: int = WIDTH) -> list[Path]:
    """Write each page, and a picture of it where there is a browser; return the pictures.

    Args:
        pages: name and HTML.
        folder: is made.
        width: of the pictures, in pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in pages:
        (folder / f"{name}.html").write_text(text)
        picture = folder / f"{name}.png"
        with suppress(PictureError):
            take(text, picture, width=width)
            made.append(picture)
    return made

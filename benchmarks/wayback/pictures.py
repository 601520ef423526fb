"""Pictures of channels and of what one person sees, by a browser that this machine has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sinks.peers.drawn import html_message, html_page, page
from sinks.peers.drawn_alerts import alerts_html
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_store import BOT, Message

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
WIDTH: Final = 900
MOST: Final = 16_000
"""Of pixels in height."""
WITHIN_S: Final = 60.0


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


def draw(pages: Sequence[tuple[str, str]], folder: Path) -> list[Path]:
    """Write each page, and a picture of it where there is a browser; return the pictures.

    Args:
        pages: name and HTML.
        folder: is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    made = []
    for name, text in pages:
        html = folder / f"{name}.html"
        html.write_text(text)
        if browser is None:
            continue
        picture = folder / f"{name}.png"
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--window-size={WIDTH},{_height(text)}", f"--screenshot={picture}",
                html.as_uri(),
            ],
            capture_output=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
        made += [picture] if picture.exists() else []
    return made


def _height(text: str) -> int:
    """Return a height into which a page fits, roughly."""
    lines = text.count("<br>") + text.count("<tr>") * 2
    return min(MOST, 200 + 110 * text.count("<article") + 18 * lines + 24 * text.count("<p"))

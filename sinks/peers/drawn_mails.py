"""The mails of a local mail server as HTML to look at: who got what, as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime

from sinks.peers.email_store import Mail

SHOWN: int = 50


def mails_html(mails: Iterable[Mail]) -> str:
    """Return the mails one below the other, in the order given, at most 50."""
    return "".join(_mail(one) for one, _ in zip(mails, range(SHOWN), strict=False))


def _mail(one: Mail) -> str:
    rows = [(name, one.header(name)) for name in ("From", "To", "Date", "Message-ID", "References")]
    cells = "".join(f"<tr><td>{name}</td><td>{_said(value)}</td></tr>" for name, value in rows)
    # Without a right of its own, not even to run a script.
    drawn = (
        f'<iframe sandbox srcdoc="{_said(one.part("html"))}" width="100%" height="420"></iframe>'
    )
    at = datetime.fromtimestamp(one.at, UTC)
    return (
        f'<article class="alert"><h2>{_said(one.header("Subject"))}</h2>'
        f"<p>{at:%H:%M:%S} · taken for {_said(', '.join(one.recipients))}</p>"
        f"<table>{cells}</table>{drawn}"
        f"<details><summary>Text</summary><pre>{_said(one.part('plain'))}</pre></details></article>"
    )


def _said(value: object) -> str:
    return html.escape(str(value))

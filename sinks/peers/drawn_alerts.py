"""PagerDuty's alerts as HTML to look at: what a page says, to whom it went, what it heard since."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from sinks.peers.pagerduty_store import Alert

KEY_SHOWN: Final = 8
"""Characters of a routing key that tell one service from another."""


def alerts_html(alerts: Iterable[Alert]) -> str:
    """Return the alerts one below the other, in the order given."""
    return "".join(map(_alert, alerts))


def _alert(one: Alert) -> str:
    heard = " · ".join(f"{_clock(at)} {action}" for at, action in one.log)
    first = next((event for event in one.events if event.get("payload")), {})
    details = first.get("payload", {}).get("custom_details", {})
    rows = [(name, _text(value)) for name, value in details.items()] if details else []
    links = [_link(link) for link in first.get("links") or ()]
    cells = (f"<td>{_said(name)}</td><td>{_said(value)}</td>" for name, value in rows)
    table = "".join(f"<tr>{one}</tr>" for one in cells)
    key, name = _said(one.routing_key[:KEY_SHOWN]), _said(one.dedup_key)
    return (
        f'<article class="alert"><h2>{_said(one.summary)}</h2>'
        f"<p><b>{one.status}</b> · {_said(one.severity)} · service of the key "
        f"<code>{key}…</code> · <code>{name}</code></p>"
        f"<p>{_said(heard)}</p><p>{' · '.join(links)}</p><table>{table}</table></article>"
    )


def _link(link: dict[str, Any]) -> str:
    """Return a link; PagerDuty takes none but those of http and https."""
    return f'<a href="{_said(link["href"])}">{_said(link.get("text") or link["href"])}</a>'


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _said(value: object) -> str:
    return html.escape(str(value))


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"

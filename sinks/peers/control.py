"""A peer that is run by hand: a page to look at, and addresses that switch faults and states.

For callers in any language: what a Python test calls on the peer, a shell does by HTTP. Only what
is named here can be reached.
"""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from sinks.peers.drawn import html_page, page
from sinks.peers.drawn_alerts import alerts_html
from sinks.peers.drawn_cards import cards_html
from sinks.peers.drawn_mails import mails_html
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from sinks.peers.pagerduty import Fate, PagerDutyPeer
from sinks.peers.sentry import Issue, SentryPeer
from sinks.peers.serve import Call, Peer
from sinks.peers.slack import SlackPeer
from sinks.peers.teams import TeamsPeer
from sinks.peers.webhook import Arrived, WebhookPeer

SWITCHES: Final = frozenset(
    {
        "say",
        "delete",
        "lag_history",
        "close_edits",
        "archive",
        "rename",
        "delete_channel",
        "remove_bot",
        "invite_bot",
        "restrict",
        "revoke_token",
        "deactivate",
        "restore_token",
        "take_scope",
        "give_scope",
        "close_webhook",
        "suppress",
        "acknowledge",
        "remove_key",
        "add_key",
        "add_issue",
        "merge_issue",
        "answer",
        "answer_as_usual",
        "set_password",
        "turn_off",
        "turn_on",
        "delete_workflow",
        "restore_workflow",
        "renew",
        "give_back",
        "replace_secret",
        "first_secret",
        "remove_receiver",
        "want_no_more",
        "want_again",
        "move",
    }
)
"""Methods of the peers that `/_peer/switch` calls."""
SHOWN_CALLS: Final = 200
SHOWN_CARDS: Final = 50
RELOAD: Final = '<meta http-equiv="refresh" content="2">'


def add_control(peer: Peer) -> None:
    """Add the page and the addresses to a peer that has not been started."""

    async def fail(given: dict[str, Any]) -> Any:
        word = given.pop("fault", "")
        if word not in list(Fault):
            raise ValueError(f"no fault {word!r}; there are {', '.join(Fault)}")
        fault = Fault(word)
        peer.fail(fault, **given)
        return {}

    async def heal(given: dict[str, Any]) -> Any:
        peer.heal()
        return {}

    async def switch(given: dict[str, Any]) -> Any:
        name = str(given.pop("do", ""))
        known = sorted(one for one in SWITCHES if hasattr(peer, one))
        if name not in known:
            raise ValueError(f"no switch {name!r}; there are {', '.join(known)}")
        if name == "suppress":
            given = {"fate": Fate(given.get("fate", Fate.SUPPRESSED))}
        found = getattr(peer, name)(**given)
        if isinstance(found, Issue):
            found = found.shown()
        return {"gave": found} if found is not None else {}

    async def calls(request: web.Request) -> web.Response:
        return web.json_response([_told(one) for one in peer.calls[-SHOWN_CALLS:]])

    async def look(request: web.Request) -> web.Response:
        return web.Response(text=_page(peer), content_type="text/html")

    peer.also_serve("GET", "/", look)
    peer.also_serve("GET", "/_peer/calls", calls)
    for path, does in (("fail", fail), ("heal", heal), ("switch", switch)):
        peer.also_serve("POST", f"/_peer/{path}", taking(does))


def line_of(call: Call) -> str:
    """Return one call as a line to look on."""
    at = datetime.fromtimestamp(call.at, UTC).strftime("%H:%M:%S")
    names = ("channel", "dedup_key", "issue", "team", "workflow", "receiver", "to", "from")
    where = str(next((call.args[one] for one in names if call.args.get(one)), ""))
    violation = f"  ({call.violation})" if call.violation else ""
    return f"{at}  {call.method:<22} {call.outcome:<22} {where[:60]}{violation}".rstrip()


def taking(
    does: Callable[[dict[str, Any]], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a handler that reads an object, and answers 400 with what is wrong with it."""

    async def handler(request: web.Request) -> web.Response:
        try:
            given = await request.json() if request.can_read_body else {}
            return web.json_response({"ok": True, **await does(dict(given))})
        except (ValueError, TypeError, KeyError, AssertionError, AttributeError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)

    return handler


def _told(call: Call) -> dict[str, Any]:
    return {
        "at": call.at,
        "method": call.method,
        "args": call.args,
        "outcome": call.outcome,
        "violation": call.violation,
    }


def _page(peer: Peer) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(line_of(one))}</code></td></tr>" for one in peer.calls[-20:]
    )
    below = f'<table class="calls">{rows}</table></main>'
    if isinstance(peer, SlackPeer):
        pages = [html_page(peer, one) for one in peer.workspace.channels]
        bodies = [one.partition("<body>")[2].partition("</main>")[0] + "</main>" for one in pages]
        whole = page("Slack, on this machine", "").partition("<body>")[0] + "<body>"
        return (whole + "".join(bodies) + f"<main>{below}</body></html>").replace(
            "<head>", f"<head>{RELOAD}", 1
        )
    if isinstance(peer, EmailPeer):
        whole = page("Mail, on this machine", mails_html(reversed(peer.mails)))
        return whole.replace("</main>", below, 1)  # it is read, so it does not reload itself
    name, body = _drawn(peer)
    whole = page(f"{name}, on this machine", body).replace("</main>", below, 1)
    return whole.replace("<head>", f"<head>{RELOAD}", 1)


def _drawn(peer: Peer) -> tuple[str, str]:
    """Return what the service is called, and what it holds, as HTML."""
    if isinstance(peer, SentryPeer):
        return "Sentry", "".join(_issue(one) for one in peer.issues.values())
    if isinstance(peer, TeamsPeer):
        return "Teams", cards_html(reversed(peer.posted[-SHOWN_CARDS:]), peer.failed)
    if isinstance(peer, WebhookPeer):
        return "Webhooks", "".join(map(_message, reversed(peer.arrived[-SHOWN_CARDS:])))
    alerts = peer.alerts if isinstance(peer, PagerDutyPeer) else []
    return "PagerDuty", alerts_html(reversed(alerts))


def _message(one: Arrived) -> str:
    body = html.escape(json.dumps(one.message, ensure_ascii=False, indent=1))
    head = html.escape(f"{one.receiver} {one.message['type']} {one.id}")
    return f'<article class="card"><p class="who">{head}</p><pre>{body}</pre></article>'


def _issue(one: Issue) -> str:
    assignee = f" · {html.escape(one.assignee)}" if one.assignee else ""
    state = f"<b>{one.status}</b> · {one.substatus or ''}{assignee}"
    return f"<article><h2>{html.escape(one.organisation)} {one.id}</h2><p>{state}</p></article>"

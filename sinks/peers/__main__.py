"""Run a local service by hand: `python -m sinks.peers slack`, or pagerduty, sentry, email, teams,
webhook.

It prints what to set so that Stormfold, or anything else, talks to it, where to look at it, and
every call. Ctrl-C or SIGTERM ends it; what it held is gone then.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Final

from sinks.peers.control import add_control, line_of
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_by_hand import add_people as add_pager_people
from sinks.peers.pagerduty_webhooks import Webhooks
from sinks.peers.sentry import SentryPeer
from sinks.peers.serve import Peer
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_by_hand import add_people
from sinks.peers.slack_people import HttpApp
from sinks.peers.slack_socket import SocketApp
from sinks.peers.teams import TeamsPeer
from sinks.peers.webhook import WebhookPeer

TOKEN = "xoxb-local-only"
SIGNING_SECRET = "signing-local-only"
KEY = "localonly0localonly0localonly0lo"
WEBHOOK_SECRET = "local-only-webhook-secret"
SENTRY_TOKEN = "sntrys_local-only"
MAIL_USER = "stormfold"
MAIL_PASSWORD = "local-only"
HOOK_SECRET = "whsec_bG9jYWwgb25seSwgbG9jYWwgb25seSwgbG9jYWw="


def main() -> None:
    """Run until a signal comes."""
    options = _parser().parse_args()
    peer = _MADE[options.service](options)
    given = getattr(options, _SECRET_OPTION.get(options.service, "token"), "")
    secret = "" if given else _USUAL.get(options.service, "")
    if options.fault:
        peer.fail(Fault(options.fault), share=options.share, word=options.word)
    add_control(peer)
    peer.heard = lambda call: print(line_of(call), flush=True)
    try:
        asyncio.run(_run(peer, secret, options))
    except OSError as error:
        raise SystemExit(f"cannot listen on port {options.port}: {error.strerror}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sinks.peers", description=__doc__)
    services = parser.add_subparsers(dest="service", required=True)
    slack = services.add_parser("slack", help="the Web API, incoming webhooks")
    slack.add_argument("--token", help=f"the one bot token that is let in; default: {TOKEN}")
    slack.add_argument("--channel", action="append", help="a name; may be given several times")
    slack.add_argument("--app", default="", help="address that takes what people do")
    slack.add_argument("--signing-secret", help=f"with --app; default: {SIGNING_SECRET}")
    slack.add_argument("--app-token", default="", help="xapp-...: Socket Mode in place of --app")
    slack.add_argument("--per-second", type=float, default=1.0, help="messages per channel")
    pager = services.add_parser("pagerduty", help="the Events API v2")
    pager.add_argument(
        "--key",
        action="append",
        help=f"a routing key of 32 characters; may be given several times; default: {KEY}",
    )
    pager.add_argument("--webhooks", metavar="URL", help="where its webhooks go; default: nowhere")
    pager.add_argument("--webhook-secret", help=f"what signs them; default: {WEBHOOK_SECRET}")
    sentry = services.add_parser("sentry", help="the API of issues")
    sentry.add_argument("--token", help=f"the one token that is let in; default: {SENTRY_TOKEN}")
    sentry.add_argument("--organisation", default="shop", help="its slug")
    sentry.add_argument("--issue", action="append", help="the number of an issue that is there")
    sentry.add_argument("--team", action="append", help="the slug of a team")
    sentry.add_argument("--person", action="append", help="whom an issue can be assigned to")
    mail = services.add_parser("email", help="SMTP, without TLS")
    mail.add_argument("--password", help=f"of the user {MAIL_USER}; default: {MAIL_PASSWORD}")
    mail.add_argument("--look-port", type=int, default=0, help="of its page; default: a free one")
    teams = services.add_parser("teams", help="workflows that post cards")
    teams.add_argument("--workflow", action="append", help="a name; may be given several times")
    hooks = services.add_parser("webhook", help="receivers of signed webhooks")
    hooks.add_argument("--receiver", action="append", help="a name; may be given several times")
    hooks.add_argument("--secret", help=f"whsec_..., of all of them; default: {HOOK_SECRET}")
    for one in (slack, pager, sentry, mail, teams, hooks):
        one.add_argument("--host", default="127.0.0.1", help="address to listen on")
        one.add_argument("--port", type=int, default=0, help="default: a free one")
        one.add_argument("--fault", choices=[str(fault) for fault in Fault])
        one.add_argument("--share", type=float, default=0.1, help="of the calls, with --fault")
        one.add_argument("--word", default="", help="what the fault `refused` answers")
        one.add_argument("--seed", type=int, default=0)
    return parser


def _slack(options: argparse.Namespace) -> SlackPeer:
    names = options.channel or ["incidents"]
    ids = {f"C0{''.join(filter(str.isalnum, name)).upper()}": name for name in names}
    peer = SlackPeer(
        token=options.token or TOKEN,
        channels=ids,
        per_second=options.per_second,
        host=options.host,
        port=options.port,
        seed=options.seed,
    )
    if options.app_token:
        add_people(peer, SocketApp(peer, options.app_token).send)
    elif options.app:
        add_people(
            peer, HttpApp(options.app, options.signing_secret or SIGNING_SECRET, peer.clock).send
        )
    return peer


def _pagerduty(options: argparse.Namespace) -> PagerDutyPeer:
    keys = options.key or [KEY]
    return PagerDutyPeer(routing_keys=keys, host=options.host, port=options.port, seed=options.seed)


def _sentry(options: argparse.Namespace) -> SentryPeer:
    peer = SentryPeer(
        tokens={options.organisation: options.token or SENTRY_TOKEN},
        teams={slug: number for number, slug in enumerate(options.team or [], start=1)},
        people={name: number for number, name in enumerate(options.person or [], start=1)},
        host=options.host,
        port=options.port,
        seed=options.seed,
    )
    for number in options.issue or ["1"]:
        peer.add_issue(number)
    return peer


def _email(options: argparse.Namespace) -> EmailPeer:
    return EmailPeer(
        users={MAIL_USER: options.password or MAIL_PASSWORD},
        host=options.host,
        port=options.look_port,
        smtp_port=options.port,
        seed=options.seed,
    )


def _teams(options: argparse.Namespace) -> TeamsPeer:
    names = options.workflow or ["incidents"]
    return TeamsPeer(workflows=names, host=options.host, port=options.port, seed=options.seed)


def _webhook(options: argparse.Namespace) -> WebhookPeer:
    secret = options.secret or HOOK_SECRET
    names = options.receiver or ["mender"]
    return WebhookPeer(
        secrets=dict.fromkeys(names, secret),
        host=options.host,
        port=options.port,
        seed=options.seed,
    )


_MADE: Final[dict[str, Callable[[argparse.Namespace], Peer]]] = {
    "slack": _slack,
    "pagerduty": _pagerduty,
    "sentry": _sentry,
    "email": _email,
    "teams": _teams,
    "webhook": _webhook,
}
_USUAL: Final = {
    "slack": TOKEN,
    "pagerduty": KEY,
    "sentry": SENTRY_TOKEN,
    "email": MAIL_PASSWORD,
    "webhook": HOOK_SECRET,
}
"""The secret of a service that was given none."""
_SECRET_OPTION: Final = {"pagerduty": "key", "email": "password", "webhook": "secret"}
"""The option that gives it, where it is no token."""


async def _run(peer: Peer, secret: str, options: argparse.Namespace) -> None:
    webhooks = _webhooks(peer, options)
    async with peer, contextlib.AsyncExitStack() as stack:
        print(_told(peer, secret), flush=True)
        if isinstance(peer, SlackPeer) and options.app and not options.signing_secret:
            print(f"export SLACK_SIGNING_SECRET={SIGNING_SECRET}", flush=True)
        if webhooks is not None:
            # As with a key: what somebody gave is not printed.
            if not options.webhook_secret:
                print(f"export PAGERDUTY_WEBHOOK_SECRET={WEBHOOK_SECRET}", flush=True)
            serving = asyncio.create_task((await stack.enter_async_context(webhooks)).serve())
            stack.callback(serving.cancel)
        ended = asyncio.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, ended.set)
        await ended.wait()


def _webhooks(peer: Peer, options: argparse.Namespace) -> Webhooks | None:
    """Return where a PagerDuty sends what people do, who can do it by hand then."""
    if not (isinstance(peer, PagerDutyPeer) and options.webhooks):
        return None
    signs = options.webhook_secret or WEBHOOK_SECRET
    webhooks = Webhooks(peer, url=options.webhooks, secrets=[signs])
    add_pager_people(peer, webhooks)
    return webhooks


def _told(peer: Peer, secret: str) -> str:
    """Return what to set; with a token or key of our own, not with one that somebody gave."""
    lines = [f"look at it      {peer.origin}/"]
    if isinstance(peer, SlackPeer):
        names = [one.name for one in peer.workspace.channels.values()]
        known = f" SLACK_BOT_TOKEN={secret}" if secret else ""
        lines.append(f"export SLACK_BASE_URL={peer.base_url} SLACK_CHANNEL='#{names[0]}'{known}")
        lines += [f"webhook         {peer.webhook_url(one)}  (#{one})" for one in names]
    elif isinstance(peer, EmailPeer):
        known = f" SMTP_PASSWORD={secret}" if secret else ""
        lines.append(f"export SMTP_HOST=127.0.0.1 SMTP_PORT={peer.smtp_port}{known}")
        lines.append(
            f"and in the file: sinks.email: {{port: ${{SMTP_PORT}}, user: {MAIL_USER}, tls: none}}"
        )
    elif isinstance(peer, TeamsPeer):
        names = peer.workflows
        lines.append(f"export TEAMS_WORKFLOW_URL='{peer.workflow_url(names[0])}'")
        lines += [f"workflow        {peer.workflow_url(one)}  ({one})" for one in names]
    elif isinstance(peer, WebhookPeer):
        # As the example configuration calls them: MENDER_URL, MENDER_SECRET.
        name = peer.receivers[0].upper().replace("-", "_")
        known = f" {name}_SECRET={secret}" if secret else ""
        lines.append(f"export {name}_URL={peer.url(peer.receivers[0])}{known}")
        lines += [f"receiver        {peer.url(one)}" for one in peer.receivers]
    elif isinstance(peer, SentryPeer):
        known = f" SENTRY_API_TOKEN={secret}" if secret else ""
        lines.append(f"export SENTRY_API_URL={peer.base_url}{known}")
    else:
        known = f" PAGERDUTY_ROUTING_KEY={secret}" if secret else ""
        lines.append(f"export PAGERDUTY_BASE_URL={peer.origin}{known}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

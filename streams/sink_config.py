"""The sinks that a configuration names, made ready to send."""

from __future__ import annotations

import socket
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path

from sinks.base import Sink
from sinks.console import ConsoleSink
from sinks.email import EmailSink
from sinks.file import FileSink
from sinks.pagerduty import PagerDutySink
from sinks.pagerduty_rest import PagerDutyRest
from sinks.person import PersonMailSink, PersonSlackSink
from sinks.sentry import Organisation, SentrySink
from sinks.slack import SlackSink
from sinks.slack_ephemeral import SlackEphemeralSink
from sinks.slack_webhook import SlackWebhookSink
from sinks.smtp import Server
from sinks.smtp_words import WHOLE_NAME
from sinks.teams import TeamsSink
from sinks.webhook import Endpoint, WebhookSink
from streams.describe import needed
from streams.forms_config import make_forms
from streams.mailing import Email
from streams.people import in_sentry
from streams.settings import PagerDuty, Settings


def make_sinks(settings: Settings) -> list[Sink]:
    """Return every configured sink, and the console where nothing else is told.

    Raises:
        SettingsError: a secret that a sink needs is not there.
    """
    sinks: list[Sink] = []
    slack, pagerduty = settings.sinks.slack, settings.sinks.pagerduty
    mentions = {name: one.slack for name, one in settings.teams.items() if one.slack}
    forms = make_forms(settings)
    if slack is not None and slack.channels and needed(settings, SlackSink.name):
        sinks.append(
            SlackSink(
                token=slack.token.reveal(),
                channels=slack.channels,
                mentions=mentions,
                buttons=settings.slack_in is not None,
                forms=forms,
                base_url=slack.base_url,
            )
        )
    ids = {name: one.slack for name, one in settings.people.items() if one.slack}
    if slack is not None and slack.channels and ids and needed(settings, PersonSlackSink.name):
        sinks.append(
            PersonSlackSink(
                token=slack.token.reveal(),
                people=ids,
                buttons=settings.slack_in is not None,
                base_url=slack.base_url,
            )
        )
    if slack is not None and settings.slack_in is not None and needed(settings, SlackSink.name):
        sinks.append(SlackEphemeralSink(token=slack.token.reveal(), base_url=slack.base_url))
    if slack is not None and slack.webhooks and needed(settings, SlackWebhookSink.name):
        webhooks = {name: url.reveal() for name, url in slack.webhooks.items()}
        sinks.append(SlackWebhookSink(webhooks=webhooks, mentions=mentions, forms=forms))
    if pagerduty is not None and needed(settings, PagerDutySink.name):
        sinks.append(
            PagerDutySink(
                routing_keys={name: key.reveal() for name, key in pagerduty.routing_keys.items()},
                changes=pagerduty.changes,
                rest=_rest(pagerduty),
                base_url=pagerduty.base_url,
            )
        )
    if (email := settings.sinks.email) is not None and needed(settings, EmailSink.name):
        server, sender = _server(email)
        sinks.append(
            EmailSink(
                server=server,
                sender=sender,
                lists=email.lists,
                list_id=email.list_id,
                forms=forms,
            )
        )
    addresses = {name: one.email for name, one in settings.people.items() if one.email}
    if email is not None and addresses and needed(settings, PersonMailSink.name):
        server, sender = _server(email)
        sinks.append(PersonMailSink(server=server, sender=sender, people=addresses))
    if (teams := settings.sinks.teams) is not None and needed(settings, TeamsSink.name):
        workflows = {name: url.reveal() for name, url in teams.workflows.items()}
        sinks.append(TeamsSink(workflows=workflows, forms=forms))
    if (webhook := settings.sinks.webhook) is not None and needed(settings, WebhookSink.name):
        endpoints = {
            name: Endpoint(
                url=one.url.reveal(), secrets=tuple(secret.reveal() for secret in one.secrets)
            )
            for name, one in webhook.endpoints.items()
        }
        sinks.append(WebhookSink(endpoints=endpoints, internal=webhook.internal))
    if (sentry := settings.sentry) is not None and needed(settings, SentrySink.name):
        organisation = Organisation(
            slug=sentry.organisation, token=sentry.token.reveal(), api_url=sentry.api_url
        )
        sinks.append(
            SentrySink(organisations={"default": organisation}, people=in_sentry(settings.people))
        )
    named = settings.sinks.console is not None or "console:default" in settings.routes.tell
    if named and needed(settings, ConsoleSink.name):
        sinks.append(ConsoleSink())
    if settings.sinks.file is not None and needed(settings, FileSink.name):
        sinks.append(FileSink(Path(settings.sinks.file.path)))
    return sinks


def _server(email: Email) -> tuple[Server, Address]:
    """Return what takes mails, from this machine, and in whose name they are."""
    name = socket.gethostname()
    server = Server(
        host=email.host,
        port=email.port,
        tls=email.tls,
        user=email.user,
        password=email.password.reveal() if email.user else "",
        # A name of one word names no host to anybody else: many servers refuse it.
        name=name if WHOLE_NAME.fullmatch(name) else "",
    )
    whose, address = parseaddr(email.sender)
    sender = Address(display_name=whose, addr_spec=address)
    return server, sender


def _rest(pagerduty: PagerDuty) -> PagerDutyRest | None:
    """Return what looks for incidents, None without a token."""
    if pagerduty.api_token is None:
        return None
    return PagerDutyRest(token=pagerduty.api_token.reveal(), api_url=pagerduty.api_url)

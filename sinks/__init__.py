"""The sinks by name: one line per sink. Importing this package imports none of them.

A sink is imported only when a configuration names it, so that the outbox, which is pure, pulls in
no client library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from sinks.base import Sink

SINKS: Final = {
    "slack": "sinks.slack:SlackSink",
    "slack_ephemeral": "sinks.slack_ephemeral:SlackEphemeralSink",
    "slack_webhook": "sinks.slack_webhook:SlackWebhookSink",
    "pagerduty": "sinks.pagerduty:PagerDutySink",
    "email": "sinks.email:EmailSink",
    "person_slack": "sinks.person:PersonSlackSink",
    "person_mail": "sinks.person:PersonMailSink",
    "sentry": "sinks.sentry:SentrySink",
    "teams": "sinks.teams:TeamsSink",
    "webhook": "sinks.webhook:WebhookSink",
    "console": "sinks.console:ConsoleSink",
    "file": "sinks.file:FileSink",
}
"""Where the class of each sink stands, by the name before the colon of a destination."""


def sink_class(name: str) -> type[Sink]:
    """Return the class of the sink that this name stands for.

    Raises:
        KeyError: there is no sink of this name.
    """
    module, _, attribute = SINKS[name].partition(":")
    found: type[Sink] = getattr(import_module(module), attribute)
    return found

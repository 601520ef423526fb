"""The sinks that a configuration names, made ready to send."""

from __future__ import annotations

from pathlib import Path

from sinks.base import Sink
from sinks.console import ConsoleSink
from sinks.file import FileSink
from sinks.pagerduty import PagerDutySink
from sinks.slack import SlackSink
from streams.settings import Settings


def make_sinks(settings: Settings) -> list[Sink]:
    """Return every configured sink, and the console where nothing else is told.

    Raises:
        SettingsError: a secret that a sink needs is not there.
    """
    sinks: list[Sink] = []
    slack, pagerduty = settings.sinks.slack, settings.sinks.pagerduty
    if slack is not None:
        sinks.append(
            SlackSink(token=slack.token.reveal(), channels=slack.channels, base_url=slack.base_url)
        )
    if pagerduty is not None:
        sinks.append(
            PagerDutySink(
                routing_keys={"default": pagerduty.routing_key.reveal()},
                base_url=pagerduty.base_url,
            )
        )
    if "console:default" in settings.routes.tell:
        sinks.append(ConsoleSink())
    if settings.sinks.file is not None:
        sinks.append(FileSink(Path(settings.sinks.file.path)))
    return sinks

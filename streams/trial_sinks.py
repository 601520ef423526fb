"""The one sink that serves a destination, for a test: made without the secrets of the others.

Beside what the settings name: a mail address (`email:ada@example.com`) and a channel of the Slack
workspace (`slack:#incidents`, or its id). In shadow mode too: who asks for a test means it.

    NoSuchPlace     the destination cannot be tested; one line says why, without any address
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from correlators.change_events import PLACE
from correlators.channel_links import is_channel
from sinks import SINKS
from sinks.base import Sink
from sinks.email import EmailSink
from sinks.person import PersonMailSink, PersonSlackSink
from sinks.sentry import SentrySink
from sinks.slack_ephemeral import SlackEphemeralSink
from sinks.slack_webhook import SlackWebhookSink
from streams.describe import missing_for_sinks
from streams.references import SettingsError
from streams.settings import Settings
from streams.settings_email import address_of
from streams.settings_sinks import PagerDuty, Sinks
from streams.sink_config import make_sinks

ASKED: Final = "test"
"""What a channel or an address that the settings do not name is called."""

_NAMED: Final = {
    "slack": "channels",
    "slack_webhook": "webhooks",
    "pagerduty": "routing_keys",
    "email": "lists",
    "teams": "workflows",
    "webhook": "endpoints",
}
"""By sink, what names its destinations in the settings; the others have one each."""
_PARTS: Final = {
    SlackWebhookSink.name: "slack",
    PersonSlackSink.name: "slack",
    PersonMailSink.name: "email",
}
"""By sink, the part of the settings that it comes from, where that is called otherwise."""
_NO_MESSAGES: Final = {
    SlackEphemeralSink.name: "is told only to whoever has just pressed a button",
    SentrySink.name: "changes issues and takes no messages: `stormfold run` says at its start "
    "whether the token is right",
}

PEOPLE_SHOWN: Final = 20
"""Of whom can be told a test, where somebody asks for nobody."""


class NoSuchPlace(Exception):
    """The destination cannot be tested; one line says why."""


class Place(NamedTuple):
    """A destination with the sink that serves it."""

    sink: Sink
    destination: str
    """As the sink knows it."""
    shown: str
    """As it may be told: without an address."""
    settings: str
    """The key of `stormfold.yaml` that it comes from."""


def place_of(settings: Settings, asked: str) -> Place:
    """Return the destination that was asked for, with a sink that serves it; close that one.

    Raises:
        NoSuchPlace: there is no such destination, or none that takes a message.
        SettingsError: a secret that this sink needs is not there.
    """
    name, _, at = asked.partition(":")
    if name not in SINKS or not at:
        raise NoSuchPlace(
            f"expected a destination such as slack:incidents, one of: {_known(settings)}"
        )
    if name in _NO_MESSAGES:
        raise NoSuchPlace(f"{name} {_NO_MESSAGES[name]}")
    part = _PARTS.get(name, name)
    if getattr(settings.sinks, part, None) is None:
        raise NoSuchPlace(f"the settings have no sinks.{part}; they have: {_known(settings)}")
    found, destination, shown = _adopted(settings.sinks, name, at)
    alone = msgspec.structs.replace(
        settings, sinks=_only(found, destination, part), shadow=None, sentry=None, slack_in=None
    )
    if missing := missing_for_sinks(alone):
        raise SettingsError(*missing)
    for sink in make_sinks(alone):
        if destination in sink.destinations:
            return Place(sink, destination, shown, f"sinks.{part}")
    # Not what was asked for: whoever mistakes a key or an address for a name shows none.
    raise NoSuchPlace(f"the settings have no such destination; they have: {_known(settings)}")


def _adopted(sinks: Sinks, name: str, at: str) -> tuple[Sinks, str, str]:
    """Return the sinks with what they do not name, its destination, and how that may be told."""
    asked, test = f"{name}:{at}", f"{name}:{ASKED}"
    if name == EmailSink.name and sinks.email is not None and "@" in at:
        address = address_of(at)
        if not address:
            raise NoSuchPlace("expected an address such as email:ada@example.com")
        email = msgspec.structs.replace(sinks.email, lists={ASKED: (address,)})
        return msgspec.structs.replace(sinks, email=email), test, "email: one address"
    slack = sinks.slack
    channel = is_channel(asked) or asked.startswith("slack:#")
    if slack is not None and channel and at not in slack.channels:
        slack = msgspec.structs.replace(slack, channels={ASKED: at})
        return msgspec.structs.replace(sinks, slack=slack), test, asked
    return sinks, asked, asked


def _only(sinks: Sinks, destination: str, part: str) -> Sinks:
    """Return the settings of one destination alone, so that no other's secret is needed."""
    name, _, at = destination.removesuffix(PLACE).partition(":")
    others = [other for other in sinks.__struct_fields__ if other != part]
    alone = msgspec.structs.replace(sinks, **dict.fromkeys(others))
    of = getattr(alone, part)
    for field in {*_NAMED.values()} & {*of.__struct_fields__}:
        known = getattr(of, field) if field == _NAMED.get(name) else {}
        kept = {at: known[at]} if at in known else {}
        if name == PersonSlackSink.name and field == "channels":
            kept = getattr(of, field)  # without one there is no bot
        of = msgspec.structs.replace(of, **{field: kept})
    if isinstance(of, PagerDuty):
        of = msgspec.structs.replace(
            of, changes=tuple(one for one in of.changes if one == at), api_token=None
        )
    return msgspec.structs.replace(alone, **{part: of})


def _known(settings: Settings) -> str:
    """Return what can be tested, as the settings name it."""
    sinks = settings.sinks
    known = [*sinks.chats, *sinks.pagers]
    if sinks.pagerduty is not None:
        known += [f"pagerduty:{key}{PLACE}" for key in sinks.pagerduty.changes]
    people = [
        f"{sink}:{name}"
        for name, one in settings.people.items()
        for sink, there in (
            (PersonSlackSink.name, one.slack and sinks.slack is not None),
            (PersonMailSink.name, one.email and sinks.email is not None),
        )
        if there
    ][:PEOPLE_SHOWN]
    return ", ".join((*known, *people)) or "none"

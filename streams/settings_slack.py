"""The keys `sinks.slack` and `slack_in` of `stormfold.yaml`.

Called by `settings_read`, which has the other sinks. What a webhook's URL must look like is checked
where secrets are read (`wrong_urls`): the file holds references.
"""

from __future__ import annotations

import re
from typing import Final

from yaml.nodes import Node, ScalarNode

from streams.references import Secret, SettingsError
from streams.settings_sinks import Slack
from streams.settings_types import Clock, SlackIn
from streams.settings_urls import base_url
from streams.yaml_reader import Reader

WEBHOOKS_MOST: Final = 500
"""Webhooks; each has a bucket."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NAME_SAYS: Final = "a name of at most 40 of a-z, A-Z, 0-9, '_' and '-'"
_CHANNEL: Final = re.compile(r"#?[^\s#,]{1,80}")
_URL: Final = re.compile(r"https?://[^\s/@?#]+/[^\s@?#]+")
_PATH: Final = "sinks.slack"


def slack_of(reader: Reader, node: Node) -> Slack:
    """Return what the file says of Slack; what is wrong is noted in the reader."""
    key = reader.section(node, _PATH, ("token", "base_url", "channels", "webhooks"))
    webhooks = _webhooks(reader, key.get("webhooks"))
    channels: dict[str, str] = {}
    named = reader.section(key.get("channels"), f"{_PATH}.channels", None)
    for name, channel in named.items():
        path = f"{_PATH}.channels.{name}"
        if not _NAME.fullmatch(name):
            reader.problem(channel, path, f"expected {_NAME_SAYS} as the key")
        says = 'a channel such as "#incidents" (in quotes) or its id'
        channels[name] = reader.text(channel, path, "#incidents", _CHANNEL, says)
    if "channels" not in key and not webhooks:
        channels["incidents"] = "#incidents"
    elif "channels" in key and not named:
        reader.problem(
            key["channels"],
            f"{_PATH}.channels",
            'expected at least one, such as {incidents: "#incidents"}, found none',
        )
    return Slack(
        token=reader.secret(key.get("token"), f"{_PATH}.token", "${SLACK_BOT_TOKEN}"),
        base_url=base_url(
            reader, key.get("base_url"), f"{_PATH}.base_url", "https://slack.com/api/"
        ),
        channels=channels,
        webhooks=webhooks,
    )


MEMBERS_MOST: Final = 50
"""Groups and users by key."""
MAY: Final = ("page", "silence", "merge", "link")
"""What may be kept to groups."""
_WHO: Final = re.compile(r"[SUW][A-Z0-9]{2,20}")


def slack_in_of(
    reader: Reader, node: Node | None, slack: Slack | None, clock: Clock
) -> SlackIn | None:
    """Return what comes back from Slack, None where the file does not ask for it.

    Args:
        slack: whose bot answers.
        clock: acts carry the time of a clock, so `data` takes none.
    """
    if node is None or (isinstance(node, ScalarNode) and not node.value):
        return None
    path = "slack_in"
    key = reader.section(node, path, ("signing_secrets", "app_token", "groups"))
    entries = reader.entries(key.get("signing_secrets"), f"{path}.signing_secrets", "secrets")
    token = key.get("app_token")
    if not entries and token is None:
        reader.problem(node, path, "expected signing_secrets, or app_token for Socket Mode")
    elif slack is None or not slack.channels:
        reader.problem(node, path, "expected sinks.slack with a channel: its bot answers")
    elif clock is Clock.DATA:
        reader.problem(node, path, "it is taken under clock: wall only, and this is clock: data")
    groups: dict[str, tuple[str, ...]] = {}
    for name, who in reader.section(key.get("groups"), f"{path}.groups", MAY).items():
        at = f"{path}.groups.{name}"
        members = reader.entries(who, at, "user groups and users") or ()
        says = "the id of a user group (S...) or a user (U..., W...)"
        groups[name] = tuple(
            reader.text(one, f"{at}[{place}]", "", _WHO, says) for place, one in enumerate(members)
        )
        if len(members) > MEMBERS_MOST:
            reader.problem(who, at, f"expected at most {MEMBERS_MOST}")
    return SlackIn(
        signing_secrets=tuple(
            reader.secret(one, f"{path}.signing_secrets[{place}]", "")
            for place, one in enumerate(entries or ())
        ),
        app_token=reader.secret(token, f"{path}.app_token", "") if token is not None else None,
        groups=groups,
    )


def _webhooks(reader: Reader, node: Node | None) -> dict[str, Secret]:
    path = f"{_PATH}.webhooks"
    named = reader.section(node, path, None)
    if node is not None and not named:
        says = "expected at least one, such as {team: ${SLACK_WEBHOOK_URL}}, found none"
        reader.problem(node, path, says)
    if node is not None and len(named) > WEBHOOKS_MOST:
        reader.problem(node, path, f"expected at most {WEBHOOKS_MOST}")
    found: dict[str, Secret] = {}
    for name, entry in named.items():
        if not _NAME.fullmatch(name):
            reader.problem(entry, path, f"expected {_NAME_SAYS} as the key")
        else:
            found[name] = reader.secret(entry, f"{path}.{name}", "")
    return found


def wrong_urls(slack: Slack) -> list[str]:
    """Return a line for every webhook that is there and is no address; none shows it."""
    found = []
    for secret in slack.webhooks.values():
        try:
            url = secret.reveal()
        except SettingsError:
            continue  # that it is not there is told by itself
        if not _URL.fullmatch(url):
            found.append(
                f"{secret.place}: {secret.source} is no address of an incoming webhook, such as "
                "https://hooks.slack.com/services/..."
            )
    return found

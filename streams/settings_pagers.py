"""The keys `sinks.pagerduty` of `stormfold.yaml`.

Called by `settings_read`, which has the other sinks. What a routing key must look like is checked
where secrets are read (`wrong_keys`): the file holds references.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from yaml.nodes import Node, SequenceNode

from streams.references import Secret, SettingsError
from streams.settings_sinks import PagerDuty
from streams.settings_urls import base_url
from streams.settings_words import word
from streams.yaml_reader import Reader

KEY_CHARS: Final = 32
KEYS_MOST: Final = 500
"""Routing keys; each has a bucket and a line in metrics."""

REGIONS: Final = {
    "us": ("https://events.pagerduty.com", "https://api.pagerduty.com"),
    "eu": ("https://events.eu.pagerduty.com", "https://api.eu.pagerduty.com"),
}
"""Where events and look-ups go, by the region of the account."""

_KEYS: Final = (
    "routing_key",
    "routing_keys",
    "region",
    "base_url",
    "changes",
    "api_token",
    "api_url",
    "webhook_secrets",
    "escalation_policies",
)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ID: Final = re.compile(r"[A-Z0-9]{6,20}")
_PATH: Final = "sinks.pagerduty"


def pagerduty_of(reader: Reader, node: Node) -> PagerDuty:
    """Return what the file says of PagerDuty; what is wrong is noted in the reader."""
    key = reader.section(node, _PATH, _KEYS)
    keys = _routing_keys(reader, key)
    region = word(reader, key.get("region"), f"{_PATH}.region", "us", REGIONS)
    events, api = REGIONS[region]
    token = key.get("api_token")
    return PagerDuty(
        routing_keys=keys,
        base_url=base_url(reader, key.get("base_url"), f"{_PATH}.base_url", events, empty=True),
        changes=_changes(reader, key.get("changes"), keys),
        api_token=None if token is None else reader.secret(token, f"{_PATH}.api_token", ""),
        api_url=base_url(reader, key.get("api_url"), f"{_PATH}.api_url", api, empty=True),
        policies=_policies(reader, key, keys),
        webhook_secrets=_webhook_secrets(reader, key.get("webhook_secrets")),
    )


def _routing_keys(reader: Reader, key: dict[str, Node]) -> dict[str, Secret]:
    """Return the keys by name, `routing_key` as `default` and first."""
    found: dict[str, Secret] = {}
    if "routing_key" in key or "routing_keys" not in key:
        usual = "${PAGERDUTY_ROUTING_KEY}"
        found["default"] = reader.secret(key.get("routing_key"), f"{_PATH}.routing_key", usual)
    path = f"{_PATH}.routing_keys"
    named = reader.section(key.get("routing_keys"), path, None)
    if "routing_keys" in key and not named:
        says = "expected at least one, such as {payments: ${PAYMENTS_KEY}}, found none"
        reader.problem(key["routing_keys"], path, says)
    if len(named) > KEYS_MOST:
        reader.problem(key["routing_keys"], path, f"expected at most {KEYS_MOST}")
    for name, entry in named.items():
        if not _NAME.fullmatch(name):
            says = "a name of at most 40 of a-z, A-Z, 0-9, '_' and '-'"
            reader.problem(entry, path, f"expected {says} as the key")
        elif name in found:
            reader.problem(entry, f"{path}.{name}", "is what routing_key is called already")
        else:
            found[name] = reader.secret(entry, f"{path}.{name}", "")
    return found


def _policies(reader: Reader, key: dict[str, Node], keys: Collection[str]) -> dict[str, str]:
    """Return the escalation policy of each routing key that has one: who is on call is asked."""
    node, path = key.get("escalation_policies"), f"{_PATH}.escalation_policies"
    named = reader.section(node, path, keys)
    if node is not None and "api_token" not in key:
        reader.problem(node, path, "who is on call is asked with an api_token, found none")
    says = "the id of an escalation policy, such as PABC123"
    return {
        name: reader.text(entry, f"{path}.{name}", "", _ID, says) for name, entry in named.items()
    }


def _webhook_secrets(reader: Reader, node: Node | None) -> tuple[Secret, ...]:
    path = f"{_PATH}.webhook_secrets"
    entries = reader.entries(node, path, "secrets") or ()
    return tuple(reader.secret(entry, f"{path}[{at}]", "") for at, entry in enumerate(entries))


def _changes(reader: Reader, node: Node | None, keys: Collection[str]) -> tuple[str, ...]:
    """Return the names of the keys whose services are told of deploys: a list, or yes for all."""
    path = f"{_PATH}.changes"
    if isinstance(node, SequenceNode):
        entries = reader.entries(node, path, "names") or []
        names = [word(reader, one, f"{path}[{at}]", "", keys) for at, one in enumerate(entries)]
        return tuple(dict.fromkeys(name for name in names if name))
    return tuple(keys) if reader.boolean(node, path, False) else ()


def wrong_keys(pagerduty: PagerDuty) -> list[str]:
    """Return a line for every routing key that is there and cannot be one; none shows it."""
    found = []
    for secret in pagerduty.routing_keys.values():
        try:
            key = secret.reveal()
        except SettingsError:
            continue  # that it is not there is told by itself
        wants = f"an integration key of the Events API v2 has {KEY_CHARS}"
        if len(key) != KEY_CHARS:
            wrong = f"has {len(key)} characters, {wants}"
        elif not (key.isascii() and key.isalnum()):
            wrong = f"has other characters than letters and digits, {wants} of these"
        else:
            continue
        found.append(f"{secret.place}: {secret.source} {wrong}")
    return found

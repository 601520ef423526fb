"""The key `sinks.webhook` of `stormfold.yaml`: what it is, how it is read, what `check` shows.

What an address and a secret must look like is checked where secrets are read (`wrong_endpoints`):
the file holds references.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

import msgspec
from yaml.nodes import Node

from sinks.addresses import Network
from sinks.webhook_signature import SAYS, key_of
from streams.references import Secret, SettingsError
from streams.settings_urls import callable_url
from streams.yaml_reader import Reader

ENDPOINTS_MOST: Final = 500
"""Endpoints; each has a bucket."""
SECRETS_MOST: Final = 4
NETWORKS_MOST: Final = 20

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_URL: Final = re.compile(r"https?://[^\s/@?#]+(/[^\s@#]*)?")
_NETWORK: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?")
_PATH: Final = "sinks.webhook"


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint, whose address may be a secret too."""

    url: Secret
    secrets: tuple[Secret, ...]
    """All of them sign."""


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Receivers of signed webhooks; each is the destination `webhook:<its key>`."""

    endpoints: dict[str, Receiver]
    internal: tuple[Network, ...] = ()
    """Networks that are not public and may be called."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination, in the order of the file."""
        return tuple(f"webhook:{name}" for name in self.endpoints)

    @property
    def all_secrets(self) -> list[Secret]:
        """Every reference of every endpoint."""
        return [ref for one in self.endpoints.values() for ref in (one.url, *one.secrets)]


def webhooks_of(reader: Reader, node: Node) -> Webhooks:
    """Return what the file says of webhooks; what is wrong is noted in the reader."""
    key = reader.section(node, _PATH, ("endpoints", "internal"))
    path = f"{_PATH}.endpoints"
    named = reader.section(key.get("endpoints"), path, None)
    if not named:
        says = "expected at least one, such as {mender: {url: ..., secrets: [...]}}, found none"
        reader.problem(key.get("endpoints", node), path, says)
    if len(named) > ENDPOINTS_MOST:
        reader.problem(key["endpoints"], path, f"expected at most {ENDPOINTS_MOST}")
    found: dict[str, Receiver] = {}
    for name, entry in named.items():
        if not _NAME.fullmatch(name):
            says = "expected a name of at most 40 of a-z, A-Z, 0-9, '_' and '-' as the key"
            reader.problem(entry, path, says)
        else:
            found[name] = _receiver(reader, entry, f"{path}.{name}")
    return Webhooks(endpoints=found, internal=_networks(reader, key.get("internal")))


def _receiver(reader: Reader, node: Node, path: str) -> Receiver:
    key = reader.section(node, path, ("url", "secrets"))
    if "url" not in key:
        reader.problem(node, f"{path}.url", "expected the address of a receiver, found none")
    before = reader.noted
    entries = reader.entries(key.get("secrets"), f"{path}.secrets", "secrets") or []
    if reader.noted == before and not 1 <= len(entries) <= SECRETS_MOST:
        says = f"expected a list of 1 to {SECRETS_MOST} secrets, {SAYS}, found {len(entries)}"
        reader.problem(key.get("secrets", node), f"{path}.secrets", says)
    return Receiver(
        url=reader.secret(key.get("url"), f"{path}.url", ""),
        secrets=tuple(
            reader.secret(one, f"{path}.secrets[{at}]", "") for at, one in enumerate(entries)
        ),
    )


def _networks(reader: Reader, node: Node | None) -> tuple[Network, ...]:
    path = f"{_PATH}.internal"
    says = "a network such as 10.20.0.0/16 or fd00::/8"
    entries = reader.entries(node, path, "networks") or []
    if node is not None and len(entries) > NETWORKS_MOST:
        reader.problem(node, path, f"expected at most {NETWORKS_MOST}")
    found: list[Network] = []
    for at, one in enumerate(entries):
        text = reader.text(one, f"{path}[{at}]", "", _NETWORK, says)
        try:
            found += [ip_network(text)] if text else []
        except ValueError:
            reader.problem(one, f"{path}[{at}]", f"expected {says}, with no bits beside the mask")
    return tuple(found)


def shown(webhooks: Webhooks) -> list[tuple[str, str, str, Secret]]:
    """Return (destination, to, through, secret) of each endpoint, for `check`."""
    to = "a receiver of signed webhooks: at least once, under one id"
    return [
        (f"webhook:{name}", to, f"a webhook, signed by {len(one.secrets)}", one.secrets[0])
        for name, one in webhooks.endpoints.items()
    ]


def wrong_endpoints(webhooks: Webhooks) -> list[str]:
    """Return a line for every address and secret that is there and is none; no line shows it."""
    found: list[str] = []
    for one in webhooks.endpoints.values():
        found += _wrong(one.url, _is_url, "is no address such as https://mender.example.com/hook")
        for secret in one.secrets:
            found += _wrong(secret, _is_secret, f"is no secret of the form: {SAYS}")
    return found


def _wrong(reference: Secret, fits: Callable[[str], bool], says: str) -> list[str]:
    try:
        text = reference.reveal()
    except SettingsError:
        return []  # that it is not there is told by itself
    return [] if fits(text) else [f"{reference.place}: {reference.source} {says}"]


def _is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None and callable_url(text)


def _is_secret(text: str) -> bool:
    try:
        key_of(text)
    except ValueError:
        return False
    return True

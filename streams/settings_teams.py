"""The key `sinks.teams` of `stormfold.yaml`: what it is, how it is read, what `check` shows of it.

What an address must look like is checked where secrets are read (`wrong_workflows`): the file holds
references.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec
from yaml.nodes import Node

from streams.references import Secret, SettingsError
from streams.settings_urls import callable_url
from streams.yaml_reader import Reader

WORKFLOWS_MOST: Final = 500
"""Workflows; each has a bucket."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_URL: Final = re.compile(r"https?://[^\s/@?#]+/[^\s@#]+")
_CONNECTORS: Final = "webhook.office.com"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PATH: Final = "sinks.teams"


class Teams(msgspec.Struct, frozen=True, kw_only=True):
    """Workflows of Microsoft Teams; each is the destination `teams:<its key>`."""

    workflows: dict[str, Secret]
    """Addresses."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination, in the order of the file."""
        return tuple(f"teams:{name}" for name in self.workflows)


def teams_of(reader: Reader, node: Node) -> Teams:
    """Return what the file says of Teams; what is wrong is noted in the reader."""
    key = reader.section(node, _PATH, ("workflows",))
    path = f"{_PATH}.workflows"
    named = reader.section(key.get("workflows"), path, None)
    if not named:
        says = "expected at least one, such as {incidents: ${TEAMS_WORKFLOW_URL}}, found none"
        reader.problem(key.get("workflows", node), path, says)
    if len(named) > WORKFLOWS_MOST:
        reader.problem(key["workflows"], path, f"expected at most {WORKFLOWS_MOST}")
    found: dict[str, Secret] = {}
    for name, entry in named.items():
        if not _NAME.fullmatch(name):
            says = "expected a name of at most 40 of a-z, A-Z, 0-9, '_' and '-' as the key"
            reader.problem(entry, path, says)
        else:
            found[name] = reader.secret(entry, f"{path}.{name}", "")
    return Teams(workflows=found)


def shown(teams: Teams) -> list[tuple[str, str, str, Secret]]:
    """Return (destination, to, through, secret) of each workflow, for `check`."""
    to = "the channel of the workflow: posts only, at least once"
    return [(f"teams:{name}", to, "a Teams workflow", url) for name, url in teams.workflows.items()]


def wrong_workflows(teams: Teams) -> list[str]:
    """Return a line for every address that is there and is none; no line shows it."""
    found = []
    for secret in teams.workflows.values():
        try:
            url = secret.reveal()
        except SettingsError:
            continue  # that it is not there is told by itself
        if says := _wrong(url):
            found.append(f"{secret.place}: {secret.source} {says}")
    return found


def _wrong(url: str) -> str:
    """Return what is wrong with an address, empty for a right one."""
    if not (_URL.fullmatch(url) and callable_url(url)):
        return (
            "is no address of a Teams workflow, such as "
            "https://prod-00.westeurope.logic.azure.com/workflows/..."
        )
    found = urlsplit(url)
    host = found.hostname or ""
    if host == _CONNECTORS or host.endswith(f".{_CONNECTORS}"):
        return "is the address of a connector, and those are dead: make a workflow (docs/teams.md)"
    if found.scheme == "http" and host not in _LOOPBACK:
        return "begins with http://: what it holds would go over the network in clear"
    return ""

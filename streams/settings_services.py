"""The keys of `stormfold.yaml` that say what is known of the services themselves.

Called by `settings_read`, which has every other key.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from yaml.nodes import Node

from streams.settings_types import Service
from streams.settings_words import destinations, word
from streams.yaml_reader import Reader

SERVICES_MOST: Final = 2_000
NEEDED_MOST: Final = 50
"""Services that one may say it depends on."""

URL_CHARS: Final = 500

_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SAYS: Final = "the name of a service, at most 100 of a-z, A-Z, 0-9, '.', '_' and '-'"
_URL: Final = re.compile(rf"(?=.{{1,{URL_CHARS}}}\Z)https?://[^\s/@?#<>|]+(?:[/?#][^\s<>|]*)?")
_URL_SAYS: Final = (
    f"an address such as https://wiki.example.com/checkout, at most {URL_CHARS} characters, "
    "without a user"
)
LINKS: Final = ("runbook", "dashboard", "status_page", "image")
_IMAGE: Final = re.compile(rf"(?=https:){_URL.pattern}")
_IMAGE_SAYS: Final = f"the address of a picture, https://, at most {URL_CHARS} characters"


def services_of(
    reader: Reader,
    node: Node | None,
    teams: Collection[str] = (),
    pagers: Collection[str] = (),
) -> dict[str, Service]:
    """Return what the file says of each service.

    Args:
        reader: notes problems.
        node: the section, None when it is absent.
        teams: those that may own one.
        pagers: destinations that may be paged for one.
    """
    named = reader.section(node, "services", None)
    if node is not None and len(named) > SERVICES_MOST:
        reader.problem(node, "services", f"expected at most {SERVICES_MOST}, found {len(named)}")
    found: dict[str, Service] = {}
    for service, entry in named.items():
        path = f"services.{service}"
        if not _SERVICE.fullmatch(service):
            reader.problem(entry, path, f"expected {_SAYS} as the key")
        key = reader.section(entry, path, ("depends_on", "owner", "page", *LINKS))
        links = {
            name: reader.text(key.get(name), f"{path}.{name}", "", *_address(name))
            for name in LINKS
        }
        found[service] = Service(
            depends_on=_depends_on(reader, key.get("depends_on"), f"{path}.depends_on", service),
            owner=word(reader, key.get("owner"), f"{path}.owner", "", teams),
            page=destinations(reader, key.get("page"), f"{path}.page", pagers),
            **links,
        )
    return found


def _address(name: str) -> tuple[re.Pattern[str], str]:
    return (_IMAGE, _IMAGE_SAYS) if name == "image" else (_URL, _URL_SAYS)


def _depends_on(reader: Reader, node: Node | None, path: str, service: str) -> tuple[str, ...]:
    entries = reader.entries(node, path, "services") or []
    if node is not None and len(entries) > NEEDED_MOST:
        reader.problem(node, path, f"expected at most {NEEDED_MOST}, found {len(entries)}")
    names = []
    for at, entry in enumerate(entries):
        name = reader.text(entry, f"{path}[{at}]", "", _SERVICE, _SAYS)
        if name == service:
            reader.problem(entry, f"{path}[{at}]", "a service does not depend on itself")
        elif name:
            names.append(name)
    return tuple(dict.fromkeys(names))

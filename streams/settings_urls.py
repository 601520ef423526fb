"""Addresses in `stormfold.yaml` that something is sent to."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from yaml.nodes import Node

from streams.yaml_reader import Reader

_URL: Final = re.compile(r"https?://[^\s/@?#]+(?:/[^\s@?#]*)?")
_SAYS: Final = (
    "an address that begins with https:// or http:// and holds no user, password or query"
)


def base_url(
    reader: Reader, node: Node | None, path: str, default: str, *, empty: bool = False
) -> str:
    """Return the address; `default` for an absent one and, where `empty` allows it, an empty one.

    Args:
        reader: notes problems.
        node: the entry, None when it is absent.
        path: its place in the file.
        default: the address that is usual.
        empty: an empty text stands for the default too, as a reference gives it.
    """
    pattern = re.compile(f"(?:{_URL.pattern})?") if empty else _URL
    return reader.text(node, path, default, pattern, _SAYS) or default


def callable_url(url: str) -> bool:
    """Return True for an address with a name and, if any, a port that there can be."""
    from sinks.http import is_address  # httpx takes long to load: only where there is an address

    try:
        found = urlsplit(url)
        return bool(found.hostname) and found.port != 0 and is_address(url)
    except ValueError:
        return False

"""Who of `people` somebody is whom Sentry names, and nothing else of them. Pure.

What Sentry calls people is kept as hashes, so that no address stands where the configuration goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import xxhash

from correlators.wire import WireActor, WireAssignee

Known = Mapping[str, str]
"""Names by `hash_of` what Sentry calls somebody."""
NOBODY: Final[Known] = {}
_CHARS: Final = 200


def hash_of(called: str) -> str:
    """Return what a user name, mail address, number or name is known under, whatever its case."""
    text = called.strip().casefold()
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def person(given: WireAssignee | WireActor | None, known: Known) -> str:
    """Return the name that somebody has here; empty for a team, an app, and whoever is unknown."""
    if given is None or not known or (given.type or "user").lower() != "user":
        return ""
    called = [given.id, given.name]
    if isinstance(given, WireAssignee):
        called += [given.email, given.username]
    for one in called:
        if one is not None and 0 < len(text := str(one)) <= _CHARS:
            name = known.get(hash_of(text))
            if name is not None:
                return name
    return ""

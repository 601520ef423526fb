"""The keys `pages` and `routes` of `stormfold.yaml`: when somebody is woken, and who hears of what.

What they mean is said in `correlators.rules`; who is paged instead is in `settings_fallback`.
"""

from __future__ import annotations

import re
from typing import Final

from yaml.nodes import Node

from correlators.acts import ACK_MOST_MS
from correlators.rules import Pages, Routes
from streams.settings_fallback import fallback_of
from streams.settings_sinks import Sinks
from streams.yaml_reader import Reader

_SECOND: Final = 1_000
_MINUTE: Final = 60_000
_DAY: Final = 86_400_000
_ENVIRONMENT: Final = re.compile(r"[^\s/](?:[^\n\r\t\f/]{0,62}[^\s/])?")


def pages_of(reader: Reader, node: Node | None, sinks: Sinks) -> Pages:
    """Return when somebody is woken; what is wrong is noted and has its default."""
    default = Pages()
    names = (
        "environments",
        "events",
        "within",
        "storm_services",
        "resolve_acknowledged",
        "fallback",
        "remind_every",
        "ack_for",
        "template",
    )
    key = reader.section(node, "pages", names)
    entries = reader.entries(key.get("environments"), "pages.environments", "environments")
    environments = default.environments
    if entries is not None:
        environments = tuple(
            environment_of(reader, entry, f"pages.environments[{at}]")
            for at, entry in enumerate(entries)
        )
    return Pages(
        environments=environments,
        events=reader.integer(key.get("events"), "pages.events", default.events, 1, 1_000_000),
        within_ms=reader.duration_ms(
            key.get("within"), "pages.within", default.within_ms, _SECOND, _DAY
        ),
        storm_services=reader.integer(
            key.get("storm_services"), "pages.storm_services", default.storm_services, 1, 1_000
        ),
        resolve_acknowledged=reader.boolean(
            key.get("resolve_acknowledged"),
            "pages.resolve_acknowledged",
            default.resolve_acknowledged,
        ),
        fallback=fallback_of(
            reader, key.get("fallback"), "pages.fallback", (*sinks.chats, *sinks.pagers)
        ),
        remind_every_ms=reader.duration_ms(
            key.get("remind_every"), "pages.remind_every", default.remind_every_ms, _MINUTE, _DAY
        ),
        ack_for_ms=reader.duration_ms(
            key.get("ack_for"), "pages.ack_for", default.ack_for_ms, _MINUTE, ACK_MOST_MS
        ),
    )


def environment_of(reader: Reader, node: Node | None, path: str) -> str:
    """Return the name of an environment, that of production where it is absent or wrong."""
    says = "the name of an environment, at most 64 characters without '/'"
    return reader.text(node, path, "production", _ENVIRONMENT, says)


def routes_of(reader: Reader, node: Node | None, sinks: Sinks) -> Routes:
    """Return who is told and who is paged: everybody who is configured, where nothing is said."""
    key = reader.section(node, "routes", ("tell", "page", "fallback", "template"))
    both = (*sinks.pagers, *sinks.chats)
    page = sinks.usual_pagers
    if "page" in key:
        page = _route(reader, key["page"], "routes.page", both)
    return Routes(
        tell=_route(reader, key.get("tell"), "routes.tell", chats_of(sinks, pagers=True)),
        page=page,
        fallback=fallback_of(reader, key.get("fallback"), "routes.fallback", both, page),
    )


def chats_of(sinks: Sinks, *, pagers: bool = False) -> tuple[str, ...]:
    """Return what can be told: the console where nothing else is configured, or no chat is."""
    # An installation that was told nothing at all still says what it sees.
    return sinks.chats if sinks.chats or (pagers and sinks.pagers) else ("console:default",)


def _route(reader: Reader, node: Node | None, path: str, known: tuple[str, ...]) -> tuple[str, ...]:
    entries = reader.entries(node, path, "destinations")
    if entries is None:
        return known
    words = re.compile("|".join(map(re.escape, known)) or r"(?!)")
    says = "one of the destinations configured: " + (", ".join(known) or "none for this route")
    found = [
        reader.text(entry, f"{path}[{at}]", "", words, says) for at, entry in enumerate(entries)
    ]
    return tuple(dict.fromkeys(destination for destination in found if destination))

"""Every key of `stormfold.yaml`, with its limits and its default.

Where events come from (Kafka, intake, projects) is in `settings_inputs`, what makes them the same
in `settings_grouping`. How YAML is read and
problems are told is `yaml_reader`'s; what comes out is `settings_types`'.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from yaml.nodes import Node

from correlators.fingerprint import DEFAULT_VERSION, VERSIONS
from correlators.incidents import Windows
from correlators.rules import Pages, Routes
from correlators.storms import Linking
from streams.settings_grouping import grouping_of
from streams.settings_holds import HOLDS, holding_of
from streams.settings_inputs import HOST, intake_of, kafka_of, projects_of
from streams.settings_pagers import pagerduty_of
from streams.settings_rules import owners_of, rules_of, teams_of
from streams.settings_services import services_of
from streams.settings_shadow import shadow_of
from streams.settings_types import (
    Clock,
    Console,
    File,
    MetricsAt,
    Settings,
    Sinks,
    Slack,
)
from streams.settings_urls import base_url
from streams.yaml_reader import Reader, duration

_SECOND: Final = 1_000
_DAY: Final = 86_400_000
_YEAR: Final = 365 * _DAY

_NAMESPACE: Final = re.compile(r"[a-z0-9._-]{1,40}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NAME_SAYS: Final = "a name of at most 40 of a-z, A-Z, 0-9, '_' and '-'"
_ENVIRONMENT: Final = re.compile(r"[^\s/](?:[^\n\r\t\f/]{0,62}[^\s/])?")
_CHANNEL: Final = re.compile(r"#?[^\s#,]{1,80}")
_PATH: Final = re.compile(r"[^\n\r\0]{1,400}")

_PARTS: Final = (
    *(one for one in Settings.__struct_fields__ if one not in ("file", "holding")),
    *HOLDS,
)


def settings_of(
    reader: Reader, root: Node | None, environ: Mapping[str, str], file: str
) -> Settings:
    """Return the settings; what is wrong is noted in the reader and has its default here."""
    part = reader.section(root, "", _PARTS)
    says = "a name of at most 40 of a-z, 0-9, '.', '_' and '-'"
    sinks = _sinks(reader, part.get("sinks"))
    clock = reader.text(
        part.get("clock"), "clock", Clock.WALL, re.compile("wall|data"), "wall or data"
    )
    namespace = reader.text(part.get("namespace"), "namespace", "stormfold", _NAMESPACE, says)
    teams = teams_of(reader, part.get("teams"), sinks.chats, sinks.pagers)
    return Settings(
        namespace=namespace,
        clock=Clock(clock),
        default_environment=_environment(
            reader, part.get("default_environment"), "default_environment"
        ),
        signature_version=reader.integer(
            part.get("signature_version"),
            "signature_version",
            DEFAULT_VERSION,
            VERSIONS[0],
            VERSIONS[-1],
        ),
        services=services_of(reader, part.get("services"), teams, sinks.pagers),
        projects=projects_of(reader, part.get("projects")),
        grouping=grouping_of(reader, part.get("grouping"), file),
        kafka=kafka_of(reader, part.get("kafka"), environ, namespace, Clock(clock)),
        intake=intake_of(reader, part.get("intake")),
        metrics=_metrics(reader, part.get("metrics")),
        incidents=_incidents(reader, part.get("incidents")),
        storms=_storms(reader, part.get("storms")),
        pages=_pages(reader, part.get("pages")),
        sinks=sinks,
        routes=_routes(reader, part.get("routes"), sinks),
        rules=rules_of(reader, part.get("rules"), sinks.chats, sinks.pagers),
        teams=teams,
        owners=owners_of(reader, part.get("owners")),
        holding=holding_of(reader, part),
        shadow=shadow_of(reader, part.get("shadow"), _chats(sinks)),
        file=file,
    )


def _metrics(reader: Reader, node: Node | None) -> MetricsAt:
    key = reader.section(node, "metrics", ("host", "port"))
    says = "a host or an address"
    return MetricsAt(
        host=reader.text(key.get("host"), "metrics.host", "127.0.0.1", HOST, says),
        port=reader.integer(key.get("port"), "metrics.port", 9464, 0, 65_535),
    )


def _durations(
    reader: Reader, part: dict[str, Node], path: str, names: Collection[str], default: object
) -> dict[str, int]:
    """Return the keys as the fields `<key>_ms`, each from one second to a year."""
    return {
        f"{name}_ms": reader.duration_ms(
            part.get(name), f"{path}.{name}", getattr(default, f"{name}_ms"), _SECOND, _YEAR
        )
        for name in names
    }


_AT_LEAST: Final = (("max_life", "quiet_for"), ("quiet_for", "settle"), ("remember", "max_life"))
"""Lengths of an incident, each with one that it must not be below."""


def _incidents(reader: Reader, node: Node | None) -> Windows:
    names = [
        "settle",
        "update_every",
        "quiet_for",
        "max_life",
        "reopen_within",
        "remember",
        "flap_within",
        "belated_after",
        "stale_after",
    ]
    key = reader.section(node, "incidents", names)
    values = _durations(reader, key, "incidents", names, Windows())
    for name, other in _AT_LEAST:
        length_ms, least_ms = values[f"{name}_ms"], values[f"{other}_ms"]
        if length_ms < least_ms:
            said = name if name in key else other
            found_ms, limit_ms = (length_ms, least_ms) if said == name else (least_ms, length_ms)
            bound, limit = ("at least", other) if said == name else ("at most", name)
            reader.problem(
                key[said],
                f"incidents.{said}",
                f"expected {bound} {limit}, which is {duration(limit_ms)}, "
                f"found {duration(found_ms)}",
            )
            return Windows()
    return Windows(**values)


def _storms(reader: Reader, node: Node | None) -> Linking:
    names = ("link_within", "storm_quiet", "release_news")
    default = Linking()
    key = reader.section(node, "storms", (*names, "burst_services", "burst_onsets"))
    values = _durations(reader, key, "storms", names, default)
    services = reader.integer(
        key.get("burst_services"), "storms.burst_services", default.burst_services, 2, 1_000
    )
    values["burst_services"] = services
    values["burst_onsets"] = reader.integer(
        key.get("burst_onsets"),
        "storms.burst_onsets",
        max(default.burst_onsets, services),
        services,
        10_000,
    )
    return Linking(**values)


def _pages(reader: Reader, node: Node | None) -> Pages:
    default = Pages()
    names = ("environments", "events", "within", "storm_services", "resolve_acknowledged")
    key = reader.section(node, "pages", names)
    entries = reader.entries(key.get("environments"), "pages.environments", "environments")
    environments = default.environments
    if entries is not None:
        environments = tuple(
            _environment(reader, entry, f"pages.environments[{at}]")
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
    )


def _environment(reader: Reader, node: Node | None, path: str) -> str:
    says = "the name of an environment, at most 64 characters without '/'"
    return reader.text(node, path, "production", _ENVIRONMENT, says)


def _sinks(reader: Reader, node: Node | None) -> Sinks:
    key = reader.section(node, "sinks", ("slack", "pagerduty", "console", "file"))
    if "console" in key:
        reader.section(key["console"], "sinks.console", ())
    return Sinks(
        slack=_slack(reader, key["slack"]) if "slack" in key else None,
        pagerduty=pagerduty_of(reader, key["pagerduty"]) if "pagerduty" in key else None,
        console=Console() if "console" in key else None,
        file=_file(reader, key["file"]) if "file" in key else None,
    )


def _file(reader: Reader, node: Node) -> File:
    key = reader.section(node, "sinks.file", ("path",))
    says = "the path of a file, from the folder that stormfold runs in"
    if "path" not in key:
        reader.problem(node, "sinks.file.path", f"expected {says}, found none")
    return File(path=reader.text(key.get("path"), "sinks.file.path", "", _PATH, says))


def _slack(reader: Reader, node: Node) -> Slack:
    key = reader.section(node, "sinks.slack", ("token", "base_url", "channels"))
    channels: dict[str, str] = {}
    named = reader.section(key.get("channels"), "sinks.slack.channels", None)
    for name, channel in named.items():
        path = f"sinks.slack.channels.{name}"
        if not _NAME.fullmatch(name):
            reader.problem(channel, path, f"expected {_NAME_SAYS} as the key")
        says = 'a channel such as "#incidents" (in quotes) or its id'
        channels[name] = reader.text(channel, path, "#incidents", _CHANNEL, says)
    if "channels" not in key:
        channels["incidents"] = "#incidents"
    elif not named:
        reader.problem(
            key["channels"],
            "sinks.slack.channels",
            'expected at least one, such as {incidents: "#incidents"}, found none',
        )
    return Slack(
        token=reader.secret(key.get("token"), "sinks.slack.token", "${SLACK_BOT_TOKEN}"),
        base_url=base_url(
            reader, key.get("base_url"), "sinks.slack.base_url", "https://slack.com/api/"
        ),
        channels=channels,
    )


def _routes(reader: Reader, node: Node | None, sinks: Sinks) -> Routes:
    key = reader.section(node, "routes", ("tell", "page"))
    return Routes(
        tell=_route(reader, key.get("tell"), "routes.tell", _chats(sinks, pagers=True)),
        page=_route(reader, key.get("page"), "routes.page", sinks.pagers, sinks.usual_pagers),
    )


def _chats(sinks: Sinks, *, pagers: bool = False) -> tuple[str, ...]:
    """Return what can be told: the console where nothing else is configured, or no chat is."""
    # An installation that was told nothing at all still says what it sees.
    return sinks.chats if sinks.chats or (pagers and sinks.pagers) else ("console:default",)


def _route(
    reader: Reader,
    node: Node | None,
    path: str,
    known: tuple[str, ...],
    usual: tuple[str, ...] | None = None,
) -> tuple[str, ...]:
    entries = reader.entries(node, path, "destinations")
    if entries is None:
        return known if usual is None else usual
    words = re.compile("|".join(map(re.escape, known)) or r"(?!)")
    says = "one of the destinations configured: " + (", ".join(known) or "none for this route")
    found = [
        reader.text(entry, f"{path}[{at}]", "", words, says) for at, entry in enumerate(entries)
    ]
    return tuple(dict.fromkeys(destination for destination in found if destination))

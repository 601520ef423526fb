"""Every key of `stormfold.yaml`, with its limits and its default.

Where events come from (Kafka, intake, projects) is in `settings_inputs`, what makes them the same
in `settings_grouping`. How YAML is read and
problems are told is `yaml_reader`'s; what comes out is `settings_types`'.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from yaml.nodes import Node

from correlators.fingerprint import DEFAULT_VERSION, VERSIONS
from correlators.incidents import Windows
from correlators.storms import Linking
from streams.settings_email import email_of
from streams.settings_fallback import check_fallbacks
from streams.settings_grouping import grouping_of
from streams.settings_heartbeat import heartbeat_of
from streams.settings_holds import HOLDS, holding_of
from streams.settings_inputs import HOST, intake_of, kafka_of, projects_of
from streams.settings_pagers import pagerduty_of
from streams.settings_pages import chats_of, environment_of, pages_of, routes_of
from streams.settings_people import people_of
from streams.settings_reports import reports_of
from streams.settings_rules import owners_of, rules_of, teams_of
from streams.settings_sentry import sentry_of
from streams.settings_services import services_of
from streams.settings_shadow import shadow_of
from streams.settings_sinks import Console, File, Sinks
from streams.settings_slack import slack_in_of, slack_of
from streams.settings_teams import teams_of as ms_teams_of
from streams.settings_templates import templates_of
from streams.settings_tracing import tracing_of
from streams.settings_types import (
    Clock,
    MetricsAt,
    Settings,
)
from streams.settings_webhooks import webhooks_of
from streams.yaml_reader import Reader, duration

_SECOND: Final = 1_000
_DAY: Final = 86_400_000
_YEAR: Final = 365 * _DAY

_NAMESPACE: Final = re.compile(r"[a-z0-9._-]{1,40}")
_PATH: Final = re.compile(r"[^\n\r\0]{1,400}")

_PARTS: Final = (
    *(one for one in Settings.__struct_fields__ if one not in ("file", "holding")),
    *HOLDS,
    "reports",
)


def settings_of(
    reader: Reader, root: Node | None, environ: Mapping[str, str], file: str
) -> Settings:
    """Return the settings; what is wrong is noted in the reader and has its default here."""
    part = reader.section(root, "", _PARTS)
    says = "a name of at most 40 of a-z, 0-9, '.', '_' and '-'"
    before = reader.noted
    sinks = _sinks(reader, part.get("sinks"))
    clock = reader.text(
        part.get("clock"), "clock", Clock.WALL, re.compile("wall|data"), "wall or data"
    )
    namespace = reader.text(part.get("namespace"), "namespace", "stormfold", _NAMESPACE, says)
    teams = teams_of(reader, part.get("teams"), sinks.chats, sinks.pagers)
    pages = pages_of(reader, part.get("pages"), sinks)
    routes = routes_of(reader, part.get("routes"), sinks)
    rules = rules_of(reader, part.get("rules"), sinks.chats, sinks.pagers)
    owners = owners_of(reader, part.get("owners"))
    services = services_of(reader, part.get("services"), teams, (*sinks.pagers, *sinks.chats))
    owning = [*(one.owner for one in owners), *(one.owner for one in services.values())]
    windows = _incidents(reader, part.get("incidents"))
    known = {*teams, *owning} - {""}
    reports = reports_of(reader, part.get("reports"), sinks.chats, known, windows)
    settings = Settings(
        namespace=namespace,
        clock=Clock(clock),
        default_environment=environment_of(
            reader, part.get("default_environment"), "default_environment"
        ),
        signature_version=reader.integer(
            part.get("signature_version"),
            "signature_version",
            DEFAULT_VERSION,
            VERSIONS[0],
            VERSIONS[-1],
        ),
        services=services,
        projects=projects_of(reader, part.get("projects")),
        grouping=grouping_of(reader, part.get("grouping"), file),
        kafka=kafka_of(reader, part.get("kafka"), environ, namespace, Clock(clock)),
        intake=intake_of(reader, part.get("intake")),
        metrics=_metrics(reader, part.get("metrics")),
        incidents=windows,
        storms=_storms(reader, part.get("storms")),
        pages=pages,
        sinks=sinks,
        routes=routes,
        rules=rules,
        teams=teams,
        owners=owners,
        slack_in=slack_in_of(reader, part.get("slack_in"), sinks.slack, Clock(clock)),
        holding=msgspec.structs.replace(holding_of(reader, part), reports=reports),
        shadow=shadow_of(reader, part.get("shadow"), chats_of(sinks)),
        sentry=sentry_of(reader, part["sentry"]) if "sentry" in part else None,
        templates=templates_of(reader, part, file),
        heartbeat=heartbeat_of(reader, part["heartbeat"], Clock(clock))
        if "heartbeat" in part
        else None,
        tracing=tracing_of(reader, part["tracing"]) if "tracing" in part else None,
        people=people_of(reader, part.get("people"), known),
        file=file,
    )
    if reader.noted == before:  # else what is paged is not what the file says
        check_fallbacks(reader, part, settings.correlation())
    return settings


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


def _sinks(reader: Reader, node: Node | None) -> Sinks:
    key = reader.section(node, "sinks", Sinks.__struct_fields__)
    if "console" in key:
        reader.section(key["console"], "sinks.console", ())
    return Sinks(
        slack=slack_of(reader, key["slack"]) if "slack" in key else None,
        pagerduty=pagerduty_of(reader, key["pagerduty"]) if "pagerduty" in key else None,
        email=email_of(reader, key["email"]) if "email" in key else None,
        teams=ms_teams_of(reader, key["teams"]) if "teams" in key else None,
        webhook=webhooks_of(reader, key["webhook"]) if "webhook" in key else None,
        console=Console() if "console" in key else None,
        file=_file(reader, key["file"]) if "file" in key else None,
    )


def _file(reader: Reader, node: Node) -> File:
    key = reader.section(node, "sinks.file", ("path",))
    says = "the path of a file, from the folder that stormfold runs in"
    if "path" not in key:
        reader.problem(node, "sinks.file.path", f"expected {says}, found none")
    return File(path=reader.text(key.get("path"), "sinks.file.path", "", _PATH, says))

"""What `stormfold check` shows: what would be sent where, and when, as plain data.

Secrets appear as where they come from and whether they are there, never as themselves. How the data
is printed is the command's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from correlators.incidents import Windows
from correlators.storms import Linking
from streams.addresses import heartbeat_intake
from streams.describe_destinations import Plain, destinations, secret_shown
from streams.describe_rules import (
    grouping_shown,
    hold_lines,
    report_line,
    rule_line,
    templates_shown,
)
from streams.people import told_personally
from streams.references import Secret
from streams.settings_pagers import wrong_keys
from streams.settings_services import LINKS
from streams.settings_slack import wrong_urls
from streams.settings_teams import wrong_workflows
from streams.settings_types import Settings
from streams.settings_webhooks import wrong_endpoints
from streams.yaml_reader import duration

RULED: Final = "as the rules say"


def describe(settings: Settings) -> dict[str, Plain]:
    """Return the settings as plain data, ready for printing or for JSON."""
    intake = settings.intake
    return {
        "file": settings.file or None,
        "configuration": settings.configuration,
        "namespace": settings.namespace,
        "clock": settings.clock.value,
        "default_environment": settings.default_environment,
        "signature_version": settings.signature_version,
        "projects": dict(settings.projects),
        "grouping": grouping_shown(settings.grouping),
        "services": _services(settings),
        "teams": _teams(settings),
        "people": {name: [*one.services] for name, one in settings.people.items()},
        "told_personally": _told_personally(settings),
        "kafka": {
            "bootstrap": settings.kafka.bootstrap,
            "partitions": settings.kafka.partitions,
            "replication": settings.kafka.replication,
            "sentry_topics": list(settings.kafka.sentry_topics),
        },
        "intake": {
            "listens": f"http://{intake.host}:{intake.port}/sentry",
            "largest_body_bytes": intake.max_body_bytes,
            "kafka_timeout": duration(intake.kafka_timeout_ms),
            "secrets": [secret_shown(secret) for secret in intake.secrets],
            "legacy_tokens": [secret_shown(secret) for secret in intake.legacy_tokens],
            "pagerduty_webhook_secrets": _webhook_secrets(settings),
        },
        "slack_in": _slack_in(settings),
        "metrics": f"http://{settings.metrics.host}:{settings.metrics.port}/metrics"
        if settings.metrics.port
        else None,
        "heartbeat": _heartbeat(settings),
        "tracing": None
        if settings.tracing is None
        else f"one event in {settings.tracing.one_in} to {settings.tracing.endpoint}",
        "shadow": None
        if settings.shadow is None
        else f"everything goes to {settings.shadow.to} alone, and nobody is paged",
        "destinations": destinations(settings),
        "tell": list(settings.routes.tell) if not settings.rules else RULED,
        "page": list(settings.routes.page) if not settings.rules else RULED,
        "page_instead": _stand_ins(settings),
        "remind_every": duration(settings.pages.remind_every_ms),
        "ack_for": duration(settings.pages.ack_for_ms) if settings.pages.ack_for_ms else "never",
        "pages_when": _pages_when(settings) if not settings.rules else RULED,
        "resolve_acknowledged": settings.pages.resolve_acknowledged,
        "templates": templates_shown(settings.templates) or None,
        "rules": _named(map(rule_line, settings.correlation().decides)),
        "held_back_by": _named(hold_lines(settings.holding)) or None,
        "reports": _named(map(report_line, settings.holding.reports)) or None,
        "incidents": _durations(settings.incidents),
        "storms": {
            **_durations(settings.storms),
            "burst_services": settings.storms.burst_services,
            "burst_onsets": settings.storms.burst_onsets,
        },
    }


def _slack_in(settings: Settings) -> Plain:
    """Return how Slack comes back, and who may do what."""
    back = settings.slack_in
    if back is None:
        return None
    return {
        "listens": f"http://{settings.intake.host}:{settings.intake.port}/slack",
        "signing_secrets": [secret_shown(one) for one in back.signing_secrets],
        "app_token": secret_shown(back.app_token) if back.app_token is not None else None,
        "may": {name: list(who) for name, who in back.groups.items()} or "everybody",
    }


def _heartbeat(settings: Settings) -> Plain:
    """Return what is pinged as long as everything works, and how often."""
    found = settings.heartbeat
    if found is None:
        return None
    return {
        "pings": secret_shown(found.url),
        "every": duration(found.every_ms),
        "sent_to": heartbeat_intake(settings) + "/heartbeat",
    }


def _stand_ins(settings: Settings) -> Plain:
    """Return who is paged when somebody cannot be, by rule and destination."""
    config = settings.correlation()
    rules = config.decides
    found: dict[str, Plain] = {}
    for one in config.stand_ins:
        whose = f", of {one.team or one.service}" if one.team or one.service else ""
        found[f"{rules[one.rule].name}{whose}: {one.paged}"] = one.fallback
    return found or None


def _told_personally(settings: Settings) -> dict[str, Plain]:
    """Return by what each person is told what is theirs, unless they choose otherwise."""
    known = told_personally(settings.people, settings.sinks.personal).people
    return {
        name: {"assigned": one.assigned.value, "mentioned": one.mentioned.value}
        for name, one in known.items()
    }


def _services(settings: Settings) -> dict[str, Plain]:
    """Return what is known of each service; what is not known is left out."""
    found: dict[str, Plain] = {}
    for name, one in settings.services.items():
        links = {part: getattr(one, part) for part in LINKS}
        known: dict[str, Plain] = {
            "needs": list(one.depends_on),
            "owner": one.owner,
            "page": list(one.page),
            **links,
        }
        found[name] = {part: value for part, value in known.items() if value}
    return found


def _teams(settings: Settings) -> dict[str, Plain]:
    """Return where each team is told, paged and mentioned; what is not said is left out."""
    found: dict[str, Plain] = {}
    for name, one in settings.teams.items():
        known: dict[str, Plain] = {
            "to": list(one.to),
            "page": list(one.page),
            "fallback": one.fallback,
            "mentioned_in_slack": one.slack,
        }
        found[name] = {part: value for part, value in known.items() if value}
    return found


def _webhook_secrets(settings: Settings) -> list[Plain]:
    pagerduty = settings.sinks.pagerduty
    return [secret_shown(secret) for secret in pagerduty.webhook_secrets] if pagerduty else []


def missing_secrets(settings: Settings) -> list[str]:
    """Return one line for every secret that is named but not there, by where it stands."""
    secrets = [*settings.intake.secrets, *settings.intake.legacy_tokens]
    secrets += settings.sinks.pagerduty.webhook_secrets if settings.sinks.pagerduty else ()
    if (back := settings.slack_in) is not None:
        secrets += [*back.signing_secrets, *([back.app_token] if back.app_token else [])]
    return [secret.missing for secret in secrets if secret.missing] + missing_for_sinks(settings)


def needed(settings: Settings, sink: str) -> bool:
    """Return whether this sink is used: in shadow mode only the one that is told is."""
    return settings.shadow is None or settings.shadow.to.partition(":")[0] == sink


def missing_for_sinks(settings: Settings) -> list[str]:
    """Return such a line for every secret without which nothing can be delivered."""
    slack, pagerduty = settings.sinks.slack, settings.sinks.pagerduty
    secrets: list[Secret] = []
    if slack is not None and slack.channels and needed(settings, "slack"):
        secrets.append(slack.token)
    if slack is not None and needed(settings, "slack_webhook"):
        secrets += slack.webhooks.values()
    if pagerduty is not None and needed(settings, "pagerduty"):
        secrets += pagerduty.routing_keys.values()
        secrets += [pagerduty.api_token] if pagerduty.api_token is not None else []
    if (email := settings.sinks.email) is not None and needed(settings, "email"):
        secrets += [email.password] if email.user else []
    if (teams := settings.sinks.teams) is not None and needed(settings, "teams"):
        secrets += teams.workflows.values()
    if (webhook := settings.sinks.webhook) is not None and needed(settings, "webhook"):
        secrets += webhook.all_secrets
    if settings.sentry is not None and needed(settings, "sentry"):
        secrets.append(settings.sentry.token)
    if settings.heartbeat is not None:
        secrets += [settings.heartbeat.url, *settings.intake.secrets[:1]]
    return [secret.missing for secret in secrets if secret.missing] + wrong_for_sinks(settings)


def wrong_for_sinks(settings: Settings) -> list[str]:
    """Return such a line for every secret that is there and cannot be right."""
    slack, pagerduty = settings.sinks.slack, settings.sinks.pagerduty
    found: list[str] = []
    if slack is not None and needed(settings, "slack_webhook"):
        found += wrong_urls(slack)
    if pagerduty is not None and needed(settings, "pagerduty"):
        found += wrong_keys(pagerduty)
    if settings.sinks.teams is not None and needed(settings, "teams"):
        found += wrong_workflows(settings.sinks.teams)
    if settings.sinks.webhook is not None and needed(settings, "webhook"):
        found += wrong_endpoints(settings.sinks.webhook)
    return found


def _named(lines: Iterable[str]) -> dict[str, Plain]:
    """Return lines `name: text` by name."""
    return {name: text for name, _, text in (line.partition(": ") for line in lines)}


def _pages_when(settings: Settings) -> Plain:
    if not settings.routes.page and not any(one.page for one in settings.services.values()):
        return None
    pages = settings.pages
    return {
        "environments": list(pages.environments),
        "any": [
            "an event of level fatal",
            f"{pages.events} events within {duration(pages.within_ms)}",
            f"a storm over at least {pages.storm_services} services",
        ],
    }


def _durations(part: Windows | Linking) -> dict[str, Plain]:
    names = [name for name in part.__struct_fields__ if name.endswith("_ms")]
    return {name.removesuffix("_ms"): duration(getattr(part, name)) for name in names}

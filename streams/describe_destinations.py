"""The destinations as `stormfold check` shows them: what would be sent where, as plain data."""

from __future__ import annotations

from correlators.personal import SLACK
from streams.mailing import mail_places
from streams.people import told_personally
from streams.references import Secret
from streams.settings_teams import shown as shown_workflows
from streams.settings_types import Settings
from streams.settings_webhooks import shown as shown_endpoints

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]


def destinations(settings: Settings) -> list[Plain]:
    """Return every destination: what it is, through what, and where its secret comes from."""
    found: list[Plain] = []
    if (slack := settings.sinks.slack) is not None:
        for name, channel in slack.channels.items():
            found.append(
                {
                    "destination": f"slack:{name}",
                    "to": channel,
                    "through": slack.base_url,
                    "secret": secret_shown(slack.token),
                }
            )
        if settings.slack_in is not None:
            found.append(
                {
                    "destination": "slack_ephemeral:default",
                    "to": "whoever pressed what was not done, alone",
                    "through": slack.base_url,
                    "secret": secret_shown(slack.token),
                }
            )
        for name, url in slack.webhooks.items():
            found.append(
                {
                    "destination": f"slack_webhook:{name}",
                    "to": "the channel of the webhook: posts only, at least once",
                    "through": "an incoming webhook",
                    "secret": secret_shown(url),
                }
            )
    found += _personal(settings)
    if (pagerduty := settings.sinks.pagerduty) is not None:
        for name, key in pagerduty.routing_keys.items():
            tells = ", which is told of deploys" if name in pagerduty.changes else ""
            found.append(
                {
                    "destination": f"pagerduty:{name}",
                    "to": f"the service of the routing key{tells}",
                    "through": pagerduty.base_url,
                    "secret": secret_shown(key),
                }
            )
        if (token := pagerduty.api_token) is not None:
            found.append(
                {
                    "destination": "pagerduty",
                    "to": "whether pages became incidents, read only",
                    "through": pagerduty.api_url,
                    "secret": secret_shown(token),
                }
            )
    if (email := settings.sinks.email) is not None:
        found += mail_places(email, secret_shown(email.password) if email.user else None)
    if (teams := settings.sinks.teams) is not None:
        found += [_shown(*one) for one in shown_workflows(teams)]
    if (webhook := settings.sinks.webhook) is not None:
        found += [_shown(*one) for one in shown_endpoints(webhook)]
    if (sentry := settings.sentry) is not None:
        owner = "; issues are assigned to their owners" if sentry.assign_owner else ""
        found.append(
            {
                "destination": "sentry:default",
                "to": f"the issues of {sentry.organisation or 'its one organisation'}{owner}",
                "through": sentry.api_url,
                "secret": secret_shown(sentry.token),
            }
        )
    if "console:default" in settings.routes.tell or settings.sinks.console is not None:
        found.append(
            {
                "destination": "console:default",
                "to": "this terminal",
                "through": None,
                "secret": None,
            }
        )
    if (file := settings.sinks.file) is not None:
        found.append(
            {"destination": "file:default", "to": file.path, "through": None, "secret": None}
        )
    return found


def _personal(settings: Settings) -> list[Plain]:
    """Return by what people are told themselves, and how many can be."""
    slack, email = settings.sinks.slack, settings.sinks.email
    found: list[Plain] = []
    for sink in settings.sinks.personal:
        people = told_personally(settings.people, (sink,)).people.values()
        count = sum(sink in one.sinks for one in people)
        if not count:
            continue
        to = "one person, alone" if count == 1 else f"{count} people, each alone"
        if sink == SLACK and slack is not None:
            found.append(_shown(f"{sink}:<name>", to, slack.base_url, slack.token))
        elif email is not None:
            through = f"{email.host}:{email.port}"
            secret = secret_shown(email.password) if email.user else None
            found.append(
                {"destination": f"{sink}:<name>", "to": to, "through": through, "secret": secret}
            )
    return found


def _shown(destination: str, to: str, through: str, secret: Secret) -> Plain:
    return {
        "destination": destination,
        "to": to,
        "through": through,
        "secret": secret_shown(secret),
    }


def secret_shown(secret: Secret) -> Plain:
    """Return where a secret comes from and whether it is there, never itself."""
    return {"from": secret.source, "set": not secret.missing}

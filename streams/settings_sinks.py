"""The types of `sinks:` in `stormfold.yaml`: the services that are told, and by what."""

from __future__ import annotations

import msgspec

from correlators.personal import MAIL, SLACK
from streams.mailing import Email
from streams.references import Secret
from streams.settings_teams import Teams
from streams.settings_webhooks import Webhooks


class Slack(msgspec.Struct, frozen=True, kw_only=True):
    """A Slack workspace; each channel is the destination `slack:<its key>`, each incoming webhook
    `slack_webhook:<its key>`."""

    token: Secret
    """Not needed without channels."""
    base_url: str = "https://slack.com/api/"
    channels: dict[str, str]
    webhooks: dict[str, Secret] = msgspec.field(default_factory=dict)
    """URLs."""


class PagerDuty(msgspec.Struct, frozen=True, kw_only=True):
    """PagerDuty services; each routing key is the destination `pagerduty:<its name>`."""

    routing_keys: dict[str, Secret]
    """By name; `default` is the one without a name in the file."""
    base_url: str = "https://events.pagerduty.com"
    changes: tuple[str, ...] = ()
    """Names of the keys whose services are told of deploys."""
    api_token: Secret | None = None
    """Of the REST API, to look whether pages became incidents, and which page an incident is;
    None: nobody looks."""
    api_url: str = "https://api.pagerduty.com"
    webhook_secrets: tuple[Secret, ...] = ()
    """Any of them may have signed what people do there; without one none of it is taken."""
    policies: dict[str, str] = msgspec.field(default_factory=dict)
    """Id of the escalation policy by the name of the routing key."""


class Console(msgspec.Struct, frozen=True, kw_only=True):
    """The worker's own output: the destination `console:default`."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that every digest is appended to: the destination `file:default`."""

    path: str


class Sinks(msgspec.Struct, frozen=True, kw_only=True):
    """The services that are told; None is one that is not configured."""

    slack: Slack | None = None
    pagerduty: PagerDuty | None = None
    email: Email | None = None
    teams: Teams | None = None
    webhook: Webhooks | None = None
    console: Console | None = None
    file: File | None = None

    @property
    def chats(self) -> tuple[str, ...]:
        """Destinations that can be told, in the order of the file, console and file last."""
        channels = self.slack.channels if self.slack is not None else {}
        webhooks = self.slack.webhooks if self.slack is not None else {}
        console = ("console:default",) if self.console is not None else ()
        file = ("file:default",) if self.file is not None else ()
        slack = [f"slack:{name}" for name in channels]
        slack += [f"slack_webhook:{name}" for name in webhooks]
        mail = [f"email:{name}" for name in self.email.lists] if self.email is not None else []
        teams = self.teams.destinations if self.teams is not None else ()
        receivers = self.webhook.destinations if self.webhook is not None else ()
        return (*slack, *mail, *teams, *receivers, *console, *file)

    @property
    def personal(self) -> tuple[str, ...]:
        """The sinks by which one person can be told."""
        slack = (SLACK,) if self.slack is not None and self.slack.channels else ()
        return (*slack, *((MAIL,) if self.email is not None else ()))

    @property
    def pagers(self) -> tuple[str, ...]:
        """Destinations that can wake somebody, in the order of the file."""
        keys = self.pagerduty.routing_keys if self.pagerduty is not None else {}
        return tuple(f"pagerduty:{name}" for name in keys)

    @property
    def keeps_changes(self) -> tuple[str, ...]:
        """Pagers that keep a record of deploys."""
        names = self.pagerduty.changes if self.pagerduty is not None else ()
        return tuple(f"pagerduty:{name}" for name in names)

    @property
    def usual_pagers(self) -> tuple[str, ...]:
        """Those that are paged where no route says so: the one without a name, else all."""
        found = self.pagers
        return found[:1] if "pagerduty:default" in found else found

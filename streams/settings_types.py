"""What one installation can be told, as frozen types with their defaults.

Values only. What windows, storms, pages and routes mean is said beside the code they configure;
reading the file is `settings`' work.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec
import xxhash

from correlators.channel_links import Chats, is_channel
from correlators.days import Shadow
from correlators.fingerprinter import Fingerprinting
from correlators.grouping import Grouping
from correlators.holds import Holding
from correlators.incidents import Windows
from correlators.issue_change import IssuesChanged
from correlators.owners import Owner, Team
from correlators.rules import Pages, Routes
from correlators.rulings import Rule
from correlators.services import About
from correlators.storms import Linking
from correlators.telling import Config
from sinks.form_names import Templates
from streams.people import Person, by_sentry, told_personally
from streams.references import Secret
from streams.settings_sinks import Sinks


class Clock(StrEnum):
    """What stream time is: the broker's clock, or the recorded time of a replay."""

    WALL = "wall"
    DATA = "data"


class Kafka(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster, and the shape of topics that are made on it."""

    bootstrap: str = "localhost:9092"
    partitions: int = 4
    replication: int = 1
    sentry_topics: tuple[str, ...] = ()
    """Topics of a self-hosted Sentry on this cluster: read, never written, made or changed."""


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """Where webhooks come in. Port 0 is any free port."""

    host: str = "127.0.0.1"
    port: int = 8080
    secrets: tuple[Secret, ...]
    legacy_tokens: tuple[Secret, ...] = ()
    """Any of them opens the way for the legacy plugin; without one it is closed."""
    deploy_secrets: tuple[Secret, ...] = ()
    """Any of them may have signed a deploy marker; without one none is taken."""
    max_body_bytes: int = 5_242_880
    kafka_timeout_ms: int = 800


class MetricsAt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a worker's metrics are read. Port 0 is nowhere."""

    host: str = "127.0.0.1"
    port: int = 9464


class SlackIn(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back from Slack: buttons, commands, mentions."""

    signing_secrets: tuple[Secret, ...] = ()
    """Any of them may have signed a request to `POST /slack`; without one none is taken."""
    app_token: Secret | None = None
    """Opens Socket Mode, for which no address has to be reached from outside."""
    groups: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """User groups (`S...`) and users (`U...`, `W...`) that may do what a key says; without the key
    everybody may."""


class Sentry(msgspec.Struct, frozen=True, kw_only=True):
    """The API of the Sentry whose issues are changed: the destination `sentry:default`."""

    token: Secret
    api_url: str = "https://sentry.io"
    organisation: str = ""
    """Empty: an older self-hosted Sentry, where the issue alone is named."""
    assign_owner: bool = False
    """An issue that is told for the first time is assigned to the team that owns it."""
    count_events: bool = False
    """Intake asks how many events Sentry itself counted."""


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """A dead-man's switch: what is pinged as long as a made-up event goes the whole way."""

    EVERY_MS: ClassVar[int] = 60_000
    url: Secret
    """Pinged by GET; whoever hears no ping for a while calls somebody."""
    every_ms: int = EVERY_MS
    intake: str = ""
    """Where the event is sent; empty: where `intake` listens, as this machine reaches it."""


class Tracing(msgspec.Struct, frozen=True, kw_only=True):
    """Where the way of some events is told, as OpenTelemetry's traces."""

    ONE_IN: ClassVar[int] = 100
    endpoint: str
    """Of OTLP over HTTP, with its path."""
    one_in: int = ONE_IN
    """Of so many events one is traced, roughly."""


class GroupingFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Who says what is the same, and the files that its rules are from; empty for none."""

    chosen: Grouping = Grouping()
    fingerprint_rules: str = ""
    stack_rules: str = ""


class Service(About, frozen=True, kw_only=True):
    """What the file says of one service."""

    depends_on: tuple[str, ...] = ()
    """What it needs; cycles are allowed."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one installation can be told. `load` makes one; lengths in milliseconds."""

    namespace: str
    clock: Clock
    default_environment: str
    signature_version: int
    services: dict[str, Service]
    projects: dict[str, str]
    """Service by the number of its Sentry project, for events that tell the number alone."""
    grouping: GroupingFiles
    kafka: Kafka
    intake: Intake
    metrics: MetricsAt
    incidents: Windows
    storms: Linking
    pages: Pages
    sinks: Sinks
    routes: Routes
    rules: tuple[Rule, ...] = ()
    """None: `pages` and `routes` decide."""
    teams: dict[str, Team] = msgspec.field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    slack_in: SlackIn | None = None
    """None: messages have no buttons, and nothing comes back from Slack."""
    holding: Holding = Holding()
    shadow: Shadow | None = None
    """Shadow mode: decided as it would be, told to one destination, nobody paged."""
    sentry: Sentry | None = None
    """None: what is decided here stays here."""
    people: dict[str, Person] = msgspec.field(default_factory=dict)
    """By the name that messages have."""
    templates: Templates = Templates()
    heartbeat: Heartbeat | None = None
    """None: nothing is pinged, and no event made up."""
    tracing: Tracing | None = None
    """None: nothing is traced."""
    file: str
    """The file that it was read from; empty when there was none."""

    @property
    def installation(self) -> str:
        """What the stored state is signed with: namespace and clock."""
        return f"{self.namespace}:{self.clock.value}"

    @property
    def configuration(self) -> str:
        """The name of all that decides: the same for files that decide the same, whatever their
        comments, secrets, addresses or topics are."""
        decides = (self._correlation(), self.fingerprinting())
        encoded = msgspec.msgpack.encode(decides, order="deterministic")
        return xxhash.xxh3_128_hexdigest(encoded)[:12]

    def correlation(self) -> Config:
        """Return what decides in CORRELATE."""
        return msgspec.structs.replace(self._correlation(), name=self.configuration)

    def _correlation(self) -> Config:
        return Config(
            windows=self.incidents,
            linking=self.storms,
            pages=self.pages,
            routes=self.routes,
            signature_version=self.signature_version,
            depends={name: one.depends_on for name, one in self.services.items() if one.depends_on},
            services={
                name: About(
                    owner=one.owner,
                    runbook=one.runbook,
                    dashboard=one.dashboard,
                    status_page=one.status_page,
                    image=one.image,
                    page=one.page,
                )
                for name, one in self.services.items()
            },
            rules=self.rules,
            # Whom messages mention decides nothing.
            teams={
                name: msgspec.structs.replace(one, slack="") for name, one in self.teams.items()
            },
            owners=self.owners,
            holding=self.holding,
            changes=self.sinks.keeps_changes,
            shadow=self.shadow,
            issues=IssuesChanged(assign_owner=self.sentry.assign_owner) if self.sentry else None,
            chats=self.linkable,
            personal=told_personally(self.people, self.sinks.personal),
        )

    @property
    def linkable(self) -> Chats:
        """Where links may lead: whatever can be told, and any channel of a workspace."""
        channels = self.sinks.slack.channels if self.sinks.slack is not None else {}
        ids = {f"slack:{channel}": f"slack:{name}" for name, channel in channels.items()}
        return Chats(
            known=tuple(dict.fromkeys((*self.sinks.chats, *self.routes.tell))),
            same={place: name for place, name in ids.items() if is_channel(place)},
            channels=bool(channels),
        )

    @property
    def owner_names(self) -> frozenset[str]:
        """Whoever may own what is told: the teams, and all that a line of ownership names."""
        own = (one.owner for one in self.services.values() if one.owner)
        return frozenset((*self.teams, *(one.owner for one in self.owners), *own))

    def fingerprinting(self) -> Fingerprinting:
        """Return what decides in FINGERPRINT."""
        config = self._correlation()
        return Fingerprinting(
            default_environment=self.default_environment,
            signature_version=self.signature_version,
            belated_after_ms=self.incidents.belated_after_ms,
            projects=self.projects,
            tags=config.tags,
            paths=config.paths,
            people=by_sentry(self.people),
            grouping=self.grouping.chosen,
        )

"""The nouns of Stormfold: event, state change, delta, incident, storm, digest.

Values only: every type here is a frozen `msgspec.Struct`, so it can be compared, stored and sent.
What is done with them lives in the modules beside this one. All times are integer milliseconds
since the epoch (suffix `_ms`); a tick is a whole number of `TICK_MS` since the epoch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from correlators.beats import Beat
from correlators.issue_change import IssueChange
from correlators.personal import ForPerson
from correlators.pressed import Answer
from correlators.reported import Reported
from correlators.returns import Back

TICK_MS: Final = 1000
"""Length of one tick of stream time, in milliseconds."""

SERVICES_TOLD: Final = 10
"""How many services a digest lists before it says "and N more"."""


def tick_of(at_ms: int) -> int:
    """Return the tick that holds this moment of stream time."""
    return at_ms // TICK_MS


class Level(StrEnum):
    """Sentry's severity of an event, weakest first in `LEVEL_RANK`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"


LEVEL_RANK: Final = {level: rank for rank, level in enumerate(Level)}


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One stack frame, only the parts a signature may use. Frames run oldest to newest, as Sentry
    sends them."""

    function: str = ""
    module: str = ""
    filename: str = ""
    abs_path: str = ""
    lineno: int = 0
    in_app: bool = False
    context_line: str = ""
    package: str = ""
    """The library or image that holds the code, where the platform tells one."""
    raw_function: str = ""
    """The function as the runtime names it, where the SDK or Sentry shortened `function`."""
    platform: str = ""
    """The frame's own platform, where it is not the event's."""


class ExceptionValue(msgspec.Struct, frozen=True):
    """One exception of the chain; the last of an event's exceptions is the one that was raised."""

    type: str = ""
    value: str = ""
    module: str = ""
    synthetic: bool = False
    frames: tuple[Frame, ...] = ()
    mechanism: str = ""
    """What caught it (`mechanism.type`), such as `excepthook`."""
    handled: bool = True
    group: bool = False
    """It only holds others together: Python's `ExceptionGroup`, JavaScript's `AggregateError`."""
    exception_id: int = -1
    """Its number in the event's tree of exceptions, -1 where the SDK tells no tree."""
    parent_id: int = -1
    """The number of the exception that it is a cause or a member of, -1 for none."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One Sentry error occurrence, immutable; what is personal in it is kept only as a hash.

    `(project, event_id)` is its identity. `occurred_ms` is the event's own time and decides only
    whether it is belated; 0 when the event carries none.
    """

    project: str
    event_id: str
    service: str
    environment: str
    release: str = ""
    level: Level = Level.ERROR
    platform: str = ""
    logger: str = ""
    transaction: str = ""
    request: str = ""
    """Method and path of the HTTP request, without host, query and fragment."""
    culprit: str = ""
    message: str = ""
    """The message template (`logentry.message`) if there is one, else the formatted message."""
    exceptions: tuple[ExceptionValue, ...] = ()
    frames: tuple[Frame, ...] = ()
    """The stack of the one thread that stands for the event, where there is no exception."""
    formatted: str = ""
    """The message with its parameters filled in, where it differs from `message`. Like `tags` it
    may name people, so it goes no further than rules that look at it."""
    tags: tuple[tuple[str, str], ...] = ()
    """Tags that have a value, as they came."""
    sdk: str = ""
    """The name of the SDK, such as `sentry.python`."""
    sentry_fingerprint: tuple[str, ...] = ()
    sentry_hashes: tuple[str, ...] = ()
    issue_id: str = ""
    user_hash: int = 0
    """64-bit hash of the user's id, else mail, name or address; 0 when there is no user."""
    trace_hash: int = 0
    """64-bit hash of the trace id; 0 when there is none."""
    occurred_ms: int = 0
    web_url: str = ""
    issue_url: str = ""
    sampled: bool = False
    """True when the feed tells only some of the events (an alert rule's firings), so counts are
    lower bounds."""


class ChangeKind(StrEnum):
    """What a webhook that is no event says. The word is also the metric label."""

    ISSUE_CREATED = "issue_created"
    ISSUE_RESOLVED = "issue_resolved"
    ISSUE_UNRESOLVED = "issue_unresolved"
    ISSUE_IGNORED = "issue_ignored"
    ISSUE_ASSIGNED = "issue_assigned"
    METRIC_ALERT = "metric_alert"
    COMMENT = "comment"
    INSTALLATION = "installation"
    DEPLOY = "deploy"
    OTHER = "other"


class StateChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A change that Sentry tells: of an issue, a metric alert, a comment, the installation, or
    something unknown."""

    kind: ChangeKind
    resource: str
    action: str
    identity: str
    """Hash of the body: the same change told twice has the same identity."""
    issue_id: str = ""
    service: str = ""
    environment: str = ""
    """Empty when the payload names none; then every environment hears of it."""
    title: str = ""
    url: str = ""
    events: int = 0
    """Events of the issue as Sentry counts them; 0 where it tells none."""
    users: int = 0
    services: tuple[str, ...] = ()
    """Of a metric alert: the projects that its rule counts over."""
    alert_rule: str = ""
    """Of a metric alert: Sentry's id of the rule."""
    alert_firing: str = ""
    """Of a metric alert: Sentry's id of this time that it fires."""
    assignee: str = ""
    """The team that an issue is assigned to, or the person, if `people` has a name for them."""
    regressed: bool = False
    """Sentry says that the issue has regressed."""
    status: str = ""
    """Of an issue: resolved, unresolved or ignored; empty where it is not told."""
    substatus: str = ""
    """Of an issue: how it is so, such as `archived_forever`."""
    release: str = ""
    """Of a deploy."""
    at_ms: int = 0
    """When a deploy was, or a comment, by whoever tells it; 0 otherwise."""
    by: str = ""
    """Who made a deploy, wrote a comment or assigned an issue, without what is personal."""
    text: str = ""
    """What a comment says, without mail addresses."""
    tick: int = 0
    assigned_person: bool = False
    """The issue is assigned to a person."""


class Unreadable(msgspec.Struct, frozen=True):
    """Why a record is no event and no state change; the reason names the place, never the
    content."""

    reason: str


class SignatureKind(StrEnum):
    """What decided sameness. The word is also the `explain` text."""

    CUSTOM = "custom"
    STACK = "stack"
    MESSAGE = "message"
    TYPE = "type"
    EMPTY = "empty"
    SENTRY_HASH = "sentry_hash"
    SENTRY_ISSUE = "sentry_issue"


class Signature(msgspec.Struct, frozen=True):
    """The readable parts that decide sameness; `fingerprint` is their stable hash together with
    `version`."""

    version: int
    kind: SignatureKind
    parts: tuple[str, ...]
    title: str
    """One line for people, parameterised, so that it holds no personal data."""
    fingerprint: str
    """32 lower-case hex digits."""
    aliases: tuple[tuple[int, str], ...] = ()
    """(version, fingerprint) of the same event under the other versions, ascending."""


class IncidentKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What makes two deltas the same incident. Compares in the order in which a tick is applied."""

    environment: str
    service: str
    release: str
    fingerprint: str


class Sample(msgspec.Struct, frozen=True, order=True, gc=False):
    """The one event shown for an incident: the smallest by (stream time, event id)."""

    at_ms: int
    event_id: str
    title: str
    culprit: str = ""
    transaction: str = ""
    web_url: str = ""
    issue_url: str = ""
    request: str = ""


class Delta(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What some events add to one incident in one tick. `deltas.merge` says how two of them become
    one."""

    key: IncidentKey
    version: int = 1
    """The signature version of the key's fingerprint; deltas of old releases tell none, and are of
    the first."""
    aliases: tuple[tuple[int, str], ...] = ()
    """(version, fingerprint) that these events have under the other versions, ascending."""
    tick: int
    belated_tick: int = -1
    """The events' own tick when they are belated, else -1."""
    first_ms: int
    last_ms: int
    level: Level
    events: bytes
    """Set of events, in the canonical form of `sets`."""
    users: bytes
    """Set of users, in the canonical form of `sets`."""
    traces: tuple[int, ...] = ()
    """The smallest trace hashes, ascending, at most `deltas.TRACES_KEPT`."""
    issues: tuple[str, ...] = ()
    """The smallest Sentry issue ids, ascending, at most `deltas.ISSUES_KEPT`."""
    marks: tuple[str, ...] = ()
    """Conditions of rules over tags and paths that hold for some event, ascending; see `owners`."""
    alerts: bytes = b""
    """Set of the events that an alert rule of Sentry fired for; without bytes there are none."""
    sampled: bool = False
    """True when every event came from a feed that tells only some of them."""
    signature: tuple[str, ...] = ()
    sample: Sample


class Watermark(msgspec.Struct, frozen=True):
    """No later record of this source partition has a stream time below `at_ms`."""

    topic: str
    partition: int
    at_ms: int


class DeltaBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one flush of FINGERPRINT has of one source partition for one target partition.

    A message on `incident.deltas` holds one, or an array of them: of several source partitions that
    one process reads.
    """

    topic: str
    partition: int
    """The source partition that the deltas come from."""
    deltas: tuple[Delta, ...] = ()
    changes: tuple[StateChange, ...] = ()
    watermark_ms: int = -1
    """Told in the last message of a flush only; -1 elsewhere."""
    heard: tuple[tuple[int, int], ...] = ()
    """(slot, what) as in `presence`, where a record came that is no mark, of whatever environment;
    told with the watermark."""
    beats: tuple[Beat, ...] = ()
    """Of the heartbeat; told to every target, with the watermark."""


class DigestKind(StrEnum):
    """Why a digest was made."""

    OPENED = "opened"
    UPDATED = "updated"
    JOINED = "joined"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    PARTED = "parted"
    """An incident left its storm and is told by itself again; or a storm is over while what was in
    it goes on elsewhere."""
    SPIKE = "spike"
    """Spike protection begins: what follows waits for the next hour."""
    DEPLOY = "deploy"
    """A release was deployed; told where a rule asks for it."""
    REPORT = "report"
    """What happened in some time: scheduled, or what a day would have been, in shadow mode."""
    PAGE_TROUBLE = "page_trouble"
    """A page did not get through, or did so late: whom it was for, and who was paged instead."""
    REMINDER = "reminder"
    """A page at a chat that nobody has acknowledged."""
    PAGE_ASKED = "page_asked"
    """Between outboxes: is the page of `page_key` there, for the one of `page_after`?"""
    PAGE_ANSWERED = "page_answered"
    """Between outboxes: nothing keeps the page of `page_key` open any more."""
    ACKNOWLEDGED = "acknowledged"
    """A person has it."""
    UNACKNOWLEDGED = "unacknowledged"
    """Nobody has it any more."""
    SILENCED = "silenced"
    """A person's silence mutes it: the last that is told until that ends."""
    NOTED = "noted"
    """A person said something of it that is not how it goes: a comment, who is to take care of it,
    that an incident of a storm is over; `act` says what."""
    ROLLUP = "rollup"
    """Many digests that waited too long for their destination, told in one message."""
    ISSUE_CHANGE = "issue_change"
    """No message: what is to be so of an issue in Sentry."""
    ISSUE_TROUBLE = "issue_trouble"
    """Sentry did not take what was decided of an issue."""
    CORRECTION = "correction"
    """What somebody pressed did not do what they were told: told to them alone."""


NOTICES: Final = frozenset({DigestKind.PAGE_TROUBLE, DigestKind.REMINDER, DigestKind.ISSUE_TROUBLE})
"""Kinds that DELIVER makes itself: about a page, or a change of an issue, told in the thread of
another message."""


class Suppression(StrEnum):
    """Why a digest was not sent. The word is the metric label and the `explain` text."""

    TOLD_BY_STORM = "told_by_storm"
    TOLD_BY_OTHER_RELEASE = "told_by_other_release"
    TOLD_BY_INCIDENT = "told_by_incident"
    """A metric alert that an incident or storm of its service tells."""
    UNCHANGED = "unchanged"
    NEVER_TOLD = "never_told"
    STATE_CHANGE = "state_change"
    DROPPED = "dropped"
    """A rule says that it is told to nobody."""
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    INHIBITED = "inhibited"
    QUIET_HOURS = "quiet_hours"
    CAPPED = "capped"
    """The frequency cap of its rule; of a scheduled report, too many environments at once."""
    NO_NEWS = "no_news"
    """A deploy that was told long after it was, or long before."""
    DIGEST_ONLY = "digest_only"
    """A rule says that it is worth no message of its own: it waits for the next digest."""
    IGNORED = "ignored"
    """Somebody ignores (archives) its issue in Sentry."""
    FLAPPING = "flapping"
    """It opens and closes again and again: told once, then held."""
    NOTHING_NEW = "nothing_new"
    """A scheduled report of a time in which nothing happened."""
    SPIKE = "spike"
    """Spike protection: its environment was told too much in this hour."""


class Doubt(StrEnum):
    """Why something that is quiet may not be over."""

    SOURCE_STALLED = "source_stalled"
    """A source partition stands still and is left out."""
    INTAKE_SILENT = "intake_silent"
    """No webhook of any kind came for longer than usual."""
    SERVICE_SILENT = "service_silent"
    """A service that usually sends something sends nothing at all."""


class Evidence(StrEnum):
    """Why incidents are one storm. The word is also told in the digest."""

    RELEASE = "release"
    SIGNATURE = "signature"
    CAUSE = "cause"
    TRACE = "trace"
    DEPENDENCY = "dependency"
    LEARNT = "learnt"
    ONSET = "onset"
    SERVICE = "service"
    BURST = "burst"
    BY_HAND = "by_hand"


class PageReason(StrEnum):
    """Why somebody is woken."""

    FATAL = "fatal"
    EVENT_RATE = "event_rate"
    STORM_SERVICES = "storm_services"
    GAINED_SERVICE = "gained_service"
    HIGHER_URGENCY = "higher_urgency"
    NEW_ORIGIN = "new_origin"
    TOOK_OVER_PAGE = "took_over_page"
    RULE = "rule"
    """A rule of the configuration; the digest names it."""
    BY_HAND = "by_hand"
    """A person said so."""
    ACK_ENDED = "ack_ended"
    """An acknowledgement ended by itself: nobody said more."""


class ServiceLine(msgspec.Struct, frozen=True, gc=False):
    """What one service contributes to a digest."""

    service: str
    title: str
    """The title of its loudest incident."""
    events: int
    incidents: int
    releases: tuple[str, ...] = ()
    url: str = ""
    users: int = 0
    joined: bool = False
    """It was not part of the storm at the last revision."""
    owner: str = ""
    """The team that owns it; of several the first."""
    runbook: str = ""
    """What to do when it fails, where the address is short."""


class AlertLine(msgspec.Struct, frozen=True):
    """What a digest says of one metric alert."""

    title: str
    status: str
    """Sentry's word: critical, warning or open."""
    since_ms: int
    until_ms: int = 0
    """When Sentry resolved it; 0 while it stands."""
    url: str = ""


class RollupLine(msgspec.Struct, frozen=True, gc=False):
    """One incident of a roll-up, in the state of its newest revision."""

    id: str
    kind: DigestKind
    """What its newest revision says: opened, updated, resolved and so on."""
    environment: str
    service: str
    title: str
    users: int
    events: int
    release: str = ""
    """The release that it began with, or else one that it was seen in."""
    owner: str = ""
    url: str = ""
    resolved: bool = False
    about: bool = False
    """Users or events are an estimate."""
    before: bool = False
    """It was told before."""


class Rollup(msgspec.Struct, frozen=True):
    """What a roll-up tells: how many of which kind, and those that hurt most."""

    opened: int = 0
    """Incidents that nothing was told of before."""
    updated: int = 0
    """Incidents that were told before and have news."""
    resolved: int = 0
    """Incidents that are over, told before or not."""
    lines: tuple[RollupLine, ...] = ()
    """The most users first, then the most events; of those that are over, after all others."""
    more: int = 0
    """How many more there are than lines."""
    events: int = 0
    """Of all of them together."""
    users: int = 0
    """Of the one that hurts most: users are counted apart, so a sum would count some twice."""


class PageAction(StrEnum):
    """What a digest asks of a pager."""

    NONE = "none"
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    """A person has it: whoever is paged need not be woken again."""
    UNACKNOWLEDGE = "unacknowledge"
    """Nobody has it any more: whoever does not escalate by itself is reminded again."""
    RESOLVE = "resolve"


class PageOver(StrEnum):
    """Why a page that was left open by quiet is open no more."""

    HAND = "hand"
    """A person ended it, here or in the pager."""
    SENTRY = "sentry"
    """Its issue is resolved in Sentry."""
    GIVEN_BACK = "given_back"
    """Whoever had it gave it back."""
    ACK_ENDED = "ack_ended"
    """The acknowledgement ended by itself."""
    MAX_LIFE = "max_life"
    NEW_PAGE = "new_page"
    """The same error has a page of its own again."""
    IGNORED = "ignored"
    """The same error came back, and is ignored in Sentry."""


class Digest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The message content for one incident or storm at one revision, for one destination."""

    id: str
    revision: int
    kind: DigestKind
    at_ms: int
    destination: str
    """`<sink>:<name in stormfold.yaml>`, for example `slack:incidents`."""
    storm: bool
    resolved: bool
    """The state this revision shows: True once the incident or storm is over."""
    environment: str
    title: str
    incidents: int
    events: int
    users: int
    about: bool = False
    """The events are an estimate: their set grew past what is counted exactly."""
    about_users: bool = False
    """The users are an estimate."""
    at_least: bool = False
    """Counts are lower bounds: the feed tells only some of the events."""
    level: Level
    first_ms: int
    last_ms: int
    services: tuple[ServiceLine, ...] = ()
    more_services: int = 0
    releases: tuple[str, ...] = ()
    new_release: str = ""
    """The release that was first seen shortly before this began, if any."""
    new_release_ms: int = 0
    """When `new_release` was first seen, or deployed; 0 when there is none."""
    release_before: str = ""
    """For kind `deploy`: the release before."""
    by: str = ""
    """For kind `deploy`: who made it, without what is personal."""
    deployed: bool = False
    """Its deploy was told: `new_release_ms` is when that was."""
    evidence: tuple[Evidence, ...] = ()
    because: tuple[str, ...] = ()
    """The evidence in words, the weightiest first."""
    origin: str = ""
    """The service in which the storm most likely began."""
    origin_reason: str = ""
    """Why that is thought; empty where it is only the first that was heard of."""
    joined_incidents: int = 0
    """How many incidents joined the storm since the last revision."""
    joined_services: tuple[str, ...] = ()
    """Services that joined it since then."""
    storm_id: str = ""
    """For kind `joined`: the storm that tells this from now on. For `parted`: of a storm, the one
    that goes on, if any; of an incident, the one that it was part of."""
    storm_title: str = ""
    """The title of that storm."""
    left: tuple[str, ...] = ()
    """What people took out of the storm since the last revision, in words."""
    delayed: bool = False
    past: bool = False
    """It was over long before it was heard of: told for the record, nobody need act."""
    regressed: bool = False
    """It was known, and had been resolved."""
    escalating: bool = False
    """It comes far more often than it used to."""
    escalated_now: bool = False
    """That is news since the last revision."""
    flapping: bool = False
    """It ends and comes back again and again: what follows is held until that is over."""
    ignored: bool = False
    """Its issue is ignored in Sentry: what follows is held until that is over."""
    assignee: str = ""
    """Who is to take care of it: the team that Sentry has assigned its issue to, or whom a person
    said."""
    page: PageAction = PageAction.NONE
    """What this digest asks of a pager; `NONE` for every destination that is no pager."""
    page_reason: PageReason | None = None
    rule: str = ""
    """Name of the rule that decided to whom it goes; the first, where several did."""
    page_key: str = ""
    """The id under which the page was opened; the pager's dedup key comes from it."""
    page_after: str = ""
    """For a resolve: the page that goes on for this one. Resolve only once that one is there."""
    page_replaces: str = ""
    """For a trigger: the acknowledged page before it, of the same storm or error."""
    page_why: str = ""
    """Beside `page_replaces`: what that acknowledgement does not cover, in words."""
    culprit: str = ""
    transaction: str = ""
    url: str = ""
    """Link to the Sentry event or issue behind the sample, if there is one."""
    would_tell: tuple[str, ...] = ()
    """Shadow mode: the destinations that it would have been told to."""
    would_page: tuple[str, ...] = ()
    """Shadow mode: whom it would have paged."""
    would_resolve: tuple[str, ...] = ()
    """Shadow mode: where a page would have been resolved."""
    report: tuple[str, ...] = ()
    """Lines of a report."""
    unconfirmed: Doubt | None = None
    """It is quiet, and why that may not be the end."""
    page_stays: bool = False
    """It is over by quiet, and its page is left to whoever acknowledged it."""
    owners: tuple[str, ...] = ()
    """The teams that own it, the nearest to the error first; of a storm, its likely origin."""
    runbook: str = ""
    """Of the same service: what to do when it fails."""
    dashboard: str = ""
    status_page: str = ""
    image: str = ""
    """Address of a picture that a page shows, such as a graph that is drawn at that moment."""
    alerts: tuple[AlertLine, ...] = ()
    """Metric alerts of its services that this digest tells, those that stand first."""
    metric_alert: bool = False
    """It is of a metric alert itself, the only one in `alerts`; it has no events."""
    page_fallback: str = ""
    """For a page: the destination that takes it when this one cannot."""
    page_told: tuple[str, ...] = ()
    """For a page, and for kind `issue_change`: the chat destinations that are told of the same
    thing."""
    page_after_to: tuple[str, ...] = ()
    """Where that page is, or is to be."""
    handed_by: str = ""
    """The destination whose outbox handed this on or made it; empty for what CORRELATE decided."""
    notice: str = ""
    """For the kinds in `NOTICES`, and a correction of what Sentry did not take: what it says, in a
    sentence."""
    paged: bool = False
    """A page was opened for it, now or before."""
    acked_by: str = ""
    """Who acknowledged it, while that stands; for kind `unacknowledged`: who took that back."""
    acked_in: str = ""
    """Where: `slack`, `pagerduty`, `sentry`, `board`, `cli`."""
    silenced_until_ms: int = 0
    """When the silence of a person that mutes it now ends; 0 without one."""
    silenced_by: str = ""
    """Whose silence that is."""
    rollup: Rollup | None = None
    """For kind `rollup`: what it tells."""
    untold: tuple[DigestKind, ...] = ()
    """Kinds of loud revisions before this one that its readers were not told: DELIVER says them
    with it."""
    acked_until_ms: int = 0
    """When that acknowledgement ends by itself; 0 where it stands until it is taken back."""
    act: str = ""
    """The act that this tells, by its kind: `resolve`, `false_alarm`, `assign`, `page_now`,
    `comment`; empty for what was no act, and for acknowledgements and silences."""
    act_by: str = ""
    """Who did it."""
    act_in: str = ""
    """Where: as `acked_in`."""
    act_text: str = ""
    """What was said: the comment, whom it is assigned to, which incident of the storm is over."""
    issue_change: IssueChange | None = None
    """For the kinds `issue_change` and `issue_trouble`: what is to be so of an issue."""
    page_heard: bool = False
    """For an acknowledgement or a resolve: this pager has said it itself of this page, and nobody
    else whom that pager serves has the page."""
    notes: tuple[str, ...] = ()
    """What people wrote and did in revisions before this one, by whom each, that its readers were
    not told: DELIVER says them with it, at most `NOTES_CARRIED`."""
    more_notes: int = 0
    """How many more of them there were."""
    answer: Answer | None = None
    """For kind `correction`: to whom it is told, and what became of what they pressed."""
    back: Back | None = None
    """Of a storm of incidents that were over and came back: how it was over before."""
    reported: Reported | None = None
    """For kind `report`, where it is a scheduled one: what it tells, as values; `report` says the
    same in lines."""
    page_over: PageOver | None = None
    """It was told that its page stays open, and now the page is over: why. By `act_by`, if by
    somebody."""
    had_by: str = ""
    """For kind `acknowledged`: who else had it until then."""
    had_until_ms: int = 0
    """When that acknowledgement was to end by itself; 0 for never."""
    personal: ForPerson | None = None
    """Of what is told to one person: what it tells them of; `act` says it as for everybody."""
    told_by_rule: str = ""
    """Where no rule decided this one, as with what a person did: the last that did before."""
    request: str = ""
    """Method and path of the HTTP request of the sample, if there was one."""

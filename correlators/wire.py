"""What Sentry sends, as typed structs: which fields matter, under which names, in which shapes.

Every field may be null or absent. How bytes become these structs lives in `wire_read`; what the
values mean, in `events` and `changes`. Nothing here decides.

Source: Sentry's event payloads, and what Relay accepts for each attribute (`tags` as pairs or
object, `exception` as list or `{"values": [...]}`, the old `sentry.interfaces.*` names).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class WireFrame(Struct, gc=False, omit_defaults=True):
    """One frame of a stack."""

    function: str | None = None
    module: str | None = None
    filename: str | None = None
    abs_path: str | None = None
    lineno: int | None = None
    in_app: bool | None = None
    context_line: str | None = None
    package: str | None = None
    raw_function: str | None = None
    platform: str | None = None


class WireStack(Struct):
    """A stack, oldest frame first."""

    frames: list[WireFrame | None] | None = None


class WireMechanism(Struct):
    """How an exception was caught."""

    type: str | None = None
    synthetic: bool | None = None
    handled: bool | None = None
    is_exception_group: bool | None = None
    exception_id: int | None = None
    parent_id: int | None = None


class WireException(Struct):
    """One exception of a chain."""

    type: str | None = None
    value: Any = None
    module: str | None = None
    mechanism: WireMechanism | None = None
    stacktrace: WireStack | None = None


class WireChain(WireException):
    """`{"values": [...]}`, or one exception standing alone."""

    values: list[WireException | None] | None = None


class WireThread(Struct):
    """One thread."""

    crashed: bool | None = None
    current: bool | None = None
    stacktrace: WireStack | None = None


class WireThreads(WireThread):
    """`{"values": [...]}`, or one thread standing alone."""

    values: list[WireThread | None] | None = None


class WireMessage(Struct):
    """A log entry: the template, and the text with its parameters filled in."""

    message: str | None = None
    formatted: str | None = None


class WireUser(Struct):
    """Who met the error."""

    id: int | str | None = None
    email: str | None = None
    username: int | str | None = None
    name: str | None = None
    ip_address: str | None = None


class WireRequest(Struct):
    """The HTTP request in which it happened."""

    method: str | None = None
    url: str | None = None


class WireTrace(Struct):
    """The trace context."""

    trace_id: str | None = None


class WireContexts(Struct):
    """The contexts; only the trace matters."""

    trace: WireTrace | None = None


class WireProject(Struct):
    """A project as an object, as issues and service hooks carry it."""

    id: int | str | None = None
    slug: str | None = None


class WireSdk(Struct):
    """The SDK that sent an event."""

    name: str | None = None


class WireEvent(Struct):
    """One event, wherever in a body it stands."""

    event_id: str | None = None
    id: int | str | None = None
    type: str | None = None
    project: int | str | WireProject | None = None
    project_id: int | str | None = None
    project_slug: str | None = None
    url: str | None = None
    web_url: str | None = None
    issue_url: str | None = None
    issue_id: int | str | None = None
    group_id: int | str | None = None
    environment: str | None = None
    release: str | None = None
    level: int | str | None = None
    platform: str | None = None
    logger: str | None = None
    transaction: str | None = None
    culprit: str | None = None
    title: str | None = None
    message: str | WireMessage | None = None
    logentry: WireMessage | None = None
    exception: list[WireException | None] | WireChain | None = None
    threads: list[WireThread | None] | WireThreads | None = None
    stacktrace: WireStack | None = None
    fingerprint: list[str | None] | str | None = None
    hashes: list[str | None] | None = None
    tags: list[tuple[str, str | None]] | dict[str, str | None] | None = None
    sdk: WireSdk | None = None
    user: WireUser | None = None
    request: WireRequest | None = None
    contexts: WireContexts | None = None
    timestamp: float | int | str | None = None
    datetime: float | int | str | None = None
    old_exception: list[WireException | None] | WireChain | None = field(
        default=None, name="sentry.interfaces.Exception"
    )
    old_stacktrace: WireStack | None = field(default=None, name="sentry.interfaces.Stacktrace")
    old_message: WireMessage | None = field(default=None, name="sentry.interfaces.Message")
    old_user: WireUser | None = field(default=None, name="sentry.interfaces.User")
    old_request: WireRequest | None = field(default=None, name="sentry.interfaces.Http")


class WireEventData(Struct):
    """`data` of the resources that carry an event."""

    error: WireEvent | None = None
    event: WireEvent | None = None


class WireBody(WireEvent):
    """A whole body: an envelope around an event, the flat plugin form, or the event itself."""

    data: WireEventData | None = None
    event: WireEvent | None = None
    triggering_rules: list[Any] | None = None


class WireInsert(Struct):
    """What a self-hosted Sentry's own topic tells of one event; `data` is the event as stored."""

    event_id: str | None = None
    project_id: int | str | None = None
    group_id: int | str | None = None
    primary_hash: str | None = None
    platform: str | None = None
    message: str | None = None
    datetime: float | int | str | None = None
    data: WireEvent | None = None


class WireStream(Struct, array_like=True):
    """A message of that topic: `[2, "insert", {event}, {state of its group}]`."""

    version: int
    operation: str
    insert: WireInsert | None = None


class WireAssignee(Struct):
    """Whom an issue is assigned to."""

    type: str | None = None
    id: int | str | None = None
    name: str | None = None
    email: str | None = None
    username: str | None = None


class WireIssue(Struct):
    """An issue, as `issue` webhooks carry it."""

    id: int | str | None = None
    title: str | None = None
    permalink: str | None = None
    web_url: str | None = None
    project: WireProject | None = None
    count: int | str | None = None
    userCount: int | str | None = None
    status: str | None = None
    substatus: str | None = None
    assignedTo: WireAssignee | None = None


class WireAlertRule(Struct):
    """The rule of a metric alert."""

    id: int | str | None = None
    environment: str | None = None


class WireMetricAlert(Struct):
    """A metric alert."""

    id: int | str | None = None
    title: str | None = None
    projects: list[str | None] | None = None
    alert_rule: WireAlertRule | None = None


class WireChangeData(Struct):
    """`data` of the resources that carry no event."""

    issue: WireIssue | None = None
    metric_alert: WireMetricAlert | None = None
    description_title: str | None = None
    web_url: str | None = None
    project_slug: str | None = None
    issue_id: int | str | None = None
    group_id: int | str | None = None
    comment: str | None = None
    timestamp: float | int | str | None = None


class WireActor(Struct):
    """Who did it."""

    type: str | None = None
    id: int | str | None = None
    name: str | None = None


class WireChange(Struct):
    """A body that tells a change of state."""

    action: str | None = None
    data: WireChangeData | None = None
    actor: WireActor | None = None

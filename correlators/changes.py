"""From a body without an event to a `StateChange`: what happened to an issue, alert or comment.

Only the reading; what a change does to an incident is decided where incidents live.
"""

from __future__ import annotations

from typing import Any, Final

import xxhash

from correlators.event_parts import link, name, occurred_ms
from correlators.known_people import NOBODY, Known, person
from correlators.mails import MAIL, unmailed
from correlators.types import ChangeKind, StateChange
from correlators.wire import WireAssignee, WireChange, WireChangeData, WireIssue, WireMetricAlert

WORD_CHARS: Final = 64
TITLE_CHARS: Final = 512
COMMENT_CHARS: Final = 1_000
SERVICE_CHARS: Final = 100
PROJECTS_KEPT: Final = 16
"""Projects of one metric alert."""

_ISSUE_ACTIONS: Final = {
    "created": ChangeKind.ISSUE_CREATED,
    "resolved": ChangeKind.ISSUE_RESOLVED,
    "unresolved": ChangeKind.ISSUE_UNRESOLVED,
    "ignored": ChangeKind.ISSUE_IGNORED,
    "archived": ChangeKind.ISSUE_IGNORED,
    "assigned": ChangeKind.ISSUE_ASSIGNED,
}
_RESOURCES: Final = {
    "metric_alert": ChangeKind.METRIC_ALERT,
    "comment": ChangeKind.COMMENT,
    "installation": ChangeKind.INSTALLATION,
}


def change_of(resource: str, wire: WireChange, body: bytes, people: Known = NOBODY) -> StateChange:
    """Return the change that the body tells; of kind `other` when nothing is known about it.

    Source: Sentry's integration platform, webhooks: the documentation says `archived`, the wire
    says `ignored`. Who somebody is goes no further, but for the name that `people` has for them.
    """
    action = name(wire.action, WORD_CHARS).lower()
    if resource == "issue":
        kind = _ISSUE_ACTIONS.get(action, ChangeKind.OTHER)
    else:
        kind = _RESOURCES.get(resource, ChangeKind.OTHER)
    data = wire.data or WireChangeData()
    issue = data.issue or WireIssue()
    alert = data.metric_alert
    rule = alert.alert_rule if alert is not None else None
    issue_id = next((x for x in (issue.id, data.issue_id, data.group_id) if x is not None), "")
    return StateChange(
        kind=kind,
        resource=name(resource, WORD_CHARS),
        action=action,
        identity=xxhash.xxh3_128_hexdigest(body),
        issue_id=name(str(issue_id), WORD_CHARS),
        service=_service(data, issue),
        environment=name(rule.environment, WORD_CHARS) if rule is not None else "",
        title=name(
            issue.title or (alert.title if alert is not None else None) or data.description_title,
            TITLE_CHARS,
        ),
        url=link(issue.web_url or issue.permalink or data.web_url),
        services=_services(alert),
        alert_rule=_id(rule.id) if rule is not None else "",
        alert_firing=_id(alert.id) if alert is not None else "",
        events=_count(issue.count),
        users=_count(issue.userCount),
        assignee=_team(issue.assignedTo) or person(issue.assignedTo, people),
        assigned_person=_kind(issue.assignedTo) == "user",
        regressed=issue.substatus == "regressed",
        status=name(issue.status, WORD_CHARS),
        substatus=name(issue.substatus, WORD_CHARS),
        **_comment(wire, data, kind, people),
    )


def _comment(
    wire: WireChange, data: WireChangeData, kind: ChangeKind, people: Known
) -> dict[str, Any]:
    """Return who wrote what and when, of a comment; of an assignment, who made it."""
    known = person(wire.actor, people)
    if kind is ChangeKind.ISSUE_ASSIGNED:
        return {"by": known}
    if kind is not ChangeKind.COMMENT:
        return {}
    by = unmailed(name(wire.actor.name if wire.actor is not None else None, WORD_CHARS))
    return {
        "by": known or ("" if by == MAIL else by),
        "text": unmailed(name(data.comment, COMMENT_CHARS)),
        "at_ms": occurred_ms(data.timestamp),
    }


def _id(given: int | str | None) -> str:
    return "" if given is None else name(str(given), WORD_CHARS)


def _services(alert: WireMetricAlert | None) -> tuple[str, ...]:
    """Return the projects of an alert's rule, ascending; the smallest where they are very many."""
    found = {
        name(one, SERVICE_CHARS) for one in (alert.projects if alert is not None else None) or ()
    }
    return tuple(sorted(found - {""})[:PROJECTS_KEPT])


def _count(given: int | str | None) -> int:
    """Return a count, which Sentry sends as a text; 0 for none."""
    text = "" if given is None else str(given).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _team(given: WireAssignee | None) -> str:
    """Return the team that is assigned; who a person is goes no further."""
    if given is None or _kind(given) != "team":
        return ""
    return name(given.name, WORD_CHARS)


def _kind(given: WireAssignee | None) -> str:
    return (given.type or "").lower() if given is not None else ""


def _service(data: WireChangeData, issue: WireIssue) -> str:
    if issue.project is not None and issue.project.slug:
        return name(issue.project.slug, WORD_CHARS)
    projects = data.metric_alert.projects if data.metric_alert is not None else None
    if projects and len(projects) == 1:
        return name(projects[0], WORD_CHARS)
    return name(data.project_slug, WORD_CHARS)

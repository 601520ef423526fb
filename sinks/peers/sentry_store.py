"""What a local Sentry holds: issues with status and assignee, teams, people. Pure.

Source: docs.sentry.io/api/events/update-an-issue; status, substatus and `statusDetails` as in
docs.sentry.io/product/issues/states-triage; an actor is `team:<id>`, `user:<id>`, a user name or a
mail address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

STATUSES: Final = ("resolved", "resolvedInNextRelease", "unresolved", "ignored")
SUBSTATUSES: Final = {
    "archived_until_escalating": "ignored",
    "archived_until_condition_met": "ignored",
    "archived_forever": "ignored",
    "ongoing": "unresolved",
    "escalating": "unresolved",
    "regressed": "unresolved",
    "new": "unresolved",
}
DETAILS: Final = ("ignoreDuration", "ignoreCount", "ignoreUserCount", "ignoreWindow")


@dataclass
class Issue:
    """One issue and what was done to it."""

    id: str
    organisation: str
    status: str = "unresolved"
    substatus: str | None = "ongoing"
    details: Json = field(default_factory=dict)
    assignee: str = ""
    """As `team:<id>` or `user:<id>`; empty: nobody."""
    assignee_name: str = ""
    """The slug of that team, or the name of that person."""
    log: list[tuple[float, Json]] = field(default_factory=list)
    """When it changed to what; a call that changes nothing leaves none."""
    merged: bool = False

    def shown(self) -> Json:
        """Return the issue as the API shows it."""
        kind, _, number = self.assignee.partition(":")
        assignee = {"type": kind, "id": number, "name": self.assignee_name} if kind else None
        return {
            "id": self.id,
            "shortId": f"SHOP-{self.id}",
            "title": f"issue {self.id}",
            "status": self.status,
            "substatus": self.substatus,
            "statusDetails": self.details,
            "assignedTo": assignee,
        }


def wrong(asked: Json, actors: dict[str, str]) -> Json:
    """Return what is wrong with a change, by field; empty where it can be made.

    Args:
        asked: the body.
        actors: what an assignee may be, and who that is.
    """
    found: Json = {}
    status, substatus = asked.get("status"), asked.get("substatus")
    details = asked.get("statusDetails", {})
    if status is not None and status not in STATUSES:
        found["status"] = [f'"{status}" is not a valid choice.']
    if substatus is not None and SUBSTATUSES.get(substatus) != status:
        found["substatus"] = [f'"{substatus}" is not a valid choice.']
    if not isinstance(details, dict):
        found["statusDetails"] = ["Invalid data. Expected a dictionary."]
    else:
        for name in DETAILS:
            value = details.get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                found["statusDetails"] = {name: ["A valid integer is required."]}
    assignee = asked.get("assignedTo", "")
    if assignee and assignee not in actors:
        says = "Could not parse actor. Format should be `type:id` where type is `team` or `user`."
        found["assignedTo"] = [says]
    return found


def changed(issue: Issue, asked: Json, actors: dict[str, str], at: float) -> None:
    """Let the issue be as a change says, and note it where it was not so."""
    before = (issue.status, issue.substatus, issue.details, issue.assignee)
    if "status" in asked:
        status = asked["status"]
        issue.status = "resolved" if status.startswith("resolved") else status
        usual = {"unresolved": "ongoing", "ignored": "archived_until_escalating"}
        issue.substatus = asked.get("substatus", usual.get(issue.status))
        issue.details = dict(asked.get("statusDetails", {}))
    if "assignedTo" in asked:
        issue.assignee = actors[asked["assignedTo"]] if asked["assignedTo"] else ""
    if (issue.status, issue.substatus, issue.details, issue.assignee) != before:
        issue.log.append((at, asked))

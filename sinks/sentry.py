"""Sentry by its issue API: what people decided here is made so there.

An issue is resolved, unresolved, archived or assigned by one PUT that says what is to be so. Said
twice it is so all the same, so a call whose outcome is unknown is made again and nothing is looked
up; of several changes of one part of an issue the newest wins. But a rule takes an issue from
nobody: before it assigns one, it is asked whether somebody has it. What Sentry will not take is
final and told in the incident's thread: nobody expects a button to work a day later.

Source: docs.sentry.io/api/events/update-an-issue; `/api/0/issues/{id}/` is the form of older
self-hosted installations. A team is assigned by its number, which `GET /api/0/teams/` tells by its
slug (docs.sentry.io/api/teams/retrieve-a-team, scope team:read).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from correlators.issue_change import RULE, TEAM, IssueChange, IssueDoes
from sinks.base import (
    Attempt,
    Delivered,
    Found,
    Limit,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.http import Http, Reply
from sinks.sentry_words import NO_TOKEN, refusal

TIMEOUT_MS: Final = 3_500
EVERY_MS: Final = 400
GIVE_UP_MS: Final = 30 * 60_000
"""So long a change is tried while Sentry cannot be reached; then it is told that it failed."""
ANSWER_CHARS: Final = 200_000
"""An issue with its statistics and its tags."""
TEAMS_KEPT: Final = 1_000


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation of one Sentry."""

    slug: str = ""
    """Empty: the issue alone is named, as an older self-hosted Sentry has it."""
    token: str
    api_url: str = "https://sentry.io"

    def __repr__(self) -> str:
        return f"Organisation({self.slug})"


class SentrySink:
    """Changes issues of one or more organisations.

    Args:
        organisations: by the name in the configuration, such as {"default": organisation}.
        people: whom Sentry assigns an issue to, by the name that somebody has here: an address of
            theirs stands in no message before this call.
        every_ms: between two calls of one organisation, some more than Sentry asks for: it takes
            five in a second.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "sentry"

    def __init__(
        self,
        *,
        organisations: Mapping[str, Organisation],
        people: Mapping[str, str] | None = None,
        every_ms: int = EVERY_MS,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._organisations = {f"{self.name}:{name}": one for name, one in organisations.items()}
        self._people = {name.lower(): user for name, user in (people or {}).items()}
        self._http = Http(timeout_ms=timeout_ms)
        self._teams: dict[tuple[str, str], str] = {}
        # One at a time: Sentry also limits how many calls of one caller may run at once.
        calls = Limit(name="issue", scope=Scope.METHOD, every_ms=every_ms, burst=2)
        self._plan = Plan(
            steps={Step.POST: (calls,)},
            repeatable=frozenset({Step.POST}),
            give_up_ms=GIVE_UP_MS,
            rollup=False,
        )

    def __repr__(self) -> str:
        return f"SentrySink({', '.join(self.destinations)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per organisation."""
        return tuple(self._organisations)

    def account(self, destination: str) -> str:
        """Return the destination: limits count over a caller and an endpoint."""
        return destination

    def plan(self, destination: str) -> Plan:
        """Return the one step of a change."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the change of this attempt and return what became of it."""
        change, here = attempt.digest.issue_change, self._organisations[attempt.destination]
        if change is None or not (change.issue_id.isascii() and change.issue_id.isdigit()):
            return Rejected(RejectReason.INVALID, "it names no issue of Sentry's")
        if not (here.token.isascii() and here.token.isprintable()):
            return Rejected(RejectReason.NOT_AUTHORISED, NO_TOKEN)
        now_ms = attempt.deadline_ms - self._plan.attempt_ms
        body = body_of(change, now_ms)
        url = here.api_url.rstrip("/") + issue_path(here.slug, change.issue_id)
        if change.source == RULE:
            kept = await self._kept(url, here, change)
            if kept is not None:
                return kept
        slug = change.assignee.removeprefix(TEAM)
        if change.assignee.startswith(TEAM):
            team = await self._team(attempt.destination, slug)
            if not isinstance(team, str):
                return team
            body["assignedTo"] = TEAM + team
        elif change.assignee:
            body["assignedTo"] = self._people.get(change.assignee.lower(), change.assignee)
        reply = await self._http.put(
            url, json.dumps(body).encode(), headers=_headers(here), most_chars=ANSWER_CHARS
        )
        if not isinstance(reply, Reply):
            return reply
        if not 200 <= reply.status < 300:
            if reply.status in (400, 404):
                # A team that was made again has another number: it is asked for anew.
                self._teams.pop((attempt.destination, slug), None)
            return refusal(reply)
        if _id_in(reply) is None:
            # A page of somebody on the way, who may have dropped it.
            return Unknown(UnknownReason.UNREADABLE)
        return Delivered(Receipt(id=change.issue_id))

    async def _kept(self, url: str, here: Organisation, change: IssueChange) -> Outcome | None:
        """Return what becomes of an assignment by rule where somebody has the issue already, or
        where that cannot be told; None where nobody has it."""
        reply = await self._http.get(url, headers=_headers(here), most_chars=ANSWER_CHARS)
        if not isinstance(reply, Reply):
            return reply
        if not 200 <= reply.status < 300:
            return refusal(reply)
        found = _thing_in(reply)
        if found is None:
            return Unknown(UnknownReason.UNREADABLE)
        return Delivered(Receipt(id=change.issue_id)) if found.get("assignedTo") else None

    async def _team(self, destination: str, slug: str) -> str | Retry | Rejected | Unknown:
        """Return the number of a team by its slug, asked for once."""
        if slug.isascii() and slug.isdigit():
            return slug
        known = self._teams.get((destination, slug))
        if known is not None:
            return known
        here = self._organisations[destination]
        path = f"/api/0/teams/{quote(here.slug, safe='')}/{quote(slug, safe='')}/"
        reply = await self._http.get(
            here.api_url.rstrip("/") + path, headers=_headers(here), most_chars=ANSWER_CHARS
        )
        if not isinstance(reply, Reply):
            return reply
        if reply.status in (403, 404):
            says = "give the token the scope team:read" if reply.status == 403 else "name its slug"
            why = f"status {reply.status}: Sentry shows no team {_short(slug)}: {says}"
            return Rejected(RejectReason.INVALID, why)
        if not 200 <= reply.status < 300:
            return refusal(reply)
        number = _id_in(reply)
        if number is None:
            return Unknown(UnknownReason.UNREADABLE)
        if len(self._teams) >= TEAMS_KEPT:
            self._teams.clear()
        self._teams[destination, slug] = number
        return number

    async def find(self, attempt: Attempt) -> Found:
        """Return `NotFound`: a change may be made again."""
        return NotFound()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def issue_path(organisation: str, issue_id: str) -> str:
    """Return the path of an issue, without an organisation that of older installations."""
    if not organisation:
        return f"/api/0/issues/{issue_id}/"
    return f"/api/0/organizations/{quote(organisation, safe='')}/issues/{issue_id}/"


def body_of(change: IssueChange, now_ms: int) -> dict[str, Any]:
    """Return what is to be so, as Sentry reads it.

    Args:
        change: of one issue.
        now_ms: now; Sentry counts how long an issue stays archived in minutes from when it hears.
    """
    match change.does:
        case IssueDoes.RESOLVE:
            return {"status": "resolved"}
        case IssueDoes.UNRESOLVE:
            return {"status": "unresolved"}
        case IssueDoes.ASSIGN:
            return {"assignedTo": change.assignee}
        case IssueDoes.IGNORE if not change.until_ms:
            until = {"substatus": "archived_until_escalating", "statusDetails": {}}
            return {"status": "ignored", **until}
        case IssueDoes.IGNORE:
            minutes = max(1, -(-(change.until_ms - now_ms) // 60_000))
            until = {
                "substatus": "archived_until_condition_met",
                "statusDetails": {"ignoreDuration": minutes},
            }
            return {"status": "ignored", **until}


def _headers(here: Organisation) -> dict[str, str]:
    return {"Authorization": f"Bearer {here.token}"}


def _thing_in(reply: Reply) -> dict[str, Any] | None:
    """Return the thing that an answer shows, None where it shows none."""
    try:
        found = json.loads(reply.text)
    except (ValueError, RecursionError):
        return None
    thing = isinstance(found, dict) and isinstance(found.get("id"), str | int)
    return found if thing else None


def _id_in(reply: Reply) -> str | None:
    """Return the id of the thing that an answer shows, None where it shows none."""
    found = _thing_in(reply)
    return str(found["id"]) if found is not None else None


def _short(text: str) -> str:
    return "".join(one for one in text[:60] if one.isprintable())

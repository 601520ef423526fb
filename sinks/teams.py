"""Microsoft Teams by a workflow that posts what it is sent: a card per revision, at least once.

A workflow gives back no id: nothing is edited, nothing stands in a thread, nothing is looked up. So
every revision is a card of its own, and one whose outcome is unknown is sent again, marked as a
possible repeat. An answer 2xx means that the workflow has the card; if it then cannot post it, that
shows in its runs in Teams alone. The address holds a signature, so it is the secret and stands in
no answer, log or repr.

Source: learn.microsoft.com, post a workflow when a webhook request is received; webhooks and
connectors: rate limits (four in a second, 60 in 30 s), a refusal that hides in an answer 200;
request trigger: 202, errors as `{"error": {"code", "message"}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from sinks.base import (
    PERSON_WAIT_MS,
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Limit,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.formed import TEAMS, Formed
from sinks.forms import Forms
from sinks.http import Http, Reply
from sinks.notes import Notes
from sinks.retry_after import retry_after_ms
from sinks.teams_card import message_of

TIMEOUT_MS: Final = 3_500
EVERY_MS: Final = 1_000
"""Between two cards of one workflow: half of what 60 in 30 s allow, for others that post there."""
BURST: Final = 3
RATE_WAIT_MS: Final = 30_000
"""After a refusal for the rate that names no time: the window that is counted over."""
CODE_CHARS: Final = 60

_HIDDEN: Final = re.compile(r"HTTP error ([1-5][0-9]{2})")
_OFF: Final = "WorkflowTriggerIsNotEnabled"
_CURES: Final = {
    401: "copy the workflow's address from Teams anew and give it",
    403: "copy the workflow's address from Teams anew and give it",
    404: "the workflow is gone: make one and give its address",
}


class TeamsSink:
    """Posts through one or more workflows.

    Args:
        workflows: address by the name in the configuration.
        forms: what cards say, by the rule that decided.
        every_ms: between two cards of one workflow, after the first few.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "teams"

    def __init__(
        self,
        *,
        workflows: Mapping[str, str],
        forms: Forms | None = None,
        every_ms: int = EVERY_MS,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._urls = {f"{self.name}:{name}": url for name, url in workflows.items()}
        self.notes = Notes()
        """What was cut and refused."""
        self._forms = Formed(forms, self.notes, TEAMS)
        self._http = Http(timeout_ms=timeout_ms)
        limit = Limit(name="post", scope=Scope.DESTINATION, every_ms=every_ms, burst=BURST)
        # Nothing can be asked, so nothing is waited for.
        self._plan = Plan(steps={Step.POST: (limit,)}, ask_ms=1)

    def __repr__(self) -> str:
        return f"TeamsSink({', '.join(self._urls)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per workflow."""
        return tuple(self._urls)

    def account(self, destination: str) -> str:
        """Return the destination: limits count over a workflow."""
        return destination

    def plan(self, destination: str) -> Plan:
        """Return one step: every revision is a card."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        digest, update, repeat = attempt.digest, attempt.root is not None, attempt.possible_repeat
        # What is new has its own words; a form says how things stand.
        form = None if update else await self._forms.said(digest, None, possible_repeat=repeat)
        drawn = form[0] if form is not None else None
        card = message_of(digest, update=update, possible_repeat=repeat, form=drawn)
        self.notes.cut(attempt.destination, card.cuts)
        reply = await self._http.post(self._urls[attempt.destination], card.body)
        if not isinstance(reply, Reply):
            return reply
        status = _status(reply)
        if 200 <= status < 300:
            if "html" in reply.headers.get("content-type", ""):
                # A page of somebody on the way, who may have dropped it.
                return Unknown(UnknownReason.UNREADABLE)
            return Delivered(Receipt(id=f"{attempt.digest.id}.{attempt.digest.revision}"))
        outcome = _refusal(reply, status)
        if isinstance(outcome, Rejected | Retry) and outcome.detail:
            word = f"status_{status}"
            self.notes.refused(attempt.destination, word, outcome.detail, loud=True)
        return outcome

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: a workflow does not read."""
        return CannotTell("a workflow does not read")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        await self._forms.close()


def _status(reply: Reply) -> int:
    """Return the status; of an answer 200 that says what Teams answered the workflow, that one."""
    hidden = _HIDDEN.search(reply.text) if reply.status == 200 else None
    return int(hidden[1]) if hidden is not None else reply.status


def _refusal(reply: Reply, status: int) -> Outcome:
    if status == 429:
        told = reply.headers
        after_ms = retry_after_ms(
            told.get("retry-after"), default_ms=RATE_WAIT_MS, date=told.get("date")
        )
        return Retry(RetryReason.RATE_LIMITED, max(1_000, after_ms), Scope.DESTINATION)
    if status == 408 or status >= 500:
        return Unknown(UnknownReason.SERVER_ERROR)
    code = _code(reply)
    says = f"status {status} {code}".strip()
    if code == _OFF:
        return _waits(f"{says}: the workflow is turned off: turn it on in Teams")
    if status in _CURES:
        return _waits(f"{says}: {_CURES[status]}")
    if status == 413:
        return Rejected(RejectReason.TOO_LARGE, says)
    if 300 <= status < 400:
        return _waits(f"{says}: redirects are not followed: copy the workflow's address anew")
    return Rejected(RejectReason.INVALID, says)


def _waits(detail: str) -> Retry:
    """Return that it is asked again until a person has put it right."""
    return Retry(RetryReason.NEEDS_SOMEBODY, PERSON_WAIT_MS, Scope.DESTINATION, detail)


def _code(reply: Reply) -> str:
    """Return the word for the error in the answer, empty where there is none."""
    try:
        found = json.loads(reply.text)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and code.isalnum() and len(code) <= CODE_CHARS else ""

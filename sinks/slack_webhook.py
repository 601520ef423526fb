"""Slack by incoming webhook, for teams without a bot: posts only, at least once.

A webhook gives back no id: nothing is edited, nothing stands in a thread, nothing can be looked up.
So every revision is a post of its own, and one whose outcome is unknown is sent again, marked as a
possible repeat. The URL is the secret and stands in no answer, log or repr.

Source: docs.slack.dev, incoming webhooks (one message a second, errors as text);
api.slack.com/changelog/2016-05-17.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Limit,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    Retry,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.broadcast import called
from sinks.carried import first_told
from sinks.formed import CHANNEL, SLACKS, Formed
from sinks.forms import Forms
from sinks.http import Http, Reply
from sinks.mrkdwn import mention
from sinks.notes import Notes
from sinks.render import Rendered, slack_message, slack_update
from sinks.slack_errors import meaning_of, outcome_of, word_of

TIMEOUT_MS: Final = 3_500
ERROR_CHARS: Final = 60


class SlackWebhookSink:
    """Posts through one or more incoming webhooks.

    Args:
        webhooks: URL by the name in the configuration.
        mentions: user group (S...) or user (U..., W...) by team, called by what is loud.
        forms: what messages say, by the rule that decided.
        post_every_ms: between two messages of one webhook; Slack allows about one a second.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "slack_webhook"

    def __init__(
        self,
        *,
        webhooks: Mapping[str, str],
        mentions: Mapping[str, str] | None = None,
        forms: Forms | None = None,
        post_every_ms: int = 1_050,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._urls = {f"{self.name}:{name}": url for name, url in webhooks.items()}
        self._mentions = dict(mentions or {})
        self.notes = Notes()
        """What was cut and refused."""
        self._forms = Formed(forms, self.notes, SLACKS, everybody=CHANNEL)
        self._http = Http(timeout_ms=timeout_ms)
        limit = Limit(name="post", scope=Scope.DESTINATION, every_ms=post_every_ms)
        # Nothing can be asked, so nothing is waited for.
        self._plan = Plan(steps={Step.POST: (limit,)})

    def __repr__(self) -> str:
        return f"SlackWebhookSink({', '.join(self._urls)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per webhook."""
        return tuple(self._urls)

    def account(self, destination: str) -> str:
        """Return the destination: limits count over a webhook."""
        return destination

    def plan(self, destination: str) -> Plan:
        """Return one step: every revision is a post."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        message = await self._message(attempt)
        self.notes.cut(attempt.destination, message.cuts)
        body = {
            "text": message.text,
            "blocks": message.blocks,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        reply = await self._http.post(self._urls[attempt.destination], json.dumps(body).encode())
        if not isinstance(reply, Reply):
            return reply
        if 200 <= reply.status < 300:
            if reply.text.strip() == "ok":
                return Delivered(Receipt(id=f"{attempt.digest.id}.{attempt.digest.revision}"))
            return Unknown(UnknownReason.UNREADABLE)
        return self._refused(attempt, reply)

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: a webhook does not read."""
        return CannotTell("a webhook does not read")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        await self._forms.close()

    async def _message(self, attempt: Attempt) -> Rendered:
        """Return the whole state at first, then what is new, which names what it is about."""
        digest, repeat = attempt.digest, attempt.possible_repeat
        mentioned = called(digest, self._mentions)
        if attempt.root is None:
            told = first_told(digest)
            form = await self._forms.said(
                told, [mention(one) for one in mentioned], possible_repeat=repeat
            )
            return slack_message(told, possible_repeat=repeat, called=mentioned, form=form)
        return slack_update(digest, possible_repeat=repeat, loud=True, called=mentioned)

    def _refused(self, attempt: Attempt, reply: Reply) -> Outcome:
        error = _error_of(reply)
        outcome = outcome_of(
            attempt.step,
            error,
            status=reply.status,
            headers=reply.headers,
            channel=attempt.destination,
            retry_after=_json_of(reply).get("retry_after"),
        )
        detail = outcome.detail if isinstance(outcome, Rejected | Retry) else ""
        loud = bool(detail) and bool(meaning_of(error).todo)
        self.notes.refused(attempt.destination, word_of(error), detail, loud=loud)
        return outcome


def _error_of(reply: Reply) -> str:
    """Return Slack's word: the answer's text, or its JSON's `error`; else the status."""
    text = reply.text.strip()
    if text.startswith("{"):
        text = str(_json_of(reply).get("error") or "")
    word = text if text.replace("_", "").isalnum() and len(text) <= ERROR_CHARS else ""
    return word or f"status_{reply.status}"


def _json_of(reply: Reply) -> dict[str, Any]:
    """Return the object that an answer holds; empty where it is text."""
    try:
        found = json.loads(reply.text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

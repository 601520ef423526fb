"""Slack by bot token, to one person: what they pressed did not do what they were told.

A message that only they see, in the thread or channel where they pressed; where the bot cannot say
it there, or they are not there any more, a direct message. Nothing of it can be looked up, so one
whose outcome is unknown is sent again, marked "possible repeat".

Source: docs.slack.dev, chat.postEphemeral (tier 4: 100 a minute and more); chat.postMessage, where
the id of a person as `channel` is a direct message.
"""

from __future__ import annotations

from typing import Any, Final

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from correlators.answering import DESTINATION
from correlators.pressed import Pressed
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
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
)
from sinks.corrections import says
from sinks.notes import Notes
from sinks.slack_client import SlackClient

EVERY_MS: Final = 650
TIMEOUT_MS: Final = 1_700
"""Of one call: two of them fit into an attempt."""
GIVE_UP_MS: Final = 30 * 60_000
"""Later nobody remembers what they pressed, and the state says how it is."""


class SlackEphemeralSink:
    """Tells people of one workspace what only they see.

    Args:
        token: a bot token with chat:write.
        base_url: ends with `/api/`.
        every_ms: between two messages, after a burst of ten.
        timeout_ms: of one call.
    """

    name = "slack_ephemeral"

    def __init__(
        self,
        *,
        token: str,
        base_url: str = "https://slack.com/api/",
        every_ms: int = EVERY_MS,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self.notes = Notes()
        """What was refused."""
        self._client = SlackClient(
            token=token, base_url=base_url, timeout_ms=timeout_ms, notes=self.notes
        )
        calls = Limit(
            name="ephemeral", scope=Scope.METHOD, every_ms=every_ms, burst=10, in_flight=8
        )
        self._plan = Plan(
            steps={Step.POST: (calls,)},
            give_up_ms=GIVE_UP_MS,
            rollup=False,
        )

    def __repr__(self) -> str:
        return "SlackEphemeralSink()"

    @property
    def destinations(self) -> tuple[str, ...]:
        """The one destination: who is meant stands in each message."""
        return (DESTINATION,)

    def account(self, destination: str) -> str:
        """Return the sink's name: there is one workspace."""
        return self.name

    def plan(self, destination: str) -> Plan:
        """Return the one step of a message."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Say it where they pressed, else to them directly; return what became of it."""
        if attempt.digest.answer is None:
            return Rejected(RejectReason.INVALID, "it is for nobody")
        to, text = attempt.digest.answer.to, says(attempt.digest)
        if attempt.possible_repeat:
            text += " (possible repeat)"
        outcome = await self._call(
            self._client.web.chat_postEphemeral(
                channel=to.channel, user=to.user, text=text, thread_ts=to.thread_ts or None
            ),
            to,
        )
        if not _not_there(outcome):
            return outcome
        direct = await self._call(self._client.web.chat_postMessage(channel=to.user, text=text), to)
        if isinstance(direct, Retry) and _not_there(direct):
            return Rejected(RejectReason.NO_SUCH_PLACE, direct.detail)
        return direct

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: no history holds what one person saw."""
        return CannotTell("no history holds it")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _call(self, made: Any, to: Pressed) -> Outcome:
        answer = await self._client.call(Step.POST, made, to=DESTINATION, channel=to.channel)
        if not isinstance(answer, AsyncSlackResponse):
            return _of_all(answer)
        return Delivered(Receipt(place=to.channel, id=str(answer.get("message_ts") or "")))


def _of_all(outcome: Outcome) -> Outcome:
    """Return it as of the method: a rate is no matter of one place here."""
    if isinstance(outcome, Retry) and outcome.reason is RetryReason.RATE_LIMITED:
        scope = Scope.ACCOUNT if outcome.scope is Scope.ACCOUNT else Scope.METHOD
        return Retry(outcome.reason, outcome.after_ms, scope, outcome.detail)
    return outcome


def _not_there(outcome: Outcome) -> bool:
    """Return whether it cannot be said in that place, whoever says it again."""
    if isinstance(outcome, Rejected):
        return True
    return isinstance(outcome, Retry) and outcome.scope is Scope.DESTINATION

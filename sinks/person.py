"""One person, told what is theirs: a direct message in Slack, or a mail to them alone.

A destination is `person_slack:<name>` or `person_mail:<name>`; under which id or address that is,
only the sink knows. Each is told once and never edited; what waits too long is told together.
Nothing of a direct message can be looked up, so one whose outcome is unknown is sent again, marked
"possible repeat".

Source: docs.slack.dev, chat.postMessage, where the id of a person as `channel` is a direct message.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.headerregistry import Address
from typing import Any, Final

import msgspec

from correlators import personal
from correlators.personal import Deed
from correlators.types import Digest
from sinks.base import Attempt, CannotTell, Found, Outcome, Plan, Step
from sinks.carried import first_told
from sinks.email import EmailSink
from sinks.slack import SlackSink
from sinks.smtp import Server

GIVE_UP_MS: Final = 86_400_000
"""Later it is no news to them."""
_WHERE: Final = {"slack": "Slack", "pagerduty": "PagerDuty", "sentry": "Sentry"}


def shown(digest: Digest) -> Digest:
    """Return what is told to one person as its message shows it: it is of the incident or storm,
    and says what was done in the words of the person who did it."""
    whose = digest.personal
    if whose is None:
        return digest
    digest = msgspec.structs.replace(digest, id=whose.subject)
    if whose.deed is Deed.MENTIONED:
        return first_told(digest)
    by = f" by {digest.act_by}" if digest.act_by else ""
    where = f" in {_WHERE[digest.act_in]}" if digest.act_in in _WHERE else ""
    note = f"Assigned to you{by}{where}"
    return msgspec.structs.replace(digest, notes=(*digest.notes, note), act="", act_text="")


def _once(plan: Plan) -> Plan:
    """Return the plan of something that is told once and for all."""
    return msgspec.structs.replace(
        plan,
        steps={Step.POST: plan.steps[Step.POST]},
        find=(),
        repeatable=frozenset(),
        give_up_ms=GIVE_UP_MS,
    )


class PersonSlackSink(SlackSink):
    """Direct messages to people of one workspace.

    Args:
        token: a bot token with chat:write.
        people: ids of users (U..., W...) by name.
        how: as of `SlackSink`.
    """

    name = personal.SLACK

    def __init__(self, *, token: str, people: Mapping[str, str], **how: Any) -> None:
        super().__init__(token=token, channels=people, **how)
        self._plan = _once(self._plan)
        self._client.person = True

    def __repr__(self) -> str:
        return f"PersonSlackSink({len(self._channels)})"

    def opens(self, destination: str) -> bool:
        """Return whether it is somebody whom the configuration names."""
        return destination in self._channels

    def _called(self, destination: str) -> str:
        return destination.partition(":")[2]  # the id is nobody else's business

    async def send(self, attempt: Attempt) -> Outcome:
        """Tell one person and return what became of it."""
        told = msgspec.structs.replace(attempt, digest=shown(attempt.digest))
        return await super().send(told)

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: a bot does not read what people are told directly."""
        return CannotTell("a direct message is not looked up")


class PersonMailSink(EmailSink):
    """Mails to people, each to one alone.

    Args:
        server: takes the mails.
        sender: in whose name.
        people: addresses by name.
        how: as of `EmailSink`.
    """

    name = personal.MAIL
    is_list = False
    named_in = "people.<name>.email"

    def __init__(
        self, *, server: Server, sender: Address, people: Mapping[str, str], **how: Any
    ) -> None:
        lists = {name: (address,) for name, address in people.items()}
        super().__init__(server=server, sender=sender, lists=lists, **how)
        self._plan = _once(self._plan)

    def __repr__(self) -> str:
        return f"PersonMailSink({len(self._lists)})"

    async def send(self, attempt: Attempt) -> Outcome:
        """Mail one person and return what became of it."""
        told = msgspec.structs.replace(attempt, digest=shown(attempt.digest))
        return await super().send(told)

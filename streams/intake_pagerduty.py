"""`POST /pagerduty`: what people do in PagerDuty, checked, understood, and written as acts.

Answered 200 once Kafka has the acts, in every partition of `incident.deltas`: who knows the page
decides. Whatever PagerDuty signed is answered 200 or 503, never 4xx, which it would drop, and
switch the webhooks off after three of them.

Nothing is kept here. The same webhook makes the same acts, byte for byte, and CORRELATE carries
each out once; what cannot be written now, or whose page is not known yet, is answered 503, and
PagerDuty has it until it is sent again. Only where that would not help, or has not helped for
`GIVE_UP_MS`, it is let go: counted, and said in the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

import msgspec
from aiohttp import web

from sinks.pagerduty_heard import Meaning, Word, pages_of, read, type_label
from sinks.pagerduty_rest import PagerDutyRest
from streams.intake_checks import Answer
from streams.intake_door import WRITTEN, Door
from streams.intake_log import ActLog
from streams.metrics import Metrics
from streams.pagerduty_lookups import Lookups, Pages, Unsaid
from streams.pagerduty_signed import HEADER, PAGERDUTY_SAID, check
from streams.people import by_pagerduty
from streams.settings import Settings

LARGEST_BYTES: Final = 262_144
"""PagerDuty sends no larger webhook, so none that it signed is ever too large here."""
KAFKA_WITHIN_S: Final = 2.5
"""Beside what a look-up may take; PagerDuty waits 5 s."""
AT_ONCE: Final = 64
"""Webhooks that wait for Kafka or a look-up. PagerDuty sends more again; Sentry, whose events need
the room, does not."""
GIVE_UP_MS: Final = 86_400_000
"""How long after it happened a webhook is asked for again because its page is not known: a day.
PagerDuty sends it again for two, and would then count it as dropped."""

_log = logging.getLogger(__name__)

_MEANS: Final = {
    Unsaid.NO_TOKEN: Meaning.NO_TOKEN,
    Unsaid.NOT_YET: Meaning.NOT_TAKEN,
    Unsaid.REFUSED: Meaning.CANNOT_TELL,
}


class Taken(msgspec.Struct, frozen=True):
    """What the configuration says of the way back from PagerDuty, secrets read."""

    secrets: tuple[bytes, ...] = ()
    rest: PagerDutyRest | None = None
    people: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Names here, by user id there."""


def taken_of(settings: Settings) -> Taken:
    """Return what the settings say. Raises: SettingsError: a secret is not there or is empty."""
    pagerduty = settings.sinks.pagerduty
    if pagerduty is None or not pagerduty.webhook_secrets:
        return Taken()
    token = pagerduty.api_token
    return Taken(
        tuple(
            secret.reveal().encode("utf-8", "surrogateescape")
            for secret in pagerduty.webhook_secrets
        ),
        PagerDutyRest(token=token.reveal(), api_url=pagerduty.api_url) if token else None,
        by_pagerduty(settings.people),
    )


class PagerDutyDoor:
    """Answers `POST /pagerduty`; without a secret the address does not exist.

    Args:
        door: whose limits hold here too.
        taken: secrets, and what is asked.
        metrics: of this process.
        acts: where acts go.
    """

    def __init__(self, door: Door, taken: Taken, metrics: Metrics, acts: ActLog) -> None:
        self._door = door
        self._metrics = metrics
        self._acts = acts
        self._secrets, self._people = taken.secrets, taken.people
        self._lookups = Lookups(taken.rest)
        self._under_way = 0

    async def renew(self, taken: Taken) -> None:
        """Take other secrets and another token from the next request on."""
        self._secrets, self._people = taken.secrets, taken.people
        await self._lookups.renew(taken.rest)

    async def close(self) -> None:
        """End what is asked."""
        await self._lookups.close()

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        """Take a webhook that PagerDuty signed."""
        if not self._secrets:
            raise web.HTTPNotFound
        given = request.headers.get(HEADER)
        answer = await self._door.taken(
            request,
            lambda body: check(given, body, self._secrets),
            self._heard,
            at_least=LARGEST_BYTES,
        )
        return self._door.say(answer, PAGERDUTY_SAID)

    async def _heard(self, body: bytes) -> Answer:
        kind, word = read(body, self._people)
        if isinstance(word, Word) and self._under_way >= AT_ONCE:
            answer, meaning = Answer.OVERLOADED, Meaning.NOT_TAKEN
        elif isinstance(word, Word):
            self._under_way += 1
            try:
                answer, meaning = await self._told(word)
            finally:
                self._under_way -= 1
        else:
            answer, meaning = Answer.ACCEPTED, word
        self._metrics.pagerduty_webhooks.labels(kind=type_label(kind), outcome=meaning.value).inc()
        return answer

    async def _told(self, word: Word) -> tuple[Answer, Meaning]:
        """Hand on what somebody did; return the answer, and what it meant."""
        pages = await self._pages(word)
        if isinstance(pages, Unsaid):
            meaning = _MEANS[pages]
            if meaning is Meaning.NOT_TAKEN:
                if time.time_ns() // 1_000_000 - word.at_ms <= GIVE_UP_MS:
                    return Answer.NOT_KNOWN_YET, meaning
                meaning = Meaning.CANNOT_TELL
            _log.warning("%s of %s is let go: %s", word.type, word.incident, meaning.value)
            return Answer.ACCEPTED, meaning
        if not pages:
            return Answer.ACCEPTED, Meaning.NOT_OURS
        written = await self._acts.tell_everywhere(word.acts(pages), within_s=KAFKA_WITHIN_S)
        answer = WRITTEN[written]
        return answer, Meaning.ACTS if answer is Answer.ACCEPTED else Meaning.NOT_TAKEN

    async def _pages(self, word: Word) -> Pages | Unsaid:
        if not word.key:
            return await self._lookups.pages(word.incident)
        pages = pages_of([word.key])
        self._lookups.learn(word.incident, pages)
        return pages

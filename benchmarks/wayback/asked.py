"""Each button and each command once: what it is answered, and what then stands in the thread.

A line here is a button or a command; `tests/benchmarks/test_wayback.py` counts that none is
missing.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from benchmarks.installation import until
from benchmarks.wayback.hands import Answer, Effect, Hands, effect
from benchmarks.wayback.world import EFFECT_WITHIN_S, World, id_of
from sinks.peers.slack_store import Message

NOTHING_FOR_S: Final = 4.0
"""By then an act would have had its effect."""
COMMAND: Final = "/stormfold "
_SILENCE: Final = re.compile(r"sil-[0-9a-f]{16}")


class Step(msgspec.Struct, frozen=True):
    """Something that is pressed or said once; `{mail}` is the id of what tells of mail."""

    said: str
    of: str = ""
    """Whose message or thread; empty: nobody's thread hears of it."""
    fill: dict[str, str] = {}
    """What is filled into its dialog, by block."""
    told: bool = True
    """Its thread tells it."""
    page: bool = False
    """It pages."""


BUTTONS: Final = (
    Step("Acknowledge", "mail"),
    Step("Give back", "mail"),
    Step("Assign…", "mail", {"text": "payments"}),
    Step("Page the on-call", "mail", page=True),
    Step("Open in Sentry", "mail", told=False),
    Step("Why?", "mail", told=False),
    Step("Merge into…", "mail", {"text": "{search}"}),
    Step("Not part of this…", "storm", {"text": "{mail}"}),
    Step("False alarm", "search"),
    Step("Silence…", "mail", {"for": "1800000", "why": "the queue is moved"}),
    Step("Resolve", "mail"),
)
COMMANDS: Final = (
    Step("help"),
    Step("status"),
    Step("status {reports}"),
    Step("why {reports}"),
    Step("ack {reports} 2h", "reports"),
    Step("unack {reports}", "reports"),
    Step("assign {reports} me", "reports"),
    Step("comment {reports} the disk is full", "reports"),
    Step("silence {reports} 2h the disk is exchanged", "reports"),
    Step("status {reports}"),
    Step("unsilence {silence}", "reports"),
    Step("page {reports}", "reports", page=True),
    Step("ignore {reports} 2h", "reports"),
    Step("unignore {reports}", "reports"),
    Step("merge {reports} {billing}", "reports"),
    Step("split {reports}", "reports"),
    Step("resolve {reports}", "reports"),
    Step("false-alarm {billing}", "billing"),
    Step("ack {billing}"),
    Step("link"),
    Step("link payments production"),
    Step("unlink payments production"),
    Step("me"),
    Step("resolv {billing}"),
    Step("ack inc-12"),
)
IN_THREAD: Final = (
    Step("ack 1h", "labels"),
    Step("assign <@U0ADA0001>", "labels"),
    Step("status", "labels", told=False),
    Step("resolve", "labels"),
)
SHORTCUTS: Final = (
    Step("stormfold.why", "gateway", told=False),
    Step("stormfold.acknowledge", "gateway"),
    Step("stormfold.silence", "gateway", {"for": "3600000"}),
    Step("stormfold.resolve", "gateway"),
)
OUTSIDE_MAY_NOT: Final = (
    Step("Page the on-call", "gateway", told=False),
    Step("Silence…", "gateway", told=False),
    Step("Merge into…", "gateway", told=False),
    Step("/stormfold page {gateway}"),
    Step("/stormfold silence {gateway} 2h"),
    Step("/stormfold unsilence sil-0000000000000000"),
    Step("/stormfold ignore {gateway}"),
    Step("/stormfold unignore {gateway}"),
    Step("/stormfold merge {gateway} {labels}"),
    Step("/stormfold split {gateway}"),
    Step("/stormfold link payments"),
    Step("/stormfold unlink payments"),
)
OUTSIDE_MAY: Final = (
    Step("Why?", "gateway", told=False),
    Step("Acknowledge", "gateway"),
    Step("Give back", "gateway"),
    Step("/stormfold comment {gateway} I see it in the shop too", "gateway"),
)


class Row(msgspec.Struct, frozen=True):
    """What came of a step."""

    said: str
    answer: Answer
    effect: Effect | None
    """None where its thread has nothing to tell."""


class Asked:
    """Presses and says everything once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ada = Hands(world, "U0ADA0001", "ada")
        self._cleo = Hands(world, "U0CLEO001", "cleo")
        self._messages: dict[str, Message] = {}

    @property
    def outsider(self) -> Hands:
        """Return who is in no group."""
        return self._cleo

    async def begin(self) -> None:
        """Let six errors happen, two in each of three environments, and wait for their messages."""
        for environment, service, kind, text in (
            ("eu", "mail", "SmtpRefused", "421 try again later"),
            ("eu", "search", "IndexMissing", "no index products-2026"),
            ("us", "reports", "DiskFull", "no space left on device"),
            ("us", "billing", "CurrencyUnknown", "no rate for XCD"),
            ("asia", "labels", "PrinterGone", "printer 4 does not answer"),
            ("asia", "gateway", "CertificateExpired", "certificate has expired"),
        ):
            self._messages[service] = await self._world.fails(environment, service, kind, text)

    async def buttons(self) -> list[Row]:
        """Press each button once."""
        return [await self._pressed(self._ada, one) for one in BUTTONS]

    async def commands(self) -> list[Row]:
        """Say each command once."""
        return [await self._commanded(self._ada, one) for one in COMMANDS]

    async def elsewhere(self) -> list[Row]:
        """Say some in a thread, and choose each shortcut."""
        found = [await self._mentioned(one) for one in IN_THREAD]
        return found + [await self._chosen(one) for one in SHORTCUTS]

    async def outside(self) -> tuple[list[Row], list[Row]]:
        """Have somebody who is in no group try; return what they may not, and what they may."""
        before = self._happened()
        may_not = [await self._tried(one) for one in OUTSIDE_MAY_NOT]
        await asyncio.sleep(NOTHING_FOR_S)
        assert self._happened() == before, "something came of what somebody may not do"
        return may_not, [await self._tried(one) for one in OUTSIDE_MAY]

    def _happened(self) -> tuple[int, int]:
        """Return how many replies and pages there are."""
        replies = sum(len(self._world.replies(one)) for one in self._messages.values())
        return replies, len(self._world.pagerduty.pages)

    async def _tried(self, step: Step) -> Row:
        if step.said.startswith(COMMAND):
            said = msgspec.structs.replace(step, said=step.said.removeprefix(COMMAND))
            return await self._commanded(self._cleo, said)
        return await self._pressed(self._cleo, step)

    # ---------------------------------------------------------------- one step

    async def _pressed(self, who: Hands, step: Step) -> Row:
        async def press(message: Message | None) -> Answer:
            assert message is not None, "a button is below a message"
            return await who.press(message, step.said, heard=_heard(step))

        return await self._done(who, step, f"[{step.said}]", press)

    async def _commanded(self, who: Hands, step: Step) -> Row:
        async def command(message: Message | None) -> Answer:
            return await who.command(self._with_ids(step.said))

        return await self._done(who, step, f"{COMMAND}{step.said}", command)

    async def _mentioned(self, step: Step) -> Row:
        async def mention(message: Message | None) -> Answer:
            assert message is not None, "a thread is below a message"
            return await self._ada.mention(message, self._with_ids(step.said))

        return await self._done(self._ada, step, f"@stormfold {step.said}", mention)

    async def _chosen(self, step: Step) -> Row:
        async def choose(message: Message | None) -> Answer:
            assert message is not None, "a shortcut is of a message"
            return await self._ada.shortcut(message, step.said, heard=not step.fill)

        return await self._done(self._ada, step, f"shortcut {step.said}", choose)

    async def _done(
        self, who: Hands, step: Step, said: str, act: Callable[[Message | None], Awaitable[Answer]]
    ) -> Row:
        """Do it, fill in its dialog where it opens one, and wait for what its thread tells."""
        try:
            message = await self._message(step.of) if step.of else None
            before, pages = self._before(message)
            at = time.time()
            answer = await act(message)
            if step.fill:
                at, answer, said = await self._filled(who, step, said, answer)
            return Row(said, answer, await self._effect(step, message, before, pages, at))
        except (TimeoutError, LookupError) as error:
            return Row(said, Answer(0, f"(failed: {error})", 0.0, 0.0), None)

    async def _filled(
        self, who: Hands, step: Step, said: str, opened: Answer
    ) -> tuple[float, Answer, str]:
        """Fill in the dialog that a step opened; its own time counts from sending it."""
        given = {name: self._with_ids(value) for name, value in step.fill.items()}
        at = time.time()
        answer = await who.fill(given)
        return at, answer, f"{said} dialog in {opened.ms:.0f} ms, sent"

    async def _effect(
        self, step: Step, message: Message | None, before: int, pages: int, at: float
    ) -> Effect | None:
        if message is None or not step.told:
            return None
        found = await effect(self._world, message, before, at)
        if step.page:
            pagerduty = self._world.pagerduty
            await until(lambda: len(pagerduty.pages) > pages, within_s=EFFECT_WITHIN_S)
            woken = (pagerduty.pages[-1].opened_at - at) * 1_000
            found = Effect(f"{found.text} + PagerDuty after {woken:.0f} ms", found.ms)
        return found

    # ---------------------------------------------------------------- what steps are about

    def _before(self, message: Message | None) -> tuple[int, int]:
        told = len(self._world.replies(message)) if message is not None else 0
        return told, len(self._world.pagerduty.pages)

    async def _message(self, name: str) -> Message:
        if name != "storm":
            return self._messages[name]

        def storms() -> list[Message]:
            return [one for one in self._world.found("eu") if id_of(one).startswith("storm-")]

        await until(lambda: bool(storms()), within_s=EFFECT_WITHIN_S)
        return storms()[-1]

    def _with_ids(self, text: str) -> str:
        for name, message in self._messages.items():
            text = text.replace(f"{{{name}}}", id_of(message))
        if "{silence}" in text:
            said = " ".join(self._ada.person.heard())
            said += " ".join(one.said for one in self._world.lines)
            said += " ".join(one.text for one in self._world.replies(self._messages["reports"]))
            text = text.replace("{silence}", _SILENCE.findall(said)[-1])
        return text


def _heard(step: Step) -> bool:
    """Return whether whoever presses is told something at once."""
    return not step.fill and step.said != "Open in Sentry"

"""An outage handled end to end: ada in Slack, ben in PagerDuty, others in Sentry and a terminal.

Payment loses its database; checkout and catalogue fail with it. It is real time: nothing here is
faster than for a team.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from benchmarks.installation import until
from benchmarks.wayback import happening
from benchmarks.wayback.hands import Hands
from benchmarks.wayback.world import World, id_of
from sinks.peers.pagerduty_said import user
from sinks.peers.pagerduty_store import Alert
from sinks.peers.slack_store import Message

BEN: Final = user("Ben")
STEP_WITHIN_S: Final = 60.0

Snap = Callable[[str], None]
"""Keeps how the channel looks by then, under a name."""


class Outage:
    """The story, step after step."""

    def __init__(self, world: World, snap: Snap) -> None:
        self._world, self._snap = world, snap
        self._ada = Hands(world, "U0ADA0001", "ada")
        self._failing: asyncio.Task[None] | None = None
        for service, _, _ in happening.FAILING:
            world.sentry.add_issue(happening.issue_of("production", service))

    async def play(self) -> list[str]:
        """Play it, and return the ids of its storms."""
        await self._begins()
        await self._somebody_has_it()
        await self._they_work_on_it()
        await self._it_is_over()
        await self._it_comes_back()
        return [id_of(one) for one in self._storms()]

    # ---------------------------------------------------------------- steps

    async def _begins(self) -> None:
        self._world.note("production", "payment 2.4.1 loses its database; two services need it")
        self._fail()
        await self._until(lambda: bool(self._storms()) and bool(self._world.pagerduty.pages))
        await self._quiet()
        self._snap("1-told-and-paged")

    async def _somebody_has_it(self) -> None:
        await asyncio.sleep(3.0)
        await self._in_pagerduty("acknowledged")
        self._snap("2-acknowledged-in-pagerduty")

    async def _they_work_on_it(self) -> None:
        await self._ada.press(self._message(), "Why?")
        await asyncio.sleep(2.0)
        await self._ada.press(self._message(), "Assign…", heard=False)
        await asyncio.sleep(1.0)
        told = self._told()
        await self._ada.fill({"text": "payments"})
        await self._until(lambda: self._told() > told)
        await self._in_pagerduty("annotated", note="Failing over payment-db to the replica.")
        issue = happening.issue_of("production", "payment")
        words = "The pool is exhausted since 2.4.1."
        self._world.note("carla in Sentry", f"comments on issue {issue}: {words}")
        told = self._told()
        await self._world.say("comment", happening.comment(issue, words, by="Carla"))
        await self._until(lambda: self._told() > told)
        told = self._told()
        await self._ada.mention(self._message(), "comment rolled back to payment 2.4.0")
        await self._until(lambda: self._told() > told)
        await self._quiet()
        self._snap("3-worked-on")

    async def _it_is_over(self) -> None:
        await self._stop()
        self._world.note("production", "the replica answers; no error any more")
        await asyncio.sleep(4.0)
        told = self._told()
        await self._ada.press(self._message(), "Resolve")
        await self._until(lambda: self._told() > told and self._page().resolved_at is not None)
        await self._until(self._all_resolved)
        await self._quiet()
        self._snap("4-resolved-in-slack")

    async def _it_comes_back(self) -> None:
        pages = len(self._world.pagerduty.pages)
        self._world.note("production", "the replica loses its disk: the same errors again")
        self._fail()
        await self._until(lambda: len(self._world.pagerduty.pages) > pages)
        await self._quiet()
        self._snap("5-back-again")
        await self._in_pagerduty("acknowledged")
        self._world.note("terminal", f"$ stormfold incidents show {id_of(self._message())}")
        shown = await asyncio.to_thread(
            self._world.run, "incidents", "show", id_of(self._message())
        )
        self._world.note("terminal", shown.stdout or shown.stderr)
        await self._stop()
        self._world.note("production", "the database is restored")
        await asyncio.sleep(3.0)
        await self._in_pagerduty("resolved")
        await self._quiet()
        self._snap("6-resolved-in-pagerduty")

    # ---------------------------------------------------------------- what they need

    def _storms(self) -> list[Message]:
        return [one for one in self._world.found("payment") if id_of(one).startswith("storm-")]

    def _message(self) -> Message:
        return self._storms()[-1]

    def _page(self) -> Alert:
        return self._world.pagerduty.pages[-1]

    def _told(self) -> int:
        return len(self._world.replies(self._message()))

    def _all_resolved(self) -> bool:
        numbers = [happening.issue_of("production", service) for service, _, _ in happening.FAILING]
        issues = self._world.sentry.issues.values()
        return all(one.status == "resolved" for one in issues if one.id in numbers)

    async def _in_pagerduty(self, kind: str, *, note: str = "") -> None:
        """Have ben do this to the newest page, and wait until the thread tells it."""
        told = self._told()
        self._world.note("ben in PagerDuty", f"{kind} {note}".strip())
        self._world.webhooks.does(kind, self._page().dedup_key, by=BEN, note=note)
        await self._until(lambda: self._told() > told)

    async def _until(self, condition: Callable[[], bool]) -> None:
        await until(condition, within_s=STEP_WITHIN_S, why=self._world.logs)

    async def _quiet(self, for_s: float = 3.5) -> None:
        """Return once Slack was told nothing for so long."""
        since, seen = time.monotonic(), len(self._world.slack.calls)
        while time.monotonic() - since < for_s:
            await asyncio.sleep(0.1)
            if len(self._world.slack.calls) != seen:
                since, seen = time.monotonic(), len(self._world.slack.calls)

    def _fail(self) -> None:
        self._failing = asyncio.create_task(
            happening.outage(lambda body: self._world.say("error", body))
        )

    async def _stop(self) -> None:
        assert self._failing is not None, "nothing fails"
        self._failing.cancel()
        await asyncio.gather(self._failing, return_exceptions=True)

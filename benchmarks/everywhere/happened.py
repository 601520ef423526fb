"""What happens in the show: an error, an outage, ninety broken previews; and who was told what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.everywhere import told
from benchmarks.everywhere.told import Got
from benchmarks.everywhere.world import ADA, World
from benchmarks.installation import until
from benchmarks.wayback import happening
from benchmarks.wayback.world import id_of
from sinks.entries import ROLLUP_PREFIX
from sinks.peers.slack_store import Message

WITHIN_S: Final = 120.0
ONCALL: Final = "oncall@shop.example"
PREVIEWS: Final = "ci@shop.example"
BROKEN: Final = 90
"""So many previews that every chat would be told one by one for more than a minute."""
DIRECT: Final = "D0ADA0001"


@dataclass
class Part:
    """One thing that happened, and what came of it."""

    title: str
    happened: str
    since: float
    """When its first error was taken by intake."""
    got: list[Got] = field(default_factory=list)


class Happened:
    """The story, step after step."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.parts: list[Part] = []

    async def play(self) -> None:
        """Play it; `parts` has what came of it, also where it breaks off."""
        await self._usual()
        await self._critical()
        await self._digest()

    # ---------------------------------------------------------------- steps

    async def _usual(self) -> None:
        part = self._part(
            "The usual form (docs/templates.md): an error that wakes nobody",
            "search 3.2.0 in production finds no index, for three people",
        )
        for user in ("u1", "u2", "u3"):
            await self._world.say(
                happening.error(
                    "production",
                    "search",
                    "IndexMissing",
                    "no index products-2026",
                    release="3.2.0",
                    user=user,
                )
            )
        await self._everywhere("IndexMissing", revisions=1)
        part.got += self._all("IndexMissing")

    async def _critical(self) -> None:
        part = self._part(
            "The critical form: an outage that wakes somebody",
            "payment 2.4.1 loses its database, and two services that need it fail with it",
        )
        failing = asyncio.create_task(happening.outage(self._world.say))
        try:
            await self._until(lambda: bool(self._world.pagerduty.pages))
            storm = id_of((await self._storm())[0])
            await self._everywhere(storm, revisions=1)
            part.got += self._all(storm)
            part.got += [told.of_pagerduty(self._world.pagerduty.pages[0])]
            await self._personal(storm)
        finally:
            failing.cancel()
            await asyncio.gather(failing, return_exceptions=True)
        part = self._part("It is over", "the database answers again; Ben resolves it")
        await self._act("resolve", storm)
        page = self._world.pagerduty.pages[0]
        await self._until(lambda: page.resolved_at is not None)
        await self._until(lambda: bool(self._over(storm)))
        await self._until(lambda: len(self._over(storm)) == 4)
        part.got += self._over(storm)
        part.got += [Got("PagerDuty", page.resolved_at or 0.0, f"resolved: {page.summary}")]

    async def _personal(self, storm: str) -> None:
        part = self._part("One person", "Ben assigns the storm to ada, then mentions her")
        await self._act("assign", storm, "ada")
        await self._until(lambda: len(self._direct()) == 1 and len(self._world.mails(ADA)) == 1)
        await self._act("comment", storm, "@ada the replica lags, please look before we fail over")
        await self._until(lambda: len(self._direct()) > 1 and len(self._world.mails(ADA)) > 1)
        part.got += [told.of_slack(one, "a direct message to ada") for one in self._direct()]
        part.got += map(told.of_mail, self._world.mails(ADA))

    async def _digest(self) -> None:
        part = self._part(
            "The digest form (docs/templates.md): more than can be told one by one",
            f"a wrong setting breaks {BROKEN} previews at once, each an environment of its own",
        )
        for number in range(BROKEN):
            body = happening.error(
                f"preview-{number}", "shop", "SettingMissing", f"no DATABASE_URL in pr-{number}",
                release=f"pr-{number}",
            )  # fmt: skip
            await self._world.say(body)
        await self._until(lambda: len(self._rolled_up()) >= 3)
        part.got += self._rolled_up()

    # ---------------------------------------------------------------- what they need

    def _part(self, title: str, happened: str) -> Part:
        self.parts.append(Part(title, happened, time.time()))
        return self.parts[-1]

    async def _until(self, condition: Callable[[], bool]) -> None:
        await until(condition, within_s=WITHIN_S, why=self._world.logs)

    async def _act(self, *words: str) -> None:
        done = await asyncio.to_thread(self._world.run, "incidents", *words, "--by", "ben")
        assert done.returncode == 0, done.stdout + done.stderr

    async def _storm(self) -> list[Message]:
        def found() -> list[Message]:
            posts = self._world.posts("incidents")
            return [one for one in posts if id_of(one).startswith("storm-")]

        await self._until(lambda: bool(found()))
        return found()

    async def _everywhere(self, words: str, *, revisions: int) -> None:
        """Wait until every list, channel, workflow and receiver has it."""
        everywhere = 4 * revisions
        await self._until(lambda: len(self._all(words)) >= everywhere)

    def _all(self, words: str) -> list[Got]:
        """Return what says this first in each service."""
        world = self._world
        cards = [one for one in world.teams.cards("incidents") if words in one.text]
        hooks = [one for one in world.board.messages.values() if words in str(one.message)]
        return [
            *(told.of_slack(one, "#incidents") for one in world.posts("incidents", words)[:1]),
            *map(told.of_mail, world.mails(ONCALL, words)[:1]),
            *map(told.of_teams, cards[:1]),
            *map(told.of_webhook, hooks[:1]),
        ]

    def _over(self, storm: str) -> list[Got]:
        """Return what says in each service that the storm is over."""
        world = self._world
        (post, *_) = [one for one in world.posts("incidents") if id_of(one) == storm]
        ends = [one for one in world.slack.replies("incidents", post.ts) if "Resolved" in one.text]
        mails = [one for one in world.mails(ONCALL, storm) if "Resolved" in one.part("plain")]
        cards = [one for one in world.teams.cards("incidents") if storm in one.text]
        hooks = [one for one in world.board.messages.values() if storm in str(one.message)]
        return [
            *(told.of_slack(one, "a reply in the thread") for one in ends[-1:]),
            *map(told.of_mail, mails[-1:]),
            *(told.of_teams(one) for one in cards[-1:] if "Resolved" in one.text),
            *(
                told.of_webhook(one)
                for one in hooks[-1:]
                if one.message["type"] == "storm.resolved"
            ),
        ]

    def _direct(self) -> list[Message]:
        channel = self._world.slack.workspace.channels.get(DIRECT)
        return list(channel.messages.values()) if channel is not None else []

    def _rolled_up(self) -> list[Got]:
        """Return the first roll-up of each chat."""
        world = self._world
        posts = [one for one in world.posts("previews") if id_of(one).startswith(ROLLUP_PREFIX)]
        mails = world.mails(PREVIEWS, ROLLUP_PREFIX)
        cards = [one for one in world.teams.cards("previews") if ROLLUP_PREFIX in one.text]
        return [
            *(told.of_slack(one, "#previews") for one in posts[:1]),
            *map(told.of_mail, mails[:1]),
            *map(told.of_teams, cards[:1]),
        ]

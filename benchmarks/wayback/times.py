"""Under a storm: from click to answer, to what is seen, and to what comes of it.

A storm of recorded shape runs over production. Meanwhile two people acknowledge, assign and give
back incidents that paged in sixty other environments, and comment on the storm itself, one click
every half second whatever became of the ones before.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from benchmarks.installation import until
from benchmarks.wayback import happening
from benchmarks.wayback.hands import Hands
from benchmarks.wayback.world import World, id_of
from sinks.peers.slack_store import Message

SHARDS: Final = ("a", "b", "c")
EVERY_S: Final = 0.5
"""Between two clicks."""
SETTLED_S: Final = 90.0
SEEN_WITHIN_S: Final = 60.0
SHOWN_WITHIN_S: Final = 150.0
"""Edits of a whole workspace wait for one another: Slack takes 50 a minute."""
SLOWEST: Final = 8
STORM_SHARE: Final = 4
"""Every so manyth click is a comment on the storm."""


class Click(msgspec.Struct):
    """One click, in seconds since the epoch; 0.0 for what did not come."""

    what: str
    at: float
    answer_ms: float = 0.0
    seen_ms: float = 0.0
    thread_at: float = 0.0
    pager_at: float = 0.0
    sentry_at: float = 0.0
    shown_at: float = 0.0
    """When the message itself showed it."""
    status: int = 0


class Measured(msgspec.Struct, frozen=True):
    """What was measured."""

    clicks: list[Click]
    events: int
    lasted_s: float
    event_bytes: float


class Times:
    """Runs the storm and the clicks.

    Args:
        world: where.
        rate: events of the storm in a second.
        environments: how many others there are, in three channels.
    """

    def __init__(self, world: World, *, rate: int, environments: int) -> None:
        self._world, self._rate = world, rate
        self._places = [
            f"shard-{SHARDS[number % len(SHARDS)]}-{number:02}" for number in range(environments)
        ]
        self._hands = (Hands(world, "U0ADA0001", "ada"), Hands(world, "U0DAN0001", "dan"))
        self._messages: dict[str, Message] = {}
        self._began = 0.0

    async def measure(self) -> Measured:
        """Return every click with its times."""
        await self._page_all()
        self._began = time.time()
        storm = self._world.start_load(self._rate)
        try:
            await until(
                lambda: self._storm_message() is not None,
                within_s=SETTLED_S,
                why=self._world.logs,
            )
            clicks = await self._click_all()
        finally:
            storm.terminate()
            said, _ = await asyncio.to_thread(storm.communicate)
        written = json.loads(said)
        return Measured(
            clicks, written["events"], written["lasted_s"], written["bytes"] / written["events"]
        )

    # ---------------------------------------------------------------- before the storm

    async def _page_all(self) -> None:
        """Let an error of level fatal happen in each environment, and wait until all are told."""
        for place in self._places:
            self._world.sentry.add_issue(happening.issue_of(place, f"db-{place}"))
            body = happening.error(place, f"db-{place}", "PrimaryGone", "no primary", level="fatal")
            await self._world.say("error", body)
        await until(self._all_told, within_s=SETTLED_S, why=self._world.logs)

    def _all_told(self) -> bool:
        for place in self._places:
            found = self._world.found(place, channel=place[: len("shard-a")])
            if not found:
                return False
            self._messages[place] = found[0]
        paged = {one.summary for one in self._world.pagerduty.pages}
        return all(any(place in one for one in paged) for place in self._places)

    def _storm_message(self) -> Message | None:
        posts = self._world.found("production")
        found = [one for one in posts if one.at > self._began and id_of(one).startswith("storm-")]
        return found[-1] if found else None

    # ---------------------------------------------------------------- the clicks

    async def _click_all(self) -> list[Click]:
        """Return the clicks once each was followed to its end."""
        due: list[tuple[str, str]] = []
        for what in ("Acknowledge", "assign", "Give back"):
            due += [(what, place) for place in self._places]
        running: list[asyncio.Task[Click]] = []
        began = time.monotonic()
        while due:
            await asyncio.sleep(max(0.0, began + len(running) * EVERY_S - time.monotonic()))
            hands = self._hands[len(running) % 2]
            if len(running) % STORM_SHARE == STORM_SHARE - 1:
                work = self._comment(hands, len(running))
            else:
                work = self._click(hands, *due.pop(0))
            running.append(asyncio.create_task(work))
        return list(await asyncio.gather(*running))

    async def _click(self, hands: Hands, what: str, place: str) -> Click:
        message = self._messages[place]
        alert = next(one for one in self._world.pagerduty.pages if place in one.summary)
        issue = self._world.sentry.add_issue(happening.issue_of(place, f"db-{place}"))
        if what != "assign":
            # Whoever waits for a button has not clicked yet: `shown_at` tells that wait.
            await hands.sees(message, what, SHOWN_WITHIN_S)
        before = len(self._world.replies(message))
        click = Click(what, time.time())
        if what == "assign":
            answer = await hands.command(f"assign {id_of(message)} payments")
        else:
            answer = await hands.press(message, what)
        click.answer_ms, click.seen_ms, click.status = answer.ms, answer.seen_ms, answer.status

        def acknowledged() -> float:
            return next((at for at, did in alert.log if did == "acknowledge"), 0.0)

        def done() -> bool:
            if what == "Acknowledge" and not acknowledged():
                return False
            if what == "assign" and not issue.log:
                return False
            return len(self._world.replies(message)) > before

        await self._followed(done)
        told = self._world.replies(message)[before:]
        click.thread_at = told[0].at if told else 0.0
        click.pager_at = acknowledged() if what == "Acknowledge" else 0.0
        click.sentry_at = issue.log[0][0] if what == "assign" and issue.log else 0.0
        if what == "Acknowledge":
            with suppress(TimeoutError):
                await hands.sees(message, "Give back", SHOWN_WITHIN_S)
                click.shown_at = time.time()
        return click

    async def _comment(self, hands: Hands, number: int) -> Click:
        message = self._storm_message()
        assert message is not None, "the storm was told before anybody clicks"
        word = f"note {zlib.crc32(str(number).encode()):08x}"
        click = Click("comment on the storm", time.time())
        answer = await hands.command(f"comment {id_of(message)} {word}")
        click.answer_ms, click.seen_ms, click.status = answer.ms, answer.seen_ms, answer.status

        def told() -> list[Message]:
            return [
                one for one in self._world.replies(message) if word in f"{one.text}{one.blocks}"
            ]

        await self._followed(lambda: bool(told()))
        click.thread_at = told()[0].at if told() else 0.0
        return click

    async def _followed(self, done: Callable[[], bool]) -> None:
        """Return once this holds, or when it is no use to wait longer."""
        try:
            await until(done, within_s=SEEN_WITHIN_S)
        except TimeoutError:
            return


# ---------------------------------------------------------------- the table


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed: the nearest rank.

    Args:
        values: at least one.
        share: 0 to 1.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


HEAD: Final = ("", "clicks", "came", "median", "p99", "max")


def table(clicks: Sequence[Click]) -> str:
    """Return the times as text, one line for each stretch."""
    thread = [one for one in clicks if one.what != "comment on the storm"]
    notes = [one for one in clicks if one.what == "comment on the storm"]
    acked = [one for one in clicks if one.what == "Acknowledge"]
    assigned = [one for one in clicks if one.what == "assign"]
    pressed = [one for one in clicks if one.what in ("Acknowledge", "Give back")]
    said = [one for one in clicks if one not in pressed]
    rows = [
        HEAD,
        _row("click to answer (Slack waits 3 s), button", pressed, [o.answer_ms for o in pressed]),
        _row("click to answer, command", said, [one.answer_ms for one in said]),
        _row("button to what whoever pressed sees", pressed, [one.seen_ms for one in pressed]),
        _row("click to the reply in the thread", thread, _since(thread, "thread_at")),
        _row("comment to the reply in the storm's thread", notes, _since(notes, "thread_at")),
        _row("Acknowledge to the edit that shows it", acked, _since(acked, "shown_at")),
        _row("Acknowledge to PagerDuty's acknowledged", acked, _since(acked, "pager_at")),
        _row("assign to Sentry's assigned", assigned, _since(assigned, "sentry_at")),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        + "\n"
        for row in rows
    )


def slowest(clicks: Sequence[Click]) -> str:
    """Return when the slowest replies were clicked for, in seconds since the first click."""
    told = sorted((one for one in clicks if one.thread_at), key=lambda one: one.at - one.thread_at)
    began = min((one.at for one in clicks), default=0.0)
    said = [
        f"{one.what} at {one.at - began:.1f} s ({one.thread_at - one.at:.1f} s)"
        for one in told[:SLOWEST]
    ]
    return f"slowest replies: {', '.join(said)}\n" if said else ""


def _since(clicks: Sequence[Click], name: str) -> list[float]:
    """Return the milliseconds from each click to what came, of those where it came."""
    return [(at - one.at) * 1_000 for one in clicks if (at := getattr(one, name))]


def _row(name: str, clicks: Sequence[Click], found: list[float]) -> tuple[str, ...]:
    if not found:
        return (name, str(len(clicks)), "0", "-", "-", "-")
    figures = (statistics.median(found), percentile(found, 0.99), max(found))
    return (name, str(len(clicks)), str(len(found)), *(f"{one:,.0f} ms" for one in figures))

"""The demo on a terminal: what runs, how far it is, and what came of it. Readable in a pipe too."""

from __future__ import annotations

import asyncio
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.status import Status
from rich.table import Table

from sinks.peers.drawn import terminal
from sinks.words import lasting, many
from streams.broker import Broker
from streams.demo_direct import Direct
from streams.demo_figures import Figures, figures_of, page_of, peak_of, raw_alert
from streams.demo_material import SPEED, Material, RecordedClock
from streams.demo_services import CHANNEL, Services

if TYPE_CHECKING:
    from streams.demo import Run

LOOK_EVERY_S: Final = 0.2
LINE_EVERY_S: Final = 300
"""In a pipe, recorded seconds between two lines of progress."""

WIDTH: Final = 100
"""Of drawings and of the output in a pipe, characters."""


class Progress:
    """One line that says how far both ways are; in a pipe a line now and then."""

    def __init__(
        self,
        console: Console,
        material: Material,
        clock: RecordedClock,
        direct: Direct,
        services: Services,
    ) -> None:
        self._console = console
        self._material = material
        self._clock = clock
        self._direct = direct
        self._services = services
        self._status: Status | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, broker: Broker | None) -> None:
        """Say what runs."""
        span_ms = self._material.last_ms - self._material.first_ms
        services = {line.read.event.service for line in self._material.events if line.read.event}
        through = (
            f"a real Kafka ({broker.kind.value}) and stormfold run" if broker else "this process"
        )
        self._console.print(
            f"[bold]Replaying an outage of a shop[/bold]: {len(self._material.events)} Sentry "
            f"alerts of {len(services)} services in {lasting(span_ms)}, {SPEED:.0f} times as fast, "
            f"through {through}."
        )
        self._console.print(
            "The same alerts go straight to another local Slack and PagerDuty, as Sentry sends "
            "them: one message per event, one page per issue. All four keep the documented limits; "
            "those of the direct ones run in recorded time, Stormfold's in real time, which is "
            "harder.\n"
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        self._task = asyncio.create_task(self._show(), name="demo progress")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._status is not None:
            self._status.stop()

    async def _show(self) -> None:
        shown_s = 0.0
        while True:
            now_s = self._clock.now_s()
            if self._status is not None:
                self._status.update(self._line(now_s))
            elif now_s - shown_s >= LINE_EVERY_S and now_s * 1000 > self._material.first_ms:
                shown_s = now_s if shown_s else self._material.first_ms / 1000
                self._console.print(self._line(now_s))
            await asyncio.sleep(LOOK_EVERY_S)

    def _line(self, now_s: float) -> str:
        if now_s * 1000 <= self._material.first_ms:
            return "starting stormfold run"
        over = now_s * 1000 > self._material.last_ms
        at = "the rest" if over else datetime.fromtimestamp(now_s, UTC).strftime("%H:%M")
        return (
            f"{at:>8}  direct {self._direct.sent} sent, {self._direct.refused} refused, "
            f"{many(self._direct.pages, 'page')}"
            f" │ Stormfold {len(self._services.posts)} posted, "
            f"{self._services.replies} in threads, {many(len(self._services.pages), 'page')}"
        )


def tell(run: Run, page: Path, console: Console) -> None:
    """Print what came of the run."""
    width = min(console.width, WIDTH)
    figures = figures_of(run)
    console.print()
    console.print(_table(figures))
    console.print(
        f"[dim]Stormfold decided {many(figures.decided, 'digest')} for Slack; "
        f"{many(figures.coalesced, 'older revision')} gave way to newer ones that were waiting, "
        "since real time ran out sooner than recorded time. None was lost.[/dim]\n"
    )
    console.print(Rule("One of the raw alerts, as Sentry posts it", align="left"))
    _draw(console, terminal(raw_alert(run), width=width, bot="Sentry"))
    post = run.services.post_of(run.story.storm_id)
    assert post is not None
    console.print(Rule("The storm's digest while it lasted", align="left"))
    _draw(console, terminal(peak_of(run.services, post), width=width))
    console.print(Rule("The same message in the end, with its thread", align="left"))
    replies = run.services.slack.replies(CHANNEL, post.ts)
    _draw(console, terminal(post, replies=replies, width=width))
    console.print(Rule("The page, as PagerDuty received it", align="left"))
    _draw(console, "\n".join(page_of(run.services)))
    _ambient(run, console)
    console.print(f"The channel as Slack shows it: [bold]{escape(str(page))}[/bold]")
    _next(run, console)


def _draw(console: Console, text: str) -> None:
    console.print(text, markup=False, emoji=False, soft_wrap=True)
    console.print()


def _table(figures: Figures) -> Table:
    table = Table(title="What reached people", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("Direct alerts", justify="right")
    table.add_column("Stormfold", justify="right")
    for row in figures.rows():
        table.add_row(*row)
    return table


def _ambient(run: Run, console: Console) -> None:
    story = run.story
    out = [one for one in story.ambient if not one.inside]
    console.print(
        Rule(f"Errors that were there anyway: {len(out)} stayed out of the storm", align="left")
    )
    table: Any = Table(show_edge=False, pad_edge=False)
    for column in ("Error", "Service", "Events", "Why it stayed out"):
        table.add_column(column, justify="right" if column == "Events" else "left")
    for one in out:
        title = one.title if len(one.title) <= 44 else one.title[:43] + "…"
        table.add_row(escape(title), escape(one.service), str(one.events), escape(one.why))
    console.print(table)
    console.print()
    for one in story.ambient:
        if one.inside:
            console.print(
                f"Put into the storm although it is no part of the outage: {one.inside} of "
                f"{many(one.events, 'event')} of “{one.title}” ({one.service}): {one.why}.",
                markup=False,
            )
    missed = story.outage_events - story.inside_of_outage
    console.print(
        f"Of the outage's {story.outage_events} events {story.inside_of_outage} are in the storm"
        + (f", {missed} are not." if missed else ".")
    )
    console.print()


def _next(run: Run, console: Console) -> None:
    command = command_name()
    console.print("\nTo try next:")
    for line in (
        f"{command} check                                          # what goes where, and when",
        f"{command} replay recordings/shop-outage.jsonl.gz --digests digests.jsonl",
        "make bench                                             # how well errors are grouped",
    ):
        console.print(f"  {line}", markup=False, soft_wrap=True)
    kafka = f"Kafka: {run.kafka}" if run.kafka else "no Kafka"
    console.print(f"\n[dim]{run.seconds:.0f} s; {kafka}; nothing is left running.[/dim]")


def command_name() -> str:
    """Return how `stormfold` is called from here."""
    if shutil.which("stormfold"):
        return "stormfold"
    beside = Path(sys.executable).with_name("stormfold")
    if beside.exists():
        here = Path.cwd()
        return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)
    return "python -m streams.cli"

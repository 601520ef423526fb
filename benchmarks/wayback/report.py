"""What came of the show, as text, and what was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from benchmarks.wayback.asked import Row
from benchmarks.wayback.journal import Line, transcript, wrapped
from benchmarks.wayback.times import Measured, slowest, table

NOTHING: Final = "Nothing was done"
REFUSED: Final = "that is not you"


@dataclass
class Report:
    """What the parts found; what was not played is empty."""

    transcript: list[Line] = field(default_factory=list)
    timelines: dict[str, str] = field(default_factory=dict)
    """Of the storms of the outage, as Markdown."""
    failed: list[str] = field(default_factory=list)
    """Parts that did not come to their end, and why."""
    buttons: list[Row] = field(default_factory=list)
    commands: list[Row] = field(default_factory=list)
    elsewhere: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    allowed: list[Row] = field(default_factory=list)
    outsider: str = ""
    measured: Measured | None = None
    errors: list[str] = field(default_factory=list)
    """Lines of the processes' logs."""

    def text(self) -> str:
        """Return all of it."""
        found = []
        if self.transcript:
            found.append(heading("An outage, handled by two people in different places"))
            found.append(transcript(self.transcript))
        for title, rows in (
            ("Each button once", self.buttons),
            ("Each command once", self.commands),
            ("In a thread, and by shortcut", self.elsewhere),
            (f"{self.outsider}, who is in no group, may not", self.refused),
            (f"{self.outsider} may", self.allowed),
        ):
            if rows:
                found.append(heading(title))
                found += [_row(one) for one in rows]
        if (it := self.measured) is not None:
            found.append(heading("Times under a storm"))
            found.append(
                f"{it.events / it.lasted_s:,.0f} events a second of {it.event_bytes / 1000:.1f} KB "
                f"over {it.lasted_s:.0f} s, {len(it.clicks)} clicks by two people, one each half "
                "second\n\n"
            )
            ends = (*wrapped(slowest(it.clicks), ""), *wrapped(EDITS, ""))
            found += [table(it.clicks), "\n", *(f"{line}\n" for line in ends)]
        return "".join(found)

    def wrong(self) -> list[str]:
        """Return what is not as it should be, a line for each."""
        found = list(self.failed)
        for row in (*self.buttons, *self.commands, *self.elsewhere, *self.allowed):
            if row.answer.status != 200:
                found.append(f"{row.said}: answered {row.answer.status}")
            if row.effect is not None and not row.effect.ms:
                found.append(f"{row.said}: {row.effect.text}")
        for row in self.refused:
            if NOTHING not in row.answer.text or REFUSED not in row.answer.text:
                found.append(f"{row.said}: was not refused: {row.answer.text}")
        if self.measured is not None:
            for one in self.measured.clicks:
                if one.status != 200 or not one.thread_at:
                    found.append(f"{one.what}: answered {one.status}, thread {one.thread_at:.0f}")
        return found


EDITS: Final = (
    "The message itself is edited after its reply. Slack takes 50 edits a minute of a whole "
    "workspace and Stormfold makes 40, so under more acts than that an edit waits, and shows the "
    "newest of what came meanwhile; so does a button that it brings. Whoever waits for a button "
    "has not clicked yet: no other line counts that."
)


def heading(title: str) -> str:
    """Return a line that begins a part of the text."""
    return f"\n{title}\n{'=' * len(title)}\n"


def _row(row: Row) -> str:
    answer = f"answered in {row.answer.ms:.0f} ms"
    if row.answer.seen_ms - row.answer.ms >= 1:
        answer += f", seen after {row.answer.seen_ms:.0f} ms"
    lines = [f"{row.said}   ({answer})"]
    if row.answer.text:
        lines += wrapped(row.answer.text, "    says    ")
    if row.effect is not None:
        after = f"after {row.effect.ms / 1_000:.1f} s: " if row.effect.ms else ""
        lines += wrapped(after + row.effect.text, "    thread  ")
    return "\n".join(lines) + "\n"

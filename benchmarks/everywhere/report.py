"""What came of the show, as text."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.everywhere.happened import Part
from benchmarks.everywhere.told import Got, after
from benchmarks.wayback.report import heading


@dataclass
class Report:
    """What the parts found; what was not played is empty."""

    parts: list[Part] = field(default_factory=list)
    drill: str = ""
    """The command and all that it printed."""
    week: list[Got] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Parts that did not come to their end, and why."""
    errors: list[str] = field(default_factory=list)
    """Lines of the processes' logs."""

    def text(self) -> str:
        """Return all of it."""
        found = []
        for part in self.parts:
            found += [heading(part.title), f"{part.happened}.\n"]
            found += [f"{line}\n" for line in after(part.got, part.since)]
            found += map(_shown, part.got)
        if self.drill:
            found += [heading("A drill, through the whole chain"), self.drill]
        if self.week:
            found += [heading("A week's report"), *map(_shown, self.week)]
        return "".join(found)


def _shown(got: Got) -> str:
    lines = "".join(f"    {line}".rstrip() + "\n" for line in got.text.splitlines())
    return f"\n{got.where}\n{lines}"

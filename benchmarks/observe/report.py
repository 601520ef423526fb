"""What came of a run, as text and as an exit status."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from benchmarks.observe.faults import Fault
from benchmarks.observe.watch import SLOW


@dataclass
class Found:
    """One fault and what Prometheus said."""

    fault: Fault
    alerts: dict[str, dict[str, Any] | None]
    """As Prometheus answered for each that is for it; None where it did not fire in time."""
    after_s: dict[str, float]
    beside: set[str]
    quiet_after_s: float | None

    @property
    def wrong(self) -> str:
        """Return what was not as it should be; empty where all was."""
        mute = [name for name, alert in self.alerts.items() if alert is None]
        if mute:
            return f"did not fire: {', '.join(mute)}"
        strange = self.beside - self.fault.also - SLOW
        if strange:
            return f"fired beside it: {', '.join(sorted(strange))}"
        ended = self.fault.stays or self.quiet_after_s is not None
        return "" if ended else "it did not end"

    def text(self) -> str:
        """Return the paragraph about it."""
        fault = self.fault
        lines = [f"{', '.join(fault.alerts)}: {fault.what}"]
        for name, alert in self.alerts.items():
            if alert is not None:
                lines.append(
                    f"  {name} fired after {self.after_s[name]:.0f} s; as it was answered:"
                )
                lines.append(f"  {json.dumps(alert, sort_keys=True)}")
        if self.beside:
            lines.append(f"  beside it: {', '.join(sorted(self.beside))}")
        if self.quiet_after_s is not None:
            lines.append(f"  silent again {self.quiet_after_s:.0f} s after the fault was over")
        if self.wrong:
            lines.append(f"  WRONG: {self.wrong}")
        return "\n".join(lines)


@dataclass
class Report:
    """All of a run."""

    well_s: float = 0.0
    well_webhooks: int = 0
    well_fired: set[str] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    panels: int = 0
    empty: list[str] = field(default_factory=list)
    watchdog: tuple[int, int] = (0, 0)

    def wrong(self) -> list[str]:
        """Return what was not as it should be, a line each."""
        bad = [f"{one.fault.alerts[0]}: {one.wrong}" for one in self.found if one.wrong]
        bad += [f"fired while all was well: {name}" for name in sorted(self.well_fired - SLOW)]
        bad += [f"no data: {name}" for name in self.empty]
        if not self.watchdog[0] or self.watchdog[0] < self.watchdog[1] - 2:
            bad.append(f"the Watchdog fired in {self.watchdog[0]} of {self.watchdog[1]} looks")
        return bad

    def text(self) -> str:
        """Return the report."""
        well = ", ".join(sorted(self.well_fired)) or "nothing but the Watchdog"
        lines = [
            f"While a recorded outage was replayed ({self.well_s:.0f} s, {self.well_webhooks} "
            f"webhooks): {well} fired.",
            f"The Watchdog fired in {self.watchdog[0]} of {self.watchdog[1]} looks.",
            *self._asked(),
            "",
            *(one.text() for one in self.found),
        ]
        return "\n".join(lines) + "\n"

    def _asked(self) -> list[str]:
        if not self.panels:
            return []
        told = f"Panels with data in the end: {self.panels - len(self.empty)} of {self.panels}."
        return [told, *(f"  without: {name}" for name in self.empty)]

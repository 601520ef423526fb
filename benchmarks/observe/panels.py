"""What the panels of the dashboards show: each panel's own queries, asked of Prometheus."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.observe.server import SCRAPES_S, Prometheus
from observability.dashboards.made import Board, written

POINTS: Final = 240
"""Of a line, at the most."""
RATE_S: Final = 4 * SCRAPES_S
_SHOWN: Final = re.compile(r"\{\{\s*([a-z]+)\s*\}\}")


@dataclass(frozen=True)
class Span:
    """The time that is shown, seconds since the epoch."""

    begin: float
    end: float

    @property
    def step_s(self) -> int:
        """Seconds between two points."""
        return max(SCRAPES_S, math.ceil((self.end - self.begin) / POINTS))

    def filled(self, expr: str, step_s: int) -> str:
        """Return a query with Grafana's variables filled in, as Grafana does for such a step."""
        rate_s = max(step_s + SCRAPES_S, RATE_S)
        expr = expr.replace("$__rate_interval", f"{rate_s}s")
        return expr.replace("$__range", f"{math.ceil(self.end - self.begin)}s")


@dataclass(frozen=True)
class Series:
    """One line or one number: times and values, those that are none left out."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Shown:
    """A panel as its dashboard describes it, and its data."""

    panel: dict[str, Any]
    series: list[Series] = field(default_factory=list)
    step_s: int = SCRAPES_S
    """Between two points."""

    @property
    def title(self) -> str:
        """Return the panel's title."""
        return str(self.panel["title"])


@dataclass(frozen=True)
class Marked:
    """An annotation: its name, its colour, and from when to when."""

    name: str
    colour: str
    spans: tuple[tuple[float, float], ...]


async def shown(prometheus: Prometheus, board: Board, span: Span) -> list[Shown]:
    """Return every panel of a dashboard with its data, rows too."""
    found: list[Shown] = []
    for panel in json.loads(written(board))["panels"]:
        one = Shown(panel)
        # A bar of a minute: in a trial, of as many seconds as a rate needs.
        step_s = max(span.step_s, RATE_S) if panel.get("interval") else span.step_s
        for target in panel.get("targets", ()):
            expr = span.filled(target["expr"], step_s)
            if target.get("instant"):
                answer = await prometheus.now(expr, at=span.end)
            else:
                answer = await prometheus.over_time(
                    expr, begin=span.begin, end=span.end, step_s=step_s
                )
            one.series.extend(_read(series, target["legendFormat"]) for series in answer)
        found.append(Shown(panel, [line for line in one.series if line.points], step_s))
    return found


async def marked(prometheus: Prometheus, board: Board, span: Span) -> list[Marked]:
    """Return the annotations of a dashboard: neighbouring points are one region, as in Grafana."""
    found: list[Marked] = []
    for mark in json.loads(written(board))["annotations"]["list"]:
        answer = await prometheus.over_time(
            span.filled(mark["expr"], span.step_s),
            begin=span.begin,
            end=span.end,
            step_s=span.step_s,
        )
        for series in answer:
            regions: list[tuple[float, float]] = []
            for at, value in _read(series, "").points:
                if not value:
                    continue
                if regions and at - regions[-1][1] <= span.step_s:
                    regions[-1] = (regions[-1][0], at)
                else:
                    regions.append((at, at))
            found.append(Marked(mark["name"], mark["iconColor"], tuple(regions)))
    return found


def _read(series: dict[str, Any], legend: str) -> Series:
    labels: dict[str, str] = series["metric"]
    points = series.get("values") or [series["value"]]
    return Series(
        _SHOWN.sub(lambda found: labels.get(found[1], ""), legend),
        tuple((float(at), float(v)) for at, v in points if math.isfinite(float(v))),
    )

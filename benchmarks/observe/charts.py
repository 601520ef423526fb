"""A panel as SVG: lines, stacked bars, with what is marked behind them. Nothing is loaded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from benchmarks.observe.panels import Marked, Series, Shown, Span
from benchmarks.observe.units import said

PALETTE: Final = (
    *("#5794f2", "#ff9830", "#73bf69", "#f2495c", "#b877d9", "#fade2a", "#37872d", "#8ab8ff"),
    *("#ffb357", "#c4162a", "#96d98d", "#a352cc", "#e0b400", "#1f60c4", "#fa6400", "#56a64b"),
)
LEFT: Final = 62
BOTTOM: Final = 18
TOP: Final = 6
RIGHT: Final = 8
_TICKS: Final = 4
_Place = Callable[[float], float]
"""From a time or a value to a pixel."""


def colour(name: str) -> str:
    """Return a colour of the dashboards as CSS says it."""
    return {"red": "#f2495c", "orange": "#ff9830", "green": "#73bf69", "blue": "#5794f2"}[name]


def shade_of(shown: Shown, at: int) -> str:
    """Return the colour of a panel's series as CSS says it, by its place among them."""
    for override in shown.panel["fieldConfig"].get("overrides", ()):
        if override["matcher"]["options"] == shown.series[at].name:
            return colour(override["properties"][0]["value"]["fixedColor"])
    return PALETTE[at % len(PALETTE)]


def over_time(shown: Shown, marks: Sequence[Marked], span: Span, width: int, height: int) -> str:
    """Return the SVG of a panel over time."""
    custom = shown.panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    unit = shown.panel["fieldConfig"]["defaults"].get("unit", "")
    high = _highest(shown.series, stacked=stacked)
    top, step = _nice(high, 1_024.0 if unit == "bytes" and high >= 1_024 else 1.0)
    inner_w, inner_h = width - LEFT - RIGHT, height - TOP - BOTTOM

    def x(at: float) -> float:
        return LEFT + (at - span.begin) / (span.end - span.begin) * inner_w

    def y(value: float) -> float:
        return TOP + inner_h * (1 - value / top)

    parts = [f'<svg width="{width}" height="{height}" font-size="11" fill="#9fa7b3">']
    parts += _axes(span, unit, top, step, x, y, width, height)
    parts += _behind(marks, span, x, height)
    shades = [shade_of(shown, at) for at in range(len(shown.series))]
    if stacked:
        parts += _bars(shown.series, shades, shown.step_s, x, y)
    else:
        parts += [_line(one, of, x, y) for one, of in zip(shown.series, shades, strict=True)]
    if not shown.series:
        none = shown.panel["fieldConfig"]["defaults"].get("noValue", "No data")
        parts.append(
            f'<text x="{width // 2}" y="{height // 2}" text-anchor="middle" '
            f'font-size="15">{escape(none)}</text>'
        )
    return "".join([*parts, "</svg>"])


def _axes(
    span: Span,
    unit: str,
    top: float,
    step: float,
    x: _Place,
    y: _Place,
    width: int,
    height: int,
) -> list[str]:
    parts = []
    value = 0.0
    while value <= top + step / 2:
        parts.append(
            f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            'stroke="#2c3235"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">'
            f"{escape(said(value, unit))}</text>"
        )
        value += step
    every = _nice_seconds((span.end - span.begin) / 5)
    at = math.ceil(span.begin / every) * every
    while at <= span.end:
        told = time.strftime("%H:%M:%S", time.gmtime(at))
        parts.append(f'<text x="{x(at):.1f}" y="{height - 3}" text-anchor="middle">{told}</text>')
        at += every
    return parts


def _behind(marks: Sequence[Marked], span: Span, x: _Place, height: int) -> list[str]:
    parts = []
    for mark in marks:
        shade = colour(mark.colour)
        for begin, end in mark.spans:
            wide = max(x(end + span.step_s) - x(begin), 1.0)
            if mark.name in ("Storms", "Alerts"):
                parts.append(
                    f'<rect x="{x(begin):.1f}" y="{TOP}" width="{wide:.1f}" '
                    f'height="{height - TOP - BOTTOM}" fill="{shade}" opacity="0.10"/>'
                )
            parts.append(
                f'<line x1="{x(begin):.1f}" x2="{x(begin):.1f}" y1="{TOP}" y2="{height - BOTTOM}" '
                f'stroke="{shade}" stroke-dasharray="3,3" opacity="0.7"/>'
            )
    return parts


def _line(series: Series, shade: str, x: _Place, y: _Place) -> str:
    points = " ".join(f"{x(at):.1f},{y(max(value, 0.0)):.1f}" for at, value in series.points)
    return f'<polyline points="{points}" fill="none" stroke="{shade}" stroke-width="1.5"/>'


def _bars(
    series: Sequence[Series], shades: Sequence[str], step_s: int, x: _Place, y: _Place
) -> list[str]:
    wide = max(1.0, x(step_s) - x(0.0) - 1.0)
    heights: dict[float, float] = {}
    parts = []
    for one, shade in zip(series, shades, strict=True):
        for at, value in one.points:
            low = heights.get(at, 0.0)
            heights[at] = low + value
            tall = y(low) - y(low + value)
            if tall > 0.05:
                parts.append(
                    f'<rect x="{x(at) - wide / 2:.1f}" y="{y(low + value):.1f}" '
                    f'width="{wide:.1f}" height="{tall:.1f}" fill="{shade}"/>'
                )
    return parts


def _highest(series: Sequence[Series], *, stacked: bool) -> float:
    if not stacked:
        return max((value for one in series for _, value in one.points), default=0.0)
    sums: dict[float, float] = {}
    for one in series:
        for at, value in one.points:
            sums[at] = sums.get(at, 0.0) + value
    return max(sums.values(), default=0.0)


def _nice(high: float, base: float) -> tuple[float, float]:
    """Return the top of an axis and the step between its lines, in round numbers of `base`."""
    if high <= 0:
        return 1.0, 0.5
    rough = high / base / _TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 2.5, 5, 10) if size * one >= rough)
    return math.ceil(high / base / step) * step * base, step * base


def _nice_seconds(rough: float) -> int:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
    return next((one for one in steps if one >= rough), 7_200)

"""The pictures as Vega-Lite charts, light and dark. Pure: figures in, specifications out.

Sizes are fixed and nothing is laid out by the width of a text, so the same figures give the same
bytes whatever fonts a machine has.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from benchmarks.pictures.figures import Bar, Passed, Percentile

Chart = dict[str, Any]

WIDTH: Final = 480
LEFT: Final = 236
RIGHT: Final = 70
TOP: Final = 62
BOTTOM: Final = 46
BAR: Final = 30
"""Height of a bar with the room around it."""
FONT: Final = "Liberation Sans, Helvetica, Arial, sans-serif"
TARGET_MS: Final = 500
TENS: Final = [10**power for power in range(7)]


class Mode(StrEnum):
    """What it is looked at on."""

    LIGHT = "light"
    DARK = "dark"


class Colours(msgspec.Struct, frozen=True):
    """Of one mode."""

    text: str
    quiet: str
    grid: str
    ours: str
    others: str
    steps: tuple[str, str, str]
    """Of three percentiles."""
    line: str
    """Of a figure to reach."""


COLOURS: Final = {
    Mode.LIGHT: Colours(
        text="#1f2328", quiet="#59636e", grid="#d1d9e0", ours="#0969da", others="#8c959f",
        steps=("#a5c8f0", "#4a94de", "#0a4b94"), line="#cf222e",
    ),
    Mode.DARK: Colours(
        text="#f0f6fc", quiet="#9198a1", grid="#3d444d", ours="#4493f8", others="#6e7681",
        steps=("#1f4b80", "#3f83d1", "#a5cdfa"), line="#f85149",
    ),
}  # fmt: skip


def bars(title: str, subtitle: str, found: Sequence[Bar], mode: Mode) -> Chart:
    """Return rates as bars, ours in another colour, with the slowest and fastest round."""
    colours = COLOURS[mode]
    name = {"field": "name", "type": "nominal", "sort": None, "title": None}
    layers = [
        {
            "mark": {"type": "bar", "height": BAR - 12},
            "encoding": {
                "x": {"field": "median", "type": "quantitative", "title": "events per second"},
                "color": {
                    "field": "ours",
                    "type": "nominal",
                    "legend": None,
                    "scale": {"domain": [True, False], "range": [colours.ours, colours.others]},
                },
            },
        },
        {
            "mark": {"type": "rule", "color": colours.text, "strokeWidth": 1.5},
            "encoding": {"x": {"field": "least", "type": "quantitative"}, "x2": {"field": "most"}},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 6, "color": colours.text},
            "encoding": {
                "x": {"field": "most", "type": "quantitative"},
                "text": {"field": "median", "type": "quantitative", "format": ",.0f"},
            },
        },
    ]
    made = {
        "data": {"values": [msgspec.to_builtins(one) for one in found]},
        "encoding": {"y": name},
        "layer": layers,
    }
    return _framed(made, title, subtitle, BAR * len(found), mode)


def percentiles(title: str, subtitle: str, found: Sequence[Percentile], mode: Mode) -> Chart:
    """Return percentiles at each load as groups of bars, and what is to be reached."""
    colours = COLOURS[mode]
    names = list(dict.fromkeys(one.name for one in found))
    shares = list(dict.fromkeys(one.share for one in found))
    data = {"values": [msgspec.to_builtins(one) for one in found]}
    y = {"field": "share", "type": "nominal", "sort": None, "title": None}
    offset = {"field": "name", "type": "nominal", "sort": names}
    colour = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": names, "range": list(colours.steps)},
        "legend": None,
    }
    x = {"field": "ms", "type": "quantitative", "title": "milliseconds"}
    label = "datum.name + ': ' + format(datum.ms, ',.0f') + ' ms'"
    made = {
        "layer": [
            {
                "data": {"values": [{"ms": TARGET_MS}]},
                "mark": {"type": "rule", "color": colours.line, "strokeDash": [5, 4]},
                "encoding": {"x": {"field": "ms", "type": "quantitative"}},
            },
            {
                "data": data,
                "mark": "bar",
                "encoding": {"y": y, "yOffset": offset, "x": x, "color": colour},
            },
            {
                "data": data,
                "transform": [{"calculate": label, "as": "label"}],
                "mark": {"type": "text", "align": "left", "dx": 5, "color": colours.text},
                "encoding": {"y": y, "yOffset": offset, "x": x, "text": {"field": "label"}},
            },
        ]
    }
    return _framed(made, title, subtitle, len(shares) * len(names) * 24, mode, left=150, right=180)


def in_and_out(title: str, subtitle: str, found: Sequence[Passed], mode: Mode) -> Chart:
    """Return messages out by events in, both on scales of tens, beside one message an event."""
    colours = COLOURS[mode]
    most = max(one.events for one in found)
    least = min(1.0, *(one.messages for one in found))
    scale = {"type": "log", "nice": False}
    x = {
        "field": "events",
        "type": "quantitative",
        "scale": scale | {"domain": [min(one.events for one in found) / 1.5, most * 1.5]},
        "title": "events in, per second",
        "axis": {"values": TENS},
    }
    y = {
        "field": "messages",
        "type": "quantitative",
        "scale": scale | {"domain": [least, most * 1.5]},
        "title": "messages out, per second",
        "axis": {"values": TENS, "grid": True, "titleX": -62},
    }
    every = [{"events": one.events, "messages": one.events} for one in found]
    label = "format(datum.messages, ',.1f') + ' messages'"
    encoding = {"x": x, "y": y}
    made = {
        "layer": [
            {
                "data": {"values": every},
                "mark": {"type": "line", "color": colours.others, "strokeDash": [5, 4]},
                "encoding": encoding,
            },
            {
                "data": {"values": [every[-1] | {"label": "one message an event"}]},
                "mark": {
                    "type": "text", "align": "right", "dx": -44, "dy": -2, "color": colours.quiet,
                },
                "encoding": encoding | {"text": {"field": "label"}},
            },
            {
                "data": {"values": [msgspec.to_builtins(one) for one in found]},
                "mark": {
                    "type": "line", "color": colours.ours, "strokeWidth": 2.5,
                    "point": {"filled": True, "color": colours.ours, "size": 60},
                },
                "encoding": encoding,
            },
            {
                "data": {"values": [msgspec.to_builtins(one) for one in found]},
                "transform": [{"calculate": label, "as": "label"}],
                "mark": {"type": "text", "dy": 17, "color": colours.text},
                "encoding": encoding | {"text": {"field": "label"}},
            },
        ]
    }  # fmt: skip
    return _framed(made, title, subtitle, 240, mode, left=90)


def _framed(
    made: Chart, title: str, subtitle: str, height: int, mode: Mode, *,
    left: int = LEFT, right: int = RIGHT,
) -> Chart:  # fmt: skip
    """Return the chart with its title, in the colours of its mode and of a fixed size."""
    colours = COLOURS[mode]
    axis = {
        "labelColor": colours.text,
        "titleColor": colours.quiet,
        "titleFontWeight": "normal",
        "gridColor": colours.grid,
        "domainColor": colours.grid,
        "tickColor": colours.grid,
        "labelLimit": 0,
        "labelOverlap": False,
        "labelFontSize": 13,
        "titleFontSize": 12,
        "tickCount": 5,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "none"},
        "padding": {"left": left, "right": right, "top": TOP, "bottom": BOTTOM},
        "title": {"text": title, "subtitle": subtitle, "anchor": "start", "frame": "group"},
        **made,
        "config": {
            "font": FONT,
            "background": None,
            "view": {"stroke": None},
            "axis": axis,
            "axisY": {"grid": False, "ticks": False, "labelPadding": 8},
            "text": {"fontSize": 12},
            "title": {
                "color": colours.text, "fontSize": 16, "subtitleColor": colours.quiet,
                "subtitleFontSize": 12, "subtitlePadding": 6, "offset": 14, "dx": 12 - left,
            },
        },
    }  # fmt: skip

"""A dashboard as one HTML page that loads nothing: its grid, its titles, its panels with data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from benchmarks.observe.charts import colour, over_time, shade_of
from benchmarks.observe.panels import Marked, Shown, Span
from benchmarks.observe.units import said
from observability.dashboards.made import Board

WIDTH: Final = 1_400
_UNIT: Final = 36
_GAP: Final = 8
_HEAD: Final = 54
_LEGENDS: Final = 12
_NONE: Final = "color:#9fa7b3;font-size:24px;padding-top:32px"
_STYLE: Final = """
body { background: #111217; color: #d8d9da; font-family: 'DejaVu Sans', sans-serif; margin: 0;
  position: relative; }
.head { padding: 12px 10px; font-size: 20px; } .head small { color: #9fa7b3; font-size: 13px; }
.row { position: absolute; font-size: 15px; padding: 8px 4px; }
.panel { position: absolute; background: #181b1f; border: 1px solid #2c3235; overflow: hidden; }
.title { font-size: 13px; font-weight: bold; padding: 6px 8px 2px; white-space: nowrap; }
.value { text-align: center; font-size: 38px; padding-top: 22px; white-space: nowrap; }
.legend { font-size: 11px; padding: 0 8px; line-height: 15px; height: 45px; overflow: hidden; }
.legend i { display: inline-block; width: 12px; height: 4px; margin: 0 4px 2px 0; }
.legend span { margin-right: 10px; white-space: nowrap; }
.bar { position: relative; margin: 5px 10px; height: 20px; background: #22252b; font-size: 12px; }
.bar b { position: absolute; left: 0; top: 0; bottom: 0; opacity: .6; }
.bar u { position: absolute; left: 6px; top: 2px; text-decoration: none; }
.bar em { position: absolute; right: 6px; top: 2px; font-style: normal; }
"""


def page(board: Board, panels: Sequence[Shown], marks: Sequence[Marked], span: Span) -> str:
    """Return the page."""
    bottom = max(one.panel["gridPos"]["y"] + one.panel["gridPos"]["h"] for one in panels)
    high = _HEAD + bottom * _UNIT + _GAP
    parts = [
        f"<!doctype html><html><head><meta charset='utf-8'><style>{_STYLE}</style></head>",
        f"<body style='height:{high}px'><div class='head'>{escape(board.title)} "
        f"<small>{escape(board.says)}</small></div>",
        *(_placed(one, marks, span) for one in panels),
        "</body></html>",
    ]
    return "".join(parts)


def _placed(shown: Shown, marks: Sequence[Marked], span: Span) -> str:
    at = shown.panel["gridPos"]
    column = (WIDTH - _GAP) / 24
    left, top = _GAP + at["x"] * column, _HEAD + at["y"] * _UNIT
    width, height = round(at["w"] * column - _GAP), at["h"] * _UNIT - _GAP
    place = f"left:{left:.0f}px;top:{top}px;width:{width}px;height:{height}px"
    title = escape(shown.title)
    match shown.panel["type"]:
        case "row":
            return f"<div class='row' style='{place}'>⌄ {title}</div>"
        case "stat":
            inside = _number(shown)
        case "bargauge":
            inside = _one_each(shown)
        case _:
            inside = over_time(shown, marks, span, width, height - 76) + _legend(shown)
    return f"<div class='panel' style='{place}'><div class='title'>{title}</div>{inside}</div>"


def _number(shown: Shown) -> str:
    defaults = shown.panel["fieldConfig"]["defaults"]
    if not shown.series:
        return f"<div class='value' style='{_NONE}'>{escape(defaults['noValue'])}</div>"
    value = shown.series[0].points[-1][1]
    text = said(value, defaults.get("unit", ""), defaults.get("decimals"))
    shade = _shade(value, defaults)
    return f"<div class='value' style='color:{shade}'>{escape(text)}</div>"


def _one_each(shown: Shown) -> str:
    defaults = shown.panel["fieldConfig"]["defaults"]
    most = defaults.get("max") or max((one.points[-1][1] for one in shown.series), default=1.0)
    bars = []
    for one in shown.series[:10]:
        value = one.points[-1][1]
        wide = 100 * min(1.0, value / most) if most else 0.0
        text = escape(said(value, defaults.get("unit", "")))
        bars.append(
            f"<div class='bar'><b style='width:{wide:.1f}%;background:{_shade(value, defaults)}'>"
            f"</b><u>{escape(one.name)}</u><em>{text}</em></div>"
        )
    if not bars:
        return f"<div class='value' style='{_NONE}'>{escape(defaults['noValue'])}</div>"
    return "".join(bars)


def _shade(value: float, defaults: dict[str, Any]) -> str:
    steps = defaults["thresholds"]["steps"]
    reached = [one["color"] for one in steps if one["value"] is None or value >= one["value"]]
    return colour(reached[-1])


def _legend(shown: Shown) -> str:
    series = shown.series
    names = [
        f"<span><i style='background:{shade_of(shown, at)}'></i>{escape(one.name)}</span>"
        for at, one in enumerate(series[:_LEGENDS])
    ]
    more = f"<span>and {len(series) - _LEGENDS} more</span>" if len(series) > _LEGENDS else ""
    return f"<div class='legend'>{' '.join(names)}{more}</div>"

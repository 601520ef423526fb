"""The kinds of panel that the dashboards have: a number, lines, stacked bars, one bar for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import units

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="stormfold-prometheus")
"""As `observability/grafana/provisioning/datasources/` names it."""


BAR: Final = "1m"
"""The time of one bar, at the least."""


class Unit(StrEnum):
    """What is counted, in Grafana's words."""

    NUMBER = units.Short
    COUNT = units.LocaleFormat
    """As many digits as there are."""
    SECONDS = units.Seconds
    BYTES = units.BytesIEC
    PART = units.PercentUnit
    PER_SECOND = units.CountsPerSecond
    PER_MINUTE = units.CountsPerMinute


class Colour(StrEnum):
    """What a number means, in Grafana's words."""

    GOOD = "green"
    CARE = "orange"
    BAD = "red"
    CALM = "blue"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Args:
        expr: PromQL; `$__rate_interval` and `$__range` are Grafana's.
        legend: what its series are called; `{{label}}` is the value of a label.
    """

    expr: str
    legend: str


_P = TypeVar("_P", stat.Panel, timeseries.Panel, bargauge.Panel)


def number(
    title: str,
    says: str,
    expr: str,
    *,
    unit: Unit = Unit.NUMBER,
    above: tuple[tuple[float, Colour], ...] = (),
    base: Colour = Colour.CALM,
    none: str = "0",
    decimals: int | None = None,
    height: int = 4,
) -> stat.Panel:
    """Return a panel that shows one number, now.

    Args:
        says: what it is, in a sentence.
        above: from which value on it has which colour, ascending; `base` below.
        none: what is shown where there is nothing to count.
    """
    steps = [models.Threshold(color=base.value, value=None)]
    steps += [models.Threshold(color=colour.value, value=value) for value, colour in above]
    panel = (
        stat.Panel()
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(kinds.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    query = Query(expr, title)
    return _filled(panel, title, says, (query,), unit, none, width=4, height=height, instant=True)


def lines(
    title: str,
    says: str,
    *queries: Query,
    unit: Unit = Unit.NUMBER,
    width: int = 12,
    none: str = "none",
) -> timeseries.Panel:
    """Return a panel that shows series over time, not below nought."""
    panel = (
        timeseries.Panel()
        .draw_style(kinds.GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(10)
        .show_points(kinds.VisibilityMode.NEVER)
    )
    return _over_time(panel, title, says, queries, unit, width, none)


def bars(
    title: str,
    says: str,
    *queries: Query,
    unit: Unit = Unit.NUMBER,
    width: int = 12,
    none: str = "none",
    colours: Mapping[str, Colour] | None = None,
) -> timeseries.Panel:
    """Return a panel whose series are stacked: what they are together counts too.

    A bar is what came in its time, at the least `BAR`. Queries count over `$__rate_interval`, which
    is longer by a scrape: what came between two samples at the border of two bars is not lost.

    Args:
        title: of the panel.
        says: what it shows, in a sentence.
        queries: whose series they are.
        unit: of what is counted.
        width: of 24.
        none: what stands there when there are no series.
        colours: of series, by name, that mean something good or bad; the others have any.
    """
    panel = (
        timeseries.Panel()
        .draw_style(kinds.GraphDrawStyle.BARS)
        .line_width(0)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
        .interval(BAR)
    )
    for name, colour in (colours or {}).items():
        fixed = {"mode": "fixed", "fixedColor": colour.value}
        panel = panel.override_by_name(name, [models.DynamicConfigValue("color", fixed)])
    return _over_time(panel, title, says, queries, unit, width, none)


def one_each(
    title: str,
    says: str,
    query: Query,
    *,
    unit: Unit = Unit.NUMBER,
    above: tuple[tuple[float, Colour], ...] = (),
    most: float | None = None,
    width: int = 12,
    none: str = "none",
) -> bargauge.Panel:
    """Return a panel with one bar for each series, now."""
    steps = [models.Threshold(color=Colour.GOOD.value, value=None)]
    steps += [models.Threshold(color=colour.value, value=value) for value, colour in above]
    panel = (
        bargauge.Panel()
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .min(0)
        .thresholds(_thresholds(steps))
    )
    if most is not None:
        panel = panel.max(most)
    return _filled(panel, title, says, (query,), unit, none, width=width, height=8, instant=True)


def quantiles(metric: str, by: str = "") -> tuple[Query, Query]:
    """Return the median and the 99th percentile of a histogram, for each value of a label."""
    inside = f"le, {by}" if by else "le"
    name = f"{{{{{by}}}}} " if by else ""
    rate = f"sum by ({inside}) (rate({metric}_bucket[$__rate_interval]))"
    return (
        Query(f"histogram_quantile(0.5, {rate})", f"{name}median"),
        Query(f"histogram_quantile(0.99, {rate})", f"{name}99 %"),
    )


def _over_time(
    panel: timeseries.Panel,
    title: str,
    says: str,
    queries: tuple[Query, ...],
    unit: Unit,
    width: int,
    none: str,
) -> timeseries.Panel:
    panel = (
        panel.min(0)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(kinds.TooltipDisplayMode.MULTI)
            .sort(kinds.SortOrder.DESCENDING)
        )
    )
    return _filled(panel, title, says, queries, unit, none, width=width, height=8, instant=False)


def _filled(
    panel: _P,
    title: str,
    says: str,
    queries: tuple[Query, ...],
    unit: Unit,
    none: str,
    *,
    width: int,
    height: int,
    instant: bool,
) -> _P:
    panel = panel.title(title).description(says).datasource(SOURCE).span(width).height(height)
    panel = panel.unit(unit.value).no_value(none)
    for letter, query in zip("ABCDEFG", queries, strict=False):
        target = (
            prometheus.Dataquery()
            .expr(query.expr)
            .legend_format(query.legend)
            .ref_id(letter)
            .datasource(SOURCE)
        )
        panel = panel.with_target(target.instant() if instant else target.range())
    return panel


def _thresholds(steps: list[models.Threshold]) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)

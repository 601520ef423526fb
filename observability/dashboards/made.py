"""A dashboard as a whole: rows of panels, what is marked on all of them, and how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from observability.dashboards.panels import SOURCE, Colour

TAG: Final = "stormfold"


@dataclass(frozen=True, slots=True)
class Row:
    """Some panels under a title, side by side as they fit."""

    title: str
    panels: tuple[Builder[models.Panel], ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard. Its name is also that of its file and, behind `stormfold-`, its uid."""

    name: str
    title: str
    says: str
    rows: tuple[Row, ...]


class _Mark(models.AnnotationQuery):
    """An annotation of Prometheus's, with the words that are shown: the SDK has no place for them.

    Source: Grafana, packages/grafana-prometheus, `annotations.ts`: `titleFormat`, `textFormat`.
    """

    title_format: str = ""
    text_format: str = ""

    def to_json(self) -> dict[str, object]:
        """Return it as Grafana reads it."""
        words = {"titleFormat": self.title_format, "textFormat": self.text_format}
        return {**super().to_json(), **words}


class _MarkBuilder(Builder[models.AnnotationQuery]):
    def __init__(self, mark: _Mark) -> None:
        self._mark = mark

    def build(self) -> models.AnnotationQuery:
        """Return the annotation."""
        return self._mark


# A value that is not nought marks its time; neighbours are one region, from begin to end.
MARKS: Final = (
    ("Storms", "sum(stormfold_storms_open) > 0", Colour.BAD, "A storm is open", ""),
    (
        "Incidents",
        'sum(increase(stormfold_decisions_total{kind="opened"}[$__rate_interval])) > 0',
        Colour.CARE,
        "Incidents began",
        "",
    ),
    (
        "Deploys",
        'sum(increase(stormfold_intake_resources_total{resource="deploy"}[$__rate_interval])) > 0',
        Colour.CALM,
        "A release was deployed",
        "",
    ),
    (
        "Alerts",
        'sum by (alertname) (ALERTS{alertname=~"Stormfold.*", alertstate="firing"})',
        Colour.BAD,
        "{{alertname}}",
        "Its page is in docs/runbooks/",
    ),
)
"""What is marked on every dashboard: what, where it is read, how it looks, what it says."""


def built(board: Board) -> models.Dashboard:
    """Return a dashboard whose panels have numbers of their own and do not overlap."""
    made = (
        builders.Dashboard(board.title)
        .uid(f"stormfold-{board.name}")
        .description(board.says)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(
            builders.DashboardLink("Stormfold")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
        )
    )
    for name, expr, colour, title, text in MARKS:
        mark = _Mark(name=name, datasource=SOURCE, icon_color=colour.value, expr=expr)
        mark.title_format, mark.text_format = title, text
        made = made.annotation(_MarkBuilder(mark))
    for row in board.rows:
        made = made.with_row(builders.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(panel)
    found = made.build()
    for number, one in enumerate(found.panels or (), start=1):
        one.id_val = number
    return found


def written(board: Board) -> str:
    """Return a dashboard as the text of its file, the same each time."""
    return JSONEncoder(indent=1, sort_keys=True).encode(built(board)) + "\n"


def names(boards: Sequence[Board]) -> dict[str, Board]:
    """Return the boards by the names of their files."""
    return {f"{board.name}.json": board for board in boards}

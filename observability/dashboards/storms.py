"""Storms: what is going on. For whoever asks what Sentry tells and what Stormfold makes of it."""

from __future__ import annotations

from typing import Final

from observability.dashboards.made import Board, Row
from observability.dashboards.panels import Colour, Query, Unit, bars, lines, number

_NOW: Final = Row(
    "Now",
    (
        number(
            "Open storms",
            "Storms that are open now.",
            "sum(stormfold_storms_open)",
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
        ),
        number(
            "Open incidents",
            "Incidents that are open now, those of storms too.",
            "sum(stormfold_incidents_open)",
            base=Colour.GOOD,
            above=((1, Colour.CARE),),
        ),
        number(
            "Quiet, not confirmed",
            "What is quiet and may not be over: Sentry or a source is not heard.",
            "sum(stormfold_unconfirmed)",
            base=Colour.GOOD,
            above=((1, Colour.CARE),),
        ),
        number(
            "Events",
            "Events read in this time.",
            'sum(increase(stormfold_events_total{kind="event"}[$__range]))',
            unit=Unit.COUNT,
            decimals=0,
        ),
        number(
            "Messages",
            "Messages delivered in this time, pages and replies in threads too.",
            'sum(increase(stormfold_deliveries_total{outcome="delivered"}[$__range]))',
            unit=Unit.COUNT,
            decimals=0,
        ),
        number(
            "Pages",
            "Digests of this time that page somebody.",
            "sum(increase(stormfold_pages_total[$__range]))",
            above=((1, Colour.CARE),),
            unit=Unit.COUNT,
            decimals=0,
        ),
    ),
)
_GOING_ON: Final = Row(
    "What is going on",
    (
        lines(
            "Open incidents and storms",
            "A storm begins where several incidents are one outage.",
            Query("sum(stormfold_incidents_open)", "incidents"),
            Query("sum(stormfold_storms_open)", "storms"),
            width=24,
        ),
        lines(
            "Events a second",
            "What Sentry tells: events, and changes of issues, deploys and alerts.",
            Query(
                'sum by (kind) (rate(stormfold_events_total{kind!="mark"}[$__rate_interval]))',
                "{{kind}}",
            ),
            unit=Unit.PER_SECOND,
        ),
        bars(
            "Begun, joined, over",
            "What became of incidents and storms; a storm takes in what begins with it.",
            Query(
                'sum by (kind) (increase(stormfold_decisions_total{kind=~"opened|reopened|'
                'regressed|escalated|storm_opened|joined|closed"}[$__rate_interval])) > 0',
                "{{kind}}",
            ),
        ),
        bars(
            "Decided to tell",
            "Digests by their kind: new, news of what goes on, over, back.",
            Query(
                "sum by (kind) (increase(stormfold_digests_total[$__rate_interval])) > 0",
                "{{kind}}",
            ),
        ),
        bars(
            "Why people were paged",
            "Digests that page somebody, by what decided it.",
            Query(
                "sum by (reason) (increase(stormfold_pages_total[$__rate_interval])) > 0",
                "{{reason}}",
            ),
        ),
    ),
)
_HELD_BACK: Final = Row(
    "What was not told, and why",
    (
        bars(
            "Held back, by reason",
            "Every digest that is not told is counted under the reason that `explain` shows.",
            Query(
                "sum by (reason) (increase(stormfold_suppressed_total[$__rate_interval])) > 0",
                "{{reason}}",
            ),
        ),
        bars(
            "Held back, by rule",
            "Rules, quiet hours, inhibitions and reports that held digests back.",
            Query(
                'sum by (rule) (increase(stormfold_suppressed_total{rule!=""}'
                "[$__rate_interval])) > 0",
                "{{rule}}",
            ),
        ),
        lines(
            "Events for one message",
            "How many events stand behind one message that people get.",
            Query(
                'sum(increase(stormfold_events_total{kind="event"}[1h]))\n'
                '/ (sum(increase(stormfold_deliveries_total{outcome="delivered"}[1h])) > 0)',
                "events",
            ),
        ),
        bars(
            "Late and belated",
            "Belated: Sentry told it long after it happened. Late: a source stood still meanwhile.",
            Query(
                "sum(increase(stormfold_belated_events_total[$__rate_interval]))", "belated events"
            ),
            Query("sum(increase(stormfold_late_deltas_total[$__rate_interval]))", "late deltas"),
        ),
    ),
)
STORMS: Final = Board(
    "storms",
    "Stormfold: storms",
    "What is going on: what Sentry tells, what is open, what is told and what is held back.",
    (_NOW, _GOING_ON, _HELD_BACK),
)

"""Team: response figures. For whoever asks whether it helps."""

from __future__ import annotations

from typing import Final

from observability.dashboards.made import Board, Row
from observability.dashboards.panels import (
    Colour,
    Query,
    Unit,
    bars,
    lines,
    number,
    one_each,
)


def _mean(metric: str, selector: str = "") -> str:
    """Return PromQL for the mean of a histogram over the time that is shown."""
    inside = f"{{{selector}}}" if selector else ""
    return (
        f"sum(increase({metric}_sum{inside}[$__range]))\n"
        f"/ sum(increase({metric}_count{inside}[$__range]))"
    )


def _means(metric: str) -> Query:
    rate = f"sum by (urgency) (increase({metric}_{{}}[1h]))"
    return Query(f"{rate.format('sum')}\n/ {rate.format('count')}", "{{urgency}}")


def _soon(part: float) -> str:
    return (
        f"histogram_quantile({part}, "
        "sum by (le) (increase(stormfold_acknowledge_seconds_bucket[1h])))"
    )


_NOBODY: Final = "nobody yet"
_PAGED: Final = 'urgency="page"'
_ACKNOWLEDGED: Final = f"sum(increase(stormfold_acknowledge_seconds_count{{{_PAGED}}}[$__range]))"
_FALSE: Final = "sum(increase(stormfold_false_alarms_total[$__range]))"
_OPENED: Final = 'sum(increase(stormfold_digests_total{kind="opened"}[$__range]))'
_FIGURES: Final = Row(
    "Figures of this time",
    (
        number(
            "Mean time to acknowledge",
            "From the begin to whoever first had it, where somebody was paged.",
            _mean("stormfold_acknowledge_seconds", _PAGED),
            unit=Unit.SECONDS,
            none=_NOBODY,
            decimals=1,
        ),
        number(
            "Mean time to resolve",
            "From the begin to the act that ended it; what ended by quiet is not in it.",
            _mean("stormfold_resolve_seconds"),
            unit=Unit.SECONDS,
            none=_NOBODY,
            decimals=1,
        ),
        number(
            "Pages acknowledged",
            "The part of the pages that somebody acknowledged. One outage may page more than once.",
            f"clamp_max({_ACKNOWLEDGED}\n/ sum(increase(stormfold_pages_total[$__range])), 1)",
            unit=Unit.PART,
            none="no pages",
            base=Colour.CARE,
            above=((0.8, Colour.GOOD),),
        ),
        number(
            "False alarms",
            "The part of what was told as new of which somebody said that nothing was wrong.",
            f"clamp_max({_FALSE}\n/ ({_OPENED}), 1)",
            unit=Unit.PART,
            none="nothing told",
            base=Colour.GOOD,
            above=((0.1, Colour.CARE),),
        ),
        number(
            "Events for one message",
            "How many events stand behind one message.",
            'sum(increase(stormfold_events_total{kind="event"}[$__range]))\n'
            '/ (sum(increase(stormfold_deliveries_total{outcome="delivered"}[$__range])) > 0)',
            none="no messages",
            decimals=1,
        ),
        number(
            "Delivery success",
            "The part of what came to an end that was delivered and not given up.",
            'sum(increase(stormfold_deliveries_total{outcome="delivered"}[$__range]))\n'
            '/ (sum(increase(stormfold_deliveries_total{outcome="delivered"}[$__range]))\n'
            "  + sum(increase(stormfold_dead_letters_total[$__range])))",
            unit=Unit.PART,
            none="nothing yet",
            base=Colour.BAD,
            above=((0.99, Colour.CARE), (0.999, Colour.GOOD)),
        ),
    ),
)
_PEOPLE: Final = Row(
    "How people respond",
    (
        lines(
            "Mean time to acknowledge, over an hour",
            "Paged, or merely told.",
            _means("stormfold_acknowledge_seconds"),
            unit=Unit.SECONDS,
            none=_NOBODY,
        ),
        lines(
            "Mean time to resolve, over an hour",
            "Paged, or merely told; what ended by quiet is not in it.",
            _means("stormfold_resolve_seconds"),
            unit=Unit.SECONDS,
            none=_NOBODY,
        ),
        bars(
            "What people did",
            "What people decided, in Slack, PagerDuty, Sentry or on a command line.",
            Query(
                'sum by (act) (increase(stormfold_acts_total{outcome="done"}'
                "[$__rate_interval])) > 0",
                "{{act}}",
            ),
        ),
        lines(
            "How soon it was acknowledged, over an hour",
            "Half of the acknowledgements, and nine of ten, took at the most so long.",
            Query(_soon(0.5), "half"),
            Query(_soon(0.9), "nine of ten"),
            unit=Unit.SECONDS,
            none=_NOBODY,
        ),
    ),
)
_WORTH: Final = Row(
    "Was it worth it?",
    (
        bars(
            "Pages by reason",
            "What woke people.",
            Query(
                "sum by (reason) (increase(stormfold_pages_total[$__rate_interval])) > 0",
                "{{reason}}",
            ),
        ),
        bars(
            "False alarms by level",
            "Incidents and storms of which somebody said that nothing was wrong.",
            Query(
                "sum by (level, urgency) (increase(stormfold_false_alarms_total"
                "[$__rate_interval])) > 0",
                "{{level}} {{urgency}}",
            ),
        ),
        lines(
            "Events in, messages out",
            "A minute; the distance is what nobody had to read.",
            Query(
                'sum(rate(stormfold_events_total{kind="event"}[$__rate_interval])) * 60', "events"
            ),
            Query(
                'sum(rate(stormfold_deliveries_total{outcome="delivered"}[$__rate_interval])) * 60',
                "messages",
            ),
            unit=Unit.PER_MINUTE,
        ),
        one_each(
            "Not told, by reason",
            "Digests of this time that were held back.",
            Query(
                "sum by (reason) (increase(stormfold_suppressed_total[$__range])) > 0", "{{reason}}"
            ),
        ),
    ),
)
TEAM: Final = Board(
    "team",
    "Stormfold: team",
    "How fast people respond, how often they are called, and whether it was worth it.",
    (_FIGURES, _PEOPLE, _WORTH),
)

"""Deliveries: does what was decided get to people? For the engineer on call."""

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
    quantiles,
)

_DELIVERED: Final = 'sum(increase(stormfold_deliveries_total{outcome="delivered"}[$__range]))'
_GIVEN_UP: Final = "sum(increase(stormfold_dead_letters_total[$__range]))"
_NOW: Final = Row(
    "Now",
    (
        number(
            "Delivered",
            "Deliveries of this time that arrived.",
            _DELIVERED,
            unit=Unit.COUNT,
            decimals=0,
        ),
        number(
            "Given up",
            "Deliveries of this time that are dead letters.",
            _GIVEN_UP,
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
            unit=Unit.COUNT,
            decimals=0,
        ),
        number(
            "Success",
            "The part of what came to an end that was delivered and not given up.",
            f"{_DELIVERED}\n/ ({_DELIVERED} + {_GIVEN_UP})",
            unit=Unit.PART,
            base=Colour.BAD,
            above=((0.99, Colour.CARE), (0.999, Colour.GOOD)),
            none="nothing yet",
        ),
        number(
            "Waiting",
            "Deliveries that wait for their turn, a limit or a retry.",
            "sum(sink:stormfold_deliveries_waiting:sum)",
            base=Colour.GOOD,
            above=((10, Colour.CARE), (100, Colour.BAD)),
        ),
        number(
            "Pages late or handed on",
            "Pages of this time that did not get through in time.",
            'sum(increase(stormfold_page_outcomes_total{outcome=~"late|fallback"}[$__range]))',
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
            unit=Unit.COUNT,
            decimals=0,
        ),
        number(
            "Pages to nobody",
            "Pages of this time that were given up.",
            'sum(increase(stormfold_page_outcomes_total{outcome="given_up"}[$__range]))',
            base=Colour.GOOD,
            above=((1, Colour.BAD),),
            unit=Unit.COUNT,
            decimals=0,
        ),
    ),
)
_SERVICES: Final = Row(
    "Services",
    (
        bars(
            "Deliveries by outcome",
            "What became of each: told, or not sent by name, such as superseded by a newer one.",
            Query(
                "sum by (sink, outcome) (increase(stormfold_deliveries_total"
                "[$__rate_interval])) > 0",
                "{{sink}} {{outcome}}",
            ),
            width=24,
        ),
        bars(
            "Calls by outcome",
            "Single calls: a delivery may take several.",
            Query(
                "sum by (sink, outcome) (increase(stormfold_delivery_attempts_total"
                "[$__rate_interval])) > 0",
                "{{sink}} {{outcome}}",
            ),
        ),
        lines(
            "Calls that fail",
            "The part of the calls to each service that fails, over five minutes.",
            Query("sink:stormfold_failed_attempts:ratio_rate5m", "{{sink}}"),
            unit=Unit.PART,
        ),
        lines(
            "Waiting",
            "Deliveries that wait for their turn, a limit or a retry.",
            Query("sink:stormfold_deliveries_waiting:sum", "{{sink}}"),
        ),
        lines(
            "The oldest that waits",
            "How long the oldest delivery that is not finished has waited.",
            Query("max by (sink) (stormfold_oldest_undelivered_seconds)", "{{sink}}"),
            unit=Unit.SECONDS,
        ),
        lines(
            "Settled to first message",
            "From the end of `settle` to the first message there: half a second is promised.",
            *quantiles("stormfold_first_delivery_seconds", "sink"),
            unit=Unit.SECONDS,
        ),
        lines(
            "Decided to delivered",
            "How long people wait for what was decided, by service.",
            *quantiles("stormfold_delivery_seconds", "sink"),
            unit=Unit.SECONDS,
        ),
        lines(
            "How long services take to answer",
            "Of each destination, 99 of 100 calls.",
            Query(
                "histogram_quantile(0.99, sum by (le, destination) "
                "(rate(stormfold_call_seconds_bucket[$__rate_interval])))",
                "{{destination}}",
            ),
            unit=Unit.SECONDS,
        ),
        bars(
            "Refusals and penalties",
            "What services said instead, in their own words, and how often they told us to wait.",
            Query(
                "sum by (sink, reason) (increase(stormfold_refusals_total[$__rate_interval])) > 0",
                "{{sink}} {{reason}}",
            ),
            Query(
                "sum by (sink) (increase(stormfold_penalties_total[$__rate_interval])) > 0",
                "{{sink}} told us to wait",
            ),
        ),
    ),
)
_PAGES: Final = Row(
    "Pages",
    (
        bars(
            "Pages by outcome",
            "Delivered, handed to the fallback, late, given up.",
            Query(
                "sum by (sink, outcome) (increase(stormfold_page_outcomes_total"
                "[$__rate_interval])) > 0",
                "{{sink}} {{outcome}}",
            ),
        ),
        lines(
            "Page accepted to page there",
            "How long a page takes, by service.",
            *quantiles("stormfold_page_seconds", "sink"),
            unit=Unit.SECONDS,
        ),
        bars(
            "Did pages become incidents?",
            "What the pager's own list said of pages that it took.",
            Query(
                "sum by (destination, outcome) (increase(stormfold_pages_looked_for_total"
                "[$__rate_interval]))",
                "{{destination}} {{outcome}}",
            ),
            none="nobody looks",
        ),
        bars(
            "Reminders and held resolves",
            "Pages at chats that nobody acknowledged; ends that waited for the page that goes on.",
            Query(
                "sum by (sink) (increase(stormfold_page_reminders_total[$__rate_interval]))",
                "{{sink}} reminded",
            ),
            Query(
                "sum by (sink, reason) (increase(stormfold_held_resolves_total"
                "[$__rate_interval])) > 0",
                "{{sink}} {{reason}}",
            ),
        ),
    ),
)
_WRONG: Final = Row(
    "Given up and mended",
    (
        one_each(
            "Dead letters of this time",
            "What was given up, by why; `stormfold dead-letters list` shows each.",
            Query(
                "sum by (sink, reason) (increase(stormfold_dead_letters_total[$__range])) > 0",
                "{{sink}} {{reason}}",
            ),
            above=((1, Colour.BAD),),
        ),
        bars(
            "Sent again by hand",
            "Dead letters that somebody sent again, by what became of them.",
            Query(
                "sum by (sink, outcome) (increase(stormfold_redriven_total[$__rate_interval])) > 0",
                "{{sink}} {{outcome}}",
            ),
        ),
        bars(
            "Possible repeats",
            "Messages sent again, and marked, because nobody could tell whether they had arrived.",
            Query(
                "sum by (sink) (increase(stormfold_possible_repeats_total[$__rate_interval]))",
                "{{sink}}",
            ),
        ),
        bars(
            "Cut, or told in the ordinary form",
            "Messages shortened to what a service takes; templates that failed.",
            Query(
                "sum by (sink, reason) (increase(stormfold_messages_cut_total"
                "[$__rate_interval])) > 0",
                "{{sink}} {{reason}}",
            ),
            Query(
                "sum by (template) (increase(stormfold_template_failures_total"
                "[$__rate_interval])) > 0",
                "template {{template}}",
            ),
        ),
    ),
)
DELIVERIES: Final = Board(
    "deliveries",
    "Stormfold: deliveries",
    "Does what was decided get to people, how fast, and what was given up?",
    (_NOW, _SERVICES, _PAGES, _WRONG),
)

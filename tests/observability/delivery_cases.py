"""Faults of what is delivered and promised, as Prometheus sees them."""

from __future__ import annotations

from typing import Final

from tests.observability.case import BURNS, Case
from tests.observability.well_shown import (
    DEAD,
    DIGESTS,
    HOUR,
    LONG,
    answers,
    attempts,
    delivered,
    from_minute,
    jump,
    page,
    rising,
    series,
)

DELIVERY_CASES: Final = (
    Case(
        "a channel is archived: one digest is given up",
        {DEAD: jump(200)},
        {199: set(), 201: {"StormfoldDeadLetters"}, 215: set()},
    ),
    Case(
        "every second digest is given up",
        {DEAD: f"0x200 0+1x{LONG}", delivered(): f"0+2x200 400+1x{LONG}"},
        {200: set(), 230: {"StormfoldDeadLetters", *BURNS}},
    ),
    Case(
        "Slack answers 500",
        {
            attempts("delivered"): rising(2, until=60),
            attempts("retry"): f"0x60 0+4x{LONG}",
        },
        {60: set(), 64: set(), 70: {"StormfoldSinkFailing"}},
    ),
    Case(
        "by night a call fails four times within a moment, and then gets through",
        {
            attempts("delivered"): f"0x60 1x{LONG}",
            attempts("retry"): f"0x60 4x{LONG}",
        },
        {60: set(), 63: set(), 65: set(), 67: set()},
    ),
    Case(
        "a quarter of the calls fails",
        {attempts("retry"): f"0x60 0+0.6x{LONG}"},
        {80: set()},
    ),
    Case(
        "DELIVER hangs",
        {
            series("stormfold_transaction_seconds_count", stage="deliver"): rising(6, until=60),
            attempts("delivered"): rising(2, until=60),
            delivered(): rising(2, until=60),
        },
        {68: set(), 77: {"StormfoldNothingDelivered"}},
    ),
    Case(
        "nothing happens, so nothing is told",
        {
            DIGESTS: rising(2, until=60),
            series("stormfold_transaction_seconds_count", stage="deliver"): rising(6, until=60),
            attempts("delivered"): rising(2, until=60),
            delivered(): rising(2, until=60),
        },
        {68: set(), 77: set()},
    ),
    Case(
        "a channel cannot follow",
        {series("stormfold_oldest_undelivered_seconds", sink="slack"): from_minute(30, 3, 900)},
        {34: set(), 36: {"StormfoldBacklog"}},
    ),
    Case("a page comes late", {page("late"): jump(30)}, {29: set(), 31: {"StormfoldPageLate"}}),
    Case(
        "a page goes to its fallback",
        {page("fallback"): jump(30)},
        {29: set(), 31: {"StormfoldPageLate"}, 50: set()},
    ),
    Case(
        "a page reaches nobody",
        {page("given_up"): jump(30)},
        {29: set(), 31: {"StormfoldPageLost"}},
    ),
    Case(
        "PagerDuty took a page and woke nobody",
        {
            series(
                "stormfold_pages_looked_for_total",
                destination="pagerduty:default",
                outcome="no_incident",
            ): jump(30)
        },
        {29: set(), 31: {"StormfoldPageNoIncident"}, 50: set()},
    ),
    Case(
        "a tenth of the digests takes longer than a minute, for hours",
        {
            series("stormfold_delivery_seconds_bucket", sink="slack", le="60.0"): (
                f"0+2x{HOUR} {2 * HOUR}+1.8x{LONG}"
            )
        },
        {HOUR: set(), 3 * HOUR: BURNS},
    ),
    Case(
        "a fifth of the webhooks is answered after 50 ms, for hours: nobody has to get up",
        {
            series("stormfold_intake_answer_seconds_bucket", le="0.05"): (
                f"0+60x{HOUR} {60 * HOUR}+48x{LONG}"
            )
        },
        {HOUR: set(), 3 * HOUR: {"StormfoldBudgetBurns"}},
    ),
    Case(
        "one webhook in five hundred is turned away, for hours",
        {answers("kafka_failed"): f"0x{HOUR} 0+0.12x{LONG}"},
        # It is told at once by what it is; that it will not last the month, after hours.
        {
            HOUR + 8: {"StormfoldIntakeRefusesEvents"},
            4 * HOUR: {"StormfoldIntakeRefusesEvents", "StormfoldBudgetBurns"},
        },
    ),
    Case(
        "one of three pages is late: too few for a ratio",
        {
            series("stormfold_page_seconds_bucket", sink="pagerduty", le="30.0"): f"0x30 2x{LONG}",
            series("stormfold_page_seconds_count", sink="pagerduty"): f"0x30 3x{LONG}",
            page("late"): jump(31),
        },
        {33: {"StormfoldPageLate"}, 60: set()},
    ),
)

"""Is it delivering? Alerts about services, pages and what was given up."""

from __future__ import annotations

from observability.rules.made import Alert, Pace, Severity


def alerts(pace: Pace) -> tuple[Alert, ...]:
    """Return them at this pace."""
    return (*_services(pace), *_pages(pace))


def _services(pace: Pace) -> tuple[Alert, ...]:
    lately = pace.window("10m")
    return (
        Alert(
            "StormfoldDeadLetters",
            Severity.PAGE,
            f"sum by (sink, reason) (increase(stormfold_dead_letters_total[{lately}])) > 0",
            "Digests for {{ $labels.sink }} were given up: {{ $labels.reason }}",
        ),
        Alert(
            "StormfoldSinkFailing",
            Severity.PAGE,
            "sink:stormfold_failed_attempts:ratio_rate5m > 0.5",
            "{{ $value | humanizePercentage }} of the calls to {{ $labels.sink }} fail",
            # As long as the window: by night a few calls that failed and were made again are all
            # that there are, and what waited is long told.
            hold="5m",
        ),
        Alert(
            "StormfoldNothingDelivered",
            Severity.PAGE,
            f"sum(increase(stormfold_digests_total[{lately}])) > 0\n"
            # Each digest that it takes, and each call, is written down in a transaction.
            "unless sum(increase(stormfold_transaction_seconds_count"
            f'{{stage="deliver"}}[{lately}])) > 0',
            "Digests are decided, and DELIVER takes none",
            hold="5m",
        ),
        Alert(
            "StormfoldBacklog",
            Severity.TICKET,
            f"max by (sink) (stormfold_oldest_undelivered_seconds) > {pace.seconds('10m')}",
            "Something for {{ $labels.sink }} has waited for {{ $value | humanizeDuration }}",
            hold="5m",
        ),
    )


def _pages(pace: Pace) -> tuple[Alert, ...]:
    lately = pace.window("15m")
    return (
        Alert(
            "StormfoldPageLate",
            Severity.PAGE,
            "sum by (sink, outcome) (increase(stormfold_page_outcomes_total"
            f'{{outcome=~"late|fallback"}}[{lately}])) > 0',
            "A page did not get through to {{ $labels.sink }} in time: {{ $labels.outcome }}",
        ),
        Alert(
            "StormfoldPageLost",
            Severity.PAGE,
            "sum by (sink) (increase(stormfold_page_outcomes_total"
            f'{{outcome="given_up"}}[{lately}])) > 0',
            "A page to {{ $labels.sink }} was given up: nobody was paged by it",
        ),
        Alert(
            "StormfoldPageNoIncident",
            Severity.PAGE,
            "sum by (destination) (increase(stormfold_pages_looked_for_total"
            f'{{outcome="no_incident"}}[{lately}])) > 0',
            "{{ $labels.destination }} took pages that became no incident: was nobody woken?",
        ),
    )

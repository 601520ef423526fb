"""What is promised, how much of it may fail, and when so much fails that somebody is called.

An objective of 99.9 % leaves a budget: one in a thousand may fail. How fast it is used up is the
ratio of what fails to that budget. A short window beside a long one makes an alert end soon after
the trouble has.

Source: Google, The Site Reliability Workbook, "Alerting on SLOs": multiple windows, multiple burn
rates; 2 % of a month's budget in an hour, 5 % in six hours, 10 % in three days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from observability.rules.made import Alert, Pace, Recording, Severity
from observability.rules.taking_in import ACCEPTED, TURNED_AWAY


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise.

    Args:
        name: the label `promise`.
        says: for people.
        objective: the part that must be well.
        bad: selector of the counter of what fails; where a histogram is given, of its good part.
        every: selectors of all that is counted, added up.
        good: whether `bad` selects what is well.
        wakes: whether somebody is called at night; not where nothing is late or lost for people.
    """

    name: str
    says: str
    objective: float
    bad: str
    every: tuple[str, ...]
    good: bool = False
    wakes: bool = True

    def ratio(self, window: str) -> str:
        """Return PromQL for the part that fails."""
        every = " + ".join(f"sum(rate({one}[{window}]))" for one in self.every)
        counted = f"sum(rate({self.bad}[{window}]))"
        if self.good:
            return f"clamp_min(1 - {counted} / ({every}), 0)"
        return f"{counted} / ({every})"


def _within(metric: str, seconds: str) -> tuple[str, tuple[str, ...]]:
    return f'{metric}_bucket{{le="{seconds}"}}', (f"{metric}_count",)


_ANSWERED: Final = _within("stormfold_intake_answer_seconds", "0.05")
_TOLD: Final = _within("stormfold_delivery_seconds", "60.0")
_PAGED: Final = _within("stormfold_page_seconds", "30.0")
_DELIVERED: Final = 'stormfold_deliveries_total{outcome="delivered"}'

PROMISES: Final = (
    Promise(
        "webhooks_taken",
        "webhooks are taken, not turned away",
        0.999,
        TURNED_AWAY,
        (ACCEPTED, TURNED_AWAY),
    ),
    Promise(
        "webhooks_answered",
        "webhooks are answered within 50 ms",
        0.99,
        _ANSWERED[0],
        _ANSWERED[1],
        good=True,
        # Sentry waits for a second, and what Kafka takes in time is not lost.
        wakes=False,
    ),
    Promise(
        "digests_delivered",
        "digests are delivered, not given up",
        0.999,
        "stormfold_dead_letters_total",
        (_DELIVERED, "stormfold_dead_letters_total"),
    ),
    Promise(
        "digests_in_time",
        "digests are delivered within a minute of being decided",
        0.99,
        _TOLD[0],
        _TOLD[1],
        good=True,
    ),
    Promise(
        "pages_in_time",
        "pages are there within 30 s of being accepted",
        0.99,
        _PAGED[0],
        _PAGED[1],
        good=True,
    ),
)
"""Every promise that has a budget, in the way of the data.

How soon a first message follows `settle` has none: a channel takes one message a second, so in a
storm that is the service's limit. The dashboard shows it.
"""


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget may be used up at the most, over two windows."""

    rate: float
    long: str
    short: str
    severity: Severity


BURNS: Final = (
    Burn(14.4, "1h", "5m", Severity.PAGE),
    Burn(6.0, "6h", "30m", Severity.PAGE),
    Burn(3.0, "1d", "2h", Severity.TICKET),
    Burn(1.0, "3d", "6h", Severity.TICKET),
)
WINDOWS: Final = tuple(
    dict.fromkeys(window for burn in BURNS for window in (burn.short, burn.long))
)
LEAST_FAILED: Final = 3
"""So many must have failed: a single dead letter or late page has an alert of its own."""


def recordings(pace: Pace) -> tuple[Recording, ...]:
    """Return, for each promise and window, the part that fails, and how much was counted."""
    found: list[Recording] = []
    for promise in PROMISES:
        labels = (("promise", promise.name),)
        for name in WINDOWS:
            # The long windows stay apart from the short ones, however fast a trial runs.
            window = pace.window(name, least_s=10)
            name_of = f"promise:stormfold_failed:ratio_rate{name}"
            found.append(Recording(name_of, promise.ratio(window), labels))
        for name in dict.fromkeys(burn.long for burn in BURNS):
            every = " + ".join(
                f"sum(increase({one}[{pace.window(name, least_s=10)}]))" for one in promise.every
            )
            found.append(Recording(f"promise:stormfold_counted:increase{name}", every, labels))
        found.append(
            Recording("promise:stormfold_budget:ratio", _plain(1 - promise.objective), labels)
        )
    return tuple(found)


def alerts() -> tuple[Alert, ...]:
    """Return one alert for each severity, over its pairs of windows and all promises that may."""
    return (
        _burning("StormfoldBudgetBurnsFast", Severity.PAGE, "will be used up within days"),
        _burning("StormfoldBudgetBurns", Severity.TICKET, "will not last its month"),
    )


def _burning(name: str, severity: Severity, end: str) -> Alert:
    quiet = "|".join(promise.name for promise in PROMISES if not promise.wakes)
    of = f'{{promise!~"{quiet}"}}' if severity is Severity.PAGE else ""
    parts = []
    for burn in (one for one in BURNS if one.severity is severity):
        budget = f"{_plain(burn.rate)} * promise:stormfold_budget:ratio"
        parts.append(
            f"(promise:stormfold_failed:ratio_rate{burn.long}{of} > {budget}\n"
            f"  and promise:stormfold_failed:ratio_rate{burn.short} > {budget}\n"
            f"  and promise:stormfold_failed:ratio_rate{burn.long}\n"
            f"    * promise:stormfold_counted:increase{burn.long} >= {LEAST_FAILED})"
        )
    summary = "{{ $value | humanizePercentage }} of {{ $labels.promise }} fails: its budget " + end
    return Alert(name, severity, "\nor ".join(parts), summary)


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")

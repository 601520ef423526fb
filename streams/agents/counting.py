"""What of CORRELATE is counted from nought on: digests held back, by every rule that may do so; and
how fast people were.

A rate over a series that only appears with its first digest would not see that digest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from correlators.decisions import Decision
from correlators.judging import Config
from correlators.responses import Response
from correlators.rulings import Urgency
from correlators.suppressions import HeldBack
from correlators.ticks import Ticks
from correlators.types import TICK_MS, Suppression
from streams.metrics import Metrics, forget


def begin(metrics: Metrics, config: Config) -> None:
    """Tell every reason and rule by which digests may be held back."""
    for why, rule in _held_back(config):
        metrics.suppressed.labels(reason=why.value, rule=rule)


def decisions(metrics: Metrics, found: Iterable[Decision]) -> None:
    """Count what was decided, by what it was."""
    for kind, count in Counter(one.kind for one in found).items():
        metrics.decisions.labels(kind=kind.value).inc(count)


def watermark_age(metrics: Metrics, ticks: Iterable[Ticks], now_ms: int) -> None:
    """Measure how old the watermark is that is waited for, the oldest of these partitions.

    A source that has told none yet says nothing of its age: then the others' count.
    """
    oldest_ms = now_ms
    for one in ticks:
        waited_for = one.sources - one.excluded
        told = (one.watermarks[source] for source in waited_for if source in one.watermarks)
        oldest_ms = min(oldest_ms, min(told, default=now_ms))
    metrics.watermark_age_seconds.set((now_ms - oldest_ms) / 1000)


def applied_time(metrics: Metrics, ticks: Iterable[Ticks]) -> None:
    """Tell up to when the slowest of these partitions is decided; nothing where there is none."""
    applied = [one.applied for one in ticks if one.applied >= 0]
    if applied:
        metrics.applied_time_seconds.set((min(applied) + 1) * TICK_MS / 1000)
    else:
        forget(metrics.applied_time_seconds)


def responses(metrics: Metrics, found: Iterable[Response]) -> None:
    """Measure how fast people were, and count false alarms."""
    measured = {"acknowledge": metrics.acknowledge_seconds, "resolve": metrics.resolve_seconds}
    for one in found:
        labels = {"level": one.level.value, "urgency": one.urgency.value}
        if one.act in measured:
            measured[one.act].labels(**labels).observe(one.seconds)
        else:
            metrics.false_alarms.labels(**labels).inc()


def _held_back(config: Config) -> Iterator[HeldBack]:
    yield from map(HeldBack, Suppression)
    for rule in config.decides:
        if rule.urgency is Urgency.DROP:
            yield HeldBack(Suppression.DROPPED, rule.name)
        if rule.urgency is Urgency.DIGEST:
            yield HeldBack(Suppression.DIGEST_ONLY, rule.name)
        if rule.every_ms:
            yield HeldBack(Suppression.CAPPED, rule.name)
    for report in config.holding.reports:
        yield HeldBack(Suppression.NOTHING_NEW, report.name)
        yield HeldBack(Suppression.CAPPED, report.name)
    for period in config.holding.periods:
        why = Suppression.MAINTENANCE if period.maintenance else Suppression.QUIET_HOURS
        yield HeldBack(why, period.name)
    for one in config.holding.inhibitions:
        yield HeldBack(Suppression.INHIBITED, one.name)

"""The Prometheus objects of one process, made from the typed list in `streams.metric_list`.

A `Metrics` is made once per process and passed around; there is no registry of the module. How
metrics leave a process (HTTP, several child processes at one port) lives in `streams.metrics_http`,
not here. `python -m streams.metrics > docs/metrics.md` prints the list as a page.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Final, get_type_hints

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest

from streams.metric_list import METRICS, PREFIX, QUESTIONS, Kind, Label, Merge, Metric

__all__ = [
    "METRICS",
    "PREFIX",
    "Kind",
    "Label",
    "Merge",
    "Metric",
    "Metrics",
    "documentation",
    "exposition",
    "forget",
    "render",
]

_Place = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels, sorted."""

_Values = dict[str, dict[_Place, float]]
"""By the metric's name in the list."""


class Metrics:
    """The metrics of one process, each an attribute under its name in the list.

    `metrics.intake_requests.labels(outcome="accepted").inc()`. Make one per process: in a child
    process of a worker two of them would write to the same place.
    """

    intake_requests: Counter
    intake_resources: Counter
    intake_repeats: Counter
    intake_answer_seconds: Histogram
    last_webhook_time_seconds: Gauge
    sentry_events: Gauge
    sentry_counted_time_seconds: Gauge
    pagerduty_webhooks: Counter
    slack_requests: Counter
    events: Counter
    quarantined: Counter
    frozen_entries: Counter
    raised_times: Counter
    deltas: Counter
    late_deltas: Counter
    repeated_deltas: Counter
    held_deltas: Gauge
    belated_events: Counter
    signature_cache: Counter
    ticks: Counter
    stage_lag_seconds: Histogram
    source_lag_seconds: Gauge
    watermark_age_seconds: Gauge
    applied_time_seconds: Gauge
    tick_lag_seconds: Gauge
    source_lag_records: Gauge
    source_held_bytes: Gauge
    decisions: Counter
    digests: Counter
    suppressed: Counter
    acts: Counter
    acknowledge_seconds: Histogram
    resolve_seconds: Histogram
    false_alarms: Counter
    incidents_open: Gauge
    unconfirmed: Gauge
    storms_open: Gauge
    pages: Counter
    transactions: Counter
    transaction_seconds: Histogram
    deliveries: Counter
    held_resolves: Counter
    page_outcomes: Counter
    page_seconds: Histogram
    page_reminders: Counter
    delivery_attempts: Counter
    possible_repeats: Counter
    pages_looked_for: Counter
    deliveries_waiting: Gauge
    delivery_seconds: Histogram
    first_delivery_seconds: Histogram
    call_seconds: Histogram
    oldest_undelivered_seconds: Gauge
    dead_letters: Counter
    redriven: Counter
    penalties: Counter
    refusals: Counter
    messages_cut: Counter
    template_failures: Counter
    stalls: Counter
    excluded_sources: Gauge
    paused_partitions: Gauge
    parked_partitions: Gauge
    deleted_unread: Counter
    restarts: Counter
    stage_processes: Gauge
    heartbeats: Counter
    heartbeat_time_seconds: Gauge
    config_reloads: Counter
    config_refused: Gauge
    config_time_seconds: Gauge

    def __init__(self) -> None:
        """Make every metric of the list, on a registry of its own."""
        self.registry: Final = CollectorRegistry()
        kinds = get_type_hints(type(self))
        for metric in METRICS:
            made = _make(metric, self.registry)
            assert type(made) is kinds[metric.name], metric.name
            setattr(self, metric.name, made)
        self._begin({})

    def know_sinks(self, sinks: Iterable[str]) -> None:
        """Tell what is counted per sink from nought on, as all is whose labels are known.

        Args:
            sinks: the names of the sinks that are configured.
        """
        self._begin({"sink": tuple(sinks)})

    def _begin(self, known: dict[str, tuple[str, ...]]) -> None:
        for metric in METRICS:
            if metric.kind is not Kind.GAUGE and metric.labels:
                words = [known.get(label.name, label.words) for label in metric.labels]
                for values in itertools.product(*words):
                    getattr(self, metric.name).labels(*values)


def forget(gauge: Gauge, **labels: str) -> None:
    """Take a gauge's value for these labels off the exposition, until it is set again.

    For a partition that went to another owner: its old number must not stay. (Prometheus's own
    `remove` does nothing in a child process, whose values outlive it.)
    """
    (gauge.labels(**labels) if labels else gauge).set(math.nan)


def exposition(metrics: Metrics) -> bytes:
    """Return what a scrape of this process reads, in Prometheus's text format."""
    return render([metrics.registry.collect()])


def render(sources: Iterable[Iterable[Family]]) -> bytes:
    """Return the text of several processes' metrics as if they were one process.

    Counters and histograms are added, gauges by their `merge`. Left out: a value that is not a
    number, what is not in the list, and Prometheus's `_created` samples.

    Source: text format 0.0.4 as in prometheus.io, "Exposition formats".
    """
    wanted = {sample: metric for metric in METRICS for sample in metric.samples}
    merged: _Values = {}
    for family in (family for source in sources for family in source):
        for sample in family.samples:
            metric = wanted.get(sample.name)
            if metric is None or math.isnan(sample.value):
                continue
            values = merged.setdefault(metric.name, {})
            place = (sample.name, tuple(sorted(sample.labels.items())))
            before = values.get(place)
            if before is None:
                values[place] = sample.value
            elif metric.kind is Kind.GAUGE and metric.merge is not Merge.SUM:
                pick = max if metric.merge is Merge.MAX else min
                values[place] = pick(before, sample.value)
            else:
                values[place] = before + sample.value
    return generate_latest(_Merged(merged))


class _Merged(CollectorRegistry):
    """A registry that holds finished numbers, for the text writer, which takes registries only."""

    def __init__(self, values: _Values) -> None:
        super().__init__()
        self._values = values

    def collect(self) -> Iterable[Family]:
        for metric in METRICS:
            family = Family(PREFIX + metric.name, metric.help, metric.kind.value)
            for (sample, labels), value in self._values.get(metric.name, {}).items():
                family.add_sample(sample, dict(labels), value)
            if family.samples:
                yield family


def _make(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    name = PREFIX + metric.name
    labels = tuple(label.name for label in metric.labels)
    match metric.kind:
        case Kind.COUNTER:
            return Counter(name, metric.help, labels, registry=registry)
        case Kind.GAUGE if metric.merge is Merge.MIN:
            gauge = Gauge(name, metric.help, labels, registry=registry, multiprocess_mode="livemin")
            forget(gauge)
            return gauge
        case Kind.GAUGE if metric.merge is Merge.MAX:
            return Gauge(name, metric.help, labels, registry=registry, multiprocess_mode="livemax")
        case Kind.GAUGE:
            return Gauge(name, metric.help, labels, registry=registry, multiprocess_mode="livesum")
        case Kind.HISTOGRAM:
            return Histogram(name, metric.help, labels, registry=registry, buckets=metric.buckets)


def documentation() -> str:
    """Return `docs/metrics.md`: the list as a page."""
    lines = [
        "# Metrics",
        "",
        "Printed from the list in `streams/metric_list.py` by",
        "`python -m streams.metrics > docs/metrics.md`; a test keeps them in step. A worker serves",
        "them at `metrics.host` and `metrics.port`, all its processes as one; intake at its own",
        "port. Both at `/metrics`.",
    ]
    for asked in QUESTIONS:
        lines += ["", f"## {asked.question}", ""]
        lines += [f"In `streams/{asked.module}.py`.", "", "| Asked | PromQL |", "|---|---|"]
        lines += [f"| {one.asked} | `{one.expression}` |" for one in asked.answers]
        lines += [
            "",
            "| Metric | Kind | Unit | Labels (and what bounds them) | Means |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(metric) for metric in asked.metrics]
    return "\n".join(lines) + "\n"


def _row(metric: Metric) -> str:
    labels = "; ".join(f"`{label.name}`: {label.bound}" for label in metric.labels) or "-"
    cells = (f"`{metric.exposed}`", metric.kind, metric.unit, labels, metric.help)
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(documentation(), end="")

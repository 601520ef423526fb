"""What a metric of the list is: its kind, its labels with what bounds them, its unit, its buckets.

Values only: nothing here counts, and no metric is named here. Every label is bounded: its values
are an enum's words, a stage, a sink, a partition number or a name of the configuration, never an
id, an address or a text from an event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PREFIX: Final = "stormfold_"
"""What every exposed name begins with."""


class Kind(StrEnum):
    """How a metric behaves; the words are Prometheus's own."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """How one gauge of several child processes becomes one number; all else is added."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    """Not told at all until it is set: nought would be the smallest."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label, what bounds its values, and the values themselves where they are known before.

    A counter whose labels are all known is told from the start, at nought: a rate over a series
    that only appears with its first event would not see that event.
    """

    name: str
    bound: str
    words: tuple[str, ...] = ()


def words(name: str, bound: str, known: Iterable[StrEnum | str]) -> Label:
    """Return a label whose values are all known before."""
    return Label(name, bound, tuple(str(word) for word in known))


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the list: everything that is known about a metric before it has a value.

    Args:
        name: the attribute of `Metrics`; exposed with `PREFIX`, and with `_total` for a counter.
        kind: counter, gauge or histogram.
        help: one sentence for the reader of a dashboard.
        labels: in the order in which they are shown.
        unit: what is counted, or `seconds`; a name that measures time ends with it.
        buckets: a histogram's upper bounds, ascending, without infinity.
        merge: a gauge's way to one number over child processes.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    merge: Merge = Merge.SUM

    def __post_init__(self) -> None:
        """Check that buckets belong to a histogram and ascend."""
        assert (self.kind is Kind.HISTOGRAM) == bool(self.buckets), self.name
        assert list(self.buckets) == sorted(set(self.buckets)), self.name

    @property
    def exposed(self) -> str:
        """Return the name by which Prometheus knows the metric."""
        return PREFIX + self.name + ("_total" if self.kind is Kind.COUNTER else "")

    @property
    def samples(self) -> tuple[str, ...]:
        """Return every sample name that a scrape of this metric can hold."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(self.exposed + part for part in ("_bucket", "_count", "_sum"))
        return (self.exposed,)


def counter(name: str, unit: str, help: str, *labels: Label) -> Metric:
    """Return a counter of the list."""
    return Metric(name, Kind.COUNTER, help, labels, unit)


def gauge(name: str, unit: str, help: str, *labels: Label, merge: Merge = Merge.SUM) -> Metric:
    """Return a gauge of the list."""
    return Metric(name, Kind.GAUGE, help, labels, unit, merge=merge)


def seconds(name: str, buckets: tuple[float, ...], help: str, *labels: Label) -> Metric:
    """Return a histogram of seconds; buckets: its upper bounds."""
    return Metric(name, Kind.HISTOGRAM, help, labels, "seconds", buckets)


STAGE: Final = Label(
    "stage", "fingerprint, correlate, deliver", ("fingerprint", "correlate", "deliver")
)
SINK: Final = Label("sink", "the sinks that are configured")
PARTITION: Final = Label(
    "partition", "partitions of the stage's input topic; `<topic>-<n>` of a self-hosted Sentry's"
)

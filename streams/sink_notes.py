"""What sinks noted beside their outcomes, brought to the metrics."""

from __future__ import annotations

from collections.abc import Iterable

from sinks.base import Sink
from sinks.notes import Notes
from streams.metrics import Metrics


def count_notes(metrics: Metrics, sinks: Iterable[Sink]) -> None:
    """Count what was cut and refused since the last call; a sink without notes has nothing."""
    for sink in sinks:
        notes = getattr(sink, "notes", None)
        if not isinstance(notes, Notes):
            continue
        cuts, refusals = notes.take()
        for limit, count in cuts.items():
            metrics.messages_cut.labels(sink=sink.name, reason=limit).inc(count)
        for error, count in refusals.items():
            metrics.refusals.labels(sink=sink.name, reason=error).inc(count)
        for form, count in notes.take_forms().items():
            metrics.template_failures.labels(sink=sink.name, template=form).inc(count)

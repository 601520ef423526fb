"""What a sink noted stands in the metrics once."""

from __future__ import annotations

from sinks.slack import SlackSink
from streams.metrics import Metrics, exposition
from streams.sink_notes import count_notes


def test_cuts_and_refusals_are_counted_once() -> None:
    sink = SlackSink(token="xoxb-local", channels={"incidents": "C0INC"})
    sink.notes.cut("slack:incidents", ["title", "services"])
    sink.notes.refused("slack:incidents", "not_in_channel", "", loud=False)
    metrics = Metrics()
    for _ in range(2):
        count_notes(metrics, [sink])
    lines = exposition(metrics).decode().splitlines()
    assert 'stormfold_messages_cut_total{reason="title",sink="slack"} 1.0' in lines
    assert 'stormfold_refusals_total{reason="not_in_channel",sink="slack"} 1.0' in lines

"""What Stormfold counts and measures: one typed list, in parts that each answer a question.

`METRICS` is the only word on what there is. The Prometheus objects are made from it in
`streams.metrics`, `docs/metrics.md` is printed from it, and dashboards and alert rules are tested
against it. A metric is named in the module of the question that it helps to answer; what a metric
is, is in `metric_types`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from streams.metric_answers import (
    ANSWERS_DELIVERING,
    ANSWERS_HELPING,
    ANSWERS_KEEPING_UP,
    ANSWERS_RUNNING,
    ANSWERS_TAKING_IN,
    Says,
)
from streams.metric_types import PREFIX, Kind, Label, Merge, Metric
from streams.metrics_delivering import DELIVERING
from streams.metrics_helping import HELPING
from streams.metrics_keeping_up import KEEPING_UP
from streams.metrics_running import RUNNING
from streams.metrics_taking_in import TAKING_IN

__all__ = ["METRICS", "PREFIX", "QUESTIONS", "Asked", "Kind", "Label", "Merge", "Metric"]


class Asked(NamedTuple):
    """A question of whoever runs it, and what answers it."""

    question: str
    module: str
    metrics: tuple[Metric, ...]
    answers: tuple[Says, ...] = ()


QUESTIONS: Final[tuple[Asked, ...]] = (
    Asked("Is it taking everything in?", "metrics_taking_in", TAKING_IN, ANSWERS_TAKING_IN),
    Asked("Is it keeping up?", "metrics_keeping_up", KEEPING_UP, ANSWERS_KEEPING_UP),
    Asked("Is it delivering?", "metrics_delivering", DELIVERING, ANSWERS_DELIVERING),
    Asked("Is it helping?", "metrics_helping", HELPING, ANSWERS_HELPING),
    Asked("Is it running?", "metrics_running", RUNNING, ANSWERS_RUNNING),
)

METRICS: Final[tuple[Metric, ...]] = tuple(
    metric for asked in QUESTIONS for metric in asked.metrics
)
"""Every metric there is, by question."""

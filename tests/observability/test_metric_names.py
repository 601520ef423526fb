"""Names keep Prometheus's rules, and the questions of the page ask for what there is.

The rules are tested on the list itself, and by `promtool` on an exposition.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from streams.metric_list import METRICS, QUESTIONS, Kind, Metric
from streams.metrics import Metrics, exposition

SAMPLES = {sample: metric for metric in METRICS for sample in metric.samples}
BASE_UNITS = ("seconds", "bytes")
NO_BASE_UNIT = re.compile(
    r"(milli|micro|nano|kilo|mega|minute|hour|day|week|percent|_ms\b|_s\b|_kb\b|_mb\b|kib|mib)"
)
"""Units that are no base units, and units cut short."""
ABOUT_TYPES = re.compile(r"_(counter|gauge|histogram|summary|metric)(_|$)")


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_a_name_keeps_the_rules_of_prometheus(metric: Metric) -> None:
    name = metric.exposed
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    assert name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert not re.search(r"_(count|sum|bucket|info)$", name)
    assert not NO_BASE_UNIT.search(name)
    assert not ABOUT_TYPES.search(name)
    for unit in BASE_UNITS:
        plain = metric.name.removesuffix("_total")
        assert (metric.unit == unit) == plain.endswith(f"_{unit}")
    assert metric.kind is not Kind.HISTOGRAM or metric.unit == "seconds"
    for label in metric.labels:
        assert re.fullmatch(r"[a-z]+", label.name)
        assert label.name not in ("le", "quantile", "job", "instance")


def filled() -> bytes:
    """An exposition in which every metric of the list has a value."""
    metrics = Metrics()
    metrics.know_sinks(["slack", "pagerduty"])
    for metric in METRICS:
        made = getattr(metrics, metric.name)
        words = {label.name: (label.words or ("x",))[0] for label in metric.labels}
        made = made.labels(**words) if words else made
        if metric.kind is Kind.HISTOGRAM:
            made.observe(1.5)
        else:
            made.inc()
    return exposition(metrics)


def test_promtool_finds_nothing_wrong_with_an_exposition(promtool: Path) -> None:
    done = subprocess.run(
        [str(promtool), "check", "metrics"], input=filled(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_promtool_reads_every_answer(promtool: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    lines = ["groups:", "  - name: answers", "    rules:"]
    every = [one for asked in QUESTIONS for one in asked.answers]
    for number, one in enumerate(every):
        expression = one.expression.replace("'", "''")
        lines += [f"      - record: stormfold:answer{number}", f"        expr: '{expression}'"]
    rules.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [str(promtool), "check", "rules", str(rules)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(every)} rules found" in done.stdout


def test_every_question_has_answers_that_name_metrics_and_words_of_the_list() -> None:
    for asked in QUESTIONS:
        assert asked.answers
        for one in asked.answers:
            assert one.asked.endswith("?")
            names = re.findall(r"\b(stormfold_[a-z_]+)(\{[^}]*\})?", one.expression)
            assert names
            for name, selector in names:
                metric = SAMPLES[name]
                rated = re.search(rf"\b(rate|increase)\({name}\b", one.expression) is not None
                assert rated == (metric.kind is not Kind.GAUGE)
                known = {label.name: label.words for label in metric.labels}
                for label, value in re.findall(r'([a-z]+)="([^"]*)"', selector):
                    assert value in known[label]
                assert metric in asked.metrics or asked.module == "metrics_helping"
            by = re.findall(r"by \(([^)]*)\)", one.expression)
            used = {label.strip() for group in by for label in group.split(",")} - {"le"}
            assert used <= {label.name for name, _ in names for label in SAMPLES[name].labels}


def test_buckets_have_the_bounds_that_are_promised() -> None:
    of = {metric.name: metric.buckets for metric in METRICS}
    assert {0.05, 0.8, 1.0} <= set(of["intake_answer_seconds"])  # ours, Kafka's, Sentry's own
    assert 0.5 in of["first_delivery_seconds"]
    assert {0.5, 30.0, 300.0} <= set(of["stage_lag_seconds"])
    assert 4.0 in of["call_seconds"]  # the deadline of most sinks

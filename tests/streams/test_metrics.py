"""The typed list is the only word on metrics, and a worker's processes are told as one."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_type_hints

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from correlators.fingerprinter import RecordKind
from correlators.types import DigestKind
from sinks.entries import DeadReason
from streams import metrics_http
from streams.metrics import (
    METRICS,
    Kind,
    Merge,
    Metric,
    Metrics,
    documentation,
    exposition,
    forget,
)
from streams.metrics_http import Aggregate, Unreadable, serve_aggregate, serve_metrics

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120

CHILD = """
import sys
from streams.metrics import Metrics, forget
metrics = Metrics()
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


def numbers(text: bytes) -> dict[str, float]:
    """Every sample as `name{a="b"}` without the prefix, as Prometheus's own parser reads it."""
    return {
        sample.name.removeprefix("stormfold_")
        + (str(dict(sorted(sample.labels.items()))) if sample.labels else ""): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def leave_half_a_file(aggregate: Aggregate, *, pid: int) -> None:
    folder = Path(aggregate.child_environment()[metrics_http.FOLDER_VARIABLE])
    (folder / f"counter_{pid}.db").touch()


@asynccontextmanager
async def child_of(aggregate: Aggregate) -> AsyncIterator[Process]:
    environment = dict(os.environ) | aggregate.child_environment()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, cwd=ROOT, env=environment, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def do(process: Process, statement: str) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(statement.encode() + b"\n")
    async with asyncio.timeout(DEADLINE_S):
        assert await process.stdout.readline() == b"done\n"


@pytest.fixture
def parent() -> Metrics:
    return Metrics()


@pytest.fixture
def aggregate(parent: Metrics, tmp_path: Path) -> Aggregate:
    return Aggregate(parent, under=tmp_path)


# -- the list


def test_names_are_unique_and_carry_their_unit() -> None:
    names = [metric.exposed for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert re.fullmatch(r"stormfold_[a-z]+(_[a-z]+)*", metric.exposed)
        assert (metric.unit == "seconds") == metric.name.endswith("_seconds")


def test_every_metric_explains_itself_and_every_label_its_bound() -> None:
    for metric in METRICS:
        assert metric.help.endswith(".")
        assert metric.unit
        assert all(label.bound for label in metric.labels)


def test_no_label_can_carry_personal_data_or_an_id() -> None:
    allowed = {"outcome", "resource", "kind", "reason", "result", "stage", "partition", "sink"}
    allowed |= {"act", "rule", "destination", "template"}  # whose names stand in the configuration
    allowed |= {"level", "urgency"}  # words of an enum
    assert {label.name for metric in METRICS for label in metric.labels} <= allowed


def test_the_attributes_of_metrics_are_the_list() -> None:
    made = Metrics()
    names = {metric.name for metric in METRICS}
    assert {name for name in get_type_hints(Metrics) if name != "registry"} == names
    assert all(hasattr(made, name) for name in names)


def test_the_page_of_metrics_is_what_the_list_prints() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == documentation()


def test_buckets_belong_to_histograms_and_ascend() -> None:
    with pytest.raises(AssertionError):
        Metric("x", Kind.COUNTER, "X.", buckets=(1.0,))
    with pytest.raises(AssertionError):
        Metric("x", Kind.HISTOGRAM, "X.", buckets=(2.0, 1.0))


# -- one process


def test_two_metrics_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.deltas.inc(3)
    assert numbers(exposition(one))["deltas_total"] == 3
    assert numbers(exposition(other))["deltas_total"] == 0


def test_the_exposition_holds_the_list_and_nothing_else(parent: Metrics) -> None:
    for metric in METRICS:
        made = getattr(parent, metric.name)
        if metric.labels:
            made.labels(**{label.name: "x" for label in metric.labels})
        if metric.merge is Merge.MIN:
            made.set(1)  # not told until then
    told = {
        sample.name: family.type
        for family in text_string_to_metric_families(exposition(parent).decode())
        for sample in family.samples
    }
    assert set(told) == {sample for metric in METRICS for sample in metric.samples}
    for metric in METRICS:
        assert told[metric.samples[0]] == metric.kind


def test_what_is_known_before_is_told_from_nought_on() -> None:
    metrics = Metrics()
    told = numbers(exposition(metrics))
    assert all(told[f"digests_total{{'kind': '{kind}'}}"] == 0 for kind in DigestKind)
    assert told["restarts_total{'stage': 'correlate'}"] == 0
    assert not any(name.startswith("dead_letters_total") for name in told)
    metrics.know_sinks(["slack"])
    told = numbers(exposition(metrics))
    assert all(
        told[f"dead_letters_total{{'reason': '{reason}', 'sink': 'slack'}}"] == 0
        for reason in DeadReason
    )
    assert told["deliveries_total{'outcome': 'delivered', 'sink': 'slack'}"] == 0


def test_the_kinds_of_records_are_those_of_the_fingerprinter() -> None:
    (kind,) = next(metric for metric in METRICS if metric.name == "events").labels
    assert set(kind.words) == {*RecordKind, "mark"}


def test_an_unknown_label_is_refused(parent: Metrics) -> None:
    with pytest.raises(ValueError, match="label"):
        parent.deliveries.labels(destination="#incidents")


def test_a_forgotten_gauge_is_not_told_until_it_is_set_again(parent: Metrics) -> None:
    lag = parent.source_lag_records
    lag.labels(stage="correlate", partition="1").set(7)
    lag.labels(stage="correlate", partition="2").set(8)
    forget(lag, stage="correlate", partition="1")
    place = "source_lag_records{'partition': '%d', 'stage': 'correlate'}"
    assert place % 1 not in numbers(exposition(parent))
    assert numbers(exposition(parent))[place % 2] == 8
    lag.labels(stage="correlate", partition="1").set(0)
    assert numbers(exposition(parent))[place % 1] == 0


async def test_a_scrape_over_http_reads_the_exposition(parent: Metrics) -> None:
    parent.intake_requests.labels(outcome="accepted").inc(2)
    parent.intake_answer_seconds.observe(0.02)
    async with (
        serve_metrics(parent, "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        body = await answer.read()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == metrics_http.CONTENT_TYPE
    told = numbers(body)
    assert told["intake_requests_total{'outcome': 'accepted'}"] == 2
    assert told["intake_answer_seconds_bucket{'le': '0.01'}"] == 0
    assert told["intake_answer_seconds_bucket{'le': '0.025'}"] == 1


async def test_a_taken_port_is_an_error_of_the_system(parent: Metrics) -> None:
    async with serve_metrics(parent, "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="in use"):
            await serve_metrics(Metrics(), "127.0.0.1", port).__aenter__()


# -- a parent and its children


async def test_children_and_parent_are_told_as_one(aggregate: Aggregate, parent: Metrics) -> None:
    parent.restarts.labels(stage="deliver").inc()
    parent.deltas.inc(1)
    async with child_of(aggregate) as one, child_of(aggregate) as other:
        await do(one, "metrics.deltas.inc(2); metrics.incidents_open.set(5)")
        await do(other, "metrics.deltas.inc(4); metrics.incidents_open.set(6)")
        await do(one, "metrics.tick_lag_seconds.labels(stage='correlate').set(3)")
        await do(other, "metrics.tick_lag_seconds.labels(stage='correlate').set(2)")
        for process in (one, other):
            observe = "metrics.transaction_seconds.labels(stage='deliver').observe(0.02)"
            await do(process, observe)
        told = numbers(aggregate.exposition())
    assert told["deltas_total"] == 7
    assert told["incidents_open"] == 11
    assert told["tick_lag_seconds{'stage': 'correlate'}"] == 3
    assert told["restarts_total{'stage': 'deliver'}"] == 1
    assert told["transaction_seconds_count{'stage': 'deliver'}"] == 2
    assert told["transaction_seconds_bucket{'le': '0.01', 'stage': 'deliver'}"] == 0
    assert told["transaction_seconds_bucket{'le': '+Inf', 'stage': 'deliver'}"] == 2


async def test_a_killed_childs_counters_stay_and_its_gauges_vanish(aggregate: Aggregate) -> None:
    async with child_of(aggregate) as survivor:
        await do(
            survivor, "metrics.deltas.inc(10); metrics.deliveries_waiting.labels('slack').set(1)"
        )
        for killed in range(1, 4):
            async with child_of(aggregate) as child:
                await do(child, "metrics.deltas.inc(1)")
                await do(child, "metrics.delivery_seconds.labels(sink='slack').observe(1.5)")
                await do(child, "metrics.deliveries_waiting.labels('pagerduty').set(4)")
                child.send_signal(signal.SIGKILL)
                assert await child.wait() == -signal.SIGKILL
                aggregate.retire(child.pid)
                aggregate.retire(child.pid)
            told = numbers(aggregate.exposition())
            assert told["deltas_total"] == 10 + killed
            assert told["delivery_seconds_count{'sink': 'slack'}"] == killed
            assert told["delivery_seconds_sum{'sink': 'slack'}"] == 1.5 * killed
            assert told["delivery_seconds_bucket{'le': '1.0', 'sink': 'slack'}"] == 0
            assert told["delivery_seconds_bucket{'le': '2.5', 'sink': 'slack'}"] == killed
            assert told["deliveries_waiting{'sink': 'slack'}"] == 1
            assert "deliveries_waiting{'sink': 'pagerduty'}" not in told


async def test_the_folder_holds_the_files_of_living_children_only(
    aggregate: Aggregate, tmp_path: Path
) -> None:
    for _ in range(2):
        async with child_of(aggregate) as child:
            await do(child, "metrics.deltas.inc()")
            assert files(tmp_path)
            child.kill()
            await child.wait()
            aggregate.retire(child.pid)
            assert not files(tmp_path)


def test_close_removes_the_folder(aggregate: Aggregate, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir())
    aggregate.close()
    assert not list(tmp_path.iterdir())


async def test_a_child_forgets_a_partition_that_went_to_another_owner(aggregate: Aggregate) -> None:
    place = "source_lag_records{'partition': '1', 'stage': 'correlate'}"
    labels = "stage='correlate', partition='1'"
    async with child_of(aggregate) as old, child_of(aggregate) as new:
        await do(old, f"metrics.source_lag_records.labels({labels}).set(900)")
        assert numbers(aggregate.exposition())[place] == 900
        await do(old, f"forget(metrics.source_lag_records, {labels})")
        assert place not in numbers(aggregate.exposition())
        await do(new, f"metrics.source_lag_records.labels({labels}).set(3)")
        assert numbers(aggregate.exposition())[place] == 3


async def test_an_unreadable_child_fails_that_scrape_only(aggregate: Aggregate) -> None:
    leave_half_a_file(aggregate, pid=1)
    with pytest.raises(Unreadable):
        aggregate.exposition()
    async with (
        serve_aggregate(aggregate, "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 503
        aggregate.retire(1)
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 200

"""What is measured moves by what really happens: the real stages, on a simulated Kafka."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from correlators.ticks import Progress, Ticks
from correlators.types import DeltaBatch
from sinks.base import (
    Answer,
    Delivered,
    Limit,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
    Unknown,
    UnknownReason,
)
from sinks.outbox import Outbox
from streams.agents import counting
from streams.agents.deliver_counting import count_answer
from streams.agents.deliver_waiting import LOOK_MS, Waiting
from streams.metrics import Metrics, exposition
from tests.simulation import stages
from tests.simulation.deliveries.run import simulate as simulate_deliveries
from tests.simulation.run import simulate
from tests.sinks.make import attempt, digest

CHAT = Target(
    account="slack",
    plan=Plan(steps={Step.POST: (Limit(name="post", scope=Scope.METHOD, every_ms=1_000),)}),
)


def told(metrics: Metrics) -> dict[str, float]:
    """Every sample, by its name and the values of its labels."""
    families = text_string_to_metric_families(exposition(metrics).decode())
    return {
        ",".join(
            (sample.name.removeprefix("stormfold_"), *dict(sorted(sample.labels.items())).values())
        ): sample.value
        for family in families
        for sample in family.samples
    }


def moved(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    found = {name: value - before.get(name, 0) for name, value in after.items()}
    return {name: value for name, value in found.items() if value}


def test_stages_say_how_far_they_are_behind_and_what_they_decide() -> None:
    before = told(stages.METRICS)
    assert simulate(3).problems == ()
    after = told(stages.METRICS)
    now = moved(before, after)
    for stage in ("fingerprint", "correlate"):
        assert now[f"stage_lag_seconds_count,{stage}"] > 0
        assert f"source_lag_seconds,{stage}" in after
    assert now["decisions_total,opened"] > 0
    assert now["decisions_total,told"] > 0


def test_deliver_says_how_long_calls_took_why_they_failed_and_how_long_the_first_one_took() -> None:
    before = told(stages.METRICS)
    for seed in range(3):
        assert simulate_deliveries(seed).problems == ()
    now = moved(before, told(stages.METRICS))
    assert sum(n for name, n in now.items() if name.startswith("call_seconds_count,slack:")) > 0
    assert now["first_delivery_seconds_count,slack"] > 0
    assert now["stage_lag_seconds_count,deliver"] > 0
    failed = [name for name in now if name.startswith("delivery_attempts_total,retry,")]
    assert failed
    assert all(name.split(",")[2] in set(RetryReason) for name in failed)


@pytest.mark.parametrize(
    ("outcome", "labels"),
    [
        (Retry(RetryReason.UNAVAILABLE), "retry,unavailable,slack"),
        (Unknown(UnknownReason.TIMED_OUT), "unknown,timed_out,slack"),
        (Rejected(RejectReason.TOO_LARGE, "secret words"), "rejected,too_large,slack"),
        (Delivered(Receipt(id="1")), "delivered,,slack"),
    ],
)
def test_an_attempt_is_counted_with_its_reason(
    outcome: Retry | Unknown | Rejected | Delivered, labels: str
) -> None:
    metrics = Metrics()
    call = attempt(Step.POST, digest("slack:c"))
    answer = Answer(key=call.key, number=1, outcome=outcome, began_ms=1_000)
    count_answer(metrics, call, answer, None, 1_600)
    after = told(metrics)
    assert after[f"delivery_attempts_total,{labels}"] == 1
    # Nobody serves it: under its own name it would be one more series for each channel.
    assert after["call_seconds_sum,slack:other"] == 0.6
    assert "secret words" not in exposition(metrics).decode()


def test_a_call_that_was_not_made_took_no_time() -> None:
    metrics = Metrics()
    call = attempt(Step.POST, digest("slack:c"))
    late = Answer(key=call.key, number=1, outcome=Retry(RetryReason.EXPIRED), began_ms=1_000)
    count_answer(metrics, call, late, None, 1_600)
    assert not any(name.startswith("call_seconds_count") for name in told(metrics))


def test_the_oldest_delivery_that_waits_is_measured_until_it_is_there() -> None:
    metrics = Metrics()
    waiting = Waiting(metrics)
    outbox = Outbox({"slack:c": CHAT}, started_ms=0)
    outbox.accept(digest("slack:c"), 10_000)
    waiting.look(["slack", "email"], [outbox], 40_000)
    assert told(metrics)["oldest_undelivered_seconds,slack"] == 30
    assert told(metrics)["oldest_undelivered_seconds,email"] == 0
    (call,) = outbox.due(41_000, 1)
    done = Delivered(Receipt(id="1"))
    outbox.receive(Answer(key=call.key, number=call.number, outcome=done), 41_500)
    waiting.look(["slack"], [outbox], 40_000 + LOOK_MS - 1)
    assert told(metrics)["oldest_undelivered_seconds,slack"] == 30
    waiting.look(["slack"], [outbox], 40_000 + LOOK_MS)
    assert told(metrics)["oldest_undelivered_seconds,slack"] == 0


def test_the_age_of_the_watermark_is_that_of_the_slowest_source_that_is_waited_for() -> None:
    sources = (("events", 0), ("events", 1))
    ticks = Ticks(Progress(installation="t", partitions=1, sources=sources))
    metrics = Metrics()
    for offset, (partition, at_ms) in enumerate(((0, 50_000), (1, 20_000))):
        ticks.receive(offset, DeltaBatch(topic="events", partition=partition, watermark_ms=at_ms))
    counting.watermark_age(metrics, [ticks], 60_000)
    assert told(metrics)["watermark_age_seconds"] == 40
    ticks.exclude([one for one in ticks.sources if one.partition == 1])
    counting.watermark_age(metrics, [ticks], 60_000)
    assert told(metrics)["watermark_age_seconds"] == 10
    counting.watermark_age(metrics, [], 60_000)
    assert told(metrics)["watermark_age_seconds"] == 0


def test_up_to_when_is_decided_is_told_of_the_slowest_and_of_nobody_not_at_all() -> None:
    metrics = Metrics()
    name = "applied_time_seconds"
    assert name not in told(metrics)
    every = [
        Ticks(Progress(installation="t", partitions=1, sources=(), applied_tick=applied))
        for applied in (1_000, 990)
    ]
    counting.applied_time(metrics, every)
    assert told(metrics)[name] == 991
    counting.applied_time(metrics, [])
    assert name not in told(metrics)

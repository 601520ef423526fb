"""The benchmark's laws: events of the size and kind it speaks of, honest checks, honest ratios.

Nothing here needs a broker; what runs on one is the benchmark's own work, which checks itself.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

import msgspec
import orjson
import pytest
from aiokafka import ConsumerRecord

from benchmarks.storm import loops, stock_faust
from benchmarks.storm.events import RESOURCE, SIGNATURES, Traffic, events, site_of
from benchmarks.storm.figures import (
    Contender,
    Figures,
    Run,
    Setting,
    figures,
    rates_table,
    ratios,
    ratios_table,
    sizes_table,
    steps_table,
)
from benchmarks.storm.log import PARTITIONS, count_of, counted
from benchmarks.storm.profiled import Sample, Sampler, report
from benchmarks.storm.rounds import what_is_wrong
from benchmarks.storm.stage import cpu_s
from benchmarks.storm.steps import _OF, Step, shares, step_of
from benchmarks.storm.work import Done
from correlators import sets
from correlators.fingerprinter import Fingerprinter, Fingerprinting, Read, RecordKind
from correlators.types import Delta
from streams.agents import gathered
from streams.stage import Stage

AT_MS = 1_790_000_000_000
COUNT = 300


def bodies(traffic: Traffic, count: int = COUNT) -> list[bytes]:
    return list(events(traffic, count, at_ms=AT_MS))


def read(given: Iterable[bytes], fingerprinter: Fingerprinter | None = None) -> list[Read]:
    fingerprinter = fingerprinter or Fingerprinter(Fingerprinting())
    return [fingerprinter.read(RESOURCE, body) for body in given]


def fingerprints(found: Iterable[Read]) -> set[str]:
    return {one.signature.fingerprint for one in found if one.signature is not None}


# ---------------------------------------------------------------- events


SIZED = {Traffic.SMALL: 1_200, Traffic.LARGE: 60_000}
FRAMES = {Traffic.SMALL: 3, Traffic.LARGE: 86}


@pytest.mark.parametrize("traffic", Traffic)
def test_an_event_has_the_size_it_should_and_no_long_text_in_it(traffic: Traffic) -> None:
    made = bodies(traffic, 60)
    size = SIZED.get(traffic, 14_700)
    assert mean(map(len, made)) == pytest.approx(size, rel=0.03)
    assert max(map(len, made)) < 1.2 * size
    texts: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            walk(list(value.values()))
        elif isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, str):
            texts.append(value)

    walk(orjson.loads(made[0]))
    assert max(map(len, texts)) < 150
    assert len(texts) > (200 if size > 10_000 else 20)


@pytest.mark.parametrize("traffic", Traffic)
def test_every_event_is_read_has_its_frames_and_ids_of_its_own(traffic: Traffic) -> None:
    found = read(bodies(traffic))
    assert {one.kind for one in found} == {RecordKind.EVENT}
    told = [one.event for one in found if one.event is not None]
    assert len({event.event_id for event in told}) == COUNT
    assert len({event.trace_hash for event in told}) == COUNT
    assert len({event.user_hash for event in told}) > COUNT * 0.99
    for event in told:
        frames = [frame for exception in event.exceptions for frame in exception.frames]
        assert len(frames) == FRAMES.get(traffic, 30)
        assert all(
            frame.context_line or not frame.in_app or traffic is Traffic.SMALL for frame in frames
        )
        assert any(frame.in_app for frame in frames)
        assert AT_MS <= event.occurred_ms < AT_MS + 1_000


def test_repeating_events_are_few_errors_whose_stacks_and_texts_repeat() -> None:
    fingerprinter = Fingerprinter(Fingerprinting())
    found = read(bodies(Traffic.REPEATING), fingerprinter)
    assert len(fingerprints(found)) == SIGNATURES
    assert fingerprinter.cache_results["miss"] == SIGNATURES
    chains = {orjson.dumps(orjson.loads(body)["data"]["error"]["exception"]) for body in
              bodies(Traffic.REPEATING)}  # fmt: skip
    assert len(chains) == SIGNATURES


def test_varied_events_are_as_few_errors_but_no_two_texts_are_equal() -> None:
    fingerprinter = Fingerprinter(Fingerprinting())
    found = read(bodies(Traffic.VARIED), fingerprinter)
    assert len(fingerprints(found)) == SIGNATURES
    assert fingerprinter.cache_results["hit"] == 0


def test_distinct_events_are_all_different_errors() -> None:
    found = read(bodies(Traffic.DISTINCT, 2_000))
    assert len(fingerprints(found)) == 2_000
    told = [one.event for one in found if one.event is not None]
    assert len({event.exceptions for event in told}) == 2_000
    assert len({event.exceptions[-1].value for event in told}) == 2_000


@pytest.mark.parametrize("traffic", Traffic)
def test_the_same_arguments_give_the_same_bytes(traffic: Traffic) -> None:
    assert bodies(traffic, 20) == bodies(traffic, 20)
    assert bodies(traffic, 20) != list(events(traffic, 20, at_ms=AT_MS, seed=2))


def test_one_flush_of_one_partition_counts_exactly() -> None:
    # What may gather, from all partitions, until nothing more is read: the limit, and a piece.
    count = gathered.FULL * gathered.FLUSH_EVENTS + 2_000
    sites = [site_of(number) for number in range(count)]
    for partition in range(PARTITIONS):
        assert max(Counter(sites[partition::PARTITIONS]).values()) < sets.EXACT_UP_TO


# ---------------------------------------------------------------- fair contenders


def test_all_contenders_fetch_and_flush_as_fingerprint_does() -> None:
    assert Stage.max_fetch_bytes == loops.FETCH_BYTES
    assert stock_faust.FLUSH_S * 1_000 == gathered.FLUSH_MS


def test_the_typed_decode_reads_the_frames_and_counts_by_the_type_that_was_raised() -> None:
    made = bodies(Traffic.REPEATING)
    found: Counter[str] = Counter()
    loops.typed_count(found)([record(body) for body in made])
    told = [one.event for one in read(made) if one.event is not None]
    assert found == Counter(event.exceptions[-1].type for event in told)
    event = msgspec.json.decode(made[0], type=loops.Body).data.error
    assert event.exception is not None
    frames = [frame for one in event.exception.values if one.stacktrace is not None
              for frame in one.stacktrace.frames]  # fmt: skip
    assert [(frame.function, frame.module, frame.filename, frame.in_app) for frame in frames] == [
        (frame.function, frame.module, frame.filename, frame.in_app)
        for exception in told[0].exceptions
        for frame in exception.frames
    ]


def record(body: bytes) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(
        topic="sentry.events",
        partition=0,
        offset=0,
        timestamp=AT_MS,
        timestamp_type=1,
        key=None,
        value=body,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(body),
        headers=(),
    )


# ---------------------------------------------------------------- what deltas must say


def deltas_of(made: list[bytes], flush_every: int) -> list[Delta]:
    fingerprinter = Fingerprinter(Fingerprinting())
    deltas: list[Delta] = []
    for number, body in enumerate(made):
        fingerprinter.add(RESOURCE, body, AT_MS + number * 10)
        if number % flush_every == flush_every - 1:
            deltas += fingerprinter.fold.flush()[0]
    return deltas + fingerprinter.fold.flush()[0]


def test_deltas_count_every_event_once_however_the_log_was_cut() -> None:
    made = bodies(Traffic.REPEATING)
    coarse, fine = counted(deltas_of(made, 150)), counted(deltas_of(made, 7))
    assert coarse.events == fine.events == COUNT
    assert fine.deltas > coarse.deltas
    assert coarse.incidents == SIGNATURES
    assert what_is_wrong(fine, COUNT, coarse.merged) == ""


def test_a_lost_a_repeated_and_a_changed_event_are_told() -> None:
    made = bodies(Traffic.REPEATING)
    deltas = deltas_of(made, 7)
    right = counted(deltas).merged
    assert "count 299 events of 300" in what_is_wrong(
        counted(deltas_of(made[:-1], 7)), COUNT, right
    )
    assert "events of 300" in what_is_wrong(counted([*deltas, deltas[0]]), COUNT, right)
    other = [*made[:-1], bodies(Traffic.DISTINCT, 1)[0]]
    assert "merged" in what_is_wrong(counted(deltas_of(other, 7)), COUNT, right)


def test_deltas_too_large_to_count_exactly_must_count_about_as_many() -> None:
    made = bodies(Traffic.REPEATING, sets.EXACT_UP_TO + 100)
    fingerprinter = Fingerprinter(Fingerprinting())
    first = fingerprinter.read(RESOURCE, made[0]).signature
    assert first is not None
    for body in made:
        event = fingerprinter.read(RESOURCE, body).event
        assert event is not None
        event = msgspec.structs.replace(event, service="one", release="")
        fingerprinter.fold.add(event, first, AT_MS)
    deltas = fingerprinter.fold.flush()[0]
    found = counted(deltas)
    assert not found.exact
    assert what_is_wrong(found, len(made), found.merged) == ""
    assert "about" in what_is_wrong(counted(deltas * 2), len(made), found.merged)
    assert "merged" in what_is_wrong(found, len(made), "of others")


# ---------------------------------------------------------------- figures


def run(number: int, contender: Contender, rate: float) -> Run:
    done = Done(events=1_000, seconds=1_000 / rate, cpu_seconds=None)
    return Run(round=number, contender=contender, done=done)


def two_rounds_and_a_slow_one() -> list[Run]:
    """The machine halves its speed in the second round, and the third favours the storm."""
    rates = {
        Contender.BARE: (100, 50, 100),
        Contender.BARE_TYPED: (40, 20, 40),
        Contender.STOCK_FAUST: (10, 5, 10),
        Contender.STORM: (30, 15, 50),
        Contender.DISTINCT: (20, 10, 20),
    }
    return [
        run(number, contender, rate)
        for contender, of_rounds in rates.items()
        for number, rate in enumerate(of_rounds)
    ]


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    found = ratios(two_rounds_and_a_slow_one())
    assert {name: round(one.median, 4) for name, one in found.items()} == {
        "storm_over_bare_typed": 0.75,
        "distinct_over_bare_typed": 0.5,
        "storm_over_stock_faust": 3.0,
        "bare_typed_over_bare": 0.4,
    }
    storm = found["storm_over_bare_typed"]
    assert (storm.least, storm.most) == pytest.approx((0.75, 1.25))


def test_sizes_are_told_where_both_read_the_same_log() -> None:
    runs = two_rounds_and_a_slow_one()
    assert sizes_table(runs).row_count == 1
    runs += [run(0, Contender.STORM_LARGE, 5), run(0, Contender.BARE_TYPED_LARGE, 10)]
    assert sizes_table(runs).row_count == 2
    assert ratios(runs)["storm_over_bare_typed_60kb"].median == 0.5
    assert (
        count_of(Traffic.LARGE, 100)
        == count_of(Traffic.DISTINCT, 100)
        == 100
        < count_of(Traffic.SMALL, 100)
    )


# ---------------------------------------------------------------- steps


def test_a_sample_is_of_the_step_that_called_what_runs() -> None:
    take = ("correlators/hot_path.py:HotPath.take", "agents/lanes.py:Lane.take")
    parameterise = "correlators/parameterise.py:parameterise"
    fold = "correlators/hot_path.py:HotPath._fold_known"
    flush = "agents/fingerprint.py:FingerprintHandler._flush"
    stacks = {
        ("correlators/hot_path.py:HotPath._look", *take): Step.READ,
        (parameterise, "correlators/names.py:signed", *take): Step.SIGN,
        (parameterise, "correlators/open_deltas.py:sample", fold, *take): Step.FOLD,
        ("correlators/sets.py:of", "correlators/open_deltas.py:OpenDelta.close", flush): Step.SEND,
        ("streams/codec.py:encode", flush): Step.SEND,
        ("aiokafka/codec.py:lz4_decode", "consumer/fetcher.py:Fetcher._fetch"): Step.FETCH,
        (
            "stage/source.py:Source.work",
            "asyncio/base_events.py:BaseEventLoop._run_once",
        ): Step.REST,
        ("aiokafka/conn.py:AIOKafkaConnection.send", "producer/sender.py:Sender._send"): Step.SEND,
    }
    samples = [Sample(0.0, stack) for stack in stacks]
    assert list(map(step_of, samples)) == list(stacks.values())
    found = shares(samples)
    assert found[Step.SEND] == pytest.approx(3 / 8)
    assert sum(found.values()) == pytest.approx(1.0)
    assert steps_table({Contender.STORM: found}).row_count == len(Step) + 1


def test_every_step_names_functions_that_there_are() -> None:
    """A function that is renamed must not move its time to another step unseen."""
    root = Path(__file__).parents[2]
    for piece, _ in _OF:
        name = piece.split(":")[0]
        paths = (root / name, root / "streams" / name)
        if not name.startswith(("correlators/", "agents/", "stage/")):
            continue  # of a library
        text = next(path for path in paths if path.exists()).read_text()
        for word in filter(None, piece.partition(":")[2].split(".")):
            assert re.search(rf"(?:def|class) {word}\b", text), piece


def test_the_json_holds_the_ratios_under_their_names_and_every_run() -> None:
    setting = Setting(
        cores=2,
        kafka="4.1.1",
        versions={"aiokafka": "0.14.0"},
        events=1_000,
        event_bytes={"repeating": 14_700.0},
        partitions=4,
        rounds=3,
    )
    found = figures(two_rounds_and_a_slow_one(), setting)
    shape = orjson.loads(orjson.dumps(msgspec.to_builtins(found)))
    assert set(shape) == {
        "ratios",
        "spreads",
        "events_per_second",
        "cpu_us_by_step",
        "setting",
        "runs",
    }
    named = {"storm_over_bare_typed", "distinct_over_bare_typed", "storm_over_stock_faust"}
    assert named <= set(shape["ratios"])
    assert shape["events_per_second"]["storm"] == 30.0
    assert len(shape["runs"]) == 15
    assert {run["round"] for run in shape["runs"]} == {0, 1, 2}
    assert msgspec.convert(shape, Figures) == found
    assert rates_table(found.runs).row_count == 5
    assert ratios_table(found.spreads).row_count == 4


# ---------------------------------------------------------------- the profile


def test_the_profile_tells_what_runs_and_for_whom_without_what_is_under_everything() -> None:
    stacks = [("leaf", "caller", "root"), ("caller", "root"), ("other", "root"), ("other", "root")]
    samples = [Sample(float(number), stack) for number, stack in enumerate(stacks)]
    alone, within = report(samples, rows=1).split("with what it calls")
    assert "4 samples" in alone
    assert "50.0%  other" in alone
    assert "leaf" not in alone
    assert "50.0%  caller" in within
    assert "root" not in alone + within


def test_the_sampler_notes_what_uses_the_processor() -> None:
    sampler = Sampler()
    sampler.start()
    try:
        while len(sampler.samples) < 5:
            _burn()
    finally:
        sampler.stop()
    assert any("_burn" in name for sample in sampler.samples for name in sample.stack)


def _burn() -> int:
    return sum(number * number for number in range(20_000))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it under /proc")
def test_a_process_that_works_uses_processor_time() -> None:
    before = cpu_s(os.getpid())
    assert before is not None
    while (now := cpu_s(os.getpid())) is not None and now <= before:
        _burn()
    assert cpu_s(2**31 - 1) is None

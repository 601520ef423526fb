"""The latency benchmark: its errors are errors of their own, and its times are the right ones."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from benchmarks.correlate.measure import restored
from benchmarks.correlate.worlds import START, Rules, batch, config_of, delta
from benchmarks.installation import until
from benchmarks.latency.__main__ import due_ms
from benchmarks.latency.figures import Stretch, of_shares, percentile
from benchmarks.latency.hops import HOPS, Way, first_from
from benchmarks.whole.load import BATCH_EVENTS, Load
from benchmarks.whole.world import CHANNELS, channel, configuration, error, number_of, word
from correlators.fingerprinter import Fingerprinter
from streams.settings import Settings, load

WAY = Way(
    number=0, event=1_000, folded=1_100, due=12_000, passed=12_050, decided=12_060,
    committed=12_070, written=12_080, told=12_090.5, answered=12_100,
)  # fmt: skip


def settings(folder: Path) -> Settings:
    (folder / "stormfold.yaml").write_text(
        configuration("latency1", "127.0.0.1:9092", 9464, "http://127.0.0.1:9/api/")
    )
    return load(folder / "stormfold.yaml", {})


def test_its_configuration_tells_each_environment_in_a_channel_of_its_own(tmp_path: Path) -> None:
    found = settings(tmp_path)
    told = [one.to for one in found.rules]
    assert len(told) == len(set(told)) == CHANNELS + 1


@pytest.mark.parametrize("number", [0, 1, 25, 26, 26**5 - 1])
def test_a_number_is_found_in_the_title_of_its_error(number: int) -> None:
    assert number_of(f"Failed{word(number)}: no answer") == number


@pytest.mark.parametrize("title", ["", "TimeoutError: Failed", "FailedABCDE", "no answer"])
def test_no_number_is_found_elsewhere(title: str) -> None:
    assert number_of(title) is None


def test_its_errors_are_incidents_of_their_own(tmp_path: Path) -> None:
    fingerprinter = Fingerprinter(settings(tmp_path).fingerprinting())
    for number in range(30):
        fingerprinter.take("error", error(number, at_s=1_700_000_000.0), 1_700_000_000_000)
    deltas, _ = fingerprinter.fold.flush()
    assert {number_of(one.sample.title) for one in deltas} == set(range(30))
    assert len({one.key for one in deltas}) == 30
    assert {one.key.environment for one in deltas} == {channel(one) for one in range(CHANNELS)}


def test_an_error_is_due_when_correlate_tells_it() -> None:
    config = config_of(Rules.DEFAULT)
    partition = restored([], config)
    began = delta(1, START)
    digests: list[int] = []
    for tick in range(START, START + 30):
        partition.receive(tick - START, batch([began] if tick == START else [], tick))
        while partition.ready():
            digests += [one.at_ms for one in partition.step(most_ticks=1).digests]
    assert digests[0] == due_ms(began.first_ms, config.windows.settle_ms)


def test_hops_follow_each_other() -> None:
    behind_due = HOPS[1:]
    assert all(before[2] == after[1] for before, after in pairwise(behind_due))
    times = [getattr(WAY, to) - getattr(WAY, of) for _, of, to in behind_due]
    assert sum(times) == WAY.answered - WAY.due


def test_what_came_first_is_found() -> None:
    assert first_from([(3, 10), (5, 20), (5, 30)], 4) == 20
    with pytest.raises(LookupError):
        first_from([(3, 10)], 4)


def test_the_percentile_is_the_nearest_rank() -> None:
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7.0], 0.5) == 7.0


def test_what_is_due_in_a_stretch_counts_there_told_or_not() -> None:
    stretch = Stretch(
        round=0, share=0.8, capacity_per_s=10.0, from_ms=12_000, to_ms=13_000, sent_per_s=9.0,
        covered_per_s=9.0, behind=3,
    )  # fmt: skip
    later = msgspec.structs.replace(WAY, number=1, due=13_000)
    due = {0: 12_000, 1: 13_000, 2: 12_500}
    (found,) = of_shares([stretch], [WAY, later], due)
    assert (found.digests, found.untold) == (1, 1)
    assert found.added.p99 == 90.5
    assert found.designed.p50 == 11_000
    assert found.whole.most == 11_090.5


class Taking:
    """A producer that takes every batch at once."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []
        """Partition and records."""

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1024 * 1024, 0)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[Any]:
        self.batches.append((partition, batch.record_count()))
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_the_load_keeps_so_many_events_before_fingerprint(tmp_path: Path) -> None:
    producer = Taking()
    sending = Load(settings(tmp_path), producer)
    sending.obey(f"ahead {4 * BATCH_EVENTS}")
    task = asyncio.create_task(sending.go_on())
    await until(lambda: sending.sent == 4 * BATCH_EVENTS, within_s=30)
    sending.note(BATCH_EVENTS)
    await until(lambda: sending.sent == 5 * BATCH_EVENTS, within_s=30)
    sending.obey(f"ahead {4 * BATCH_EVENTS}")  # said again: no more than that
    sending.note(2 * BATCH_EVENTS)
    await until(lambda: sending.sent >= 6 * BATCH_EVENTS, within_s=30)
    task.cancel()
    assert producer.batches == [(number % 4, BATCH_EVENTS) for number in range(6)]

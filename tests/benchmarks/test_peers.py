"""The ratios of the peers benchmark are of runs that stand close, and its peers' work is ours.

What runs on a broker is the benchmark's own work, which checks itself.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks.peers.environments import HERE, MADE, pins, python_of
from benchmarks.peers.figures import (
    CONTENDERS,
    FINGERPRINT,
    Contender,
    Peer,
    Run,
    medians,
    rates_table,
    ratios,
    ratios_table,
)
from benchmarks.peers.job import Form, Job, Task
from benchmarks.storm.events import RESOURCE, Traffic, events
from benchmarks.storm.log import Counted, counted
from benchmarks.storm.work import Done
from correlators.types import Delta
from streams import codec

AT_MS = 1_790_000_000_000
HEADERS = [("intake", b"test"), ("resource", RESOURCE.encode())]
BODIES = list(events(Traffic.REPEATING, 120, at_ms=AT_MS))
QUIX, QUIX_GIFT = Contender(Peer.QUIX), Contender(Peer.QUIX, Form.GIFT)


def run(number: int, contender: Contender, rate: float) -> Run:
    done = Done(events=1_000, seconds=1_000 / rate, cpu_seconds=0.02)
    return Run(round=number, contender=contender, done=done)


RUNS = [
    run(0, FINGERPRINT, 200.0),
    run(0, QUIX, 100.0),
    run(0, QUIX_GIFT, 400.0),
    run(1, QUIX, 10.0),
    run(1, FINGERPRINT, 30.0),
    run(2, FINGERPRINT, 100.0),
    run(2, QUIX, 100.0),
    run(3, QUIX, 1.0),  # FINGERPRINT failed to run: no ratio is made of it
]


def test_a_ratio_is_of_two_runs_of_one_round() -> None:
    found = ratios(RUNS)
    assert list(found) == ["over_quix", "over_quix_with_our_hot_path"]
    quix = found["over_quix"]
    assert (quix.least, quix.median, quix.most) == pytest.approx((1.0, 2.0, 3.0))
    assert medians(found) == {"over_quix": 2.0, "over_quix_with_our_hot_path": 0.5}


def test_every_peer_has_a_ratio_of_each_form() -> None:
    found = ratios([run(0, one, 100.0) for one in CONTENDERS])
    for peer in ("quix", "arroyo", "bytewax"):
        assert {f"over_{peer}", f"over_{peer}_with_our_hot_path"} <= set(found)
    assert len(found) == len(CONTENDERS) - 1


def test_the_tables_tell_rates_and_what_is_reached() -> None:
    out = io.StringIO()
    Console(file=out, width=110).print(rates_table(RUNS), ratios_table(ratios(RUNS)))
    lines = [[cell.strip() for cell in line.split("│")] for line in out.getvalue().splitlines()]
    assert ["", "FINGERPRINT", "30", "100", "200", "20.0", ""] in lines
    assert ["", "over_quix", "1.00", "2.00", "3.00", "> 1", "reached", ""] in lines
    assert [
        *("", "over_quix_with_our_hot_path", "0.50", "0.50", "0.50"),
        *("> 1", "missed", ""),
    ] in lines


def task(folder: Path, form: Form) -> Task:
    return Task(
        bootstrap="",
        topic="events",
        ends={0: 60, 1: 60},
        deltas_topic="deltas",
        out=str(folder / "done.json"),
        form=form,
        folder=str(folder),
    )


def fold(job: Job, *, flush_every: int) -> tuple[Counted, set[int]]:
    """Return what a job makes of the bodies, dealt to two partitions, and where it goes."""
    deltas: list[Delta] = []
    targets: set[int] = set()
    for number, body in enumerate(BODIES):
        assert not job.complete
        job.take(number % 2, number // 2, AT_MS + number, HEADERS, body)
        if number % flush_every == 0 or number == len(BODIES) - 1:
            for target, value in job.flush():
                deltas += [delta for one in codec.batches(value) for delta in one.deltas]
                targets.add(target)
    return counted(deltas), targets


def test_the_plain_way_and_our_hot_path_give_the_same_however_often_it_is_flushed(
    tmp_path: Path,
) -> None:
    plain, targets = fold(Job(task(tmp_path, Form.PLAIN)), flush_every=7)
    gift, _ = fold(Job(task(tmp_path, Form.GIFT)), flush_every=50)
    assert plain.merged == gift.merged
    assert plain.events == gift.events == len(BODIES)
    assert targets <= {0, 1}


def test_what_stands_behind_the_log_is_passed_over(tmp_path: Path) -> None:
    job = Job(task(tmp_path, Form.PLAIN))
    fold(job, flush_every=50)
    job.take(0, 60, AT_MS, [("mark", b"")], b"")
    assert job.complete
    assert list(job.flush()) == []
    job.done()
    done = msgspec.json.decode((tmp_path / "done.json").read_bytes(), type=Done)
    assert done.events == len(BODIES)


def test_a_peer_that_left_something_has_not_done_its_work(tmp_path: Path) -> None:
    job = Job(task(tmp_path, Form.PLAIN))
    for number, body in enumerate(BODIES):
        job.take(number % 2, number // 2, AT_MS, HEADERS, body)
    with pytest.raises(AssertionError):
        job.done()  # nothing was flushed
    assert not (tmp_path / "done.json").exists()


@pytest.mark.parametrize("peer", list(Peer))
def test_an_environment_is_pinned_exactly_and_names_no_address(peer: Peer) -> None:
    found = pins(peer)
    assert all(re.fullmatch(r"[a-z-]+==[0-9][0-9.]*", pin) for pin in found)
    assert peer in found[0]
    assert (HERE / f"{peer}.py").exists()


def test_an_environment_that_is_there_as_pinned_is_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "quix").mkdir()
    made = tmp_path / "quix" / MADE
    made.write_text("\n".join((sys.version, *pins("quix"))))
    assert python_of("quix", tmp_path) == tmp_path / "quix" / "bin" / "python"
    assert made.exists()

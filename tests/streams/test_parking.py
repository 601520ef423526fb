"""What is parked: a place that ends its process again and again, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from streams.parking import Parking
from streams.processes import EXIT_FAILED, Place, PlaceFile

HERE = Place("incident.deltas", 2, 17)


@pytest.mark.parametrize("status", [EXIT_FAILED, -signal.SIGSEGV, -signal.SIGABRT])
def test_two_deaths_at_one_place_park_its_partition(status: int) -> None:
    parking = Parking()
    assert parking.died(HERE, status) is None
    assert parking.died(HERE, status) == HERE
    assert parking.parked == {("incident.deltas", 2): 17}


def test_two_partitions_that_fail_in_turns_are_both_parked() -> None:
    """A bad event that was sent twice lies in two of them."""
    other = Place("incident.deltas", 3, 5)
    parking = Parking()
    found = [parking.died(place, EXIT_FAILED) for place in (HERE, other, HERE, other)]
    assert found == [None, None, HERE, other]
    assert parking.parked == {("incident.deltas", 2): 17, ("incident.deltas", 3): 5}


def test_deaths_of_a_partition_that_gets_further_each_time_park_nothing() -> None:
    parking = Parking()
    for offset in range(10):
        assert parking.died(HERE._replace(offset=offset), EXIT_FAILED) is None
    assert not parking.parked


def test_a_record_parks_its_partition_though_what_is_read_with_it_begins_elsewhere() -> None:
    """What was worked on but not committed is read again, and the record is among it."""
    earlier = HERE._replace(offset=HERE.offset - 1)
    parking = Parking()
    assert parking.died(HERE, EXIT_FAILED) is None
    assert parking.died(earlier, EXIT_FAILED) == earlier


def test_kills_park_a_partition_that_never_gets_beyond_the_first_of_them() -> None:
    parking = Parking()
    places = [HERE._replace(offset=HERE.offset - back) for back in (0, 3, 0, 1, 2)]
    found = [parking.died(place, -signal.SIGKILL) for place in places]
    assert found == [None, None, None, None, places[-1]]


def test_a_process_that_died_with_nothing_at_hand_blames_nothing() -> None:
    parking = Parking()
    for _ in range(10):
        assert parking.died(None, EXIT_FAILED) is None
        assert parking.died(Place("", -1, -1), EXIT_FAILED) is None
    assert not parking.parked


def test_kills_from_outside_park_only_after_five_in_a_row() -> None:
    parking = Parking()
    found = [parking.died(HERE, -signal.SIGKILL) for _ in range(5)]
    assert found == [None, None, None, None, HERE]


def test_work_that_never_ends_counts_like_a_crash() -> None:
    parking = Parking()
    for _ in range(2):
        parking.died(HERE, -signal.SIGKILL, hung=True)
    assert parking.parked == {("incident.deltas", 2): 17}


def test_what_is_parked_is_parked_once_whoever_dies_of_it_after_that() -> None:
    parking = Parking()
    found = [parking.died(HERE, EXIT_FAILED) for _ in range(6)]
    assert found == [None, HERE, None, None, None, None]
    assert parking.parked == {("incident.deltas", 2): 17}


def test_a_dead_process_leaves_the_place_it_worked_on() -> None:
    with tempfile.TemporaryFile() as shared:
        shared.truncate(PlaceFile.SIZE)
        mine = PlaceFile(shared.fileno())
        assert mine.read() == (None, 0)
        code = (
            "import os, signal, sys\n"
            "from streams.processes import Place, PlaceFile\n"
            "file = PlaceFile(int(sys.argv[1]))\n"
            "file.write(Place('a' * 249, 3, 2**40)); file.write(None)\n"
            "file.write(Place('sentry.events', 3, 2**40))\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(shared.fileno())],
            pass_fds=(shared.fileno(),),
            env=os.environ,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        place, since_ms = mine.read()
        assert place == Place("sentry.events", 3, 2**40)
        assert since_ms > 0
        mine.close()

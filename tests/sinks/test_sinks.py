"""One behaviour suite for every sink: each law here is checked on each of them.

A fault that a law is checked under meets real sockets; time is virtual (`tests/sinks/played.py`). A
new sink takes part by one line in `tests/sinks/cases.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from correlators.types import Digest
from sinks import SINKS
from sinks.peers.faults import LIMITS, UNDONE, Fault
from tests.sinks.case import Case
from tests.sinks.cases import CASES, MARK, SERVED
from tests.sinks.played import Clock, Played
from tests.sinks.suite import FAULTS, broken_waits, play

IDS = ("inc-1", "inc-2", "inc-3")


def test_every_sink_takes_part() -> None:
    assert set(CASES) >= set(SINKS)


# ---------------------------------------------------------------- told once


async def test_a_digest_is_told_once(case: Case, clock: Clock) -> None:
    played = play(case, clock)
    await played.run(case.digest())
    await played.run(case.digest())
    assert len(case.told("inc-1")) == 1


async def test_every_digest_is_told(case: Case, clock: Clock) -> None:
    played = play(case, clock)
    await played.run(*[case.digest(one) for one in IDS])
    assert [len(case.told(one)) for one in IDS] == [1, 1, 1]
    assert played.dead == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_under_every_fault_nothing_is_lost_and_nothing_told_twice_unmarked(
    served: Case, clock: Clock, fault: Fault
) -> None:
    assert served.peer is not None
    served.peer.fail(fault, method=served.method, calls=2)
    played = play(served, clock)
    await played.run(*[served.digest(one) for one in IDS])
    assert played.dead == []
    for id in IDS:
        told = served.told(id)
        assert [MARK in one for one in told] in ([False], [False, True], [True]), fault
    assert broken_waits(served) == []


async def test_under_all_faults_at_once_by_chance_nothing_is_lost(
    served: Case, clock: Clock
) -> None:
    assert served.peer is not None
    for fault in sorted(UNDONE - {Fault.REFUSED} | {Fault.DROP_AFTER, Fault.HALF}):
        served.peer.fail(fault, share=served.share)
    played = play(served, clock)
    ids = [f"inc-{number}" for number in range(30)]
    await played.run(*[served.digest(one) for one in ids], within_s=7_200)
    assert played.dead == []
    told = [served.told(one) for one in ids]
    assert [len([one for one in each if MARK not in one]) <= 1 for each in told] == [True] * 30
    assert [each for each in told if not each] == []
    assert broken_waits(served) == []
    assert len({fault for _, _, fault in served.peer.troubled}) > 5


async def test_a_service_that_is_away_for_ten_minutes_is_told_everything_once_when_it_is_back(
    served: Case, clock: Clock
) -> None:
    assert served.peer is not None
    played = play(served, clock)
    await served.peer.stop_listening()
    waiting = [served.digest(one) for one in IDS]
    assert not await played.play(*waiting, for_s=600)
    await served.peer.listen()
    await played.run()
    assert [len(served.told(one)) for one in IDS] == [1, 1, 1]


async def test_an_hour_without_the_service_costs_no_message_that_is_worth_one_by_then(
    served: Case, clock: Clock
) -> None:
    """What is given up sooner, such as a change of an issue, ends as a dead letter."""
    assert served.peer is not None
    played = play(served, clock)
    await served.peer.stop_listening()
    await played.play(*[served.digest(one) for one in IDS], for_s=3_600)
    await served.peer.listen()
    await played.run()
    told = [len(served.told(one)) for one in IDS]
    gives_up = served.sink.plan(served.sink.destinations[0]).give_up_ms <= 3_600_000
    assert (told, len(played.dead)) == (([0, 0, 0], 3) if gives_up else ([1, 1, 1], 0))


# ---------------------------------------------------------------- order, rates, size


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_resolve_never_overtakes_what_it_resolves(
    served: Case, clock: Clock, fault: Fault
) -> None:
    assert served.peer is not None
    played = play(served, clock)
    first = served.digest()
    await played.run(first)
    served.peer.fail(fault, calls=2)
    over = served.digest(revision=2, resolved=True, at_ms=first.at_ms + 60_000)
    await played.run(over)
    assert served.over("inc-1")
    assert len(served.told("inc-1")) == 1
    assert played.dead == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_resolve_that_comes_while_the_first_call_fails_ends_with_all_resolved(
    served: Case, clock: Clock, fault: Fault
) -> None:
    assert served.peer is not None
    served.peer.fail(fault, method=served.method, calls=1)
    played = play(served, clock)
    first = served.digest()
    played.outbox.accept(first, clock.now_ms)
    await played._turn()
    over = served.digest(revision=2, resolved=True, at_ms=first.at_ms + 60_000)
    await played.run(over)
    assert served.over("inc-1")
    assert len([one for one in served.told("inc-1") if MARK not in one]) <= 1


@pytest.mark.parametrize("as_date", [False, True])
@pytest.mark.parametrize("fault", sorted(LIMITS))
async def test_a_wait_that_was_asked_for_is_kept_however_it_is_told(
    served: Case, clock: Clock, fault: Fault, as_date: bool
) -> None:
    assert served.peer is not None
    served.peer.fail(fault, calls=3, retry_after_s=17, as_date=as_date)
    played = play(served, clock)
    await played.run(*[served.digest(one) for one in IDS])
    assert broken_waits(served) == []
    assert [len(served.told(one)) for one in IDS] == [1, 1, 1]


# ---------------------------------------------------------------- what is dead hurts nobody else


async def told_after(case: Case, clock: Clock, name: str) -> list[int]:
    """Return how many ms after they were handed in three digests each were told to two places."""
    assert case.peer is not None
    begun_ms, before = clock.now_ms, len(case.peer.calls)
    good = [f"{name}-{number}" for number in range(3)]
    called = "|".join(case.called(one) for one in good)
    played = play(case, clock)
    await played.run(
        *[case.digest(one) for one in good],
        *[case.digest(f"other{one}", to=1) for one in good],
    )
    assert [len(case.told(one)) for one in good] == [1, 1, 1]
    return [
        round(one.at * 1000) - begun_ms
        for one in case.peer.calls[before:]
        if one.outcome == "ok" and re.search(rf"\b({called})\b", json.dumps(one.args))
    ]


@pytest.mark.parametrize(
    "fault",
    [Fault.ERROR_503, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.RATE_LIMITED, Fault.SLOW_AFTER],
)
async def test_a_destination_that_fails_delays_no_other(
    served: Case, clock: Clock, fault: Fault
) -> None:
    assert served.peer is not None
    usual = await told_after(served, clock, "usual")
    clock.now_ms += 600_000
    served.peer.fail(fault, destination=served.addresses[1], for_s=10.0)
    assert await told_after(served, clock, "beside") == usual


@pytest.mark.parametrize("dead", SERVED)
@pytest.mark.parametrize("alive", SERVED)
async def test_a_service_that_is_away_delays_no_other(
    dead: str, alive: str, clock: Clock, tmp_path: Path
) -> None:
    if dead == alive:
        return
    async with CASES[dead](clock, tmp_path) as gone, CASES[alive](clock, tmp_path) as other:
        assert gone.peer is not None
        assert other.peer is not None
        await gone.peer.stop_listening()
        played = Played(clock, [gone.sink, other.sink])
        begun = clock()
        assert not await played.play(gone.digest(), other.digest("inc-2"), for_s=30)
        assert len(other.told("inc-2")) == 1
        assert other.peer.calls[0].at - begun <= 2.0


async def test_a_permanent_error_is_a_dead_letter_with_its_reason_and_the_original(
    served: Case, clock: Clock
) -> None:
    assert served.peer is not None
    word, detail = served.refusal
    served.peer.fail(Fault.REFUSED, method=served.method, calls=1, word=word)
    played = play(served, clock)
    original = served.digest()
    await played.run(original)
    (dead,) = played.dead
    assert detail in dead.detail
    assert msgspec.msgpack.decode(dead.digest, type=Digest) == original
    assert served.told("inc-1") == []
    await played.run(served.digest("inc-2"))
    assert len(served.told("inc-2")) == 1


async def test_what_a_person_breaks_is_dead_with_the_reason_or_told_once_when_it_is_mended(
    served: Case, clock: Clock
) -> None:
    played = play(served, clock)
    for word, (breaks, mends) in served.states.items():
        dead_before = len(played.dead)
        breaks()
        await played.play(served.digest(word), for_s=300)
        assert served.told(word) == []
        mends()
        await played.run()
        dead = played.dead[dead_before:]
        assert [word in one.detail for one in dead] in ([], [True]), word
        assert len(served.told(word)) == 1 - len(dead), word
        await played.run(served.digest(f"after {word}"))
        assert len(served.told(f"after {word}")) == 1


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.ERROR_AFTER, Fault.HALF])
async def test_a_service_that_shows_late_what_it_was_told_is_not_told_twice(
    served: Case, clock: Clock, fault: Fault
) -> None:
    assert served.peer is not None
    if served.lag is None:
        return
    served.lag(8.0)
    served.peer.fail(fault, method=served.method, calls=1)
    await play(served, clock).run(served.digest())
    assert len(served.told("inc-1")) == 1

"""Bursts: so many onsets in so many services at once that time alone says they are one outage.

What is expected of each service is its baseline; a window is a burst when what began in it is too
unlikely, added up over services, and it is not the work of one or two services.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from correlators.baseline import BURST_PRIOR_TICKS, surprise_db
from correlators.candidates import Candidate, Surroundings
from correlators.evidence import Piece, piece
from correlators.incidents import ticks
from correlators.storms import Linking
from correlators.types import Evidence

SPANS_TICKS: Final = (5, 20)
"""Windows that are tried beside the longest one."""
COLD_PRIOR_TICKS: Final = 20
"""At the start of the watch whatever trickles is heard for the first time: a service is taken to
begin a single event in this time."""
QUIET_MOST: Final = 10
LOUD_MOST: Final = 25
"""Decibans that one onset can bring, with a single event behind it and with more."""
SERVICE_LEAST: Final = 5
"""A service is part of a burst when its own onsets are so unlikely."""

_Counts = dict[int, dict[str, tuple[int, int]]]
"""By tick and service: onsets, and how many of them are loud."""


def bursts(
    young: Sequence[Candidate],
    around: Surroundings,
    linking: Linking,
    lone: AbstractSet[int],
) -> Iterator[tuple[list[int], Piece]]:
    """Yield the candidates of every burst, by onset, with what it says.

    An onset that carries traces, none of which anybody shares, is left out: where requests can be
    followed, a lone one is something else, or will be found by its next request. So are
    long-standing members of storms.

    Args:
        young: by onset.
        around: with the baselines.
        linking: the limits.
        lone: those that share no trace although they carry some.
    """
    counted = [index for index, one in enumerate(young) if not one.anchor and index not in lone]
    services = {young[index].service for index in counted}
    if len(services) < linking.burst_services:
        return
    at: dict[int, list[int]] = defaultdict(list)
    counts: _Counts = defaultdict(dict)
    for index in counted:
        one = young[index]
        at[one.onset_tick].append(index)
        onsets, loud = counts[one.onset_tick].get(one.service, (0, 0))
        counts[one.onset_tick][one.service] = (onsets + 1, loud + one.loud)
    longest = ticks(linking.link_within_ms)
    least = linking.burst_onsets * QUIET_MOST
    for span in (*(one for one in SPANS_TICKS if one < longest), longest):
        for first, last, unlikely in _windows(counts, span, around, linking):
            found = [
                index
                for tick in range(first, last + 1)
                for index in at.get(tick, ())
                if young[index].service in unlikely
            ]
            for run in _runs(young, found, longest // 2):
                services = {young[index].service for index in run}
                weight = sum(unlikely[name] for name in services)
                if len(services) < linking.burst_services or weight < least:
                    continue
                apart = young[run[-1]].onset_tick - young[run[0]].onset_tick + 1
                detail = f"{len(run)} errors began in {len(services)} services within {apart} s"
                yield run, piece(Evidence.BURST, weight, (), detail)


def _runs(young: Sequence[Candidate], indexes: Sequence[int], pause: int) -> Iterator[list[int]]:
    """Yield the candidates, cut where nothing began for longer than `pause`: two bursts are two."""
    run: list[int] = []
    for index in indexes:
        if run and young[index].onset_tick - young[run[-1]].onset_tick > pause:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _windows(
    counts: _Counts, span: int, around: Surroundings, linking: Linking
) -> Iterator[tuple[int, int, dict[str, int]]]:
    """Yield (first tick, last tick, decibans of each unlikely service) of the windows that are
    bursts."""
    present = sorted(counts)
    onsets: Counter[str] = Counter()
    loud: Counter[str] = Counter()
    start = 0
    for end, tick in enumerate(present):
        for service, (some, some_loud) in counts[tick].items():
            onsets[service] += some
            loud[service] += some_loud
        while present[start] < tick - span:
            for service, (some, some_loud) in counts[present[start]].items():
                onsets[service] -= some
                loud[service] -= some_loud
            start += 1
        begun = [service for service, count in onsets.items() if count]
        if len(begun) < linking.burst_services:
            continue
        first = present[start]
        unlikely: dict[str, int] = {}
        length = present[end] - first + 1
        warm = around.warm(first)
        prior = BURST_PRIOR_TICKS if warm else COLD_PRIOR_TICKS
        for service in sorted(begun):
            expected = around.rate(service, first, prior) * length
            most = QUIET_MOST * onsets[service] + (LOUD_MOST - QUIET_MOST) * loud[service]
            weight = min(most, surprise_db(onsets[service], expected))
            if loud[service] and not warm:
                expected = around.rate(service, first, BURST_PRIOR_TICKS) * length
                weight = max(weight, min(most, surprise_db(loud[service], expected)))
            if weight >= SERVICE_LEAST:
                unlikely[service] = weight
        enough = sum(unlikely.values()) >= linking.burst_onsets * QUIET_MOST
        if enough and len(unlikely) >= linking.burst_services:
            yield first, present[end], unlikely

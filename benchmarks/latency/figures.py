"""From the ways of errors to percentiles and tables. Pure: nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.latency.hops import HOPS, Way
from benchmarks.spread import Spread, spread
from benchmarks.storm.machine import Machine

TARGET_MS: Final = 500
TARGET_SHARE: Final = 0.8
PERCENTILES: Final = (0.5, 0.9, 0.99, 1.0)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the storm had one rate."""

    round: int
    share: float
    """Of the capacity."""
    capacity_per_s: float
    """As it was measured before this round."""
    from_ms: int
    """What is due from here on counts: the rate has settled."""
    to_ms: int
    sent_per_s: float
    covered_per_s: float
    """Records that FINGERPRINT committed."""
    behind: int
    """Records that were sent and not yet committed, the most that was seen."""


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Of many times, milliseconds."""

    p50: float
    p90: float
    p99: float
    most: float


class OfShare(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one share of the capacity."""

    share: float
    events_per_s: float
    """Sent, in the median stretch."""
    behind: int
    digests: int
    untold: int
    """Errors whose first message was due then and is not among the digests: a storm told them, or
    nobody."""
    designed: Percentiles
    """From the event on Kafka to the end of the tick in which it is told: `settle` and the tick."""
    added: Percentiles
    """From there until Slack has the message."""
    whole: Percentiles
    """From the event on Kafka until Slack has the message."""
    hops: dict[str, Percentiles]
    p99_by_round: Spread
    """The 99th percentile of `added` of each round by itself."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    p99_ms: float
    """Of `added` at `TARGET_SHARE` of the capacity: the median of the rounds' own."""
    ratios: dict[str, float]
    """`p99_ms`, and what it is of the target."""
    spreads: dict[str, Spread]
    """The same by round."""
    machine: Machine
    capacity_per_s: Spread
    settle_ms: int
    new_per_s: float
    channels: int
    rounds: int
    stretches: list[Stretch]
    shares: list[OfShare]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed: the nearest rank.

    Args:
        values: at least one.
        share: 0 to 1.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def percentiles(values: Sequence[float]) -> Percentiles:
    """Return the percentiles of at least one value."""
    p50, p90, p99, most = (round(percentile(values, one), 1) for one in PERCENTILES)
    return Percentiles(p50=p50, p90=p90, p99=p99, most=most)


def of_shares(
    stretches: Sequence[Stretch], ways: Sequence[Way], due: Mapping[int, int]
) -> list[OfShare]:
    """Return what was measured at each share of the capacity.

    Args:
        stretches: of all rounds.
        ways: of errors that were told.
        due: when each error, by its number, is to be told.
    """
    found = []
    for share in sorted({one.share for one in stretches}):
        here = [one for one in stretches if one.share == share]
        by_round = {
            one.round: [way for way in ways if one.from_ms <= way.due < one.to_ms] for one in here
        }
        mine = [way for of_round in by_round.values() for way in of_round]
        if not mine:
            continue
        expected = [
            at_ms for at_ms in due.values() if any(one.from_ms <= at_ms < one.to_ms for one in here)
        ]
        found.append(
            OfShare(
                share=share,
                events_per_s=round(spread(one.sent_per_s for one in here).median, 1),
                behind=max(one.behind for one in here),
                digests=len(mine),
                untold=len(expected) - len(mine),
                designed=percentiles([way.designed_ms for way in mine]),
                added=percentiles([way.added_ms for way in mine]),
                whole=percentiles([way.designed_ms + way.added_ms for way in mine]),
                hops={
                    name: percentiles([getattr(way, to) - getattr(way, of) for way in mine])
                    for name, of, to in HOPS
                },
                p99_by_round=spread(
                    percentile([way.added_ms for way in of_round], 0.99)
                    for of_round in by_round.values()
                    if of_round
                ),
            )
        )
    return found


def shares_table(found: Sequence[OfShare]) -> Table:
    """Return what is by design and what is added, at each share, in milliseconds."""
    table = Table("capacity", title="Event on Kafka to first message in Slack, ms")
    headings = ("events/s", "most behind", "digests", "untold", "", "median", "p90", "p99", "most")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        head = (f"{one.share:.0%}", f"{one.events_per_s:,.0f}", f"{one.behind:,}")
        rows = (("by design", one.designed), ("added", one.added), ("whole", one.whole))
        for number, (name, of) in enumerate(rows):
            lead = (*head, str(one.digests), str(one.untold)) if not number else ("",) * 5
            table.add_row(*lead, name, *_cells(of), end_section=number == len(rows) - 1)
    return table


def hops_table(found: Sequence[OfShare]) -> Table:
    """Return the hops at each share, in milliseconds."""
    table = Table("hop", title="By hop, ms: median / p99")
    for one in found:
        table.add_column(f"{one.share:.0%}", justify="right", no_wrap=True)
    for name, *_ in HOPS:
        cells = [f"{one.hops[name].p50:,.0f} / {one.hops[name].p99:,.0f}" for one in found]
        table.add_row(name, *cells)
    return table


def target_table(found: Figures) -> Table:
    """Return the figure that is to be reached."""
    table = Table("at 80 % of capacity")
    for heading in ("min", "median", "max", "all", "to reach", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    says = "reached" if found.p99_ms <= TARGET_MS else "missed"
    by_round = found.spreads["p99_ms"].cells(",.0f")
    every = next(one.added.p99 for one in found.shares if one.share == TARGET_SHARE)
    table.add_row("p99_ms", *by_round, f"{every:,.0f}", f"{TARGET_MS}", says)
    return table


def _cells(of: Percentiles) -> tuple[str, str, str, str]:
    return f"{of.p50:,.0f}", f"{of.p90:,.0f}", f"{of.p99:,.0f}", f"{of.most:,.0f}"

"""All that the benchmark of CORRELATE found, its tables, and what misses its figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.correlate.measure import FEW, TickTimes
from benchmarks.correlate.on_kafka import OnKafka
from benchmarks.correlate.quiet import Quiet
from benchmarks.correlate.rates import Opening, Rate
from benchmarks.spread import spread

MOST_MS: Final = 50.0
"""For a tick over ten thousand open incidents of which a hundred change."""
LEAST_PER_S: Final = 20_000
"""Deltas of one environment."""
RESTORE_MS: Final = 1_000.0
DAY_MS: Final = 60_000.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured."""

    incidents: int
    rounds: int
    ticks: list[TickTimes]
    rates: list[Rate]
    opening: list[Opening]
    quiet: list[Quiet]
    resident_mib: float
    users: int
    kafka: OnKafka | None
    """None where none was asked for."""
    machine: str

    @property
    def ratios(self) -> dict[str, float]:
        """In the median round: ticks against those over few, deltas against their floor, quiet
        ticks against those over the fewest, transactions against those of one record."""
        found = {f"{one.world}, {one.rules}, {one.kind}": one.ratio for one in self.ticks}
        found |= {f"{one.what}, over bare": median(one.ratios) for one in self.rates}
        for one in self.quiet[1:]:
            found[f"quiet, {one.incidents}"] = median(against(one, self.quiet[0]))
        for tick in self.kafka.written if self.kafka is not None else ():
            found[f"transaction, {tick.world}, {tick.kind}"] = median(tick.ratios)
        return found

    def missed(self) -> Iterator[str]:
        """Yield what is over its figure, in words."""
        for one in self.ticks:
            if one.median_ms > MOST_MS:
                what = f"{one.world}, {one.rules}, {one.kind}"
                yield f"Over {MOST_MS:.0f} ms: {what}: {one.median_ms:.1f} ms."
        for rate in self.rates:
            if rate.per_s < LEAST_PER_S:
                yield f"Under {LEAST_PER_S:,} deltas/s: {rate.what}: {rate.per_s:,.0f}."
        for still in self.quiet:
            if still.median_day_ms > DAY_MS:
                yield f"Over a minute: an empty day with {still.incidents:,} open."
        for back in self.kafka.restored if self.kafka is not None else ():
            if back.median_ms > RESTORE_MS:
                yield f"Over {RESTORE_MS:,.0f} ms: a restore from Kafka: {back.median_ms:,.0f} ms."


def against(one: Quiet, few: Quiet) -> list[float]:
    """Return how many times as long a quiet tick takes, by round."""
    return [many / less for many, less in zip(one.tick_us, few.tick_us, strict=True)]


def times(ratios: Sequence[float]) -> str:
    """Return the median, with the least and the most."""
    least, middle, most = spread(ratios).cells(".2f")
    return f"{middle} ({least}-{most})"


def tables(found: Report) -> Iterator[Table]:
    """Yield all tables."""
    title = f"Ticks over {found.incidents:,} open incidents of one environment, {{}} rules"
    for rules in dict.fromkeys(one.rules for one in found.ticks):
        table = Table(
            *("open", "100 change", "median ms", "p99 ms", f"of {FEW} open", "times"),
            *("records", "restore ms"),
            title=title.format(rules.value.removesuffix(" rules")),
        )
        for one in found.ticks:
            if one.rules is rules:
                table.add_row(
                    *(one.world.value, one.kind, f"{one.median_ms:.1f}", f"{one.p99_ms:.1f}"),
                    *(f"{one.few_median_ms:.1f}", times(one.ratios), f"{one.written:,}"),
                    f"{median(one.restore_ms):,.0f}",
                )
        yield table
    title = f"Many deltas, {found.incidents:,} open"
    table = Table("deltas", "deltas/s", "least-most", "times bare", title=title)
    for rate in found.rates:
        least, _, most = spread(rate.deltas / ms * 1e3 for ms in rate.ms).cells(",.0f")
        table.add_row(rate.what, f"{rate.per_s:,.0f}", f"{least}-{most}", times(rate.ratios))
    yield table
    table = Table("deltas", "ms", "deltas/s", title="An outage that opens so many in one tick")
    for first in found.opening:
        table.add_row(first.what, f"{first.ms:,.0f}", f"{first.per_s:,.0f}")
    yield table
    table = Table("open", "µs of a quiet tick", "times", "ms of an empty day", title="Still")
    for still in found.quiet:
        table.add_row(
            f"{still.incidents:,}",
            f"{still.median_us:.1f}",
            times(against(still, found.quiet[0])),
            f"{still.median_day_ms:,.0f}",
        )
    yield table
    if found.kafka is not None:
        yield from _on_kafka(found.kafka)


def _on_kafka(found: OnKafka) -> Iterator[Table]:
    table = Table(
        *("open", "100 change", "records", "KiB", "decided in ms", "transaction ms"),
        *("of one record ms", "times"),
        title=f"Ticks over {found.written[0].incidents:,} open incidents, on Kafka",
    )
    for one in found.written:
        table.add_row(
            *(one.world.value, one.kind, f"{one.records:,}", f"{one.written_bytes / 1024:,.0f}"),
            *(f"{median(one.compute_ms):.1f}", f"{median(one.transaction_ms):.1f}"),
            *(f"{median(one.single_ms):.1f}", times(one.ratios)),
        )
    yield table
    table = Table(
        *("open", "entries", "read ms", "made ms", "both ms"), title="A state read back from Kafka"
    )
    for back in found.restored:
        table.add_row(
            *(f"{back.incidents:,}", f"{back.entries:,}"),
            *(f"{median(back.read_ms):,.0f}", f"{median(back.made_ms):,.0f}"),
            f"{back.median_ms:,.0f}",
        )
    yield table


def show(found: Report, console: Console) -> None:
    """Print everything."""
    for table in tables(found):
        console.print(table)
    lines = [
        f"{found.incidents:,} open incidents with {found.users:,} different users: "
        f"{found.resident_mib:.0f} MiB resident at most.",
        f"{found.rounds} interleaved rounds; medians (least-most).",
        found.machine,
        *found.missed(),
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

"""From the runs to the figures: medians, ratios and the tables. Pure: nothing is measured here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from statistics import median
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.spread import Spread, spread
from benchmarks.storm.machine import Machine
from benchmarks.storm.steps import Step
from benchmarks.storm.work import Done


class Contender(StrEnum):
    """Who reads a log. The order is that of the first round."""

    BARE = "bare"
    BARE_TYPED = "bare_typed"
    BARE_LIBRDKAFKA = "bare_librdkafka"
    STOCK_FAUST = "stock_faust"
    STORM = "storm"
    VARIED = "varied"
    DISTINCT = "distinct"
    BARE_TYPED_SMALL = "bare_typed_small"
    STORM_SMALL = "storm_small"
    BARE_TYPED_LARGE = "bare_typed_large"
    STORM_LARGE = "storm_large"


SIZES: Final = {
    "1 KB": (Contender.STORM_SMALL, Contender.BARE_TYPED_SMALL),
    "14.7 KB": (Contender.STORM, Contender.BARE_TYPED),
    "60 KB": (Contender.STORM_LARGE, Contender.BARE_TYPED_LARGE),
}
"""By the size of an event, about: FINGERPRINT and the bare loop on the same log."""

SAYS: Final = {
    Contender.BARE: "bare loop, no decode",
    Contender.BARE_TYPED: "bare loop, typed decode and a count",
    Contender.BARE_LIBRDKAFKA: "the same with librdkafka's client",
    Contender.STOCK_FAUST: "stock Faust agent, FINGERPRINT's work",
    Contender.STORM: "FINGERPRINT, a storm",
    Contender.VARIED: "FINGERPRINT, a storm with varied texts",
    Contender.DISTINCT: "FINGERPRINT, every event different",
    Contender.BARE_TYPED_SMALL: "bare loop, typed decode, 1 KB events",
    Contender.STORM_SMALL: "FINGERPRINT, a storm of 1 KB events",
    Contender.BARE_TYPED_LARGE: "bare loop, typed decode, 60 KB events",
    Contender.STORM_LARGE: "FINGERPRINT, a storm of 60 KB events",
}


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times faster one contender is than another."""

    of: Contender
    over: Contender
    reach: float | None = None
    """What the design asks for, at least."""


RATIOS: Final = {
    "storm_over_bare_typed": Ratio(of=Contender.STORM, over=Contender.BARE_TYPED, reach=1.0),
    "distinct_over_bare_typed": Ratio(of=Contender.DISTINCT, over=Contender.BARE_TYPED, reach=0.6),
    "storm_over_stock_faust": Ratio(of=Contender.STORM, over=Contender.STOCK_FAUST, reach=5.0),
    "storm_over_bare_librdkafka": Ratio(of=Contender.STORM, over=Contender.BARE_LIBRDKAFKA),
    "varied_over_bare_typed": Ratio(of=Contender.VARIED, over=Contender.BARE_TYPED),
    "bare_typed_over_bare": Ratio(of=Contender.BARE_TYPED, over=Contender.BARE),
    "storm_over_bare_typed_1kb": Ratio(of=Contender.STORM_SMALL, over=Contender.BARE_TYPED_SMALL),
    "storm_over_bare_typed_60kb": Ratio(of=Contender.STORM_LARGE, over=Contender.BARE_TYPED_LARGE),
}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One contender in one round."""

    round: int
    contender: Contender
    done: Done

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.done.events / self.done.seconds

    @property
    def cpu_us(self) -> float | None:
        """Microseconds of processor time per event."""
        used = self.done.cpu_seconds
        return None if used is None else used / self.done.events * 1e6


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """On what it was measured."""

    cores: int
    kafka: str
    versions: dict[str, str]
    events: int
    event_bytes: dict[str, float]
    """Of one body, on average, by traffic."""
    partitions: int
    rounds: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    ratios: dict[str, float]
    """By name: the median over the rounds."""
    spreads: dict[str, Spread]
    """The same with the smallest and the largest."""
    events_per_second: dict[Contender, float]
    """By contender: the median over the rounds."""
    cpu_us_by_step: dict[Contender, dict[Step, float]]
    """Microseconds of processor time per event: the median of the rounds, shared out by a sampled
    run of its own."""
    setting: Setting
    runs: list[Run]


def figures(
    runs: Sequence[Run],
    setting: Setting,
    shares: Mapping[Contender, Mapping[Step, float]] | None = None,
) -> Figures:
    """Return the figures of these runs.

    Args:
        runs: of all rounds.
        setting: on what.
        shares: of each step of the processor time, where that was sampled.
    """
    spreads = ratios(runs)
    return Figures(
        ratios={name: round(found.median, 4) for name, found in spreads.items()},
        spreads=spreads,
        cpu_us_by_step={
            contender: {step: round(used * share, 2) for step, share in of_steps.items()}
            for contender, of_steps in (shares or {}).items()
            if (used := cpu_us(runs, contender)) is not None
        },
        events_per_second={
            contender: round(median(of_contender), 1)
            for contender in Contender
            if (of_contender := _rates(runs, contender))
        },
        setting=setting,
        runs=list(runs),
    )


def ratios(runs: Sequence[Run]) -> dict[str, Spread]:
    """Return every ratio of `RATIOS` whose contenders ran: the spread of the rounds' own ratios.

    Two runs of one round stand close in time, so what else the machine did weighs on both.
    """
    return {
        name: spread(of_rounds)
        for name, ratio in RATIOS.items()
        if (of_rounds := _by_round(runs, ratio.of, ratio.over, lambda run: run.rate))
    }


def _by_round(
    runs: Sequence[Run], of: Contender, over: Contender, value: Callable[[Run], float | None]
) -> list[float]:
    """Return how many times larger a value of one contender is than of another, by round."""
    found = {(run.round, run.contender): value(run) for run in runs}
    return [
        mine / others
        for (number, contender), mine in found.items()
        if contender is of and mine is not None
        if (others := found.get((number, over))) is not None
    ]


def cpu_us(runs: Sequence[Run], contender: Contender) -> float | None:
    """Return the processor time of a contender per event, in microseconds; None where unknown."""
    used = [one for run in runs if run.contender is contender if (one := run.cpu_us) is not None]
    return median(used) if used else None


def rates_table(runs: Sequence[Run]) -> Table:
    """Return the rates as a table."""
    table = Table("contender")
    for heading in ("events/s", "slowest", "fastest", "CPU us/event", "cache hits"):
        table.add_column(heading, justify="right", no_wrap=True)
    for contender in Contender:
        rates = _rates(runs, contender)
        if rates:
            table.add_row(
                SAYS[contender],
                *(f"{rate:,.0f}" for rate in (median(rates), min(rates), max(rates))),
                *_cells(runs, contender),
            )
    return table


def ratios_table(found: Mapping[str, Spread]) -> Table:
    """Return the ratios as a table, beside what the design asks for."""
    table = Table("ratio")
    for heading in ("least", "median", "most", "to reach", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, value in found.items():
        reach = RATIOS[name].reach
        says = "" if reach is None else "reached" if value.median >= reach else "missed"
        table.add_row(name, *value.cells(".2f"), "" if reach is None else f"{reach:.1f}", says)
    return table


def sizes_table(runs: Sequence[Run]) -> Table:
    """Return a storm by the size of its events: FINGERPRINT and the bare loop on the same log."""
    table = Table("events of")
    for heading in (
        *("FINGERPRINT/s", "MB/s", "bare typed/s", "ratio", "CPU us", "bare CPU us"),
        *("ratio of CPU",),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for size, (storm, bare) in SIZES.items():
        speeds = _by_round(runs, storm, bare, lambda run: run.rate)
        costs = _by_round(runs, bare, storm, lambda run: run.cpu_us)
        if not speeds:
            continue
        rate, of_bare = median(_rates(runs, storm)), median(_rates(runs, bare))
        table.add_row(
            size,
            f"{rate:,.0f}",
            f"{rate * float(size.split()[0]) / 1_000:,.0f}",
            f"{of_bare:,.0f}",
            f"{median(speeds):.2f}",
            *(_us(cpu_us(runs, one)) for one in (storm, bare)),
            f"{median(costs):.2f}" if costs else "-",
        )
    return table


def steps_table(found: Mapping[Contender, Mapping[Step, float]]) -> Table:
    """Return where the processor time of an event goes, in microseconds."""
    table = Table("CPU us/event, by a sampled run")
    for contender in found:
        table.add_column(SAYS[contender].removeprefix("FINGERPRINT, "), justify="right")
    for step in Step:
        table.add_row(step.value, *(f"{of_steps[step]:.1f}" for of_steps in found.values()))
    table.add_row("all", *(f"{sum(of_steps.values()):.1f}" for of_steps in found.values()))
    return table


def setting_lines(setting: Setting) -> list[str]:
    """Return on what it was measured, for people."""
    sizes = ", ".join(f"{name} {size:,.0f}" for name, size in setting.event_bytes.items())
    return [
        Machine(cores=setting.cores, kafka=setting.kafka, versions=setting.versions).line,
        f"{setting.events:,} events (a storm: 6 times, 1 KB: 12 times) in "
        f"{setting.partitions} partitions, lz4; "
        f"bytes of an event: {sizes}",
        f"{setting.rounds} rounds, contenders one at a time, each round in another order; medians",
    ]


def _rates(runs: Sequence[Run], contender: Contender) -> list[float]:
    return [run.rate for run in runs if run.contender is contender]


def _cells(runs: Sequence[Run], contender: Contender) -> tuple[str, str]:
    """Return processor time per event and the share of cache hits, where they are known."""
    done = [run.done for run in runs if run.contender is contender]
    hits = [one.cache_hit_share for one in done if one.cache_hit_share is not None]
    return _us(cpu_us(runs, contender)), f"{median(hits):.0%}" if hits else "-"


def _us(used: float | None) -> str:
    return "-" if used is None else f"{used:.1f}"

"""From the runs to the figures: medians, ratios and the tables. Pure: nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.storm.machine import Machine
from benchmarks.storm.work import Done


class Contender(StrEnum):
    """Who reads a log. The order is that of the first round."""

    BARE = "bare"
    BARE_TYPED = "bare_typed"
    STOCK_FAUST = "stock_faust"
    STORM = "storm"
    VARIED = "varied"
    DISTINCT = "distinct"


SAYS: Final = {
    Contender.BARE: "bare loop, no decode",
    Contender.BARE_TYPED: "bare loop, typed decode and a count",
    Contender.STOCK_FAUST: "stock Faust agent, FINGERPRINT's work",
    Contender.STORM: "FINGERPRINT, a storm",
    Contender.VARIED: "FINGERPRINT, a storm with varied texts",
    Contender.DISTINCT: "FINGERPRINT, every event different",
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
    "varied_over_bare_typed": Ratio(of=Contender.VARIED, over=Contender.BARE_TYPED),
    "bare_typed_over_bare": Ratio(of=Contender.BARE_TYPED, over=Contender.BARE),
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
    events_per_second: dict[Contender, float]
    """By contender: the median over the rounds."""
    setting: Setting
    runs: list[Run]


def figures(runs: Sequence[Run], setting: Setting) -> Figures:
    """Return the figures of these runs."""
    return Figures(
        ratios=ratios(runs),
        events_per_second={
            contender: round(median(of_contender), 1)
            for contender in Contender
            if (of_contender := _rates(runs, contender))
        },
        setting=setting,
        runs=list(runs),
    )


def ratios(runs: Sequence[Run]) -> dict[str, float]:
    """Return every ratio of `RATIOS` whose contenders ran: the median of the rounds' own ratios.

    Two runs of one round stand close in time, so what else the machine did weighs on both.
    """
    rates = {(run.round, run.contender): run.rate for run in runs}
    found: dict[str, float] = {}
    for name, ratio in RATIOS.items():
        of_rounds = [
            rate / rates[number, ratio.over]
            for (number, contender), rate in rates.items()
            if contender is ratio.of and (number, ratio.over) in rates
        ]
        if of_rounds:
            found[name] = round(median(of_rounds), 4)
    return found


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


def ratios_table(found: dict[str, float]) -> Table:
    """Return the ratios as a table, beside what the design asks for."""
    table = Table("ratio")
    for heading in ("median", "to reach", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, value in found.items():
        reach = RATIOS[name].reach
        if reach is None:
            table.add_row(name, f"{value:.2f}", "", "")
        else:
            says = "reached" if value >= reach else "missed"
            table.add_row(name, f"{value:.2f}", f"{reach:.1f}", says)
    return table


def setting_lines(setting: Setting) -> list[str]:
    """Return on what it was measured, for people."""
    sizes = ", ".join(f"{name} {size:,.0f}" for name, size in setting.event_bytes.items())
    return [
        Machine(cores=setting.cores, kafka=setting.kafka, versions=setting.versions).line,
        f"{setting.events:,} events in {setting.partitions} partitions, lz4; "
        f"bytes of an event: {sizes}",
        f"{setting.rounds} rounds, contenders one at a time, each round in another order; medians",
    ]


def _rates(runs: Sequence[Run], contender: Contender) -> list[float]:
    return [run.rate for run in runs if run.contender is contender]


def _cells(runs: Sequence[Run], contender: Contender) -> tuple[str, str]:
    """Return processor time per event and the share of cache hits, where they are known."""
    done = [run.done for run in runs if run.contender is contender]
    cpu = [one.cpu_seconds / one.events * 1e6 for one in done if one.cpu_seconds is not None]
    hits = [one.cache_hit_share for one in done if one.cache_hit_share is not None]
    return (
        f"{median(cpu):.1f}" if cpu else "-",
        f"{median(hits):.0%}" if hits else "-",
    )

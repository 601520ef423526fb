"""From the runs to the ratios and the tables. Pure: nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.peers.job import Form
from benchmarks.spread import Spread, spread
from benchmarks.storm.machine import Machine
from benchmarks.storm.work import Done


class Peer(StrEnum):
    """Whom FINGERPRINT is held against. The word is the module and the requirements file."""

    QUIX = "quix"
    ARROYO = "arroyo"
    BYTEWAX = "bytewax"


SAYS: Final = {
    Peer.QUIX: "Quix Streams",
    Peer.ARROYO: "sentry-arroyo",
    Peer.BYTEWAX: "Bytewax",
}

REACH: Final = 1.0
"""The design asks to be ahead of each."""


class Contender(msgspec.Struct, frozen=True, order=True):
    """Who reads the log: FINGERPRINT, or a peer in one of its forms."""

    peer: Peer | None = None
    form: Form = Form.PLAIN

    @property
    def says(self) -> str:
        """It, for people."""
        if self.peer is None:
            return "FINGERPRINT"
        return SAYS[self.peer] + (", our hot path inside" if self.form is Form.GIFT else "")

    @property
    def ratio(self) -> str:
        """The name of FINGERPRINT's rate over its."""
        assert self.peer is not None
        return f"over_{self.peer}" + ("_with_our_hot_path" if self.form is Form.GIFT else "")


FINGERPRINT: Final = Contender()
CONTENDERS: Final = (
    FINGERPRINT,
    *(Contender(peer, Form.PLAIN) for peer in Peer),
    *(Contender(peer, Form.GIFT) for peer in Peer),
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One contender in one round."""

    round: int
    contender: Contender
    done: Done

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.done.events / self.done.seconds


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    ratios: dict[str, float]
    """By name: the median of the rounds' own."""
    spreads: dict[str, Spread]
    """The same ratios with the smallest and the largest."""
    machine: Machine
    events: int
    event_bytes: float
    """Of one body, on average."""
    partitions: int
    rounds: int
    runs: list[Run]


def ratios(runs: Sequence[Run]) -> dict[str, Spread]:
    """Return how much faster FINGERPRINT is than each contender in the same round.

    Two runs of one round stand close in time, so what else the machine did weighs on both.
    """
    ours = {run.round: run.rate for run in runs if run.contender == FINGERPRINT}
    found: dict[str, Spread] = {}
    for contender in CONTENDERS[1:]:
        of_rounds = [
            ours[run.round] / run.rate
            for run in runs
            if run.contender == contender and run.round in ours
        ]
        if of_rounds:
            found[contender.ratio] = spread(of_rounds)
    return found


def medians(spreads: dict[str, Spread]) -> dict[str, float]:
    """Return the ratios' medians."""
    return {name: round(one.median, 4) for name, one in spreads.items()}


def rates_table(runs: Sequence[Run]) -> Table:
    """Return the rates as a table."""
    table = Table("contender")
    for heading in ("slowest", "events/s", "fastest", "CPU us/event"):
        table.add_column(heading, justify="right", no_wrap=True)
    for contender in CONTENDERS:
        here = [run for run in runs if run.contender == contender]
        if not here:
            continue
        cpu = [
            run.done.cpu_seconds / run.done.events * 1e6
            for run in here
            if run.done.cpu_seconds is not None
        ]
        table.add_row(
            contender.says,
            *spread(run.rate for run in here).cells(",.0f"),
            f"{spread(cpu).median:.1f}" if cpu else "-",
        )
    return table


def ratios_table(found: dict[str, Spread]) -> Table:
    """Return the ratios as a table, beside what the design asks for."""
    table = Table("ratio")
    for heading in ("min", "median", "max", "to reach", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, one in found.items():
        says = "reached" if one.median > REACH else "missed"
        table.add_row(name, *one.cells(".2f"), f"> {REACH:.0f}", says)
    return table

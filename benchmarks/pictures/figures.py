"""What the pictures show, read from results: rates, percentiles, messages in and out.

Only what is drawn is read, by the names under which the benchmarks write it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from benchmarks.spread import spread

OURS: Final = "Stormfold"
PEERS: Final = {None: OURS, "quix": "Quix Streams", "arroyo": "sentry-arroyo", "bytewax": "Bytewax"}
"""By the word that `benchmarks.peers` gives them; none is FINGERPRINT."""
CONTENDERS: Final = {
    "bare_typed": "bare aiokafka loop, typed decode",
    "storm": "Stormfold, a storm",
    "varied": "Stormfold, texts vary",
    "distinct": "Stormfold, all events differ",
    "stock_faust": "stock Faust, the same work",
}
"""By the word that `benchmarks.storm` gives them."""

_T = TypeVar("_T")


class Bar(msgspec.Struct, frozen=True):
    """A rate, events a second, with the slowest and the fastest round."""

    name: str
    least: float
    median: float
    most: float
    ours: bool


class Percentile(msgspec.Struct, frozen=True):
    """One percentile at one share of the capacity, ms beyond what is by design."""

    share: str
    name: str
    ms: float


class Passed(msgspec.Struct, frozen=True):
    """Messages a second behind FINGERPRINT at so many events a second before it."""

    events: float
    messages: float


class _Done(msgspec.Struct):
    events: int
    seconds: float


class _Peer(msgspec.Struct):
    peer: str | None = None
    form: str = "plain"


class _PeerRun(msgspec.Struct):
    contender: _Peer
    done: _Done


class _Peers(msgspec.Struct):
    runs: list[_PeerRun]


class _StormRun(msgspec.Struct):
    contender: str
    done: _Done


class _Storm(msgspec.Struct):
    runs: list[_StormRun]


class _Percentiles(msgspec.Struct):
    p50: float
    p90: float
    p99: float


class _Share(msgspec.Struct):
    share: float
    added: _Percentiles


class _Latency(msgspec.Struct):
    shares: list[_Share]


class _Counted(msgspec.Struct):
    partitions: int
    paced: bool
    workers: int
    events: int
    messages: int
    seconds: float


class _Messages(msgspec.Struct):
    runs: list[_Counted]


def peers(results: Path) -> list[Bar]:
    """Return FINGERPRINT and those who did the same work, as their own documentation writes it."""
    runs = _read(results / "peers.json", _Peers).runs
    plain = [(one.contender.peer, one.done) for one in runs if one.contender.form == "plain"]
    return _bars((PEERS[peer], done, peer is None) for peer, done in plain)


def storm(results: Path) -> list[Bar]:
    """Return FINGERPRINT beside the bare loop and stock Faust, in another run."""
    runs = _read(results / "storm.json", _Storm).runs
    return _bars(
        (CONTENDERS[one.contender], one.done, CONTENDERS[one.contender].startswith(OURS))
        for one in runs
        if one.contender in CONTENDERS
    )


def latency(results: Path) -> list[Percentile]:
    """Return what is added to `settle` and the tick, at each share of the capacity."""
    return [
        Percentile(f"{one.share:.0%} of capacity", name, ms)
        for one in _read(results / "latency.json", _Latency).shares
        for name, ms in (
            ("median", one.added.p50),
            ("90 %", one.added.p90),
            ("99 %", one.added.p99),
        )
    ]


def messages(results: Path) -> list[Passed]:
    """Return what is sent behind FINGERPRINT at each rate, over the fewest partitions."""
    runs = _read(results / "messages.json", _Messages).runs
    least = min(one.partitions for one in runs)
    cases: dict[tuple[bool, int], list[_Counted]] = defaultdict(list)
    for one in runs:
        if one.partitions == least:
            cases[one.paced, one.workers].append(one)
    found = [
        Passed(
            round(spread(one.events / one.seconds for one in of).median),
            round(spread(one.messages / one.seconds for one in of).median, 1),
        )
        for of in cases.values()
    ]
    return sorted(found, key=lambda one: one.events)


def _bars(runs: Iterable[tuple[str, _Done, bool]]) -> list[Bar]:
    """Return the spread of the rates by name, the fastest first."""
    rates: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for name, done, ours in runs:
        rates[name, ours].append(done.events / done.seconds)
    found = []
    for (name, ours), of in rates.items():
        here = spread(of)
        found.append(Bar(name, round(here.least), round(here.median), round(here.most), ours))
    return sorted(found, key=lambda one: -one.median)


def _read(path: Path, kind: type[_T]) -> _T:
    return msgspec.json.decode(path.read_bytes(), type=kind)

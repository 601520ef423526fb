"""The pictures of the README come from the results that are committed, and show what these say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from benchmarks.latency.figures import OfShare, percentiles
from benchmarks.pictures import figures
from benchmarks.pictures.__main__ import (
    BEGIN,
    CHARTS,
    END,
    PICTURES,
    README,
    RESULTS,
    SAYS,
    drawn,
    shown,
)
from benchmarks.pictures.charts import COLOURS, Mode
from benchmarks.spread import spread
from benchmarks.storm.figures import Contender, Run
from benchmarks.storm.work import Done

RATES = {"storm": 50_000, "bare_typed": 45_000, "stock_faust": 9_000}
ADDED = percentiles([120.0, 130.0, 480.0])


def storm_results() -> dict[str, Any]:
    done = {name: Done(events=rate, seconds=1.0, cpu_seconds=None) for name, rate in RATES.items()}
    runs = [Run(round=0, contender=Contender(name), done=one) for name, one in done.items()]
    return {"ratios": {}, "runs": msgspec.to_builtins(runs)}


def latency_results() -> dict[str, Any]:
    shares = [
        OfShare(
            share=share, events_per_s=1.0, behind=0, digests=3, untold=0, designed=ADDED,
            added=ADDED, whole=ADDED, hops={}, p99_by_round=spread([480.0]),
        )
        for share in (0.2, 0.8)
    ]  # fmt: skip
    return {"p99_ms": 480.0, "shares": msgspec.to_builtins(shares)}


def peers_results() -> dict[str, Any]:
    def run(contender: dict[str, str], events: int) -> dict[str, Any]:
        return {"contender": contender, "done": {"events": events, "seconds": 1.0}}

    runs = [
        run({}, 40_000),
        run({"peer": "quix", "form": "plain"}, 30_000),
        run({"peer": "quix", "form": "gift"}, 39_000),
        run({}, 42_000),
    ]
    return {"runs": runs}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    counted = {"partitions": 4, "workers": 1, "seconds": 2.0, "events": 2_000, "messages": 28}
    runs = [counted | {"paced": True}]
    runs += [counted | {"paced": False, "workers": 2, "events": 100_000, "messages": 31}]
    runs += [counted | {"paced": True, "partitions": 16, "messages": 99}]
    made = {
        "storm": storm_results(),
        "latency": latency_results(),
        "peers": peers_results(),
        "messages": {"runs": runs},
    }
    for name, one in made.items():
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(one))
    return tmp_path


def words(svg: str) -> str:
    return " | ".join("".join(one.itertext()) for one in ElementTree.fromstring(svg).iter())


def test_each_result_is_drawn_for_both_modes_and_always_the_same(results: Path) -> None:
    found = dict(drawn(results))
    assert set(found) == {f"{name}-{mode}.svg" for name in CHARTS for mode in Mode}
    assert found == dict(drawn(results))


def test_a_picture_says_what_its_result_says(results: Path) -> None:
    found = dict(drawn(results))
    for mode in Mode:
        assert "45,000" in words(found[f"storm-{mode}.svg"])
        assert "99 %: 480 ms" in words(found[f"latency-{mode}.svg"])
        assert "15.5 messages" in words(found[f"messages-{mode}.svg"])
        shown = words(found[f"peers-{mode}.svg"])
        assert "Quix Streams" in shown
        assert "41,000" in shown
        assert "39,000" not in shown, "a peer with our own hot path inside is no peer"
        assert COLOURS[mode].ours in found[f"peers-{mode}.svg"]


def test_what_has_no_results_is_not_drawn(results: Path) -> None:
    (results / "peers.json").unlink()
    assert {name.partition("-")[0] for name, _ in drawn(results)} == set(CHARTS) - {"peers"}


def test_rates_are_the_fastest_first_with_their_rounds(results: Path) -> None:
    ours, quix = figures.peers(results)
    assert (ours.least, ours.median, ours.most, ours.ours) == (40_000, 41_000, 42_000, True)
    assert (quix.name, quix.ours) == ("Quix Streams", False)


def test_the_committed_pictures_are_drawn_from_the_committed_results() -> None:
    there = {one.name: one.read_text(encoding="utf-8") for one in PICTURES.glob("*.svg")}
    now = dict(drawn(RESULTS))
    assert set(there) == set(now), "run `python -m benchmarks.pictures`"
    stale = [name for name, text in now.items() if there[name] != text]
    assert not stale, "run `python -m benchmarks.pictures`"


def test_the_readme_shows_every_picture_and_no_other() -> None:
    readme = README.read_text(encoding="utf-8")
    names = [one.name for one in PICTURES.glob("*.svg")]
    assert shown(readme, names) == readme, "run `python -m benchmarks.pictures`"
    found = re.findall(r"docs/pictures/([\w-]+\.svg)", readme)
    assert sorted(found) == sorted(names)
    assert set(SAYS) == set(CHARTS)


def test_a_picture_that_is_new_is_shown_at_its_place() -> None:
    before = f"head\n{BEGIN}old\n{END}tail\n"
    found = shown(before, ["storm-light.svg", "storm-dark.svg", "peers-light.svg"])
    assert re.findall(r"src=\"docs/pictures/(.*?)\"", found) == [
        "peers-light.svg",
        "storm-light.svg",
    ]
    assert found.startswith(f"head\n{BEGIN}<picture>")
    assert found.endswith(f"</picture>\n{END}tail\n")

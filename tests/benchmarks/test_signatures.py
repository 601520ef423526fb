"""The laws of the benchmark of signatures: every platform and all hostile input is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.platform_events import PLATFORMS, crash, event_of
from benchmarks.signatures import HOSTILE, SIZES, fastest_us, main
from correlators.fingerprint import VERSIONS, signature
from correlators.platforms import Family, family_of


def test_every_family_has_a_platform_in_the_benchmark() -> None:
    families = {
        family_of(event_of(crash(name)).exceptions[-1].frames[-1], name) for name in PLATFORMS
    }
    assert families == set(Family) - {Family.OTHER}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_grows_and_its_signature_does_not(name: str) -> None:
    small, large = (HOSTILE[name](size) for size in SIZES[-2:])
    assert len(repr(large)) > 1.5 * len(repr(small))
    for made in (small, large):
        assert sum(map(len, signature(made).parts)) < 2_000


def test_each_work_is_called_in_every_round() -> None:
    called: list[str] = []
    best = fastest_us([lambda: called.append("a"), lambda: called.append("b")], rounds=2, calls=2)
    assert called == ["a", "a", "b", "b"] * 2
    assert all(us > 0 for us in best)


def test_the_figures_are_written_as_json(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    main(1, out)
    found = json.loads(out.read_bytes())
    assert set(found["platforms"]) == set(PLATFORMS)
    assert set(found["growth"]) == set(HOSTILE)
    assert set(found["platforms"]["java"]["signature_us"]) == {str(each) for each in VERSIONS}

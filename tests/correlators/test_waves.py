"""A new wave on a fading storm: each event is told by one storm, and by one only."""

from __future__ import annotations

from tests.correlators.score import HOUR, Push, event, run

LATER = 2 * HOUR


def wave(at: float) -> list[Push]:
    """Return forty different errors of five services within five seconds."""
    return [event(at + n / 8, f"s{n % 5}", f"E{n}") for n in range(40)]


def fading(at: float, seconds: int) -> list[Push]:
    """Return what is left of an outage: one error in ten seconds."""
    return [event(at + n, f"s{n % 5}", f"E{n % 40}") for n in range(0, seconds, 10)]


def test_what_a_wave_takes_out_of_a_storm_is_told_by_the_next_one_only() -> None:
    calm = [event(900.0 * n, one, f"Old{n}") for n, one in enumerate("ab")]
    outages = [*wave(LATER), *fading(LATER + 10, 290)]
    second = [event(LATER + 300 + n / 8, f"s{n % 5}", f"F{n}") for n in range(40)]
    beside = event(LATER + 280, "s1", "Late")
    score = run(calm, outages, beside, second)
    assert len(score.storms()) == 2
    last = {one.id: one for one in score.to() if one.storm}
    assert sum(one.events for one in last.values()) == len(outages) + len(second) + 1
    members = [one for storm in score.storms() for one in storm.members]
    assert len(members) == len(set(members))


def test_what_comes_back_in_a_wave_brings_only_its_present_stretch_into_the_next_storm() -> None:
    before = [event(LATER - 600 + n, "s3", "F3") for n in range(7)]
    outages = [*wave(LATER), *fading(LATER + 10, 290)]
    second = [event(LATER + 300 + n / 8, f"s{n % 5}", f"F{n}") for n in range(40)]
    again = [event(LATER + 302 + n, "s3", "F3") for n in range(20)]
    score = run(before, outages, second, again)
    assert len(score.storms()) == 2
    last = {one.id: one for one in score.to() if one.storm}
    told = len(outages) + len(second) + len(again)
    assert sum(one.events for one in last.values()) == told


def test_a_release_that_comes_back_brings_only_its_present_stretch_into_the_storm_of_its_lead() -> (
    None
):
    before = [event(LATER - 900 + n, "s3", "E3", release="2.0") for n in range(7)]
    again = [event(LATER + 20 + n, "s3", "E3", release="2.0") for n in range(5)]
    score = run(before, wave(LATER), again)
    (storm,) = score.storms()
    assert len(set(storm.members)) == 41
    (last,) = {one.id: one for one in score.to() if one.storm}.values()
    assert last.events == 40 + len(again)

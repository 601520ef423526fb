"""Which storm a line ends in: that of the stretch it belongs to, however long a storm goes on."""

from __future__ import annotations

from collections.abc import Sequence

from correlators.entries import Membership
from correlators.incidents import Incident
from correlators.storms import Storm
from streams.assignments import Lives
from tests.correlators.score import CONFIG, START, event, events, run


def test_a_stretch_of_its_own_is_in_no_storm_although_the_one_before_was() -> None:
    onset = [event(0, trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    goes_on = events(range(10, 1_200, 10), "payment", "KeyError")
    lives = Lives(CONFIG)
    score = run(
        onset, goes_on, event(700), after_tick=lambda part: learn(lives, part.state_entries)
    )
    (storm,) = score.storms()
    (first,) = [one for one in score.incidents() if one.key.service == "checkout"]
    assert lives.storm(first.id, START) == storm.id
    assert first.onset_tick == START + 700
    assert lives.storm(first.id, START + 700) is None


def learn(lives: Lives, entries: Sequence[tuple[str, object]]) -> None:
    """Take what matters of a state."""
    lives.learn(one for _, one in entries if isinstance(one, Incident | Membership | Storm))

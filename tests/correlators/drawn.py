"""Scores drawn by Hypothesis, with lives so short that each sees every end."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from correlators.incidents import Windows
from correlators.rules import Pages
from correlators.storms import Linking
from correlators.types import Level
from tests.correlators.score import (
    PAGING,
    Push,
    event,
    resolve,
)

# Short lives, so that a short score sees every end.
QUICK = msgspec.structs.replace(
    PAGING,
    windows=Windows(
        settle_ms=3_000,
        update_every_ms=20_000,
        quiet_for_ms=30_000,
        max_life_ms=200_000,
        reopen_within_ms=60_000,
        remember_ms=200_000,
        flap_within_ms=120_000,
    ),
    linking=Linking(link_within_ms=10_000, storm_quiet_ms=10_000, release_news_ms=60_000),
    pages=Pages(events=5, within_ms=30_000),
)

SERVICES = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def scores(draw: st.DrawFn) -> list[Push]:
    """Draw a score that opens, links, closes, reopens and forgets within minutes."""
    at = 0.0
    found: list[Push] = []
    for _ in range(draw(st.integers(1, 25))):
        at += draw(st.sampled_from([0, 0, 1, 2, 5, 11, 31, 70, 250]))
        if draw(st.integers(0, 12)) == 0:
            found.append(resolve(at, draw(st.sampled_from(["71", "72"]))))
            continue
        found.append(
            event(
                at,
                draw(SERVICES),
                draw(st.sampled_from(["E", "F", "G"])),
                release=draw(st.sampled_from(["1", "1", "2", ""])),
                level=draw(st.sampled_from([Level.ERROR, Level.ERROR, Level.FATAL])),
                trace=draw(st.sampled_from(["", "", "x", "y"])),
                issue=draw(st.sampled_from(["71", "72"])),
                happened=at - draw(st.sampled_from([0, 0, 0, 150, 4_000])),
                event_id=f"{draw(st.integers(0, 60)):032x}",
            )
        )
    return found

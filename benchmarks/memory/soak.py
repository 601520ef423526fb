"""A steady storm with errors that begin, end and come back, and samples of what is resident."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.whole.processes import memory_of
from benchmarks.whole.world import StormWorld

RATE: Final = 400
"""Events a second, each of its own, by a million users."""
NEW_PER_S: Final = 0.5
"""Errors that begin: each is told, resolved and edited, and Slack takes 50 edits a minute."""
DIFFERENT: Final = 240
"""Of these errors; then the first comes back."""
SAMPLE_S: Final = 10.0
LIVES: Final = """
incidents: {quiet_for: 1m, reopen_within: 1m, max_life: 3m, remember: 3m}
"""
"""Short ones: what is over is forgotten within minutes, so that as much is forgotten as begins.
With the defaults a closed incident is remembered for a week."""


class Sample(msgspec.Struct, frozen=True):
    """What each process had resident at a time."""

    at_s: float
    """Since the soak began."""
    mib: dict[str, float]


class Soaked(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in the soak."""

    minutes: float
    events: int
    """That FINGERPRINT has taken."""
    began: int
    """Errors beside the storm."""
    posts: int
    """Messages that Slack took."""
    samples: list[Sample]
    restarted: list[str]
    """Stages that ended and were started again; there should be none."""


async def soak(bootstrap: str, folder: Path, minutes: float, say: Callable[[str], None]) -> Soaked:
    """Return the samples of a soak of so many minutes."""
    async with StormWorld(bootstrap, folder, LIVES) as world:
        at_first = world.pids()
        await world.order(f"rate {RATE}")
        beginning = asyncio.create_task(_begin(world))
        samples: list[Sample] = []
        restarted: set[str] = set()
        began_s = time.monotonic()
        try:
            while (since := time.monotonic() - began_s) < minutes * 60 or not samples:
                assert not beginning.done(), beginning.exception()
                now = world.pids()
                restarted |= {name for name, pid in at_first.items() if now.get(name) != pid}
                samples.append(_sample(since, now))
                if len(samples) % 30 == 1:
                    held = ", ".join(f"{one} {mib:.0f}" for one, mib in samples[-1].mib.items())
                    say(f"{since / 60:.0f} min: {held} MiB")
                due_s = began_s + len(samples) * SAMPLE_S
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        finally:
            beginning.cancel()
            await asyncio.wait([beginning])
        taken = await world.covered_at(time.time())
        calls = [one for one in world.slack.calls if one.method == "chat.postMessage"]
        return Soaked(
            minutes=round(samples[-1].at_s / 60, 2),
            events=taken.covered,
            began=world.begun,
            posts=sum(one.outcome == "ok" for one in calls),
            samples=samples,
            restarted=sorted(restarted),
        )


def _sample(at_s: float, pids: dict[str, int]) -> Sample:
    found = {}
    for name, pid in pids.items():
        try:
            found[name] = memory_of(pid).resident
        except ProcessLookupError:  # it is noted as restarted
            continue
    return Sample(round(at_s, 1), found)


async def _begin(world: StormWorld) -> None:
    """Have one error after another begin, and come back, until it is cancelled."""
    began_s = time.monotonic()
    turn = 0
    while True:
        await asyncio.sleep(max(0.0, began_s + turn / NEW_PER_S - time.monotonic()))
        await world.begins(turn % DIFFERENT, user=turn)
        turn += 1

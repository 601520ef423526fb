"""A tick's work in two parts, to find what of it raises. Pure."""

from __future__ import annotations

from correlators.ticks import Work


def halves(work: Work) -> list[Work]:
    """Return the work in two parts, in order."""
    tick, changes, deltas, acts = work.tick, work.changes, work.deltas, work.acts
    if acts and (changes or deltas):
        return [Work(tick, [], [], acts), Work(tick, changes, deltas)]
    if changes and deltas:
        return [Work(tick, changes, []), Work(tick, [], deltas)]
    at = work.size // 2
    return [
        Work(tick, changes[:at], deltas[:at], acts[:at]),
        Work(tick, changes[at:], deltas[at:], acts[at:]),
    ]

"""Suppressions as they are counted: why a digest was held back, and the rule that says so."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from correlators.types import Suppression


class HeldBack(NamedTuple):
    """Why a digest was held back, and by what of the configuration."""

    why: Suppression
    rule: str = ""
    """Name of the rule, period or inhibition; empty where no name of the configuration is behind
    it. So there are no more of them than the configuration has names."""


Suppressed = Counter[HeldBack]


def held_back(held: str) -> HeldBack:
    """Return what `Told.held` says: `reason:name`."""
    why, _, name = held.partition(":")
    return named(Suppression(why), name)


def named(why: Suppression, name: str) -> HeldBack:
    """Return what is counted of a hold; a silence is a person's and counted without its id."""
    return HeldBack(why, "" if why is Suppression.SILENCED else name)


def counted(why: Suppression, held: str) -> HeldBack:
    """Return what is counted: of what was held all its life, as `Told.held`, by what."""
    found = held_back(held) if held else HeldBack(why)
    return found if found.why is why else HeldBack(why)

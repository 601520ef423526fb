"""Silences: a person's mutes with an end, and what each of them mutes.

Values and looks only: how one is made and ends is `silencing`, its place among all that holds a
telling back `holds`. Whatever is told together is muted only if a silence mutes every part of it:
so who joins a silenced storm is heard, and so is the storm.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
import xxhash

from correlators.acts import SILENCE_MOST_MS
from correlators.conditions import Asked, Facts, When, matches, why_not

SILENCES_MOST: Final = 200
"""Silences that an environment may have at once."""

EPISODES_MOST: Final = 1_000
"""Errors of a storm that its silence names; further ones are heard."""


class Silence(msgspec.Struct, frozen=True, kw_only=True, tag="silence"):
    """A person's mute with an end: of a condition, or of what was there when it was given.

    Raises:
        ValueError: no author, an end not after the begin or later than `SILENCE_MOST_MS`, or
            nothing that it mutes.
    """

    id: str
    environment: str
    author: str
    source: str = ""
    """Where it was given, as of an act."""
    from_ms: int
    to_ms: int
    when: When | None = None
    subject: str = ""
    """Id of the incident or storm that it was given for; empty for a condition."""
    episodes: tuple[int, ...] = ()
    """`episode_hash` of that error, or of what the storm held then, ascending: joiners are
    heard."""
    unlisted: int = 0
    """How many further incidents the storm held then than it lists."""
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.author:
            raise ValueError("a silence has an author")
        if not self.from_ms < self.to_ms <= self.from_ms + SILENCE_MOST_MS:
            raise ValueError("a silence ends after it begins, within 7 days")
        if self.when is None and not self.episodes:
            raise ValueError("a silence says what it mutes")


class Part(NamedTuple):
    """One incident of what is told."""

    episode: int
    """Its `episode_hash`."""
    facts: Callable[[], Facts]
    """What is known of it; asked for only where a condition needs it."""


def episode_hash(service: str, fingerprint: str) -> int:
    """Return the 64-bit hash by which silences know an error of a service."""
    return xxhash.xxh3_64_intdigest(f"{service}\0{fingerprint}".encode("utf-8", "surrogatepass"))


def mutes(
    silence: Silence, services: Sequence[str], parts: Sequence[Part], unlisted: int = 0
) -> bool:
    """Return whether it mutes all that is told; its times are not asked.

    Args:
        silence: any of the environment.
        services: of all that is told.
        parts: its incidents; nothing is muted of which none is known.
        unlisted: how many further ones a storm has that it does not list: they are muted if they
            were there when it was silenced, or if the silence asks for services alone.
    """
    if not parts or not all(_mutes_part(silence, one) for one in parts):
        return False
    if unlisted <= silence.unlisted:
        return True
    when = silence.when
    if when is None or when.given != (Asked.SERVICE,):
        return False
    return all(matches(when.service, [one]) for one in services)


def _mutes_part(silence: Silence, part: Part) -> bool:
    at = bisect_left(silence.episodes, part.episode)
    if at < len(silence.episodes) and silence.episodes[at] == part.episode:
        return True
    return silence.when is not None and why_not(silence.when, part.facts()) is None

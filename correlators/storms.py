"""Storms: what linked incidents become, as it is stored, and the limits of it.

Values only: what happens to a storm is `storm_life`, which incidents belong together `links`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import xxhash

from correlators import sets
from correlators.evidence import Piece
from correlators.incidents import Closed, LetGo
from correlators.rates import Rate
from correlators.returns import Back
from correlators.told import Told
from correlators.types import TICK_MS, Doubt, Level

MEMBERS_KEPT: Final = 160
"""Incidents that a storm lists; further ones belong to it and are counted."""

SERVICES_KEPT: Final = 48
SERVICES_BYTES: Final = 1_500
"""A storm lists at most so many services, and so many bytes of their names; further ones are part
of it and not told apart."""

APART_KEPT: Final = 24
"""Errors that people took out of a storm and that stay out; further ones push the oldest out."""

LEFT_KEPT: Final = 5
LEFT_CHARS: Final = 100
"""Of what people took out of it since its last revision it names so many, so far."""

GAIN_TICKS: Final = 5
GAINS_KEPT: Final = 20
"""A storm knows how many incidents it gained over the last hundred seconds."""

Gains = tuple[tuple[int, int], ...]
"""(number of a slot of `GAIN_TICKS`, incidents gained), ascending."""


class Linking(msgspec.Struct, frozen=True, kw_only=True):
    """What makes incidents one storm; lengths in milliseconds.

    Raises:
        ValueError: a length is below one tick, or a burst of fewer than two services.
    """

    link_within_ms: int = 60_000
    """Stretches that begin within this of each other may be linked."""
    storm_quiet_ms: int = 120_000
    """A storm ends when none of its incidents had an event for this long."""
    release_news_ms: int = 3_600_000
    """A release is news for this long after its first event."""
    burst_services: int = 3
    """Fewer services make no burst, however much begins in them."""
    burst_onsets: int = 7
    """So many onsets with a single event each, where hardly any are usual, are a burst; one with
    more events counts up to two and a half times."""

    def __post_init__(self) -> None:
        for name in ("link_within_ms", "storm_quiet_ms", "release_news_ms"):
            if getattr(self, name) < TICK_MS:
                raise ValueError(f"{name} must be at least {TICK_MS}")
        if self.burst_services < 2 or self.burst_onsets < self.burst_services:
            raise ValueError("burst_services must be at least 2 and burst_onsets not below it")


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a storm most likely began, and why that is thought."""

    service: str = ""
    incident_id: str = ""
    reason: str = ""
    """For people; empty while it is only the first that was heard of."""


class Ack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person has it: who said so, and what was in the storm then. It covers nothing else."""

    actor: str
    source: str
    tick: int
    services: tuple[int, ...]
    """Hashes of their names."""
    level: Level
    origin: str
    until_tick: int = -1
    """When it ends by itself; -1: when it is taken back."""
    for_ticks: int = 0
    """How long that was to be."""


class Storm(msgspec.Struct, frozen=True, kw_only=True, tag="storm", gc=False):
    """Incidents of one environment that are one outage, told as one."""

    id: str
    environment: str
    opened_tick: int
    """Onset of its first incident."""
    last_tick: int
    closed_tick: int = -1
    merged_into: str = ""
    """The storm that took this one over; then this one is over without having ended."""
    members: tuple[str, ...] = ()
    """Incident ids in the order of joining, at most `MEMBERS_KEPT`."""
    joined: int = 0
    """How many incidents joined in all."""
    services: tuple[str, ...] = ()
    """In the order of joining, within `SERVICES_KEPT` and `SERVICES_BYTES`."""
    onsets: tuple[int, ...] = ()
    """First tick of each of `services` in this storm, in their order."""
    evidence: tuple[Piece, ...] = ()
    origin: Origin = Origin()
    apart: tuple[str, ...] = ()
    """Episodes that people took out of it, by entry key; they do not come back to it."""
    first_ms: int
    last_ms: int
    level: Level
    events: bytes = sets.EMPTY
    users: bytes = sets.EMPTY
    rate: Rate = ()
    gains: Gains = ()
    """How many incidents joined or came back lately, by slot of `GAIN_TICKS`."""
    changes: int = 1
    tell_tick: int = -1
    told: Told = Told()
    page_key: str = ""
    generation: int = 0
    """How many pages it has opened."""
    ack: Ack | None = None
    overtaken: bool = False
    """It took over something that had a page which nobody had acknowledged."""
    page_to: tuple[str, ...] = ()
    """Who was paged."""
    dissolved: bool = False
    """It is over, but what was in it goes on elsewhere."""
    left: tuple[str, ...] = ()
    """What people took out of it since its last revision, in words, within `LEFT_KEPT`."""
    doubt: Doubt | None = None
    """It is quiet, and why that may not be its end."""
    check_tick: int = -1
    """When its quiet is looked at again; -1 for after `storm_quiet`."""
    page_left: bool = False
    """It is over by quiet, and its page waits for whoever acknowledged it."""
    shares: tuple[int, ...] = ()
    """How many of its events each of `services` brought, in their order."""
    assignee: str = ""
    """Who is to take care of it, as a person said."""
    assigned_by: str = ""
    """Who said that."""
    false_alarm: bool = False
    """A person said that nothing was wrong."""
    had_tick: int = -1
    """When somebody last said that they have it; -1 for never."""
    closed: Closed = Closed.QUIET
    """Once it is over: why, unless it was merged or dissolved."""
    back: Back | None = None
    """How it was over before, where it is made of what came back; known once it is told."""
    let_go: LetGo | None = None
    """Its page was left and is not any more: why, until that is told."""

    @property
    def open(self) -> bool:
        """Whether it still gathers incidents and events."""
        return self.closed_tick < 0


class Stretch(msgspec.Struct, frozen=True, kw_only=True, tag="stretch", gc=False):
    """What an incident's present stretch counts, kept while the incident may still be linked.

    An incident that reopens carries the sets of its whole life; a storm wants only what belongs to
    the outage.
    """

    incident_id: str
    first_ms: int
    events: bytes
    users: bytes


def storm_id(environment: str, incident_id: str, onset_tick: int) -> str:
    """Return the id of the storm that begins with this incident's stretch: `storm-` and 16 hex
    digits."""
    text = f"{environment}\0{incident_id}\0{onset_tick}"
    return "storm-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))


def name_hash(service: str) -> int:
    """Return the 64-bit hash by which an acknowledgement knows a service."""
    return xxhash.xxh3_64_intdigest(service.encode("utf-8", "surrogatepass"))


def kept_members(members: Iterable[str]) -> tuple[str, ...]:
    """Return the different incident ids that a storm lists, in this order."""
    return tuple(dict.fromkeys(members))[:MEMBERS_KEPT]


def kept_services(services: Iterable[str]) -> tuple[str, ...]:
    """Return the different services that a storm lists, in this order."""
    kept: list[str] = []
    left = SERVICES_BYTES
    for service in dict.fromkeys(services):
        left -= len(service.encode("utf-8", "surrogatepass"))
        if left < 0 or len(kept) == SERVICES_KEPT:
            break
        kept.append(service)
    return tuple(kept)


def kept_apart(episodes: Iterable[str]) -> tuple[str, ...]:
    """Return the different episodes that stay out of a storm, the latest where they are too
    many."""
    return tuple(dict.fromkeys(episodes))[-APART_KEPT:]


def by_service(storm: Storm) -> dict[str, int]:
    """Return the first tick of each service that the storm lists."""
    return dict(zip(storm.services, storm.onsets, strict=True))


def earliest(
    services: tuple[str, ...], one: dict[str, int], two: dict[str, int]
) -> tuple[int, ...]:
    """Return the first tick of each of these services in either."""
    both = {**two, **one}
    return tuple(min(both[name], two.get(name, both[name])) for name in services)

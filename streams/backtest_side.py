"""One side of a backtest: what a configuration would have told, folded from what it decided.

Bounded by what was decided, not by events: one record per incident and storm, one line per message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from correlators.decisions import Decision, Kind
from correlators.deltas import tick_end_ms
from correlators.types import IncidentKey
from streams.assignments import Lives, Noted

PLACES_KEPT: Final = 1_024
"""Lines of one error and tick stand together: looked up once."""
HOUR_MS: Final = 3_600_000
MESSAGES_KEPT: Final = 200_000
"""Messages that are kept with their moment, for the timeline, the first ones; all are counted."""


class Thing(msgspec.Struct, kw_only=True):
    """An incident or a storm, as people would have met it."""

    id: str
    environment: str = ""
    services: tuple[str, ...] = ()
    title: str = ""
    began_ms: int = 0
    ended_ms: int = 0
    first_ms: int = 0
    """When it was first told or paged; 0 for never."""
    urgency: str = ""
    """`page` where somebody was woken, else what the rules said when it was first told."""
    rule: str = ""
    to: tuple[str, ...] = ()
    messages: int = 0
    pages: int = 0
    events: int = 0
    held: tuple[str, ...] = ()
    """What held it back or kept it untold, as `reason name`."""
    storm: str = ""
    """The storm that it went into, if ever."""

    @property
    def told(self) -> bool:
        """Whether anybody heard of it."""
        return bool(self.messages or self.pages)


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One message or page."""

    at_ms: int
    thing: str
    destination: str
    kind: str
    """`page`, `opened`, `updated`, `resolved` and the like."""
    revision: int


class Side:
    """What one configuration decided."""

    def __init__(self, name: str, lives: Lives) -> None:
        """Args: name: of the configuration, for people; lives: learns the state entries."""
        self.name = name
        self.lives = lives
        self.things: dict[str, Thing] = {}
        self.messages: list[Message] = []
        self.destinations: dict[str, Counter[str]] = {}
        """Messages by destination and kind."""
        self.suppressed: Counter[str] = Counter()
        self.pages_by_hour: Counter[int] = Counter()
        self.messages_by_hour: Counter[int] = Counter()
        """By the hour since the epoch, of all of them."""
        self.left_out = 0
        """Messages and pages that the timeline does not show."""
        self._places: dict[tuple[IncidentKey, int, int], str] = {}

    def take(self, decisions: Iterable[Decision]) -> None:
        """Take what was decided, in order."""
        for one in decisions:
            self._take(one)

    def _take(self, one: Decision) -> None:
        if one.subject.startswith("rep-") and one.kind is Kind.TOLD:
            self._told(Thing(id=one.subject), one, tick_end_ms(one.tick))  # of no incident
        if not one.subject.startswith(("inc-", "storm-")):
            return
        thing = self.things.get(one.subject)
        if thing is None:
            thing = self.things[one.subject] = Thing(id=one.subject, began_ms=tick_end_ms(one.tick))
        at_ms = tick_end_ms(one.tick)
        match one.kind:
            case Kind.OPENED if one.key is not None:
                thing.environment, thing.services = one.key[0], (one.key[1],)
                thing.title = one.title
            case Kind.JOINED if one.other:
                self._join(thing, one.other)
            case Kind.MERGED:
                thing.storm = one.other
            case Kind.CLOSED:
                thing.ended_ms = at_ms
            case Kind.REOPENED:
                thing.ended_ms = 0
            case Kind.RULED if not thing.told:
                thing.urgency, thing.rule = one.why, one.name
            case Kind.HELD:  # what is not told because another tells it is held back by nothing
                self.suppressed[one.why] += 1
                thing.held = tuple(dict.fromkeys((*thing.held, f"{one.why} {one.name}".strip())))
            case Kind.TOLD | Kind.PAGED:
                self._told(thing, one, at_ms)
            case _:
                pass

    def _join(self, thing: Thing, storm_id: str) -> None:
        thing.storm = storm_id
        storm = self.things.get(storm_id)
        if storm is None:
            storm = self.things[storm_id] = Thing(id=storm_id, began_ms=thing.began_ms)
        storm.environment = thing.environment
        storm.services = tuple(dict.fromkeys((*storm.services, *thing.services)))
        storm.began_ms = min(storm.began_ms, thing.began_ms)

    def _told(self, thing: Thing, one: Decision, at_ms: int) -> None:
        page = one.kind is Kind.PAGED
        thing.first_ms = thing.first_ms or at_ms
        thing.title = one.title or thing.title
        thing.to = tuple(dict.fromkeys((*thing.to, *one.to)))
        if page:
            thing.pages += len(one.to)
            thing.urgency = "page"
            thing.rule = one.name or thing.rule
        else:
            thing.messages += len(one.to)
        kind = "page" if page else one.why
        by_hour = self.pages_by_hour if page else self.messages_by_hour
        by_hour[at_ms // HOUR_MS] += len(one.to)
        for destination in one.to:
            self.destinations.setdefault(destination, Counter())[kind] += 1
            if len(self.messages) < MESSAGES_KEPT:
                self.messages.append(Message(at_ms, thing.id, destination, kind, one.revision))
            else:
                self.left_out += 1

    def thing_of(self, noted: Noted) -> str:
        """Return what told, or would have told, of an event: its storm, else its incident."""
        assert noted.key is not None
        place = (noted.key, noted.tick, noted.belated_tick)
        found = self._places.get(place)
        if found is None:
            if len(self._places) >= PLACES_KEPT:
                self._places.clear()
            found = self._places[place] = self._looked_up(noted)
        return found

    def _looked_up(self, noted: Noted) -> str:
        incident = self.lives.incident(noted.keys, noted.tick, noted.belated_tick)
        if incident is None:
            return ""
        return self.lives.storm(incident, noted.tick) or incident

    @property
    def pages(self) -> int:
        """Pages opened."""
        return sum(counts["page"] for counts in self.destinations.values())

    @property
    def told(self) -> int:
        """Messages, pages not counted."""
        return sum(counts.total() - counts["page"] for counts in self.destinations.values())

"""What somebody means by a service or a team that a destination is to be told of, links as they are
shown, and what became of an act that stands in every partition. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from correlators.acts import ActDone, ActOutcome
from correlators.channel_links import ChannelLink
from correlators.conditions import When, why_not
from correlators.judging import Judge
from correlators.link_acts import check_linked
from correlators.storms import Storm
from streams.live import Live
from streams.live_lines import Thing, moment, shown, thing

SERVICE_IS: Final = "service:"
TEAM_IS: Final = "team:"


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a running installation."""

    id: str
    destination: str
    what: str
    """What it fits, in words."""
    author: str
    source: str
    from_ms: int
    leads_to: str
    """The destination as it is told now; empty where the configuration knows it no more."""
    partitions: int
    """In how many it stands."""
    of: int
    """How many there are."""

    def __str__(self) -> str:
        """Return it in one line."""
        parts = [
            f"{self.id} {self.destination} is told of {self.what}",
            f"by {self.author} ({self.source}) since {moment(self.from_ms)}",
            *([] if self.leads_to else ["told nobody: the configuration knows no such place"]),
            *(
                [f"stands in {self.partitions} of {self.of} partitions only: make it again"]
                if self.partitions < self.of
                else []
            ),
        ]
        return shown(" · ".join(parts))


def what_of(name: str, environment: str, owners: Collection[str]) -> When:
    """Return what a link asks for.

    Args:
        name: a service, or a team where one is called so; `service:` or `team:` before it says
            which. Patterns are taken.
        environment: empty for all.
        owners: the teams that there are.

    Raises:
        ValueError: no link can ask for this; the text says what was expected.
    """
    bare = name.lstrip("#@")
    owner: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    if name.startswith(TEAM_IS):
        owner = (name.removeprefix(TEAM_IS),)
    elif name.startswith(SERVICE_IS):
        service = (name.removeprefix(SERVICE_IS),)
    elif name in owners or bare in owners:
        owner = (name if name in owners else bare,)
    else:
        service = (name,)
    when = When(owner=owner, service=service, environment=(environment,) if environment else ())
    check_linked(when)
    return when


def links_of(live: Live) -> list[Linked]:
    """Return all links, by destination and what they fit."""
    found: dict[str, list[ChannelLink]] = {}
    for part in live.parts:
        for one in part.state.people.links:
            found.setdefault(one.id, []).append(one)
    chats = live.config.chats
    made = [
        Linked(
            id=id,
            destination=one.destination,
            what=one.says,
            author=one.author,
            source=one.source,
            from_ms=one.from_ms,
            leads_to=chats.place(one.destination) if chats is not None else one.destination,
            partitions=len(same),
            of=len(live.parts),
        )
        for id, same in found.items()
        for one in same[:1]
    ]
    return sorted(made, key=lambda one: (one.destination, one.what, one.id))


def link_of(live: Live, id: str) -> ChannelLink | None:
    """Return the link of this id, None where there is none."""
    links = (one for part in live.parts for one in part.state.people.links)
    return next((one for one in links if one.id == id), None)


def fitting(live: Live, when: When) -> list[Thing]:
    """Return what is open now that a link would fit, the oldest first."""
    found = []
    for part, one in live.open():
        judge = Judge(live.config, part.state)
        members = (
            [two for two in map(part.state.find_incident, one.members) if two is not None]
            if isinstance(one, Storm)
            else [one]
        )
        if any(why_not(when, judge.part(two, part.tick).facts()) is None for two in members):
            found.append(thing(part.state, one))
    return found


def came_to(done: Sequence[ActDone]) -> ActOutcome:
    """Return what became of an act that stands in every partition.

    Args:
        done: in each of them; not empty.
    """
    outcomes = {one.outcome for one in done}
    for one in (ActOutcome.TOO_MANY, ActOutcome.DONE):
        if one in outcomes:
            return one
    return done[0].outcome

"""Links: people's word that a destination is told what fits a service or a team too.

A link adds to whom the rules tell, never to whom they page, and takes nothing away: what a rule
drops, or what holds back, is told to nobody, linked or not. It stands in every partition, since an
environment that it fits may be in any, and until somebody ends it. What was told to a destination
is told there to its end, as of rules that change.

Lives here: the entry, what a link adds to a ruling, and how one is made and ends. Not here: the
acts (`link_acts`), and the links between incidents, which are `links`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import xxhash

from correlators.acts import ActOutcome
from correlators.conditions import Facts, When, why_not
from correlators.link_acts import AddLink, RemoveLink, linked_words
from correlators.rulings import Ruling, Urgency

if TYPE_CHECKING:
    from correlators.state import State

LINKS_MOST: Final = 200
"""Links that there may be at once."""


class ChannelLink(msgspec.Struct, frozen=True, kw_only=True, tag="link"):
    """A destination that is told also what fits."""

    id: str
    destination: str
    when: When
    author: str
    source: str
    """Where it was made, as of an act."""
    from_ms: int

    @property
    def says(self) -> str:
        """What it fits, in words."""
        return linked_words(self.when)


class Chats(msgspec.Struct, frozen=True, kw_only=True):
    """Where a link may lead, as the configuration has it.

    A link to any other place does nothing as long as it is not configured again.
    """

    known: tuple[str, ...] = ()
    """Destinations that can be told."""
    same: dict[str, str] = {}
    """What the configuration calls a destination that is a Slack channel by its id."""
    channels: bool = False
    """Any Slack channel may be told, by its id."""

    def place(self, destination: str) -> str:
        """Return the destination as it is told, empty where nobody serves it."""
        destination = self.same.get(destination, destination)
        if destination in self.known:
            return destination
        return destination if self.channels and is_channel(destination) else ""


def is_channel(destination: str) -> bool:
    """Return whether a destination is a Slack channel by its id rather than by a name that the
    configuration gives it."""
    sink, _, name = destination.partition(":")
    return (
        sink == "slack"
        and name[:1] in ("C", "G")
        and 3 <= len(name) <= 40
        and name.isascii()
        and name.isalnum()
        and name.upper() == name
    )


def link_id(destination: str, when: When) -> str:
    """Return the id of a link, `link-` and 16 hex digits: the same for the same link, whoever makes
    it, in every partition."""
    raw = msgspec.msgpack.encode((destination, when))
    return "link-" + xxhash.xxh3_64_hexdigest(raw)


def with_links(
    ruling: Ruling,
    facts: Facts,
    links: Sequence[ChannelLink],
    chats: Chats | None,
    told: Iterable[str],
) -> Ruling:
    """Return the ruling with what links add.

    Args:
        ruling: what the rules say; where they tell it to nobody, nothing is added.
        facts: what is told.
        links: all there are, by id.
        chats: where they may lead; None: anywhere.
        told: who was told of it before and hears how it goes on anyway, under these names.
    """
    if not links or ruling.urgency is Urgency.DROP:
        return ruling
    known, more, because = {*ruling.to, *told}, list[str](), list[str]()
    for link in links:
        place = chats.place(link.destination) if chats is not None else link.destination
        if not place or link.destination in known or place in known:
            continue
        if why_not(link.when, facts) is None:
            known.add(place)
            more.append(place)
            because.append(f"{place} is linked to {link.says} by {link.author} in {link.source}")
    if not more:
        return ruling
    return msgspec.structs.replace(ruling, to=(*ruling.to, *more), linked=tuple(because))


def added(state: State, act: AddLink, now_ms: int) -> ActOutcome:
    """Make the link, if it is not there, and return what became of the act."""
    place = link_id(act.subject, act.when)
    links = state.people.links
    if any(one.id == place for one in links):
        return ActOutcome.UNCHANGED
    if len(links) >= LINKS_MOST:
        return ActOutcome.TOO_MANY
    state.put(
        ChannelLink(
            id=place,
            destination=act.subject,
            when=act.when,
            author=act.actor,
            source=act.source,
            from_ms=now_ms,
        )
    )
    return ActOutcome.DONE


def removed(state: State, act: RemoveLink) -> ActOutcome:
    """End the link, or all of the destination; return what became of the act."""
    found = [
        one
        for one in state.people.links
        if one.destination == act.subject and act.when in (None, one.when)
    ]
    for one in found:
        state.drop("link:" + one.id)
    return ActOutcome.DONE if found else ActOutcome.UNCHANGED

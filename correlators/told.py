"""What people have heard so far; who decides what they hear is `telling`."""

from __future__ import annotations

import msgspec

from correlators.types import PageReason


class Told(msgspec.Struct, frozen=True, gc=False):
    """What people have heard of an incident or a storm so far."""

    revision: int = 0
    """Highest revision told; 0 when nothing was."""
    tick: int = -1
    """Tick in which it was last decided whether to tell; -1 before that."""
    mark: int = 0
    """`Incident.changes` or `Storm.changes` as it was then: equal means that there is nothing
    new."""
    resolved: bool = False
    """That revision said that it is over."""
    said_tick: int = -1
    """Tick of that revision; -1 when nothing was told."""
    to: tuple[str, ...] = ()
    """Destinations that were told so far: they hear how it goes on."""
    held: str = ""
    """What holds the newest state back, as `reason:name`; empty where nothing does."""
    held_until: int = -1
    """Tick in which that ends; -1 where it is not known beforehand."""
    joined: str = ""
    """That revision said that this storm tells it from now on."""
    members: int = 0
    """How many of a storm's listed incidents that revision knew."""
    services: int = 0
    """How many of its services."""
    silenced: str = ""
    """That revision, or one about people alone after it, said that this silence mutes it."""
    paged: bool = False
    """Some revision said that somebody was paged."""
    rule: str = ""
    """Name of the rule that it was told by last; empty where none was asked."""
    page_reason: PageReason | None = None
    """Why somebody was paged last."""
    page_rule: str = ""
    """Name of the rule that did."""
    report: str = ""
    """The scheduled report that is to tell it, where no message has; kept once it is over."""

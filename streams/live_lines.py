"""How incidents, storms, silences and acts of a running installation are shown: values for JSON,
and one line each for people. Nothing is read here and nothing decided.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from correlators import sets
from correlators.acts import ActDone, ActOutcome
from correlators.coverage import ack_ends
from correlators.incidents import Incident
from correlators.muted import Muted
from correlators.silences import Silence
from correlators.state import State
from correlators.storms import Storm
from correlators.types import TICK_MS
from sinks.words import many
from streams.describe_rules import when_text

TITLE_CHARS: Final = 100
SERVICES_SHOWN: Final = 4

SAYS: Final = {
    ActOutcome.DONE: "done",
    ActOutcome.UNCHANGED: "nothing changed: it was so already",
    ActOutcome.GONE: "nothing was done: what it is about is over, forgotten or unknown",
    ActOutcome.ENDED: "nothing was done: its end had passed before it took effect",
    ActOutcome.NO_PAGER: "nobody was paged: no route pages anybody for it",
    ActOutcome.OVERTAKEN: "nothing was done: something that was said later was heard first",
    ActOutcome.NO_ISSUE: "nothing was done: Sentry has no issue of it, or is not configured",
    ActOutcome.TOO_MANY: "refused: there are as many of these as there may be",
}
"""What became of an act, for people."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One storm or incident."""

    id: str
    kind: Literal["storm", "incident"]
    environment: str
    services: tuple[str, ...]
    title: str
    level: str
    since_ms: int
    """When its first event was."""
    events: int
    estimated: bool
    """The number is an estimate."""
    incidents: int = 1
    acked_by: str = ""
    acked_until_ms: int = 0
    """When that ends by itself; 0 where it stands until it is taken back."""
    assignee: str = ""
    over: bool = False
    false_alarms: int = 0
    """How often a person said of this error that nothing was wrong."""
    held: str = ""
    """What holds its newest state back, as `reason:name`; empty where nothing does."""

    def __str__(self) -> str:
        """Return it in one line."""
        named = ", ".join(self.services[:SERVICES_SHOWN])
        more = len(self.services) - SERVICES_SHOWN
        named += f" and {more} more" if more > 0 else ""
        parts = [
            self.id,
            named,
            f"{self.incidents} incidents" if self.kind == "storm" else self.title,
            f"{'about ' if self.estimated else ''}{many(self.events, 'event')}",
            f"since {moment(self.since_ms)}",
            *(["over"] if self.over else []),
            *([f"acknowledged by {self.acked_by}{self._until}"] if self.acked_by else []),
            *([f"assigned to {self.assignee}"] if self.assignee else []),
            *([f"false alarms before: {self.false_alarms}"] if self.false_alarms else []),
            *([f"held back: {self.held.replace(':', ' ')}"] if self.held else []),
        ]
        return shown(" · ".join(parts))

    @property
    def _until(self) -> str:
        return f" until {moment(self.acked_until_ms)}" if self.acked_until_ms else ""


class MutedNow(msgspec.Struct, frozen=True, kw_only=True):
    """What a silence mutes of what is open."""

    storms: tuple[Thing, ...]
    incidents: tuple[Thing, ...]
    inside: int
    """Further incidents that it matches, inside storms that are told all the same."""

    def lines(self) -> list[str]:
        """Return it in lines."""
        found = [f"  {one}" for one in (*self.storms, *self.incidents)]
        found = found or ["  nothing that is open now"]
        if self.inside:
            storms = "storms, but those are told all the same: other errors are in them too"
            many = "incident" if self.inside == 1 else "incidents"
            found.append(f"  it fits {self.inside} {many} inside {storms}")
        return found


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One silence."""

    id: str
    environment: str
    author: str
    source: str
    from_ms: int
    until_ms: int
    what: str
    """What it mutes, in words."""
    comment: str
    mutes: MutedNow

    def __str__(self) -> str:
        """Return it in one line."""
        count = len(self.mutes.storms) + len(self.mutes.incidents)
        parts = [
            f"{self.id} until {moment(self.until_ms)} by {self.author} ({self.source})",
            f"{self.environment}: {self.what}",
            f"mutes {count} now",
            *([self.comment] if self.comment else []),
        ]
        return shown(" · ".join(parts))


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One storm or incident, and what is known about it."""

    what: Thing
    storm: str = ""
    """Id of the storm that tells it; empty where it is told by itself."""
    incidents: tuple[Thing, ...] = ()
    """Of a storm, those that it lists."""
    evidence: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()
    acts: tuple[ActDone, ...] = ()
    """What people did about it, in order."""

    def lines(self) -> list[str]:
        """Return it in lines."""
        return [
            str(self.what),
            *([f"told by {self.storm}"] if self.storm else []),
            *(f"  {one}" for one in self.incidents),
            *(shown(f"one storm: {one}") for one in self.evidence),
            *(f"silenced by {one}" for one in self.silenced_by),
            *map(act_line, self.acts),
        ]


def detail(state: State, found: Storm | Incident, silences: list[Silence]) -> Detail:
    """Return a storm or incident with all that is known about it."""
    acts = [one for _, one in state.entries() if isinstance(one, ActDone)]
    mine = (one for one in acts if one.subject == found.id)
    about = sorted(mine, key=lambda one: (one.tick, one.at_ms))
    silenced_by = tuple(one.id for one in silences)
    if isinstance(found, Storm):
        listed = [one for one in map(state.find_incident, found.members) if one is not None]
        return Detail(
            what=thing(state, found),
            incidents=tuple(thing(state, one) for one in listed),
            evidence=tuple(one.detail for one in found.evidence),
            silenced_by=silenced_by,
            acts=tuple(about),
        )
    storm = state.storm_of(found)
    return Detail(
        what=thing(state, found),
        storm=storm.id if storm is not None else "",
        silenced_by=silenced_by,
        acts=tuple(about),
    )


def thing(state: State, found: Storm | Incident) -> Thing:
    """Return a storm or incident as it is shown."""
    count = sets.count(found.events)
    if isinstance(found, Storm):
        first = next(filter(None, map(state.find_incident, found.members)), None)
        return Thing(
            id=found.id,
            kind="storm",
            environment=found.environment,
            services=found.services,
            title=_title(first.sample.title) if first is not None else "",
            level=found.level.value,
            since_ms=found.first_ms,
            events=count.value,
            estimated=count.about,
            incidents=found.joined,
            acked_by=found.ack.actor if found.ack is not None else "",
            acked_until_ms=max(0, ack_ends(found)) * TICK_MS,
            assignee=found.assignee,
            over=not found.open,
            held=found.told.held,
        )
    episode = state.episode(found.key)
    return Thing(
        id=found.id,
        kind="incident",
        environment=found.key.environment,
        services=(found.key.service,),
        title=_title(found.sample.title),
        level=found.level.value,
        since_ms=found.first_ms,
        events=count.value,
        estimated=count.about,
        acked_by=episode.acked_by[0] if episode is not None else "",
        acked_until_ms=max(0, ack_ends(episode)) * TICK_MS if episode is not None else 0,
        assignee=found.assignee,
        over=not found.open,
        false_alarms=episode.false_alarms if episode is not None else 0,
        held=found.told.held,
    )


def muted(state: State, found: Muted) -> MutedNow:
    """Return what a silence mutes as it is shown."""
    return MutedNow(
        storms=tuple(thing(state, one) for one in found.storms),
        incidents=tuple(thing(state, one) for one in found.incidents),
        inside=found.inside,
    )


def silence(state: State, one: Silence, found: Muted) -> Shown:
    """Return a silence as it is shown."""
    what = when_text(one.when) if one.when is not None else one.subject
    if one.episodes:
        what += f" ({len(one.episodes)} errors)" if len(one.episodes) > 1 else " (1 error)"
    return Shown(
        id=one.id,
        environment=one.environment,
        author=one.author,
        source=one.source,
        from_ms=one.from_ms,
        until_ms=one.to_ms,
        what=what,
        comment=one.comment,
        mutes=muted(state, found),
    )


def act_line(done: ActDone) -> str:
    """Return what somebody did, in one line."""
    what = f"{done.kind.replace('_', ' ')} by {done.actor} ({done.source})"
    said = f", {done.text!r}" if done.text else ""
    return shown(f"{moment(done.at_ms)} {what}{said}: {SAYS.get(done.outcome, done.outcome)}")


def moment(at_ms: int) -> str:
    """Return a time for people, in UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def shown(line: str) -> str:
    """Return a line without what a terminal might take for a command."""
    return "".join(one if one.isprintable() else " " for one in line)


def as_json(value: object) -> str:
    """Return the value as JSON for scripts, in lines."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _title(title: str) -> str:
    return title if len(title) <= TITLE_CHARS else title[: TITLE_CHARS - 1] + "…"

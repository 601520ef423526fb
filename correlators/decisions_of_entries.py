"""What a change of an entry says was decided: of an incident, a storm, an episode, a silence.

Reads two values of one entry and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

import msgspec

from correlators import evidence
from correlators.acts import ActDone
from correlators.coverage import lapse_words
from correlators.decisions import NAMED_MOST, Decision, Kind, weighed
from correlators.entries import Entry, Episode
from correlators.incidents import Incident, ended_tick
from correlators.settled import behind
from correlators.silences import Silence
from correlators.storms import Storm

LAPSED: Final = "lapsed"
"""Why an acknowledgement stands no more that was to end by itself."""
DISSOLVED: Final = "dissolved"
"""Why a storm is over of which incidents go on by themselves, or in another one."""

KEPT: Final = "it came back, and was assigned so before"
"""Why a storm has an assignment that nobody gave to itself."""

Change = tuple[Entry | None, Entry | None]
"""An entry before and after a tick; None where it is not there."""


def of_change(tick: int, change: Change) -> Iterator[Decision]:
    """Yield what this change of an entry says was decided in this tick."""
    match change:
        case (Incident() | None as before, Incident() as after):
            yield from _incident(tick, before, after)
        case (Storm() | None as before, Storm() as after):
            yield from _storm(tick, before, after)
        case (Episode() as before, Episode() as after):
            yield from _episode(tick, before, after)
        case (None, ActDone() as after):
            yield Decision(
                tick=tick,
                subject=after.subject,
                kind=Kind.ACTED,
                name=after.actor,
                why=after.outcome.value,
                because=_acted(after),
                other=after.id,
            )
        case (Silence() | None as before, Silence() as after) if before != after:
            yield _silence(tick, Kind.SILENCED, after)
        case (Silence() as before, None):
            yield _silence(tick, Kind.SILENCE_ENDED, before)
        case _:
            return


def _acted(done: ActDone) -> tuple[str, ...]:
    """Return what somebody did and where, and below it what they said."""
    did = f"{done.kind.replace('_', ' ')} in {done.source}"
    return (did, done.text) if done.text else (did,)


def _assigned(
    tick: int, before: Incident | Storm, after: Incident | Storm, because: tuple[str, ...] = ()
) -> Iterator[Decision]:
    if after.assignee != before.assignee and after.assigned_by:
        yield Decision(
            tick=tick,
            subject=after.id,
            kind=Kind.ASSIGNED,
            name=after.assigned_by,
            why=after.assignee,
            because=because,
        )


# Incidents


def _incident(tick: int, before: Incident | None, after: Incident) -> Iterator[Decision]:
    decided = partial(Decision, tick=tick, subject=after.id)
    if before is None:
        key = after.key
        yield decided(
            kind=Kind.OPENED,
            key=(key.environment, key.service, key.release, key.fingerprint),
            title=after.sample.title,
            because=tuple(_circumstances(after)),
        )
    elif not before.open and after.open:
        ago = tick - ended_tick(before)
        why = before.closed.value if before.closed is not None else ""
        yield decided(
            kind=Kind.REOPENED, why=why, because=(f"an event came {ago} s after its end",)
        )
    if after.regressed and not (before is not None and before.regressed):
        yield decided(kind=Kind.REGRESSED)
    if after.escalated and not (before is not None and before.escalated):
        yield decided(kind=Kind.ESCALATED)
    if before is not None:
        yield from _said_by_sentry(tick, before, after)
        yield from _assigned(tick, before, after)
    was = before.storm_id if before is not None else ""
    if after.storm_id != was:
        if after.storm_id:
            yield decided(kind=Kind.JOINED, other=after.storm_id)
        elif before is not None and before.open and after.open:
            yield decided(kind=Kind.PARTED, other=was)
    if not after.open and (before is None or before.open):
        why = after.closed.value if after.closed is not None else ""
        late = behind(after)
        said = f"it was said {late} s later: what happened until then does not open it again"
        yield decided(kind=Kind.CLOSED, why=why, because=(said,) if late else ())
    yield from _held(tick, after.id, before, after)


def with_evidence(decision: Decision, after: Entry | None, storms: Mapping[str, Storm]) -> Decision:
    """Return the joining of an incident with what tied its service to the storm."""
    storm = storms.get(decision.other)
    if decision.kind is not Kind.JOINED or storm is None or not isinstance(after, Incident):
        return decision
    service = evidence.shown(after.key.service)
    pieces = tuple(one for one in storm.evidence if not one.services or service in one.services)
    return msgspec.structs.replace(decision, because=weighed(pieces))


def _circumstances(incident: Incident) -> Iterator[str]:
    if incident.past:
        yield "its events were long over when they were heard of"
    elif incident.delayed:
        yield "its events came late"
    if incident.sampled:
        yield "its feed tells only some of the events"


def _said_by_sentry(tick: int, before: Incident, after: Incident) -> Iterator[Decision]:
    said = []
    if after.ignored is not before.ignored:
        said.append("its issue is ignored" if after.ignored else "its issue is ignored no longer")
    if after.assignee != before.assignee and not after.assigned_by:
        said.append(f"its issue is assigned to {after.assignee}")
    counts = (after.sentry_events, after.sentry_users)
    if counts != (before.sentry_events, before.sentry_users):
        events, users = (
            f"{count} {word}{'' if count == 1 else 's'}"
            for count, word in zip(counts, ("event", "user"), strict=True)
        )
        said.append(f"its issue has {events} and {users}")
    if said:
        yield Decision(tick=tick, subject=after.id, kind=Kind.SENTRY_SAID, because=tuple(said))


def newly_held(tick: int, before: Incident | Storm | None, after: Incident | Storm) -> bool:
    """Return whether something began in this tick to hold back what there is to tell."""
    was = before.told.held if before is not None else ""
    told = after.told
    return bool(told.held) and told.tick == tick and told.held != was


def _held(
    tick: int, subject: str, before: Incident | Storm | None, after: Incident | Storm
) -> Iterator[Decision]:
    told = after.told
    if newly_held(tick, before, after):
        why, _, name = told.held.partition(":")
        yield Decision(
            tick=tick,
            subject=subject,
            kind=Kind.HELD,
            why=why,
            name=name,
            until_tick=told.held_until,
        )


def _episode(tick: int, before: Episode, after: Episode) -> Iterator[Decision]:
    if before.acked_by == after.acked_by or not after.lead:
        return
    actor, source = after.acked_by
    if source:
        yield Decision(
            tick=tick,
            subject=after.lead,
            kind=Kind.ACKNOWLEDGED,
            name=actor,
            why=source,
            because=_had(before.acked_by[0], actor),
        )
    elif before.lead and 0 <= before.acked_until <= tick and after.lead == before.lead:
        because = (lapse_words(before.acked_for),)
        yield Decision(
            tick=tick,
            subject=after.lead,
            kind=Kind.UNACKNOWLEDGED,
            why=LAPSED,
            because=because,
        )
    elif before.page_key == after.page_key and before.lead:
        yield Decision(tick=tick, subject=after.lead, kind=Kind.UNACKNOWLEDGED)


def _had(before: str, actor: str) -> tuple[str, ...]:
    """Return who had it until somebody else acknowledged it."""
    return (f"{before} had it until then",) if before not in ("", actor) else ()


# Storms


def _storm(tick: int, before: Storm | None, after: Storm) -> Iterator[Decision]:
    decided = partial(Decision, tick=tick, subject=after.id)
    if before is None:
        members = after.members[:NAMED_MOST]
        yield decided(kind=Kind.STORM_OPENED, to=members, because=weighed(after.evidence))
    known = frozenset(before.members if before is not None else ())
    joined = [one for one in after.members if one not in known]
    if before is not None and joined:
        said = {piece.detail for piece in before.evidence}
        news = [piece for piece in after.evidence if piece.detail not in said]
        yield decided(
            kind=Kind.JOINED,
            to=tuple(joined[:NAMED_MOST]),
            because=weighed(news),
        )
    if after.merged_into and not (before is not None and before.merged_into):
        yield decided(kind=Kind.MERGED, other=after.merged_into)
    elif not after.open and (before is None or before.open):
        yield decided(kind=Kind.CLOSED, why=DISSOLVED if after.dissolved else after.closed.value)
    acked = before.ack if before is not None else None
    if after.ack is not None and after.ack != acked:
        actor, source = after.ack.actor, after.ack.source
        because = _had(acked.actor if acked is not None else "", actor)
        yield decided(kind=Kind.ACKNOWLEDGED, name=actor, why=source, because=because)
    elif acked is not None and after.ack is None and before is not None:
        if 0 <= acked.until_tick <= tick:
            because = (lapse_words(acked.for_ticks),)
            yield decided(kind=Kind.UNACKNOWLEDGED, why=LAPSED, because=because)
        else:
            again = after.generation != before.generation
            yield decided(kind=Kind.UNACKNOWLEDGED, why="paged_anew" if again else "")
    if before is not None:
        kept = (KEPT,) if after.back is not None and before.back is None else ()
        yield from _assigned(tick, before, after, kept)
    yield from _held(tick, after.id, before, after)


def _silence(tick: int, kind: Kind, silence: Silence) -> Decision:
    return Decision(
        tick=tick,
        subject=silence.id,
        kind=kind,
        name=silence.author,
        because=(silence.comment,) if silence.comment else (),
        until_tick=-(-silence.to_ms // 1000),
    )

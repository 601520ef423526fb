"""Decisions: what one tick decided, one value each, so that `explain` can tell it later.

Read off the entries that a tick changed, the digests it made and what the rules were asked: nothing
is decided here, and nothing that is decided hangs on whether anybody reads this. Values hold what a
digest may hold: names, parameterised titles, ids; no event, no user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from correlators import evidence
from correlators.acts import ActDone
from correlators.entries import Entry, Episode
from correlators.evidence import Piece
from correlators.incidents import Incident
from correlators.links import Near
from correlators.rulings import Ruling, Tried, Urgency
from correlators.silences import Silence
from correlators.storms import Storm
from correlators.types import Digest, PageAction

BECAUSE_MOST: Final = 8
"""Reasons of one decision; the weightiest are kept."""
TRIED_MOST: Final = 64
"""Rules that are told as tried; of more, the last, which are those that decided."""
NAMED_MOST: Final = 32
"""Destinations, and ids, of one decision."""


class Kind(StrEnum):
    """What was decided, in the order in which it is told of one tick. The word is stored."""

    ACTED = "acted"
    SILENCED = "silenced"
    SILENCE_ENDED = "silence_ended"
    OPENED = "opened"
    REOPENED = "reopened"
    REGRESSED = "regressed"
    ESCALATED = "escalated"
    SENTRY_SAID = "sentry_said"
    STORM_OPENED = "storm_opened"
    JOINED = "joined"
    MERGED = "merged"
    PARTED = "parted"
    STAYED_OUT = "stayed_out"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    UNCONFIRMED = "unconfirmed"
    CLOSED = "closed"
    RULED = "ruled"
    HELD = "held"
    SUPPRESSED = "suppressed"
    TOLD = "told"
    PAGED = "paged"
    PAGE_RESOLVED = "page_resolved"


Change = tuple[Entry | None, Entry | None]
"""An entry before and after a tick; None where it is not there."""

_TURN: Final = {kind: turn for turn, kind in enumerate(Kind)}


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="decision"):
    """One decision about one incident, storm or silence."""

    tick: int
    subject: str
    """Id of what it is about."""
    kind: Kind
    other: str = ""
    """Id of what else it is about: the storm joined, the page replaced."""
    why: str = ""
    """The word for it: a reason of closing, a suppression, a kind of digest, an urgency."""
    name: str = ""
    """Who or what decided: a rule, a silence, an inhibition, a person."""
    because: tuple[str, ...] = ()
    """In words, the weightiest first."""
    key: tuple[str, str, str, str] | None = None
    """(environment, service, release, fingerprint) of an incident that opened."""
    title: str = ""
    tried: tuple[tuple[str, str], ...] = ()
    """(rule, the part of it that did not hold; empty where it held), as they were read."""
    to: tuple[str, ...] = ()
    """Destinations that are told or paged; of a storm that opens or grows, the incidents."""
    revision: int = 0
    until_tick: int = -1
    """When what holds it ends; -1 where that is not known."""


class Ruled(NamedTuple):
    """What the rules said of one telling."""

    subject: str
    urgency: str
    tried: tuple[tuple[str, str], ...]
    to: tuple[str, ...]
    page: tuple[str, ...]
    name: str


def ruled(subject: str, ruling: Ruling, tried: Iterable[Tried]) -> Ruled:
    """Return what the rules said of one telling, for `of_tick`."""
    return Ruled(
        subject=subject,
        urgency=ruling.urgency.value,
        tried=tuple((one.rule, one.failed.value if one.failed else "") for one in tried),
        to=ruling.to,
        page=ruling.page if ruling.urgency is Urgency.PAGE else (),
        name=ruling.rules[0] if ruling.rules else "",
    )


def of_tick(
    tick: int,
    changes: Iterable[Change],
    digests: Iterable[Digest],
    asked: Iterable[Ruled] = (),
    suppressed: Iterable[tuple[str, str, str]] = (),
    near: Iterable[tuple[str, Near]] = (),
) -> list[Decision]:
    """Return what a tick decided, by turn and subject; each once.

    Args:
        tick: that was applied.
        changes: every entry that it changed.
        digests: that it made.
        asked: what the rules said of a telling.
        suppressed: (subject, suppression, name) of what was not told.
        near: incidents that stayed out of every storm, and what came nearest to tying them.
    """
    changed = list(changes)
    storms = {after.id: after for _, after in changed if isinstance(after, Storm)}
    found = [
        _with_evidence(one, after, storms)
        for before, after in changed
        for one in _of_change(tick, (before, after))
    ]
    found += [_ruled(tick, one) for one in asked]
    found += [
        Decision(tick=tick, subject=subject, kind=Kind.SUPPRESSED, why=why, name=name)
        for subject, why, name in suppressed
    ]
    found += [
        Decision(
            tick=tick,
            subject=subject,
            kind=Kind.STAYED_OUT,
            other=one.other,
            why=str(one.weight),
            because=_weighed(one.pieces),
        )
        for subject, one in near
    ]
    found += _of_digests(tick, digests)
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda one: (_TURN[one.kind], one.subject, one.other, one.revision))


def _of_change(tick: int, change: Change) -> Iterator[Decision]:
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
                because=(f"{after.kind.replace('_', ' ')} in {after.source}",),
                other=after.id,
            )
        case (Silence() | None as before, Silence() as after) if before != after:
            yield _silence(tick, Kind.SILENCED, after)
        case (Silence() as before, None):
            yield _silence(tick, Kind.SILENCE_ENDED, before)
        case _:
            return


# Incidents


def _incident(tick: int, before: Incident | None, after: Incident) -> Iterator[Decision]:
    def decided(kind: Kind, **more: object) -> Decision:
        return Decision(tick=tick, subject=after.id, kind=kind, **more)  # type: ignore[arg-type]

    if before is None:
        key = after.key
        yield decided(
            Kind.OPENED,
            key=(key.environment, key.service, key.release, key.fingerprint),
            title=after.sample.title,
            because=tuple(_circumstances(after)),
        )
    elif not before.open and after.open:
        ago = tick - before.closed_tick
        why = before.closed.value if before.closed is not None else ""
        yield decided(Kind.REOPENED, why=why, because=(f"an event came {ago} s after its end",))
    if after.regressed and not (before is not None and before.regressed):
        yield decided(Kind.REGRESSED)
    if after.escalated and not (before is not None and before.escalated):
        yield decided(Kind.ESCALATED)
    if before is not None:
        yield from _said_by_sentry(tick, before, after)
    was = before.storm_id if before is not None else ""
    if after.storm_id != was:
        if after.storm_id:
            yield decided(Kind.JOINED, other=after.storm_id)
        elif before is not None and before.open and after.open:
            yield decided(Kind.PARTED, other=was)
    if not after.open and (before is None or before.open):
        why = after.closed.value if after.closed is not None else ""
        yield decided(Kind.CLOSED, why=why)
    yield from _held(tick, after.id, before, after)


def _with_evidence(
    decision: Decision, after: Entry | None, storms: Mapping[str, Storm]
) -> Decision:
    """Return the joining of an incident with what tied its service to the storm."""
    storm = storms.get(decision.other)
    if decision.kind is not Kind.JOINED or storm is None or not isinstance(after, Incident):
        return decision
    service = evidence.shown(after.key.service)
    pieces = tuple(one for one in storm.evidence if not one.services or service in one.services)
    return msgspec.structs.replace(decision, because=_weighed(pieces))


def _weighed(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Return what ties, and how much each weighs, the weightiest first."""
    ordered = sorted(pieces, key=lambda one: (-one.weight, one.detail))
    return tuple(f"{one.detail} (weight {one.weight})" for one in ordered)[:BECAUSE_MOST]


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
    if after.assignee != before.assignee:
        said.append(f"its issue is assigned to {after.assignee}")
    counts = (after.sentry_events, after.sentry_users)
    if counts != (before.sentry_events, before.sentry_users):
        said.append(f"its issue has {counts[0]} events and {counts[1]} users")
    if said:
        yield Decision(tick=tick, subject=after.id, kind=Kind.SENTRY_SAID, because=tuple(said))


def _held(
    tick: int, subject: str, before: Incident | Storm | None, after: Incident | Storm
) -> Iterator[Decision]:
    was = before.told.held if before is not None else ""
    told = after.told
    if told.held and told.tick == tick and (told.held != was or before is None):
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
            tick=tick, subject=after.lead, kind=Kind.ACKNOWLEDGED, name=actor, why=source
        )
    elif before.page_key == after.page_key:
        yield Decision(tick=tick, subject=after.lead, kind=Kind.UNACKNOWLEDGED)


# Storms


def _storm(tick: int, before: Storm | None, after: Storm) -> Iterator[Decision]:
    def decided(kind: Kind, **more: object) -> Decision:
        return Decision(tick=tick, subject=after.id, kind=kind, **more)  # type: ignore[arg-type]

    if before is None:
        members = after.members[:NAMED_MOST]
        yield decided(Kind.STORM_OPENED, to=members, because=_weighed(after.evidence))
    joined = [one for one in after.members if before is None or one not in {*before.members}]
    if before is not None and joined:
        said = {piece.detail for piece in before.evidence}
        news = [piece for piece in after.evidence if piece.detail not in said]
        yield decided(
            Kind.JOINED,
            to=tuple(joined[:NAMED_MOST]),
            because=_weighed(news),
        )
    if after.merged_into and not (before is not None and before.merged_into):
        yield decided(Kind.MERGED, other=after.merged_into)
    elif not after.open and (before is None or before.open):
        yield decided(Kind.CLOSED, why="quiet")
    acked = before.ack if before is not None else None
    if after.ack is not None and after.ack != acked:
        yield decided(Kind.ACKNOWLEDGED, name=after.ack.actor, why=after.ack.source)
    elif acked is not None and after.ack is None and before is not None:
        again = after.generation != before.generation
        yield decided(Kind.UNACKNOWLEDGED, why="paged_anew" if again else "")
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


# Tellings


def _ruled(tick: int, ruled: Ruled) -> Decision:
    return Decision(
        tick=tick,
        subject=ruled.subject,
        kind=Kind.RULED,
        why=ruled.urgency,
        name=ruled.name,
        tried=ruled.tried[-TRIED_MOST:],
        to=(*ruled.to, *ruled.page)[:NAMED_MOST],
    )


def _of_digests(tick: int, digests: Iterable[Digest]) -> Iterator[Decision]:
    """One decision per revision that is told, and one per page that is asked for."""
    of_revision: dict[tuple[str, int], list[Digest]] = {}
    for digest in digests:
        of_revision.setdefault((digest.id, digest.revision), []).append(digest)
    for (subject, revision), found in of_revision.items():
        told = tuple(one.destination for one in found if one.page is PageAction.NONE)
        first = found[0]
        if told:
            yield Decision(
                tick=tick,
                subject=subject,
                kind=Kind.TOLD,
                why=first.kind.value,
                name=first.rule,
                title=first.title,
                to=told[:NAMED_MOST],
                revision=revision,
            )
        for action, kind in (
            (PageAction.TRIGGER, Kind.PAGED),
            (PageAction.RESOLVE, Kind.PAGE_RESOLVED),
        ):
            pages = [one for one in found if one.page is action]
            if pages:
                reason = pages[0].page_reason
                yield Decision(
                    tick=tick,
                    subject=subject,
                    kind=kind,
                    why=reason.value if reason is not None else "",
                    name=first.rule,
                    other=pages[0].page_key,
                    to=tuple(one.destination for one in pages)[:NAMED_MOST],
                    revision=revision,
                )

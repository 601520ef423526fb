"""The decisions of one tick: read off the entries that it changed, the digests that it made, and
what the rules were asked.

Nothing is decided here, and nothing that is decided hangs on whether anybody reads this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from correlators.acts import ActDone
from correlators.decisions import BECAUSE_MOST, NAMED_MOST, TRIED_MOST, Decision, Kind, weighed
from correlators.decisions_of_entries import Change, of_change, with_evidence
from correlators.issue_change import IssueChange
from correlators.links import Near
from correlators.rulings import Ruling, Tried, Urgency
from correlators.storms import Storm
from correlators.types import Digest, PageAction, tick_of

_TURN: Final = {kind: turn for turn, kind in enumerate(Kind)}


class Ruled(NamedTuple):
    """What the rules said of one telling."""

    subject: str
    urgency: str
    tried: tuple[tuple[str, str], ...]
    to: tuple[str, ...]
    page: tuple[str, ...]
    name: str
    linked: tuple[str, ...]


def ruled(subject: str, ruling: Ruling, tried: Iterable[Tried]) -> Ruled:
    """Return what the rules said of one telling, for `of_tick`."""
    return Ruled(
        subject=subject,
        urgency=ruling.urgency.value,
        tried=tuple((one.rule, one.failed.value if one.failed else "") for one in tried),
        to=ruling.to,
        page=ruling.page if ruling.urgency is Urgency.PAGE else (),
        name=ruling.rules[0] if ruling.rules else "",
        linked=ruling.linked,
    )


def of_tick(
    tick: int,
    changes: Iterable[Change],
    digests: Iterable[Digest],
    asked: Iterable[Ruled] = (),
    suppressed: Iterable[tuple[str, str, str]] = (),
    near: Iterable[tuple[str, Near]] = (),
) -> list[Decision]:
    """Return what a tick decided, by turn and subject, acts by when somebody did them; each once.

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
        with_evidence(one, after, storms)
        for before, after in changed
        for one in of_change(tick, (before, after))
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
            because=weighed(one.pieces),
        )
        for subject, one in near
    ]
    found += _of_digests(tick, digests)
    unique = dict.fromkeys(found)
    # Entries come by their keys: an act's is no more than its hash.
    done_ms = {after.id: after.at_ms for _, after in changed if isinstance(after, ActDone)}

    def place(one: Decision) -> tuple[int, str, int, str, int]:
        at_ms = done_ms.get(one.other, 0) if one.kind is Kind.ACTED else 0
        return _TURN[one.kind], one.subject, at_ms, one.other, one.revision

    return sorted(unique, key=place)


def _ruled(tick: int, ruled: Ruled) -> Decision:
    return Decision(
        tick=tick,
        subject=ruled.subject,
        kind=Kind.RULED,
        why=ruled.urgency,
        name=ruled.name,
        tried=ruled.tried[-TRIED_MOST:],
        to=(*ruled.to, *ruled.page)[:NAMED_MOST],
        because=ruled.linked[:BECAUSE_MOST],
    )


def _stand_ins(pages: Iterable[Digest]) -> tuple[str, ...]:
    """Return who is paged where one of those that are paged cannot be."""
    known = (one for one in pages if one.page_fallback)
    lines = [f"where {one.destination} cannot be paged, {one.page_fallback} is" for one in known]
    return tuple(lines[:NAMED_MOST])


def _of_digests(tick: int, digests: Iterable[Digest]) -> Iterator[Decision]:
    """One decision per revision that is told, and one per page that is asked for."""
    of_revision: dict[tuple[str, int], list[Digest]] = {}
    asked: dict[tuple[str, str, str], list[IssueChange]] = {}
    for digest in digests:
        if (change := digest.issue_change) is not None:
            together = (change.subject, change.does.value, change.assignee)
            asked.setdefault(together, []).append(change)
            continue
        if (theirs := digest.personal) is not None:
            sink, _, name = digest.destination.partition(":")
            yield Decision(
                tick=tick,
                subject=theirs.subject,
                kind=Kind.TOLD_PERSON,
                why=theirs.deed.value,
                name=name,
                other=digest.id,
                to=(sink,),
            )
            continue
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
            (PageAction.ACKNOWLEDGE, Kind.PAGE_ACKNOWLEDGED),
            (PageAction.UNACKNOWLEDGE, Kind.PAGE_UNACKNOWLEDGED),
            (PageAction.RESOLVE, Kind.PAGE_RESOLVED),
        ):
            pages = [one for one in found if one.page is action]
            if pages:
                reason = pages[0].page_reason or pages[0].page_over
                yield Decision(
                    tick=tick,
                    subject=subject,
                    kind=kind,
                    why=reason.value if reason is not None else "",
                    name=first.act_by if pages[0].page_over is not None else first.rule,
                    other=pages[0].page_key,
                    because=_stand_ins(pages) if action is PageAction.TRIGGER else (),
                    to=tuple(one.destination for one in pages)[:NAMED_MOST],
                    revision=revision,
                )
    for (subject, does, assignee), changes in asked.items():
        until_ms = changes[0].until_ms
        left = changes[0].together - len(changes)
        yield Decision(
            tick=tick,
            subject=subject,
            kind=Kind.SENTRY_ASKED,
            why=does,
            name=changes[0].source,
            other=assignee,
            because=(f"{left} more issues are not: that is too many at once",) if left > 0 else (),
            to=tuple(one.issue_id for one in changes)[:NAMED_MOST],
            revision=len(changes),
            until_tick=tick_of(until_ms) if until_ms else -1,
        )

"""Which page a digest opens or ends, and which it takes the place of.

Lives here: what an incident or a storm asks of the pagers, as it is now and as the rules judge it.
Not here: whether the rules page (`judging`), who has a page when incidents come and go
(`handover`), and what the state keeps of it once it is told (`incident_telling`, `storm_telling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from correlators.coverage import covered, gained, gained_words
from correlators.digest import Page
from correlators.incidents import Incident
from correlators.judging import Judgement
from correlators.state import State
from correlators.storms import Storm
from correlators.types import PageAction, PageReason, Suppression

MUTES: Final = (Suppression.SILENCED, Suppression.MAINTENANCE)
"""What holds a page of an acknowledged storm too."""


def of_incident(state: State, incident: Incident, judgement: Judgement | None) -> Page:
    """Return the page that an incident opens or ends, if any; its whole episode has one page."""
    episode = state.episode(incident.key)
    if episode is None:
        return Page()
    storm = state.storm_of(incident)
    leads = episode.lead == incident.id
    if episode.page_left_by == incident.id and not incident.open:
        waits = incident.page_left
        return Page() if waits else resolve(episode.page_key, episode.page_to)
    if episode.page_key and not episode.page_left_by:
        moved = storm is not None and leads
        if not moved and state.open_of_episode(incident.key):
            return Page()
        after = (storm.page_key, storm.page_to) if storm is not None else ("", ())
        return resolve(episode.page_key, episode.page_to, after=after)
    if storm is not None or not incident.open or not leads:
        return Page()
    page = _trigger(judgement, f"{incident.id}.{incident.told.revision + 1}")
    if page.action is PageAction.NONE:
        return page
    if judgement is not None and covered(episode, judgement.facts.level):
        return Page()  # somebody has it since before it paged
    return msgspec.structs.replace(page, replaces=episode.page_key)


def of_storm(storm: Storm, judgement: Judgement, fallbacks: Mapping[str, str]) -> Page:
    """Return the page to open, if any.

    An acknowledged storm pages anew for what the acknowledgement does not cover: whoever was
    paged before, whatever the rules say by now, unless it is silenced. One that never paged then
    pages as the rules say.

    Args:
        storm: as it is in the state.
        judgement: what the rules say of it.
        fallbacks: who stands in for whoever is paged, where the judgement does not say.
    """
    key = f"{storm.id}.{storm.generation + 1}"
    if storm.ack is not None:
        reason = gained(storm)
        if reason is not None and not storm.page_key:
            return _trigger(judgement, key)
        to = storm.page_to or judgement.ruling.page
        muted = judgement.hold is not None and judgement.hold.why in MUTES
        if reason is None or not to or muted:
            return Page()
        why = gained_words(storm)
        return Page(
            PageAction.TRIGGER,
            key,
            reason,
            to=to,
            replaces=storm.page_key,
            why=why,
            fallback=_stand_ins(to, judgement, fallbacks),
        )
    return Page() if storm.page_key else _trigger(judgement, key)


def acknowledge(key: str, to: tuple[str, ...]) -> Page:
    """Return the word to whoever holds this page that a person has it, if there is one.

    Also where the pager is what said so: others may have been paged beside it or instead of it. The
    outbox does not tell a pager what that one said itself (`Digest.page_heard`).
    """
    return Page(PageAction.ACKNOWLEDGE, key, to=to) if key else Page()


def unacknowledge(key: str, to: tuple[str, ...]) -> Page:
    """Return the word to whoever holds this page that nobody has it any more, if there is one."""
    return Page(PageAction.UNACKNOWLEDGE, key, to=to) if key else Page()


def _stand_ins(
    to: tuple[str, ...], judgement: Judgement, fallbacks: Mapping[str, str]
) -> tuple[str, ...]:
    """Return who stands in for each of them: as the rules say now, or as any rule says; else the
    first who is told."""
    ruling = judgement.ruling
    known = {**fallbacks, **dict(zip(ruling.page, ruling.fallback, strict=True))}
    return _standing(to, ruling.to, known)


def _standing(
    to: tuple[str, ...], told: tuple[str, ...], known: Mapping[str, str]
) -> tuple[str, ...]:
    some = [*told, ""]
    return tuple(known.get(one) or next(two for two in some if two != one) for one in to)


def with_stand_ins(page: Page, told: tuple[str, ...], fallbacks: Mapping[str, str]) -> Page:
    """Return what is asked with who stands in for each, where that is not said yet: also the word
    that a page is taken on or over may find no place, and has to reach whoever has it instead.

    Args:
        page: of a telling.
        told: who is told of the same.
        fallbacks: who stands in for whoever is paged, as the first rule says that pages them.
    """
    if page.action is PageAction.NONE or page.fallback:
        return page
    return msgspec.structs.replace(page, fallback=_standing(page.to, told, fallbacks))


def anew(key: str, before: tuple[str, tuple[str, ...]], why: str) -> Page:
    """Return the page that takes the place of one whose acknowledgement ended by itself.

    Args:
        key: of the new one.
        before: key of the old one, and who has it.
        why: that it ended, in words.
    """
    replaces, to = before
    return Page(
        PageAction.TRIGGER,
        key,
        PageReason.ACK_ENDED,
        to=to,
        replaces=replaces,
        why=why,
    )


def resolve(
    key: str, to: tuple[str, ...], *, after: tuple[str, tuple[str, ...]] = ("", ())
) -> Page:
    """Return the end of a page, if there is one, once the page that goes on for it is there.

    Args:
        key: of the page.
        to: who has it.
        after: key of the page that goes on, and who has that.
    """
    if not key:
        return Page()
    return Page(PageAction.RESOLVE, key, to=to, after=after[0], after_to=after[1])


def _trigger(judgement: Judgement | None, key: str) -> Page:
    """Return the page that the rules ask for under this key, none where they ask for none."""
    if judgement is None or not judgement.pages:
        return Page()
    ruling = judgement.ruling
    return Page(
        PageAction.TRIGGER,
        key,
        judgement.page_reason,
        to=ruling.page,
        fallback=ruling.fallback,
    )

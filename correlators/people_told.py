"""What a digest says of people: who acknowledged it, whose silence mutes it, whether somebody was
paged.

Lives here: how that is found in the state. Not here: what acknowledgements and silences do
(`acknowledging`, `silencing`), and what else a digest says (`digest`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from correlators.acts import Act, kind_of, text_of
from correlators.coverage import ack_ends
from correlators.digest import Page
from correlators.entries import NOBODY
from correlators.incidents import Incident
from correlators.page_acts import page_of
from correlators.state import State
from correlators.storms import Storm
from correlators.types import TICK_MS, Digest, DigestKind, PageAction, PageOver

_MUTED: Final = frozenset(
    {
        DigestKind.SILENCED,
        DigestKind.ACKNOWLEDGED,
        DigestKind.UNACKNOWLEDGED,
        DigestKind.NOTED,
        DigestKind.PARTED,
    }
)
"""What may be told of something that a silence mutes; whatever else is told is not muted, or is
over."""


class Had(NamedTuple):
    """Whose acknowledgement stood before another one took its place."""

    actor: str = ""
    until_ms: int = 0
    """When it was to end by itself; 0 for never."""


NOBODY_HAD: Final = Had()


class Said(NamedTuple):
    """What a person did, where a digest tells just that."""

    silence_id: str = ""
    """The silence that mutes it from now on."""
    took_back: tuple[str, str] = NOBODY
    """(actor, source) of who took an acknowledgement back."""
    act: str = ""
    """Kind of another act."""
    by: tuple[str, str] = NOBODY
    """(actor, source) of that one."""
    text: str = ""
    """What was said in it."""
    page: str = ""
    """Key of the page that it was said of, where a pager said it."""
    page_over: PageOver | None = None
    """Why its page, which was left, is open no more."""
    had: Had = NOBODY_HAD
    """Of an acknowledgement: who had it until then."""


NOTHING_SAID: Final = Said()


def said_of(act: Act, text: str = "") -> Said:
    """Return what a person did in an act that has a place of its own in a digest; `text` in place
    of what the act says."""
    return Said(
        act=kind_of(act),
        by=(act.actor, act.source),
        text=text or text_of(act),
        page=page_of(act),
    )


def with_people(
    state: State, content: Digest, found: Incident | Storm, page: Page, said: Said
) -> Digest:
    """Return the digest with what people did about it, as it stands once this is told.

    Args:
        state: read only.
        content: the digest of `found`, for no destination yet.
        found: as it is in the state.
        page: what this telling asks of the pagers. A page that it opens has been acknowledged by
            nobody.
        said: what a person did that it tells of, if it does.
    """
    triggers = page.action is PageAction.TRIGGER
    stands = NOBODY if triggers else acknowledged_by(state, found)
    actor, source = said.took_back if said.took_back[1] else stands
    by_whom = said.silence_id or found.told.silenced
    silence = state.silence(by_whom) if content.kind in _MUTED else None
    if silence is not None and silence.to_ms <= content.at_ms:
        silence = None
    return msgspec.structs.replace(
        content,
        paged=triggers or was_paged(state, found),
        acked_by=actor,
        acked_in=source,
        acked_until_ms=0 if actor != stands[0] or triggers else _acked_until_ms(state, found),
        silenced_until_ms=silence.to_ms if silence is not None else 0,
        silenced_by=silence.author if silence is not None else "",
        act=said.act,
        act_by=said.by[0],
        act_in=said.by[1],
        act_text=said.text,
        page_heard=_heard(page, said),
        page_over=said.page_over,
        had_by=said.had.actor,
        had_until_ms=said.had.until_ms,
        told_by_rule="" if content.rule else found.told.rule,
    )


def _heard(page: Page, said: Said) -> bool:
    """Return whether what is asked of a page is what a person has just said of it somewhere.

    Whoever ends one page in a pager ends others with it, of which that pager knows nothing yet.
    """
    if page.action is PageAction.RESOLVE:
        return bool(said.page) and said.page == page.key
    return page.action is PageAction.ACKNOWLEDGE


def acknowledged_by(state: State, found: Incident | Storm) -> tuple[str, str]:
    """Return (actor, source) of who acknowledged it, twice empty where nobody has.

    An incident that a storm tells is acknowledged with the storm.
    """
    storm = found if isinstance(found, Storm) else state.storm_of(found)
    if storm is not None:
        return (storm.ack.actor, storm.ack.source) if storm.ack is not None else NOBODY
    assert isinstance(found, Incident)
    episode = state.episode(found.key)
    return episode.acked_by if episode is not None else NOBODY


def had(state: State, found: Incident | Storm, actor: str) -> Had:
    """Return who has it before this person acknowledges it: nobody where it is the same person."""
    before = acknowledged_by(state, found)[0]
    return Had(before, _acked_until_ms(state, found)) if before != actor else NOBODY_HAD


def _acked_until_ms(state: State, found: Incident | Storm) -> int:
    """Return when the acknowledgement that `acknowledged_by` finds ends by itself, 0 for never."""
    storm = found if isinstance(found, Storm) else state.storm_of(found)
    if storm is not None:
        ends = storm.ack.until_tick if storm.ack is not None else -1
    else:
        assert isinstance(found, Incident)
        episode = state.episode(found.key)
        ends = ack_ends(episode) if episode is not None else -1
    return ends * TICK_MS if ends >= 0 else 0


def was_paged(state: State, found: Incident | Storm) -> bool:
    """Return whether a page is open for it, or was; that of an incident's last storm counts."""
    if found.told.paged:
        return True
    if isinstance(found, Storm):
        return bool(found.page_key) or found.generation > 0
    episode = state.episode(found.key)
    if episode is not None and episode.page_key and episode.page_left_by in ("", found.id):
        return True
    storm = state.storm(found.storm_id) if found.storm_id else None
    return storm is not None and was_paged(state, storm)

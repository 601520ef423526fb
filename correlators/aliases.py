"""One error under several names: what stands open under another signature version goes on.

Which incident a delta joins, and which episode tells for it, where the signature version of the
configuration has changed. Without a change every rule here ends in the delta's own key.

- A delta joins the open incident of its (environment, service, release) under any of its names, an
  older name first; so open incidents are aliased and not split, and each lives on under the name it
  opened with, for `max_life` at most. Two that one new name would make one stay two until then.
- A new incident opens under the name of the version that is taken. Its episode inherits what the
  episodes of its other names know; while one of those has open incidents (of other releases), it is
  joined to it: told by its lead, paged with it, so nothing is new only because the version changed.
- The bond ends with the last open incident of the older name; a page goes over to the heir.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from correlators import incidents
from correlators.entries import NOBODY, Episode
from correlators.incidents import Incident, Windows
from correlators.state import State
from correlators.types import Delta, IncidentKey


def keys_of(delta: Delta) -> list[IncidentKey]:
    """Return the delta's key and its keys under the other signature versions, its own first."""
    if not delta.aliases:
        return [delta.key]
    others = [msgspec.structs.replace(delta.key, fingerprint=name) for _, name in delta.aliases]
    return list(dict.fromkeys([delta.key, *others]))


def known(state: State, delta: Delta) -> list[Incident]:
    """Return the remembered incidents of the delta's keys, oldest first."""
    if not delta.aliases:
        return state.of_key(delta.key)
    found = [incident for key in keys_of(delta) for incident in state.of_key(key)]
    return sorted(found, key=lambda one: (one.opened_tick, one.id))


def standing(
    found: Sequence[Incident], key: IncidentKey, *, tick: int, windows: Windows
) -> Incident | None:
    """Return the incident that events of this tick go on in, open or to be reopened, if any.

    Open ones before closed ones. Of open ones the oldest of another name, then that of the key
    itself: the older name is not left to fall quiet while its error goes on. Of closed ones the
    newest, if it may be reopened.

    Args:
        found: as `known` returns them.
        key: the delta's own.
        tick: the tick being applied.
        windows: the lengths.
    """
    still_open = [one for one in found if one.open]
    if len(still_open) == 1:
        return still_open[0]
    if still_open:
        return min(still_open, key=lambda one: (one.key == key, one.opened_tick, one.id))
    newest = {one.key: one for one in found}.values()
    may = [one for one in newest if incidents.may_reopen(one, tick=tick, windows=windows)]
    return max(may, key=lambda one: (one.closed_tick, one.opened_tick, one.id), default=None)


def inherit(state: State, incident: Incident, delta: Delta, tick: int) -> None:
    """Let the episode of an incident that has just opened go on what its other names have told.

    Args:
        state: read and written; the incident is in it, and open.
        incident: opened or reopened in this tick.
        delta: what opened it, under the incident's own name.
        tick: the tick being applied.
    """
    key = incident.key
    own = state.own_episode(key)
    first = [one.id for one in state.open_alone(key)] == [incident.id]
    if first:
        # Whoever was joined here has been on its own since the last incident was over.
        for part in state.parts_of(key):
            state.put(msgspec.structs.replace(part, joined=""))
    others = [
        (other, episode)
        for other in keys_of(delta)[1:]
        if (episode := state.own_episode(other)) is not None
    ]
    if not others:
        return
    if own is None:
        _, oldest = min(others, key=lambda one: (one[1].first_tick, one[0]))
        own = msgspec.structs.replace(
            oldest,
            fingerprint=key.fingerprint,
            last_tick=tick,
            lead="",
            page_key="",
            page_to=(),
            joined="",
            acked_by=NOBODY,
        )
    since = min(own.first_tick, *(episode.first_tick for _, episode in others))
    joined = own.joined
    if first:
        homes = [_home(state, other) for other, _ in others if state.open_of_episode(other)]
        joined = min((one for one in homes if one != key.fingerprint), default="")
        joined = "" if own.page_key else joined  # a page of its own is still open: it ends it
    state.put(msgspec.structs.replace(own, first_tick=since, joined=joined))


def _home(state: State, key: IncidentKey) -> str:
    """Return the fingerprint of the episode that tells for this key."""
    episode = state.episode(key)
    return episode.fingerprint if episode is not None else key.fingerprint


def part(state: State, key: IncidentKey, tick: int) -> None:
    """Give the episodes that were joined to this one a life of their own, if it is over.

    Each gets a lead, told in this tick; the first of them takes the page over, if one is open. Who
    has acknowledged it has all of them.

    Args:
        state: read and written.
        key: of an incident that has just closed.
        tick: the tick being applied.
    """
    if state.open_alone(key):
        return
    own = state.own_episode(key)
    told_by, page_key = (own.lead, own.page_key) if own is not None else ("", "")
    page_to = own.page_to if own is not None else ()
    acked_by, level = (own.acked_by, own.acked_level) if own is not None else (NOBODY, None)
    until, for_ticks = (own.acked_until, own.acked_for) if own is not None else (-1, 0)
    heirs: list[tuple[bool, Incident, Episode]] = []
    for episode in state.parts_of(key):
        episode = msgspec.structs.replace(episode, joined="")
        state.put(episode)
        rest = state.open_alone(msgspec.structs.replace(key, fingerprint=episode.fingerprint))
        if rest:
            lead = next((one for one in rest if one.id == told_by), rest[0])
            heirs.append((lead.id != told_by, lead, episode))
    for new, lead, episode in sorted(
        heirs, key=lambda one: (one[0], one[1].opened_tick, one[1].id)
    ):
        state.put(
            msgspec.structs.replace(
                episode,
                lead=lead.id,
                page_key=page_key,
                page_to=page_to,
                acked_by=acked_by,
                acked_level=level,
                acked_until=until,
                acked_for=for_ticks,
            )
        )
        if new:
            state.put(msgspec.structs.replace(lead, tell_tick=tick))
        page_key, page_to = "", ()
    if own is not None and heirs:
        bare = msgspec.structs.replace(own, lead="", page_key="", page_to=(), acked_by=NOBODY)
        state.put(bare)

"""Pages that change hands: who has one when an incident joins a storm, leaves it, or comes to lead.

So that what has a page keeps it, whatever it is told by. What is told of that is `telling`'s part.
"""

from __future__ import annotations

import msgspec

from correlators.entries import NOBODY, episode_place
from correlators.incidents import Incident
from correlators.state import State
from correlators.storms import Ack, Storm, name_hash


def taken_over(state: State, storm: Storm, incident: Incident, tick: int) -> Storm:
    """Return the storm with the page that was opened for the incident's episode.

    Only the lead brings it: while the lead is told by itself, its page is its own. A storm that has
    a page keeps its own, and the incident's is resolved after it. An acknowledgement of the
    incident covers what the incident is, and no more; it comes along too where neither has a page.
    """
    episode = state.episode(incident.key)
    if episode is None or episode.lead != incident.id:
        return storm
    if episode.page_left_by:
        return storm  # of an incident that is over
    actor, source = episode.acked_by
    if not episode.page_key and (not source or storm.page_key or storm.ack is not None):
        return storm
    if storm.page_key:
        overtaken = storm.ack is not None and not source
        return msgspec.structs.replace(storm, overtaken=storm.overtaken or overtaken)
    state.put(msgspec.structs.replace(episode, page_key="", page_to=(), acked_by=NOBODY))
    ack, had_tick = None, storm.had_tick
    if source:
        had_tick = max(had_tick, episode.had_tick)
        service = incident.key.service
        ack = Ack(
            actor=actor,
            source=source,
            tick=tick,
            services=(name_hash(service),),
            level=incident.level if episode.page_key else episode.acked_level or incident.level,
            origin=service,
            until_tick=episode.acked_until,
            for_ticks=episode.acked_for,
        )
    return msgspec.structs.replace(
        storm, page_key=episode.page_key, page_to=episode.page_to, ack=ack, had_tick=had_tick
    )


def given_back(state: State, storm: Storm, last: Incident) -> Storm:
    """Return the storm that is over without its page, which goes on for the last one left in it.

    Its acknowledgement goes with it where it covers that incident. An error that has a page, or
    that another storm tells, keeps that one.
    """
    episode = state.episode(last.key)
    if not ((storm.page_key or storm.ack) and last.open) or episode is None:
        return storm
    lead = state.find_incident(episode.lead)
    teller = state.storm_of(lead) if lead is not None else None
    if episode.page_key or (teller is not None and teller.id != storm.id):
        return storm
    ack = storm.ack
    covers = ack is not None and name_hash(last.key.service) in ack.services
    if not storm.page_key and not covers:
        return storm
    state.put(
        msgspec.structs.replace(
            episode,
            page_key=storm.page_key,
            page_to=storm.page_to,
            acked_by=(ack.actor, ack.source) if ack is not None and covers else NOBODY,
            acked_level=ack.level if ack is not None else None,
            acked_until=ack.until_tick if ack is not None else -1,
            acked_for=ack.for_ticks if ack is not None else 0,
            had_tick=max(episode.had_tick, storm.had_tick),
        )
    )
    return msgspec.structs.replace(
        storm, page_key="", page_to=(), ack=None if storm.page_key else ack
    )


def goes_on(state: State, storm: Storm) -> tuple[Storm | None, tuple[str, tuple[str, ...]]]:
    """Return the storm that tells what goes on of this one, and the page that is open for it, with
    who has that.

    For a storm that is over while its incidents are not. Of several, one that pages whom this one
    has paged, and the one whose incident joined first; without any, None and an empty key.
    """
    heirs: list[Storm] = []
    pages: list[tuple[str, tuple[str, ...], Storm | None]] = []
    for one in storm.members:
        incident = state.find_incident(one)
        if incident is None or not incident.open:
            continue
        heir = state.storm_of(incident)
        if heir is not None:
            heirs.append(heir)
            pages.append((heir.page_key, heir.page_to, heir))
        elif (episode := state.episode(incident.key)) is not None:
            pages.append((episode.page_key, episode.page_to, None))
    pages = [one for one in pages if one[0]]
    pages.sort(key=lambda one: not {*one[1]} & {*storm.page_to})
    key, to, heir = pages[0] if pages else ("", (), None)
    return heir or next(iter(heirs), None), (key, to)


def has_left(state: State, incident: Incident) -> bool:
    """Return whether the incident, last told as part of a storm, goes on without it.

    Because a person said so, or because that storm is over while the incident is not; one that
    comes back after the end of its storm has not left it.
    """
    storm = state.storm(incident.told.joined)
    if storm is None:
        return False
    over = storm.dissolved and incident.onset_tick <= storm.closed_tick
    return over or episode_place(incident.key) in storm.apart

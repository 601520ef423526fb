"""The state of CORRELATE: its entries, and what is found by looking at them.

Open incidents by key, what is due next, incidents still young enough to be linked: all of it is
derived from the entries alone, so that a restored state equals the live one.

Lives here: reading, writing and undoing of entries. Not here: when one is due (`due`), and what is
found by ids (`incident_index`, `episodes`, `alert_index`, `young`, `people`, `page_index`,
`trails`, `gaining`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from correlators.acts import ActDone
from correlators.alert_index import OpenAlerts
from correlators.baseline import Baseline
from correlators.channel_links import ChannelLink
from correlators.coverage import ack_ends
from correlators.days import Day
from correlators.dependencies import Neighbours
from correlators.due import Due
from correlators.entries import (
    IGNORED_MOST,
    Entry,
    Episode,
    Frozen,
    Heard,
    Hour,
    Ignored,
    Service,
    baseline_key,
    day_key,
    episode_key,
    episode_place,
    hour_key,
    key_of,
    neighbours_key,
    service_key,
)
from correlators.episodes import OpenEpisodes
from correlators.gaining import Gaining
from correlators.history import HOUR_TICKS
from correlators.incident_index import IncidentIndex
from correlators.incidents import Incident, Windows, ticks
from correlators.page_index import PageIndex
from correlators.people import People
from correlators.personal import Choice
from correlators.silences import Silence
from correlators.sources import Sources
from correlators.storms import Linking, Storm, Stretch
from correlators.ticks import Progress
from correlators.trails import Trails
from correlators.types import IncidentKey
from correlators.young import Young


class Correlation(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that the state's own life needs."""

    windows: Windows = Windows()
    linking: Linking = Linking()


class State:
    """Entries of one partition, with their indexes. Reads see every write at once."""

    def __init__(
        self,
        correlation: Correlation,
        entries: Iterable[Entry] = (),
        sources: Sources | None = None,
    ) -> None:
        """Args: correlation: the limits; entries: as restored, in any order, without `Progress`;
        sources: of the inhibitions that are configured, without an incident yet."""
        self._correlation = correlation
        self.sources = sources or Sources()
        self.forgotten = 0
        """Grows whenever an incident may have gone: what was worked out before may not hold."""
        self._entries: dict[str, Entry] = {}
        self._changed: set[str] = set()
        self._newly_changed: set[str] = set()
        self._undo: dict[str, Entry | None] = {}
        self._reindex({key_of(entry): entry for entry in entries})

    def _reindex(self, entries: dict[str, Entry]) -> None:
        self.forgotten += 1
        self._entries = {}
        self._incidents = IncidentIndex(self._entries)
        self._episodes = OpenEpisodes()
        self.young = Young()
        self._open_storms: set[str] = set()
        self._doubted: set[str] = set()
        self.people = People()
        self.pages = PageIndex()
        self.gaining = Gaining()
        self._alerts = OpenAlerts()
        self._ignored: set[tuple[int, str]] = set()
        self._of_error: dict[tuple[str, str], set[str]] = {}
        self.sources.clear()
        windows, linking = self._correlation.windows, self._correlation.linking
        self._due = Due(windows, linking, self._entries)
        for key in sorted(entries):
            self._place(key, entries[key])
            self._change(None, entries[key])
        self.trails = Trails(ticks(linking.link_within_ms))
        self.trails.learn(one for one in entries.values() if isinstance(one, Incident) and one.open)

    # Reading

    def get(self, key: str) -> Entry | None:
        """Return the entry of this key, or None."""
        return self._entries.get(key)

    def incident(self, incident_id: str) -> Incident:
        """Return the incident of this id. Raises: KeyError: there is none."""
        found = self._entries["incident:" + incident_id]
        assert isinstance(found, Incident)
        return found

    def find_incident(self, incident_id: str) -> Incident | None:
        """Return the incident of this id, or None when it is forgotten."""
        found = self._entries.get("incident:" + incident_id)
        return found if isinstance(found, Incident) else None

    def storm(self, storm_id: str) -> Storm | None:
        """Return the storm of this id, following merges, or None when it is forgotten."""
        found = self._entries.get("storm:" + storm_id)
        while isinstance(found, Storm) and found.merged_into:
            found = self._entries.get("storm:" + found.merged_into)
        return found if isinstance(found, Storm) else None

    def storm_of(self, incident: Incident) -> Storm | None:
        """Return the open storm that tells this incident, or None."""
        storm = self.storm(incident.storm_id) if incident.storm_id else None
        return storm if storm is not None and storm.open else None

    def spent(self, incident: Incident) -> bool:
        """Return whether the incident's present stretch belongs to a storm that is over."""
        storm = self.storm(incident.storm_id) if incident.storm_id else None
        return storm is not None and not storm.open and storm.closed_tick >= incident.onset_tick

    def left_behind(self, incident: Incident) -> bool:
        """Return whether the present stretch belongs to a storm that another wave has ended: it was
        told there and is linked anew only once it is active again."""
        storm = self.storm(incident.storm_id) if incident.storm_id else None
        return storm is not None and storm.dissolved and self.spent(incident)

    def stretch(self, incident_id: str) -> Stretch | None:
        """Return the counts of the incident's present stretch while they are kept."""
        found = self._entries.get("stretch:" + incident_id)
        return found if isinstance(found, Stretch) else None

    def episode(self, key: IncidentKey) -> Episode | None:
        """Return the episode that tells for incidents of this key, or None."""
        found = self._entries.get(self._episodes.home(episode_place(key)))
        return found if isinstance(found, Episode) else None

    def own_episode(self, key: IncidentKey) -> Episode | None:
        """Return the episode of this very fingerprint, whoever tells for it, or None."""
        found = self._entries.get(episode_place(key))
        return found if isinstance(found, Episode) else None

    def parts_of(self, key: IncidentKey) -> list[Episode]:
        """Return the episodes that are joined to that of this fingerprint, by entry key."""
        found = (self._entries.get(place) for place in self._episodes.parts(episode_place(key)))
        return [one for one in found if isinstance(one, Episode)]

    def episodes_of(self, environment: str, fingerprint: str) -> list[Episode]:
        """Return the episodes of an error in all services of an environment, by entry key."""
        places = sorted(self._of_error.get((environment, fingerprint), ()))
        found = (self._entries[place] for place in places)
        return [one for one in found if isinstance(one, Episode)]

    def service(self, environment: str, service: str) -> Service | None:
        """Return what is known of a service, or None."""
        found = self._entries.get(service_key(environment, service))
        return found if isinstance(found, Service) else None

    def baseline(self, environment: str, service: str) -> Baseline | None:
        """Return the ordinary onsets of a service, or None."""
        found = self._entries.get(baseline_key(environment, service))
        return found if isinstance(found, Baseline) else None

    def neighbours(self, environment: str, service: str) -> Neighbours | None:
        """Return what was learnt of a service from traces, or None."""
        found = self._entries.get(neighbours_key(environment, service))
        return found if isinstance(found, Neighbours) else None

    def of_key(self, key: IncidentKey) -> list[Incident]:
        """Return the incidents of this key that are remembered, oldest first."""
        return [self.incident(one) for one in self._incidents.of_key(key)]

    def open_of_episode(self, key: IncidentKey) -> list[Incident]:
        """Return the open incidents that are told as one with this key, by (opened tick, release,
        id)."""
        return self._by_age(self._episodes.together(episode_place(key)))

    def open_alone(self, key: IncidentKey) -> list[Incident]:
        """Return the open incidents of this very fingerprint, by (opened tick, release, id)."""
        return self._by_age(self._episodes.alone(episode_place(key)))

    def _by_age(self, ids: Iterable[str]) -> list[Incident]:
        found = [self.incident(one) for one in ids]
        if len(found) < 2:
            return found
        # Releases before ids: who leads does not hang on what the error is called.
        return sorted(found, key=lambda one: (one.opened_tick, one.key.release, one.id))

    def of_issue(self, issue_id: str) -> list[Incident]:
        """Return the incidents that hold events of this Sentry issue, by id: open ones, those
        whose page is left, and those that wait for its word on a resolve."""
        return [self.incident(one) for one in self._incidents.of_issue(issue_id)]

    def open_storms(self) -> list[Storm]:
        """Return the open storms, by id."""
        found = (self._entries["storm:" + one] for one in sorted(self._open_storms))
        return [storm for storm in found if isinstance(storm, Storm)]

    def open_in(
        self, environment: str, services: Sequence[str] | None, most: int | None
    ) -> list[Incident]:
        """Return open incidents of these services, or of all, by id; at most so many, or all."""
        found = self._incidents.open_in(environment, services, most)
        return [self.incident(one) for one in found]

    def open_all(self) -> list[Incident]:
        """Return all open incidents, by id."""
        return [self.incident(one) for one in self._incidents.open_all()]

    def alerts_in(self, environment: str, services: Sequence[str]) -> list[Incident]:
        """Return the open metric alerts over one of these services, by id."""
        return [self.incident(one) for one in self._alerts.over(environment, services)]

    def alerts_of(self, teller_id: str) -> list[Incident]:
        """Return the remembered metric alerts that this incident or storm told last, by id."""
        return [self.incident(one) for one in self._alerts.told_by(teller_id)]

    @property
    def ignores(self) -> bool:
        """Whether any issue is ignored."""
        return bool(self._ignored)

    def silence(self, silence_id: str) -> Silence | None:
        """Return the silence of this id, or None when it is over."""
        found = self._entries.get("silence:" + silence_id)
        return found if isinstance(found, Silence) else None

    def silences(self, environment: str) -> tuple[Silence, ...]:
        """Return the silences of an environment that are kept, by id."""
        return self.people.silences(environment)

    def inhibited(self, environment: str) -> list[Incident]:
        """Return the incidents that something open holds back, by id."""
        return [self.incident(one) for one in self._incidents.inhibited(environment)]

    def told_in_hour(self, environment: str, tick: int) -> Hour:
        """Return how much the environment was told in the hour of this tick."""
        hour = tick // HOUR_TICKS
        found = self._entries.get(hour_key(environment))
        if isinstance(found, Hour) and found.hour == hour:
            return found
        return Hour(environment=environment, hour=hour)

    def day(self, environment: str, end_tick: int) -> Day:
        """Return the counts of the day that ends then, as far as it has come."""
        found = self._entries.get(day_key(environment, end_tick))
        if isinstance(found, Day):
            return found
        return Day(environment=environment, end_tick=end_tick)

    def by_environment(self) -> dict[str, list[Incident | Storm]]:
        """Return the incidents and storms that are remembered, by environment, in no order. All
        entries are looked at: this is for what is rare."""
        found: dict[str, list[Incident | Storm]] = {}
        for one in self._entries.values():
            if isinstance(one, Incident):
                found.setdefault(one.key.environment, []).append(one)
            elif isinstance(one, Storm):
                found.setdefault(one.environment, []).append(one)
        return found

    def open_counts(self) -> tuple[int, int]:
        """Return how many incidents and storms are open."""
        return len(self._episodes), len(self._open_storms)

    @property
    def unconfirmed(self) -> int:
        """How many open incidents and storms are quiet, and not confirmed to be over."""
        return len(self._doubted)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Iterate over all entries by key."""
        for key in sorted(self._entries):
            yield key, self._entries[key]

    # What is due

    def next_due(self) -> int | None:
        """Return the earliest tick in which an entry is due, or None."""
        return self._due.next_tick()

    def due(self, tick: int) -> list[Entry]:
        """Return the entries that are due in this tick or before, by key. They stay due until
        changed."""
        return self._due.by(tick)

    # Writing

    def put(self, entry: Entry) -> None:
        """Store an entry in place of the one with its key."""
        key = key_of(entry)
        before = self._entries.get(key)
        if before is entry or before == entry:
            return
        self._note(key, before)
        if _found_alike(before, entry):
            self._entries[key] = entry
            self._due.plan(key, entry)
        else:
            self._remove(key, before)
            self._place(key, entry)
        self._change(before, entry)

    def put_ignored(self, entry: Ignored) -> None:
        """Store that an issue is ignored; at the bound the oldest of the others is forgotten."""
        self.put(entry)
        if len(self._ignored) > IGNORED_MOST:
            _, key = min(one for one in self._ignored if one[1] != key_of(entry))
            self.drop(key)

    def drop(self, key: str) -> None:
        """Remove the entry of this key, if there is one."""
        before = self._entries.get(key)
        if before is not None:
            self._note(key, before)
            self._remove(key, before)
            self._change(before, None)
            self.forgotten += isinstance(before, Incident)
            self._due.forget(key)

    def freeze(self, key: str, tick: int, reason: str) -> Frozen:
        """Put an entry where it decides nothing any more, and return it.

        What refers to it finds nothing, as if it had been forgotten.
        """
        entry = self._entries[key]
        assert not isinstance(entry, Frozen | Progress)
        frozen = Frozen(entry=entry, reason=reason, tick=tick)
        self.drop(key)
        self.put(frozen)
        return frozen

    @property
    def changes(self) -> int:
        """How many entries have changed since they were last taken."""
        return len(self._changed)

    def take_changed(self) -> dict[str, Entry | None]:
        """Return the entries changed since the last call, by key; None where one was removed."""
        changed = {key: self._entries.get(key) for key in sorted(self._changed)}
        self._changed = set()
        self.begin()
        return changed

    def changed_since(self) -> list[tuple[Entry | None, Entry | None]]:
        """Return every entry that was written since `begin`, as it was then and as it is now, by
        key."""
        return [(before, self._entries.get(key)) for key, before in sorted(self._undo.items())]

    def begin(self) -> None:
        """Mark a point to which `rollback` returns."""
        self._undo = {}
        self._newly_changed = set()

    def rollback(self) -> None:
        """Undo every write since `begin`."""
        entries = dict(self._entries)
        for key, before in self._undo.items():
            if before is None:
                entries.pop(key, None)
            else:
                entries[key] = before
        self._changed -= self._newly_changed
        self.begin()
        self._reindex(entries)

    def _note(self, key: str, before: Entry | None) -> None:
        if key not in self._changed:
            self._changed.add(key)
            self._newly_changed.add(key)
        self._undo.setdefault(key, before)

    def _place(self, key: str, entry: Entry) -> None:
        self._entries[key] = entry
        if isinstance(entry, Incident | Storm) and entry.open and entry.doubt is not None:
            self._doubted.add(key)
        if isinstance(entry, Incident):
            self._place_incident(entry)
        elif isinstance(entry, Storm) and entry.open:
            self._open_storms.add(entry.id)
        elif isinstance(entry, Episode):
            home = (entry.environment, entry.service, entry.joined)
            self._episodes.join(key, episode_key(*home) if entry.joined else "")
            self._of_error.setdefault((entry.environment, entry.fingerprint), set()).add(key)
            self.people.note_ack(key, entry)
        elif isinstance(entry, Ignored):
            self._ignored.add((entry.tick, key))
        elif isinstance(entry, Silence | ActDone | ChannelLink | Choice):
            self.people.add(entry)
        if isinstance(entry, Storm):
            self.people.note_ack(key, entry)
        self._due.plan(key, entry)

    def _place_incident(self, incident: Incident) -> None:
        self._incidents.add(incident)
        if incident.alert is not None:
            self._alerts.add(incident)
        if incident.open:
            self._episodes.add(episode_place(incident.key), incident.id)

    def _change(self, before: Entry | None, after: Entry | None) -> None:
        one = before if isinstance(before, Incident) else None
        two = after if isinstance(after, Incident) else None
        if one is None and two is None:
            self.pages.change(before, after)
            self.gaining.change(before, after)
            return
        self.young.change(one, two)
        self.sources.change(one, two)

    def _remove(self, key: str, before: Entry | None) -> None:
        if before is None:
            return
        del self._entries[key]
        self._doubted.discard(key)
        if isinstance(before, Storm | Episode):
            self.people.forget_ack(key)
        if isinstance(before, Storm):
            self._open_storms.discard(before.id)
        if isinstance(before, Episode):
            self._episodes.join(key, "")
            self._forget_episode(key, before)
        if isinstance(before, Ignored):
            self._ignored.discard((before.tick, key))
        if isinstance(before, Silence | ActDone | ChannelLink | Choice):
            self.people.remove(before)
        if isinstance(before, Incident):
            self._remove_incident(before)

    def _forget_episode(self, key: str, episode: Episode) -> None:
        error = (episode.environment, episode.fingerprint)
        self._of_error[error].discard(key)
        if not self._of_error[error]:
            del self._of_error[error]

    def _remove_incident(self, incident: Incident) -> None:
        self._incidents.discard(incident)
        if incident.alert is not None:
            self._alerts.discard(incident)
        self._episodes.discard(episode_place(incident.key), incident.id)


_FOUND_BY_KEY: Final = (Baseline, Service, Neighbours, Heard, Stretch, Hour)
"""What no index but that of the keys finds."""


def _found_alike(before: Entry | None, after: Entry) -> bool:
    """Return whether an entry is found in the same places before and after, of one key."""
    if isinstance(before, Episode) and isinstance(after, Episode):
        return before.joined == after.joined and ack_ends(before) == ack_ends(after)
    if isinstance(before, Storm) and isinstance(after, Storm):
        return (
            before.open == after.open
            and (before.doubt is None) == (after.doubt is None)
            and ack_ends(before) == ack_ends(after)
        )
    if isinstance(before, _FOUND_BY_KEY):
        return True
    return (
        isinstance(before, Incident)
        and isinstance(after, Incident)
        and before.closed_tick == after.closed_tick
        and before.issues == after.issues
        and before.told.held == after.told.held
        and before.page_left == after.page_left
        and before.echoes == after.echoes
        and (before.doubt is None) == (after.doubt is None)
        and before.alert == after.alert
    )

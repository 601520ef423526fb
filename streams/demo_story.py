"""What the demo found out, as values: figures of both ways, and why each ambient error stayed out.

Every reason is worked out from what the run decided and from the events themselves; the labels of
the recording only say which errors are looked at. Nothing is printed here.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from correlators.deltas import belated_tick_of
from correlators.entries import Membership
from correlators.evidence import kinds
from correlators.incidents import Incident, ticks
from correlators.storms import Storm
from correlators.types import Event, IncidentKey, Signature, tick_of
from sinks.templating import EVIDENCE
from sinks.words import many
from streams.demo_material import AMBIENT, Material
from streams.demo_services import DemoError, Heard
from streams.settings import Settings


class Placed(msgspec.Struct, frozen=True):
    """One event and where it ended."""

    label: str
    event: Event
    signature: Signature
    key: IncidentKey
    incident_id: str
    storm_id: str


class Ambient(msgspec.Struct, frozen=True):
    """An error that is no part of the outage, and what became of it."""

    title: str
    service: str
    environment: str
    events: int
    inside: int
    """Events that were put into the storm."""
    why: str
    """Why it stayed out; for one that did not, what put it in."""


class Story(msgspec.Struct, frozen=True):
    """What is told of the storm."""

    storm_id: str
    outage_events: int
    inside_of_outage: int
    ambient: tuple[Ambient, ...]
    incidents: int
    """Incidents in the storm."""
    apart: int
    """Incidents told by themselves."""


def placed(material: Material, heard: Heard, settings: Settings) -> list[Placed]:
    """Return every event of the recording with the incident and storm it ended in."""
    found = []
    for line in material.events:
        event, key, signature = line.read.event, line.read.key, line.read.signature
        assert event is not None
        assert key is not None
        assert signature is not None
        tick = tick_of(line.record.at_ms)
        belated = belated_tick_of(event, line.record.at_ms, settings.incidents.belated_after_ms)
        incident = heard.lives.incident([key], tick, belated) or ""
        storm = heard.lives.storm(incident, tick) or ""
        found.append(Placed(line.record.label, event, signature, key, incident, storm))
    return found


def story_of(material: Material, heard: Heard, settings: Settings) -> Story:
    """Return the story of the storm that holds most of the outage.

    Raises:
        DemoError: no storm was found.
    """
    events = placed(material, heard, settings)
    outage = [one for one in events if not one.label.startswith(AMBIENT)]
    storms = Counter(one.storm_id for one in outage if one.storm_id)
    if not storms:
        raise DemoError("the outage became no storm")
    storm_id, inside = storms.most_common(1)[0]
    groups: dict[str, list[Placed]] = defaultdict(list)
    for one in events:
        if one.label.startswith(AMBIENT):
            groups[one.label].append(one)
    case = _Case(events, heard, storm_id, settings)
    members = {one.incident_id for one in events if one.storm_id == storm_id}
    told = {one.id for one in heard.digests} - {storm_id}
    return Story(
        storm_id=storm_id,
        outage_events=len(outage),
        inside_of_outage=inside,
        ambient=tuple(case.ambient(groups[label]) for label in sorted(groups)),
        incidents=len(members),
        apart=len(told),
    )


class _Case:
    """One storm, and what can be said of an incident beside it."""

    def __init__(
        self, events: list[Placed], heard: Heard, storm_id: str, settings: Settings
    ) -> None:
        storm = heard.newest[f"storm:{storm_id}"]
        assert isinstance(storm, Storm)
        self._storm = storm
        self._storm_id = storm_id
        self._linking = settings.storms
        self._within = ticks(settings.storms.link_within_ms)
        self._incidents = {
            entry.id: entry for entry in heard.newest.values() if isinstance(entry, Incident)
        }
        self._onsets = {
            entry.incident_id: entry.from_tick
            for entry in heard.newest.values()
            if isinstance(entry, Membership)
        }
        self._events = events
        inside = [one for one in events if one.storm_id == storm_id]
        self._traces = {one.event.trace_hash: one.key for one in inside if one.event.trace_hash}
        self._fingerprints = {(one.key.fingerprint, one.key.service) for one in inside}
        self._new_releases = self._find_new_releases()

    def ambient(self, group: list[Placed]) -> Ambient:
        """Return what became of the events of one label."""
        inside = [one for one in group if one.storm_id == self._storm_id]
        ids = {one.incident_id for one in inside or group if one.incident_id}
        nearest = min((self._incidents[one] for one in sorted(ids)), key=self._distance)
        of_nearest = [one for one in group if one.incident_id == nearest.id]
        first = of_nearest[0]
        why = self._why_in(nearest, of_nearest) if inside else self._why_out(nearest, of_nearest)
        return Ambient(
            title=first.signature.title,
            service=first.key.service,
            environment=first.key.environment,
            events=len(group),
            inside=len(inside),
            why=why,
        )

    def _distance(self, incident: Incident) -> int:
        """Return how far from the storm's life the incident began, in ticks."""
        onset = incident.opened_tick
        return max(self._storm.opened_tick - onset, onset - self._storm.last_tick, 0)

    def _why_out(self, incident: Incident, group: list[Placed]) -> str:
        storm, onset = self._storm, incident.opened_tick
        if incident.key.environment != storm.environment:
            return f"{incident.key.environment}: nothing links across environments"
        if onset < storm.opened_tick:
            when = f"began {_exactly(storm.opened_tick - onset)} before the storm"
        elif onset > storm.last_tick:
            when = f"began {_exactly(onset - storm.last_tick)} after the storm's last error"
        else:
            when = f"began {_exactly(onset - storm.opened_tick)} into the storm"
        far = onset < storm.opened_tick - self._within
        shared = self._shared(incident, group)
        if not shared:
            older = self._older_release(incident)
            also = f"; {older} had it before" if older else ""
            return f"{when}; no shared trace, signature or new release{also}"
        limit = f", and links reach {_exactly(self._within)}" if far else ""
        return f"shares {', '.join(shared)}, but {when}{limit}"

    def _why_in(self, incident: Incident, group: list[Placed]) -> str:
        shared = self._shared(incident, [one for one in group if one.storm_id])
        if shared:
            return f"it shares {', '.join(shared)} with it"
        onset = self._onsets.get(incident.id, incident.opened_tick)
        near = [
            self._incidents[one]
            for one, tick in self._onsets.items()
            if one != incident.id and abs(tick - onset) <= self._within
        ]
        services = {one.key.service for one in near} | {incident.key.service}
        if near:
            return (
                f"it began within {_exactly(self._within)} of {many(len(near), 'incident')} of the "
                f"storm in {many(len(services), 'service')}, and nothing tells it apart"
            )
        return "linked by " + ", ".join(EVIDENCE[one] for one in kinds(self._storm.evidence))

    def _shared(self, incident: Incident, group: list[Placed]) -> list[str]:
        """Return what the incident has in common with others of the storm, in words."""
        shared = []
        if traces := len(self._shared_traces(group)):
            shared.append(many(traces, "trace"))
        if self._signature_elsewhere(incident):
            shared.append("its signature")
        if incident.key.release in self._new_releases and not self._older_release(incident):
            shared.append(f"the new release {incident.key.release}")
        return shared

    def _older_release(self, incident: Incident) -> str:
        """Return a release that had the same error before: then it did not come with this one."""
        key = incident.key
        for one in self._events:
            same = (one.key.environment, one.key.service, one.key.fingerprint)
            if same != (key.environment, key.service, key.fingerprint):
                continue
            return one.key.release if one.key.release != key.release else ""
        return ""

    def _shared_traces(self, group: list[Placed]) -> set[int]:
        """Return the traces that the storm's other incidents have too."""
        key = group[0].key
        return {
            one.event.trace_hash
            for one in group
            if self._traces.get(one.event.trace_hash, key).fingerprint != key.fingerprint
        }

    def _signature_elsewhere(self, incident: Incident) -> bool:
        return any(
            fingerprint == incident.key.fingerprint and service != incident.key.service
            for fingerprint, service in self._fingerprints
        )

    def _find_new_releases(self) -> set[str]:
        """Return releases that were new at the storm's onset and have an incident in it."""
        first: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for one in self._incidents.values():
            of_service = first[one.key.environment, one.key.service]
            before = of_service.get(one.key.release, one.opened_tick)
            of_service[one.key.release] = min(before, one.opened_tick)
        found = set()
        for releases in first.values():
            oldest = min(releases.values())
            news = self._storm.opened_tick - self._linking.release_news_ms // 1000
            found |= {name for name, tick in releases.items() if tick > max(oldest, news - 1)}
        inside = {self._incidents[one].key.release for one in self._storm.members}
        return {name for name in found if name in inside and name}


def _exactly(seconds: int) -> str:
    """Return a length of time to the second."""
    minutes, seconds = divmod(seconds, 60)
    parts = [f"{minutes} min"] if minutes else []
    return " ".join([*parts, f"{seconds} s"] if seconds or not parts else parts)

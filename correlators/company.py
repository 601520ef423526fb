"""Which young incidents are compared when incidents are linked: those that can have evidence.

Left out is only what nothing can be said of: an incident with traces that nobody shares, whose
error nobody else has or was raised from, in a service that is related to none and under a release
that is no news. It is in no pair and no burst, so what is linked is the same with it and without
it. Of the members of storms, which are linked already, a bounded number is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from correlators.candidates import Candidate
from correlators.incidents import ticks
from correlators.releases import first_tick
from correlators.state import State
from correlators.telling import Config
from correlators.young import Mark, Place, errors

WITNESSES_MOST: Final = 256
"""Members of open storms, in one environment, that are compared with what begins: the latest of
each storm. Members are linked already; further ones would say again what these say."""
WITNESSES_LEAST: Final = 4
"""Of every storm, however many there are."""


class Divided(NamedTuple):
    """The young incidents of an environment by what tells them, without those that another wave
    has left behind: these wait until they are active again."""

    loose: AbstractSet[str]
    """Those in no open storm."""
    inside: dict[str, set[str]]
    """Those in open storms, by storm."""
    members: AbstractSet[str]
    """Those in open storms."""


class Company:
    """Finds in one state who is compared with whom."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: the limits; state: read."""
        self._config = config
        self._state = state
        self._declared = set(config.depends).union(*config.depends.values())

    def divided(self, place: Place) -> Divided:
        """Return the young incidents by the open storm that tells them."""
        loose: set[str] = set()
        inside: dict[str, set[str]] = {}
        members: set[str] = set()
        for named, ids in place.storms.items():
            storm = self._state.storm(named) if named else None
            if storm is not None and storm.open:
                inside.setdefault(storm.id, set()).update(ids)
                members |= ids
            elif storm is None or not storm.dissolved:
                loose |= ids
            else:
                loose |= {one for one in ids if not self._left_behind(one)}
        return Divided(loose, inside, members)

    def _left_behind(self, incident_id: str) -> bool:
        return self._state.left_behind(self._state.incident(incident_id))

    def compared(
        self,
        environment: str,
        place: Place,
        divided: Divided,
        anchors: Sequence[Candidate],
        tick: int,
    ) -> list[str]:
        """Return the ids of the young incidents that are compared, in order.

        Args:
            environment: which.
            place: its young incidents.
            divided: the same, divided.
            anchors: what is compared although it is young no longer.
            tick: the tick being applied.
        """
        loose = divided.loose & place.company
        for service in self._related(environment, place, {one.service for one in anchors}):
            loose |= divided.loose & place.services[service]
        news = self._news(environment, place, tick)
        if news:
            for (_, release), ids in place.releases.items():
                if release in news:
                    loose |= divided.loose & ids
        for one in anchors:
            marks: set[Mark] = {
                one.fingerprint,
                *one.aliases,
                *errors(one.error, one.cause),
                *one.traces,
            }
            for mark in marks:
                loose |= divided.loose & place.holding(mark)
        return sorted(loose | self._witnesses(place, divided, loose))

    def _witnesses(self, place: Place, divided: Divided, loose: Iterable[str]) -> set[str]:
        """Return the members of storms that are compared: all, or the latest of each storm and
        those that share a mark with what is in no storm."""
        if len(divided.members) <= WITNESSES_MOST:
            return set(divided.members)
        most = witnesses_each(len(divided.inside))
        found = {one for ids in divided.inside.values() for one in place.latest(ids, most)}
        for one in loose:
            for mark in place.marks(one):
                members = place.holding(mark) & divided.members
                if members and found.isdisjoint(members):
                    found.add(min(members))
        return found

    def _related(self, environment: str, place: Place, others: AbstractSet[str]) -> set[str]:
        """Return the services of young incidents that may depend on, or be needed by, another."""
        related = set(self._declared)
        for service in {*place.services, *others}:
            known = self._state.neighbours(environment, service)
            if known is not None and known.seen:
                related.add(service)
                related.update(name for name, _, _ in known.seen)
        return related & place.services.keys()

    def _news(self, environment: str, place: Place, tick: int) -> set[str]:
        """Return the releases of young incidents that may be news."""
        linking = self._config.linking
        since = tick - ticks(linking.link_within_ms) - ticks(linking.release_news_ms)
        found: set[str] = set()
        for service, release in place.releases:
            first = first_tick(self._state.service(environment, service), release)
            if first is not None and first >= since:
                found.add(release)
        return found


def witnesses_each(storms: int) -> int:
    """Return how many witnesses each of so many storms may have."""
    return max(WITNESSES_LEAST, WITNESSES_MOST // max(1, storms))

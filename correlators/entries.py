"""The entries of CORRELATE's state: what is stored, one Kafka record each, and under which key.

Values only; what is found by looking at them is `state`, what happens to them `correlate`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec
import xxhash

from correlators.acts import ActDone
from correlators.baseline import Baseline, Slots
from correlators.channel_links import ChannelLink
from correlators.days import Day
from correlators.dependencies import Neighbours
from correlators.history import Hours
from correlators.incidents import Incident
from correlators.personal import Choice
from correlators.presence import SLOT_TICKS, Presence
from correlators.scheduled import Coming, report_key
from correlators.silences import Silence
from correlators.storms import Storm, Stretch
from correlators.ticks import Progress
from correlators.types import IncidentKey, Level

NOBODY: Final = ("", "")
"""(actor, source) where nobody has acknowledged it."""
PROGRESS_KEY: Final = "@progress"
KEYS_KEPT: Final = 65_536
"""Finished keys that are remembered; no result depends on it."""
RELEASES_KEPT: Final = 16
KNOWN_FOR_TICKS: Final = 90 * 86_400
"""Episodes and services are forgotten after this long without an event."""
IGNORED_MOST: Final = 10_000
"""Issues that are known to be ignored; of further ones the oldest is forgotten, and told again."""
TOUCH_TICKS: Final = 3_600
"""`last_tick` of episodes and services is exact to this, so that they are not rewritten in every
tick."""


class Membership(msgspec.Struct, frozen=True, kw_only=True, tag="membership", gc=False):
    """An incident's stretch became part of a storm: the stretch counts for it from its onset."""

    incident_id: str
    from_tick: int
    storm_id: str


class Episode(msgspec.Struct, frozen=True, kw_only=True, tag="episode", gc=False):
    """All that one (environment, service, fingerprint) does, over all releases."""

    environment: str
    service: str
    fingerprint: str
    first_tick: int
    last_tick: int
    lead: str = ""
    """The open incident that tells for all releases."""
    said_tick: int = -1
    """When something of it was last told; -1 for never."""
    resolved_tick: int = -1
    """When its last open incident ended; -1 for never. What comes back after that has regressed."""
    hours: Hours = ()
    """What its closed incidents brought, by the hour."""
    flips: tuple[int, ...] = ()
    """Ticks in which it began or ended lately, as many as tell whether it flaps."""
    flapping_since: int = -1
    """When it was told that it flaps; -1 while it does not."""
    page_to: tuple[str, ...] = ()
    """Who was paged."""
    page_key: str = ""
    """Set while a page opened for the episode is open, so that another release never pages
    again."""
    joined: str = ""
    """The fingerprint under which it is told while incidents of that one are open: the same error
    under another signature version."""
    acked_by: tuple[str, str] = NOBODY
    """(actor, source) of who acknowledged that page, or what is open without one; empty while
    nobody has."""
    presence: Presence = Presence()
    """When it was heard."""
    page_left_by: str = ""
    """The incident after whose quiet end that page was left to whoever acknowledged it; what opens
    anew pages anew."""
    onsets: Slots = ()
    """How often it began of late without being part of a storm, as in a baseline."""
    acked_level: Level | None = None
    """The level that it had when it was acknowledged."""
    acked_until: int = -1
    """When that acknowledgement ends by itself; -1: when it is taken back."""
    acked_for: int = 0
    """How many ticks that was to be."""
    false_alarms: int = 0
    """How often a person said that nothing was wrong."""
    had_tick: int = -1
    """When somebody last said that they have it; -1 for never."""


class Service(msgspec.Struct, frozen=True, kw_only=True, tag="service", gc=False):
    """What is known of one service of one environment."""

    environment: str
    service: str
    last_tick: int
    releases: tuple[tuple[str, int], ...] = ()
    """(release, first tick), by first tick; at most `RELEASES_KEPT`, the oldest go."""
    deploys: tuple[tuple[str, int], ...] = ()
    """(release, tick) of the deploys that were told, by tick; at most `RELEASES_KEPT`."""


class Heard(msgspec.Struct, frozen=True, kw_only=True, tag="heard", gc=False):
    """When a service was heard; without environment and service, the whole intake."""

    environment: str
    service: str
    presence: Presence = Presence()
    blind_tick: int = -1
    """Of the intake: when a source was last left out as stalled, exact to a slot; -1 for never."""

    @property
    def last_tick(self) -> int:
        """The last tick that it knows of; -1 before any."""
        heard = self.presence.last
        return max(heard * SLOT_TICKS if heard >= 0 else -1, self.blind_tick)


class Hour(msgspec.Struct, frozen=True, kw_only=True, tag="hour", gc=False):
    """How much an environment was told in an hour, for spike protection."""

    environment: str
    hour: int
    """Hours since the epoch."""
    told: int = 0
    """Tellings that were no pages."""
    announced: bool = False
    """It was told that the rest waits."""


class Ignored(msgspec.Struct, frozen=True, kw_only=True, tag="ignored"):
    """Somebody ignores this issue in Sentry: its incidents are told no more, the next ones too."""

    issue_id: str
    tick: int
    """When that was last said."""
    forever: bool = False
    """Also when it comes far more often than usual."""


class DeployTold(msgspec.Struct, frozen=True, kw_only=True, tag="deploy"):
    """A deploy that was told: however often it is posted, it is told once."""

    id: str
    tick: int
    """When it was told."""


Living = (
    Incident
    | Storm
    | Stretch
    | Membership
    | Episode
    | Service
    | Baseline
    | Neighbours
    | Hour
    | Heard
    | Ignored
    | DeployTold
    | Silence
    | ActDone
    | Day
    | ChannelLink
    | Coming
    | Choice
)
"""An entry that decides something."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True, tag="frozen"):
    """An entry that raised when it was due: kept as it was, and deciding nothing any more."""

    entry: Living
    reason: str
    """The type of what it raised."""
    tick: int
    """When it was frozen."""


Entry = Living | Frozen | Progress
"""One stored entry; the types are told apart by their tag."""


@lru_cache(maxsize=KEYS_KEPT)
def episode_key(environment: str, service: str, fingerprint: str) -> str:
    """Return the entry key of an episode."""
    return "episode:" + _digest(environment, service, fingerprint)


@lru_cache(maxsize=KEYS_KEPT)
def episode_place(key: IncidentKey) -> str:
    """Return the entry key of the episode that incidents of this key belong to."""
    return episode_key(key.environment, key.service, key.fingerprint)


@lru_cache(maxsize=KEYS_KEPT)
def service_key(environment: str, service: str) -> str:
    """Return the entry key of a service."""
    return "service:" + _digest(environment, service)


@lru_cache(maxsize=KEYS_KEPT)
def baseline_key(environment: str, service: str) -> str:
    """Return the entry key of a baseline."""
    return "baseline:" + _digest(environment, service)


@lru_cache(maxsize=KEYS_KEPT)
def neighbours_key(environment: str, service: str) -> str:
    """Return the entry key of what was learnt of a service from traces."""
    return "neighbours:" + _digest(environment, service)


@lru_cache(maxsize=KEYS_KEPT)
def hour_key(environment: str) -> str:
    """Return the entry key of what an environment was told in an hour."""
    return "hour:" + _digest(environment)


@lru_cache(maxsize=KEYS_KEPT)
def heard_key(environment: str, service: str) -> str:
    """Return the entry key of when a service was heard, or with two empty names the intake."""
    return "heard:" + _digest(environment, service)


def ignored_key(issue_id: str) -> str:
    """Return the entry key of an issue that is ignored."""
    return "ignored:" + issue_id


def deploy_key(deploy_id: str) -> str:
    """Return the entry key of a deploy that was told."""
    return "deploy:" + deploy_id


@lru_cache(maxsize=KEYS_KEPT)
def day_key(environment: str, end_tick: int) -> str:
    """Return the entry key of the counts of a day."""
    return f"day:{_digest(environment)}:{end_tick}"


def key_of(entry: Entry) -> str:
    """Return the key under which an entry is stored."""
    match entry:
        case Incident():
            return "incident:" + entry.id
        case Storm():
            return "storm:" + entry.id
        case Stretch():
            return "stretch:" + entry.incident_id
        case Membership():
            return f"member:{entry.incident_id}:{entry.from_tick}"
        case Episode():
            return episode_key(entry.environment, entry.service, entry.fingerprint)
        case Service():
            return service_key(entry.environment, entry.service)
        case Baseline():
            return baseline_key(entry.environment, entry.service)
        case Neighbours():
            return neighbours_key(entry.environment, entry.service)
        case Hour():
            return hour_key(entry.environment)
        case Heard():
            return heard_key(entry.environment, entry.service)
        case Ignored():
            return ignored_key(entry.issue_id)
        case DeployTold():
            return deploy_key(entry.id)
        case Day():
            return day_key(entry.environment, entry.end_tick)
        case Coming():
            return report_key(entry.name, entry.times, entry.environment)
        case Silence():
            return "silence:" + entry.id
        case ActDone():
            return "act:" + entry.id
        case ChannelLink():
            return "link:" + entry.id
        case Choice():
            return "choice:" + entry.name
        case Frozen():
            return "frozen:" + key_of(entry.entry)
        case Progress():
            return PROGRESS_KEY


def _digest(*parts: str) -> str:
    return xxhash.xxh3_128_hexdigest("\0".join(parts).encode("utf-8", "surrogatepass"))

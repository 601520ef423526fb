"""What would have called somebody is said, by itself or by what took its place."""

from __future__ import annotations

from collections import defaultdict

from correlators.types import Digest, DigestKind, PageAction
from sinks.broadcast import Heard, heard
from tests.simulation.deliveries.chat_checks import rolled_up
from tests.simulation.deliveries.journal import Journal, Name, name
from tests.simulation.deliveries.services import plan_of
from tests.simulation.deliveries.world import World


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    said: dict[Name, dict[int, Digest]] = defaultdict(dict)
    for one in world.messages:
        said[name(one.digest)].setdefault(one.digest.revision, one.digest)
    together = rolled_up(world)
    counted = {
        one.digest.destination
        for one in world.messages
        if one.digest.rollup is not None and one.digest.rollup.more
    }
    given_up: dict[Name, list[int]] = defaultdict(list)
    for destination, of, revision in journal.dead:
        given_up[destination, of].append(revision)
    wrong = []
    for digest in journal.digests:
        key = name(digest)
        plain = not plan_of(digest.destination).pages and digest.page is PageAction.NONE
        if not plain or heard(digest) is Heard.SILENT or digest.kind not in _NEWS:
            continue
        if key in together or digest.destination in counted:
            continue  # a roll-up tells how things stand
        after = [revision for revision in said[key] if revision >= digest.revision]
        first = min(after, default=0)
        if not after or any(digest.revision <= one <= first for one in given_up[key]):
            continue
        if first > digest.revision and not _says(said[key][first], digest):
            wrong.append(f"news lost: {' '.join(key)} r{digest.revision}, told r{first}")
    return wrong


_NEWS = (DigestKind.REOPENED, DigestKind.UPDATED)


def _says(told: Digest, untold: Digest) -> bool:
    joined = set(untold.joined_services) <= set(told.joined_services)
    return untold.kind in told.untold and joined and heard(told) is Heard.CHANNEL

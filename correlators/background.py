"""What a digest says beside its subject: the release that is news, the storm that it points to.

Lives here: how that is found in the state. Not here: what a release's news is (`releases`), and
what the digest says of the subject itself (`digest`).
"""

from __future__ import annotations

from collections.abc import Sequence

from correlators import digest
from correlators.incidents import Incident
from correlators.releases import is_deployed, release_news
from correlators.state import State
from correlators.storms import Linking, Storm


def new_release(
    state: State, incidents: Sequence[Incident], linking: Linking
) -> tuple[tuple[str, int] | None, bool]:
    """Return the first release of these incidents that is news with its first tick, if any, and
    whether that is when it was deployed.

    Args:
        state: read only.
        incidents: those that are told of.
        linking: how long a release is news.
    """
    for one in incidents:
        service = state.service(one.key.environment, one.key.service)
        news = release_news(service, one, linking)
        if news is not None:
            return news, is_deployed(service, one.key.release)
    return None, False


def members_of(state: State, storm: Storm) -> list[Incident]:
    """Return those of the storm's listed incidents that are remembered."""
    found = map(state.find_incident, storm.members)
    return [one for one in found if one is not None]


def title_of(state: State, storm: Storm | None) -> str:
    """Return what the storm is called; empty where there is none, or all its incidents are
    forgotten."""
    members = members_of(state, storm) if storm is not None else []
    return digest.title_of(storm, members) if storm is not None and members else ""

"""People of a local PagerDuty by hand: what a test calls on its webhooks, a shell does."""

from __future__ import annotations

from typing import Final

from sinks.peers.control import taking
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_webhooks import USER, Webhooks, user
from sinks.peers.serve import Json

DOES: Final = (
    "acknowledged",
    "annotated",
    "delegated",
    "escalated",
    "reassigned",
    "reopened",
    "resolved",
    "unacknowledged",
)


def add_people(account: PagerDutyPeer, webhooks: Webhooks) -> None:
    """Add the address to an account that has not been started.

    `/_peer/person` {does, dedup_key}, with `name` and `id` of who does it, `assignees` (names) and
    `note`. The webhook that tells it is sent with the next ones.
    """

    async def does(given: Json) -> Json:
        kind, key = str(given.get("does") or ""), str(given.get("dedup_key") or "")
        if kind not in DOES:
            raise ValueError(f"nobody does {kind!r}; there are {', '.join(DOES)}")
        if not any(one.dedup_key == key for one in account.pages):
            keys = sorted({one.dedup_key for one in account.pages})
            raise ValueError(f"no incident of {key!r}; there are {', '.join(keys) or 'none'}")
        by = user(str(given["name"])) if given.get("name") else USER
        if given.get("id"):
            by = {**by, "id": str(given["id"])}
        webhooks.does(
            kind,
            key,
            by=by,
            assignees=[str(one) for one in given.get("assignees") or ()],
            note=str(given.get("note") or ""),
        )
        return {}

    account.also_serve("POST", "/_peer/person", taking(does))

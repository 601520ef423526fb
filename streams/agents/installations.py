"""What Sentry says of its integration itself: installed, or taken away. It goes into the log.

A public integration that is taken away sends nothing any more, and Sentry says so only once.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from correlators.types import ChangeKind, StateChange

log = structlog.get_logger(__name__)


def say(changes: Iterable[StateChange]) -> None:
    """Log each change of the installation; one that was read twice is said twice.

    Source: docs.sentry.io, integration platform, webhooks: installation has the actions created and
    deleted.
    """
    for change in changes:
        if change.kind is not ChangeKind.INSTALLATION:
            continue
        match change.action:
            case "deleted":
                log.warning(
                    "the integration was taken out of Sentry",
                    so="Sentry sends no webhooks any more",
                )
            case "created":
                log.info("the integration was installed in Sentry")
            case _:
                log.info("Sentry says something of the integration that is not known here")

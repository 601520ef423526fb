"""Words for what went wrong or was held back, and what to do about it, as the `why-` commands say
them."""

from __future__ import annotations

from typing import Final

from correlators.decisions import Decision
from correlators.types import PageOver
from sinks.words import LEFT_PAGE_OVER

TO_DO: Final = {
    "not_authorised": "the token or key is refused: make a new one, and set it in the environment",
    "no_such_place": "the channel, routing key or address does not exist under this name: correct "
    "it in the settings",
    "not_allowed": "the app may not write there: invite it to the channel (/invite @stormfold), or "
    "give it the scope that the answer names",
    "too_large": "the message was larger than the service takes",
    "invalid": "the service calls the message malformed; the detail says what",
    "not_editable": "the message cannot be edited any more",
    "retries_exhausted": "it was tried until it was too old: look whether the service was down",
    "unknown_destination": "the settings no longer name this destination",
    "outbox_full": "more was waiting than is kept",
}
HOLDS: Final = {
    "ignored": "its issue is ignored in Sentry",
    "told_by_incident": "an incident of its service tells it",
    "no_news": "a deploy that is too long ago to be news",
    "nothing_new": "a scheduled report of a time in which nothing happened",
    "dropped": "a rule drops it",
    "silenced": "a silence mutes it",
    "maintenance": "planned maintenance",
    "inhibited": "something else that is open mutes it",
    "quiet_hours": "quiet hours",
    "capped": "the frequency cap of its rule",
    "digest_only": "it waits for the next digest",
    "flapping": "it flaps: told once, then held",
    "spike": "spike protection of its environment",
    "told_by_storm": "its storm tells it",
    "told_by_other_release": "the incident of another release tells it",
    "unchanged": "nothing was new",
    "never_told": "it was over before it could be told",
}


def left_over(said: Decision) -> str:
    """Return why a page that quiet had left open is over, after a colon; empty for any other."""
    if said.why not in set(PageOver):
        return f": {said.why}" if said.why else ""
    if said.why == PageOver.HAND:
        return f": {said.name} says so"
    by = f", {said.name} gave it back" if said.name else ""
    return f": {LEFT_PAGE_OVER[PageOver(said.why)]}{by}"

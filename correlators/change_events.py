"""Changes as the pagers keep them: a deploy stands in the record of every service that it may page.

It wakes nobody and is no message, so no silence, quiet hour, cap or rule for chats holds it back.
Its destination is the pager's with `/changes` behind it: a place of its own, so that no page waits
for it.

Lives here: which pagers hear of a deploy. Not here: the digest (`deploy_news`), and how a change
event looks (the sinks' part).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from correlators.conditions import Asked, Facts, When, why_not
from correlators.owners import Team
from correlators.rulings import Rule, Urgency, addressed

PLACE: Final = "/changes"
"""Behind a pager's destination: its record of changes."""

_KNOWN: Final = (Asked.ENVIRONMENT, Asked.SERVICE, Asked.RELEASE, Asked.OWNER)
"""What can be asked of a deploy; the rest is asked of errors that nobody knows yet."""


def place_of(pager: str) -> str:
    """Return where the changes of a pager are kept."""
    return pager + PLACE


def may_page(rules: tuple[Rule, ...], facts: Facts, teams: Mapping[str, Team]) -> tuple[str, ...]:
    """Return every destination that some error of the service could page, each once.

    A rule counts that pages and whose environment, service, release and owner fit; one that fits
    all and asks for nothing else takes what is left, so the rules below it do not count.

    Args:
        rules: in the order of the configuration.
        facts: of the deploy.
        teams: where the owners hear what is theirs.
    """
    found: dict[str, None] = {}
    for rule in rules:
        asked = {one: getattr(rule.when, one) for one in _KNOWN if one in rule.when.given}
        made = addressed(rule, facts, teams)
        if made is None or why_not(When(**asked), facts) is not None:
            continue
        if rule.urgency is Urgency.PAGE:
            found |= dict.fromkeys(made.page)
        if len(asked) == len(rule.when.given) and not rule.goes_on:
            break
    return tuple(found)

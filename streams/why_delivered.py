"""The last link of `why-not`: whether the service took what was decided.

Of a page it asks whether anybody was paged: a chat that is paged counts as a pager does, and so
does the fallback of a page that was given up.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from correlators.decisions import Decision, Kind
from sinks.attempted import Attempted
from sinks.base import Step
from streams.letter_lines import own_remedy
from streams.stories import at_ms
from streams.why_links import SHOWN_MOST, Link, many, moment
from streams.why_read import Letter
from streams.why_words import TO_DO

PAGER_STEPS: Final = frozenset({Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE})
WAITS: Final = frozenset({"retry", "unknown"})
_PERSON: Final = re.compile(r"needs_somebody[^:]*: [a-z0-9_.]+(?: .*?)?: (\S.*)", re.DOTALL)
"""Of a call that is asked again once a person has acted (`slack_errors`, `smtp_words`)."""
OPENS: Final = frozenset({Step.TRIGGER, Step.POST})


def delivered(
    decisions: list[Decision],
    attempts: list[Attempted],
    letters: list[Letter],
    destination: str,
    *,
    pages: bool,
) -> Link:
    """Return the link.

    Args:
        decisions: of the service's incidents and their storms, as are attempts and letters.
        attempts: in their order.
        letters: that nobody has sent again or dropped, the oldest first.
        destination: the one that is asked about; empty asks about all.
        pages: a page is missed, not a message.
    """
    own = [one for one in attempts if (one.page or one.step in PAGER_STEPS) is pages]
    own = [one for one in own if not one.beside]
    arrived = [one for one in own if one.outcome == "delivered"]
    failed = Counter(
        (one.destination, one.outcome, one.reason) for one in own if one.outcome != "delivered"
    )
    says = [f"{many(len(arrived), 'call')} taken by the service"]
    says += [
        f"{place}: {outcome} {reason}, {many(count, 'time')}".replace(" ,", ",")
        for (place, outcome, reason), count in failed.most_common(SHOWN_MOST)
    ]
    reached: dict[str, str] = {}
    if pages:
        reached = {one.subject: one.destination for one in arrived if one.step in OPENS}
        letters = [one for one in letters if one.page]
        says += [
            f"{_given_up(one)}; {reached[one.subject]} was paged"
            for one in letters
            if one.subject in reached
        ][-SHOWN_MOST:]
        letters = [one for one in letters if one.subject not in reached]
    if letters:
        says += [_given_up(one) for one in letters[-SHOWN_MOST:]]
        last = letters[-1]
        again = f"then `stormfold dead-letters redrive {last.id}` sends it again"
        todo = own_remedy(last.reason, last.detail) or TO_DO.get(last.reason, "look at the reason")
        return Link(name="delivered", ok=False, says=tuple(says), do=f"{todo}; {again}")
    wanted = Kind.PAGED if pages else Kind.TOLD
    decided = [one for one in decisions if one.kind is wanted]
    waits = [one for one in _last(own) if one.outcome in WAITS and one.subject not in reached]
    if (decided and not arrived) or waits:
        since = moment(waits[-1].at_ms if arrived else at_ms(decided[-1]))
        which = f"{waits[-1].subject} was last tried" if arrived else "decided"
        says.append(f"{which} at {since} and not taken yet")
        return Link(name="delivered", ok=False, says=tuple(says), do=_waits_for(waits, destination))
    return Link(name="delivered", ok=True, says=tuple(says))


def _last(attempts: list[Attempted]) -> list[Attempted]:
    """Return the last call about each thing at each destination; edits, which may lag, left out."""
    found = {(one.subject, one.destination): one for one in attempts if one.step is not Step.EDIT}
    return list(found.values())


def _waits_for(waits: list[Attempted], destination: str) -> str:
    for one in reversed(waits):
        if todo := _PERSON.match(one.reason):
            return f"{todo[1]}; it is asked again every minute, and then told by itself"
    to = f" --destination {destination}" if destination else ""
    return f"`stormfold why-late{to}` says what it waits for"


def _given_up(one: Letter) -> str:
    said = f"given up at {moment(one.at_ms)}: {one.destination} {one.reason} {one.detail}"
    return said.rstrip()

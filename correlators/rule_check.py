"""What is wrong with a set of rules as a whole: what reaches nobody, and what can never match.

Pure, and on the safe side: a rule is called unreachable only where one above it takes everything
that it asks for.
"""

from __future__ import annotations

from collections.abc import Iterable

from correlators.conditions import Asked, AtLeast, Lifecycle, When, matches
from correlators.owners import WORDS
from correlators.rulings import Rule, Urgency
from correlators.types import LEVEL_RANK

_OF_ERRORS = frozenset(Asked) - {
    Asked.ENVIRONMENT,
    Asked.SERVICE,
    Asked.RELEASE,
    Asked.OWNER,
    Asked.LIFECYCLE,
}
"""What is asked of errors, and of a deploy in vain."""

_WILD = frozenset("*?[")


def unreachable(rules: tuple[Rule, ...]) -> list[tuple[int, int]]:
    """Return (index of the rule, index of the one above that takes everything it asks for)."""
    found = []
    for index, rule in enumerate(rules):
        for above in range(index):
            one = rules[above]
            if (
                not one.goes_on
                and WORDS.isdisjoint((*one.to, *one.page))
                and covers(rules[above].when, rule.when)
            ):
                found.append((index, above))
                break
    return found


def deploys_wrong(rule: Rule) -> str:
    """Return what makes no sense in a rule that asks for deploys, empty where nothing does."""
    if Lifecycle.DEPLOY not in rule.when.lifecycle:
        return ""
    if not rule.to and rule.urgency is not Urgency.DROP:
        return "a deploy wakes nobody, and it names nobody to tell"
    if {*rule.when.lifecycle} != {Lifecycle.DEPLOY}:
        return ""
    if rule.page:
        return "a deploy wakes nobody; it cannot page"
    never = [one for one in rule.when.given if one in _OF_ERRORS]
    if never:
        return f"can never match: a deploy has no {never[0]}"
    return ""


def uncovered(rules: tuple[Rule, ...]) -> str:
    """Return what reaches no destination, empty when everything does.

    Only a last rule without a condition that tells somebody takes all that the others leave; what a
    rule drops on purpose, and by name, is no gap.
    """
    if not rules:
        return "there is no rule"
    last = rules[-1]
    if last.urgency is Urgency.DROP:
        return f"the last rule, {last.name}, drops what no other rule takes"
    for named in ({*last.to, *last.page}, {*last.page}):
        if named and named <= WORDS:
            words = " and no ".join(sorted(named))
            return f"the last rule, {last.name}, reaches nobody where there is no {words}"
    if last.when.given:
        asked = ", ".join(last.when.given)
        return f"the last rule, {last.name}, asks for {asked}, so other events reach nobody"
    return ""


def covers(above: When, below: When) -> bool:
    """Return whether everything for which `below` holds is something for which `above` holds.

    May say no where it is so, never yes where it is not.
    """
    return all(_covers(asked, above, below) for asked in above.given)


def _covers(asked: Asked, above: When, below: When) -> bool:
    match asked:
        case Asked.EVENTS | Asked.USERS:
            return _more(getattr(above, asked), getattr(below, asked))
        case Asked.MIN_LEVEL:
            return _levels(below) <= _levels(above)
        case Asked.LEVEL:
            return _levels(below) <= {*above.level}
        case Asked.STORM_SERVICES:
            return below.storm_services >= above.storm_services
        case Asked.STORM:
            return below.storm is above.storm or (above.storm is True and below.storm_services > 0)
        case Asked.FIRST_SEEN | Asked.REGRESSION | Asked.ESCALATING | Asked.METRIC_ALERT:
            return bool(getattr(below, asked) is getattr(above, asked))
        case Asked.LIFECYCLE:
            return bool(below.lifecycle) and {*below.lifecycle} <= {*above.lifecycle}
        case Asked.TAG:
            return bool(below.tag) and {*below.tag} <= {*above.tag}
        case Asked.TEXT:
            lower = [[one.lower() for one in texts] for texts in (above.text, below.text)]
            return _patterns(*lower)
        case _:
            return _patterns(getattr(above, asked), getattr(below, asked))


def _patterns(above: Iterable[str], below: Iterable[str]) -> bool:
    """Return whether every pattern below is one of those above, or a text that one of them fits."""
    wide = list(above)
    if "*" in wide:
        return True
    narrow = list(below)
    return bool(narrow) and all(
        one in wide or _within_prefix(one, wide) or (not _WILD & {*one} and matches(wide, [one]))
        for one in narrow
    )


def _within_prefix(pattern: str, wide: Iterable[str]) -> bool:
    """Return whether one of the patterns is `begin*` and this one begins with the same."""
    return any(
        one.endswith("*") and not _WILD & {*one[:-1]} and pattern.startswith(one[:-1])
        for one in wide
    )


def _levels(when: When) -> set[str]:
    lowest = LEVEL_RANK[when.min_level] if when.min_level is not None else 0
    return {
        level
        for level, rank in LEVEL_RANK.items()
        if rank >= lowest and (not when.level or level in when.level)
    }


def _more(above: AtLeast | None, below: AtLeast | None) -> bool:
    """Return whether who has `below` has `above` too."""
    assert above is not None
    return below is not None and below.count >= above.count and below.within_ms <= above.within_ms

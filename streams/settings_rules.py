"""The keys `rules`, `teams` and `owners` of `stormfold.yaml`: who is told what, and how urgently.

What they mean is said in `correlators.rulings` and `owners`; what holds back (`quiet_hours` and the
like) is in `settings_holds`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

from yaml.nodes import Node, SequenceNode

from correlators.conditions import LONGEST_MS, PATTERN_CHARS, AtLeast, Lifecycle, When
from correlators.owners import MARKS_MOST, OWNER, SERVICE, Owner, Team
from correlators.rule_check import deploys_wrong, uncovered, unreachable
from correlators.rulings import CAP_MOST_MS, Rule, Urgency
from correlators.types import TICK_MS, Level
from streams.settings_fallback import fallback_of
from streams.settings_words import destinations, word, words
from streams.yaml_reader import Reader, duration_in

NAME: Final = re.compile(r"[^\s#][^\n\r\t#]{0,59}")
NAME_SAYS: Final = "a name of at most 60 characters without '#'"
_PATTERN: Final = re.compile(rf"[^\n\r]{{1,{PATTERN_CHARS}}}")
_PATTERN_SAYS: Final = f"a text or pattern with *, at most {PATTERN_CHARS} characters"
_TAG: Final = re.compile(rf"[^\s=]{{1,60}}=[^\n\r]{{1,{PATTERN_CHARS}}}")
_TAG_SAYS: Final = 'a tag such as "tier=gold" or "tier=*"'
_REASON: Final = re.compile(r"\S[^\n\r]{0,199}")
_OFTEN: Final = re.compile(r"([1-9][0-9]{0,8}) in ([0-9]+(?:ms|s|m|h|d))")
_OFTEN_SAYS: Final = "how many in which time, such as 50 in 5m, at most 24h"
MENTION: Final = re.compile(r"[SUW][A-Z0-9]{5,20}")
MENTION_SAYS: Final = "a Slack user group (S...) or user (U..., W...) by its id"
_LEVELS: Final = tuple(one.value for one in Level)
_PARTS: Final = tuple(When.__struct_fields__)


def teams_of(
    reader: Reader, node: Node | None, chats: Collection[str], pagers: Collection[str]
) -> dict[str, Team]:
    """Return the teams by name."""
    teams = {}
    for name, entry in reader.section(node, "teams", None).items():
        path = f"teams.{name}"
        key = reader.section(entry, path, ("to", "page", "fallback", "slack"))
        page = destinations(reader, key.get("page"), f"{path}.page", (*pagers, *chats))
        both = (*chats, *pagers)
        teams[name] = Team(
            to=destinations(reader, key.get("to"), f"{path}.to", chats),
            page=page,
            fallback=fallback_of(reader, key.get("fallback"), f"{path}.fallback", both, page),
            slack=reader.text(key.get("slack"), f"{path}.slack", "", MENTION, MENTION_SAYS),
        )
    return teams


def owners_of(reader: Reader, node: Node | None) -> tuple[Owner, ...]:
    """Return the lines of ownership, in order."""
    found = []
    for at, entry in enumerate(reader.entries(node, "owners", "owners") or ()):
        path = f"owners[{at}]"
        key = reader.section(entry, path, ("owner", "service", "path", "tag"))
        if "owner" not in key:
            reader.problem(entry, path, "expected an owner, found none")
        values = {
            "owner": reader.text(key.get("owner"), f"{path}.owner", "?", NAME, NAME_SAYS),
            "service": _pattern(reader, key.get("service"), f"{path}.service"),
            "path": _pattern(reader, key.get("path"), f"{path}.path"),
            "tag": reader.text(key.get("tag"), f"{path}.tag", "", _TAG, _TAG_SAYS),
        }
        if made := built(reader, entry, path, Owner, values):
            found.append(made)
    return tuple(found)


_RULE: Final = (
    *("name", "when", "urgency", "to", "page", "fallback", "drop", "every", "continue"),
    "template",  # read by `settings_templates`: it decides nothing
)


def rules_of(
    reader: Reader, node: Node | None, chats: Collection[str], pagers: Collection[str]
) -> tuple[Rule, ...]:
    """Return the rules, none where the file has none; what is wrong is noted in the reader.

    Args:
        reader: notes problems.
        node: the list, None when it is absent.
        chats: destinations that can be told.
        pagers: destinations that wake somebody; chats can be paged too.
    """
    entries = reader.entries(node, "rules", "rules")
    if node is None or entries is None:
        return ()
    before = reader.noted
    made = [_rule(reader, entry, f"rules[{at}]", chats, pagers) for at, entry in enumerate(entries)]
    rules = tuple(rule for rule in made if rule is not None)
    if reader.noted == before:  # else a rule asks for less than the file says
        _as_a_whole(reader, node, entries, rules)
    return rules


def _as_a_whole(reader: Reader, node: Node, entries: list[Node], rules: tuple[Rule, ...]) -> None:
    if gap := uncovered(rules):
        reader.problem(
            node, "rules", f"{gap}; expected a last rule without `when` that tells somebody"
        )
    seen: dict[str, int] = {}
    for at, rule in enumerate(rules):
        if (first := seen.setdefault(rule.name, at)) != at:
            reader.problem(entries[at], f"rules[{at}].name", f"is the name of rules[{first}] too")
    for at, above in unreachable(rules):
        reader.problem(
            entries[at],
            f"rules[{at}]",
            f"{rules[at].name} can never match: rules[{above}], {rules[above].name}, "
            "takes all that it asks for",
        )
    marks = {mark for rule in rules for mark in rule.when.tag}
    if len(marks) > MARKS_MOST:
        reader.problem(node, "rules", f"expected at most {MARKS_MOST} different tag conditions")


def _rule(
    reader: Reader, entry: Node, path: str, chats: Collection[str], pagers: Collection[str]
) -> Rule | None:
    before = reader.noted
    names = (
        "name",
        "when",
        "urgency",
        "to",
        "page",
        "fallback",
        "drop",
        "every",
        "continue",
        "template",
    )
    key = reader.section(entry, path, names)
    if "name" not in key:
        reader.problem(entry, path, "expected a name, found none")
    drop = reader.text(key.get("drop"), f"{path}.drop", "", _REASON, "why it is dropped")
    page = destinations(reader, key.get("page"), f"{path}.page", (*pagers, OWNER, SERVICE, *chats))
    both = (*chats, *pagers)
    usual = Urgency.DROP if drop else Urgency.PAGE if page else Urgency.ALERT
    urgency = word(reader, key.get("urgency"), f"{path}.urgency", usual.value, list(Urgency))
    values = {
        "name": reader.text(key.get("name"), f"{path}.name", path, NAME, NAME_SAYS),
        "when": when_of(reader, key.get("when"), f"{path}.when"),
        "urgency": Urgency(urgency),
        "to": destinations(reader, key.get("to"), f"{path}.to", (*chats, OWNER)),
        "page": page,
        "fallback": fallback_of(reader, key.get("fallback"), f"{path}.fallback", both, page),
        "reason": drop,
        "every_ms": reader.duration_ms(key.get("every"), f"{path}.every", 0, TICK_MS, CAP_MOST_MS),
        "goes_on": reader.boolean(key.get("continue"), f"{path}.continue", False),
    }
    if reader.noted > before:
        return None  # what it lacks now is not what the file lacks
    rule: Rule | None = built(reader, entry, path, Rule, values)
    if rule is not None and (wrong := deploys_wrong(rule)):
        reader.problem(entry, path, f"{rule.name}: {wrong}")
    return rule


def when_of(reader: Reader, node: Node | None, path: str) -> When:
    """Return the condition; an absent one always holds."""
    key = reader.section(node, path, _PARTS)
    values: dict[str, Any] = {}
    for name, entry in key.items():
        below = f"{path}.{name}"
        match name:
            case "level":
                values[name] = tuple(map(Level, words(reader, entry, below, _LEVELS)))
            case "min_level":
                values[name] = Level(word(reader, entry, below, "debug", _LEVELS))
            case "lifecycle":
                told = tuple(one.value for one in Lifecycle)
                values[name] = tuple(map(Lifecycle, words(reader, entry, below, told)))
            case "tag":
                values[name] = _texts(reader, entry, below, _TAG, _TAG_SAYS)
            case "events" | "users":
                values[name] = _often(reader, entry, below)
            case "first_seen" | "regression" | "escalating" | "metric_alert" | "storm":
                values[name] = reader.boolean(entry, below, True)
            case "storm_services":
                values[name] = reader.integer(entry, below, 2, 2, 1_000)
            case _:
                values[name] = _texts(reader, entry, below, _PATTERN, _PATTERN_SAYS)
    return When(**values)


def _often(reader: Reader, entry: Node, path: str) -> AtLeast | None:
    text = reader.text(entry, path, "", _OFTEN, _OFTEN_SAYS)
    found = _OFTEN.fullmatch(text)
    within_ms = duration_in(found[2]) if found else None
    if found is None or within_ms is None:
        return None
    if not TICK_MS <= within_ms <= LONGEST_MS:
        reader.problem(entry, path, f'expected {_OFTEN_SAYS}, found "{text}"')
        return None
    return AtLeast(int(found[1]), within_ms)


# Shared with what holds back


def built(
    reader: Reader, node: Node, path: str, kind: Callable[..., Any], values: dict[str, Any]
) -> Any:
    """Return what is built of the values, None and a problem where it refuses them."""
    try:
        return kind(**values)
    except ValueError as error:
        reader.problem(node, path, str(error).replace("_ms", ""))
        return None


def patterns_of(reader: Reader, node: Node, path: str) -> tuple[str, ...]:
    """Return the patterns of a list, or the one that stands in its place."""
    return _texts(reader, node, path, _PATTERN, _PATTERN_SAYS)


def _texts(
    reader: Reader, node: Node, path: str, pattern: re.Pattern[str], says: str
) -> tuple[str, ...]:
    """Return the texts of a list, or the one that stands in its place."""
    if not isinstance(node, SequenceNode):
        found = [reader.text(node, path, "", pattern, says)]
    else:
        entries = reader.entries(node, path, "texts") or []
        found = [
            reader.text(one, f"{path}[{at}]", "", pattern, says) for at, one in enumerate(entries)
        ]
    return tuple(one for one in found if one)


def _pattern(reader: Reader, node: Node | None, path: str) -> str:
    return reader.text(node, path, "", _PATTERN, _PATTERN_SAYS)

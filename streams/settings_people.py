"""The key `people` of `stormfold.yaml`: who is who in Slack, Sentry and PagerDuty, and how each is
told."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from yaml.nodes import Node, ScalarNode

from correlators.personal import BY_WORD, By, Deed
from streams.people import Person
from streams.yaml_reader import Reader

PEOPLE_MOST: Final = 2_000

_NAME: Final = re.compile(r"\w(?:[\w .'-]{0,78}\w)?")
_NAME_SAYS: Final = "a name of at most 80 letters, digits, blanks and any of . ' - _"
_MAIL: Final = r"[^\s@<>|,;:\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_ALLOWED: Final = {
    "slack": (re.compile(r"[UW][A-Z0-9]{2,20}"), "the id of a user in Slack (U..., W...)"),
    "sentry": (
        re.compile(rf"(?=.{{1,200}}\Z)(?:{_MAIL}|[A-Za-z0-9._+-]+)"),
        "a user name, a mail address or the number of a user in Sentry",
    ),
    "pagerduty": (re.compile(r"[A-Z0-9]{5,20}"), "the id of a user in PagerDuty, such as PXPGF42"),
    "email": (re.compile(rf"(?=.{{1,200}}\Z){_MAIL}"), "a mail address"),
}
"""What may stand under each key, and how that is said."""
_DEFAULT: Final = "default"
_BY: Final = (re.compile("|".join((*BY_WORD, _DEFAULT))), f"one of {', '.join(By)}")
_NEEDS: Final = {By.SLACK: ("slack",), By.EMAIL: ("email",), By.BOTH: ("slack", "email")}
"""What has to be known of somebody who is told by this."""


def people_of(reader: Reader, node: Node | None, teams: Collection[str]) -> dict[str, Person]:
    """Return the people by name; what is wrong is noted in the reader.

    A name is nobody else's, whatever its letters' case, and no team's; so is what a service calls
    somebody.

    Args:
        reader: notes problems.
        node: the section, None when it is absent.
        teams: every name of a team.
    """
    named = reader.section(node, "people", None)
    if node is not None and len(named) > PEOPLE_MOST:
        reader.problem(node, "people", f"expected at most {PEOPLE_MOST}, found {len(named)}")
    taken = {name.lower(): "a team" for name in teams}
    ids: dict[tuple[str, str], str] = {}
    found: dict[str, Person] = {}
    for name, entry in named.items():
        path = f"people.{name}"
        if not _NAME.fullmatch(name) or name.lower() == "me":
            reader.problem(entry, path, f"expected {_NAME_SAYS} as the key, and not me")
        if (who := taken.get(name.lower())) is not None:
            reader.problem(entry, path, f"expected a name of its own: {who} is called so")
        taken[name.lower()] = "somebody else"
        key = reader.section(entry, path, (*_ALLOWED, "tell"))
        values = {
            part: reader.text(key.get(part), f"{path}.{part}", "", *allowed)
            for part, allowed in _ALLOWED.items()
        }
        for part, value in values.items():
            other = ids.setdefault((part, value.lower()), name) if value else name
            if other != name:
                reader.problem(key[part], f"{path}.{part}", f"it is {other}'s already")
        told = _tell(reader, key.get("tell"), f"{path}.tell", values)
        found[name] = msgspec.structs.replace(msgspec.convert(values, Person), **told)
    return found


def _tell(
    reader: Reader, node: Node | None, path: str, values: Mapping[str, str]
) -> dict[str, By | None]:
    """Return by what somebody is told of each kind; None where that is not said.

    Args:
        reader: notes problems.
        node: one word for all, or one for each kind.
        path: its place in the file.
        values: what the services call them.
    """
    kinds = tuple(one.value for one in Deed)
    if isinstance(node, ScalarNode):
        word = _by(reader, node, path, values)
        return dict.fromkeys(kinds, word)
    nodes = reader.section(node, path, kinds)
    return {kind: _by(reader, nodes.get(kind), f"{path}.{kind}", values) for kind in kinds}


def _by(reader: Reader, node: Node | None, path: str, values: Mapping[str, str]) -> By | None:
    off = isinstance(node, ScalarNode) and node.value == "off"  # a no, by YAML's own reading
    word = "off" if off else reader.text(node, path, "", *_BY)
    if word in ("", _DEFAULT) or node is None:
        return None
    by = BY_WORD[word]
    missing = [part for part in _NEEDS.get(by, ()) if not values[part]]
    if missing:
        reader.problem(node, path, f"{by} needs {' and '.join(missing)} of the same person")
    return by

"""Who is paged instead: the keys `fallback` of `stormfold.yaml`, and that every page has one.

What a fallback is for is said in `sinks.page_watch`, which one counts in `correlators.rulings`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from yaml.nodes import MappingNode, Node

from correlators.fallbacks import Stands
from correlators.judging import Config
from streams.settings_words import word
from streams.yaml_reader import Reader

SAYS = (
    "nobody is paged when {paged} cannot be; expected a chat that the same route tells, or another "
    "destination named by `fallback`, such as `pages: {{fallback: slack:incidents}}`"
)


def fallback_of(
    reader: Reader,
    node: Node | None,
    path: str,
    known: Collection[str],
    paged: Collection[str] = (),
) -> str:
    """Return the destination that stands in, empty where none is named.

    Args:
        reader: notes problems.
        node: the value, None where it is absent.
        path: its place in the file.
        known: every destination that can be told or paged.
        paged: those that it stands in for; it must be another one.
    """
    found = word(reader, node, path, "", known)
    if node is not None and found and found in paged:
        reader.problem(node, path, f"expected another destination than those paged, found {found}")
        return ""
    return found


def check_fallbacks(reader: Reader, root: Mapping[str, Node], config: Config) -> None:
    """Note one problem for every rule, team, service or route that pages somebody whose place
    nobody takes.

    Args:
        reader: notes them, each at its line.
        root: the parts of the file by name.
        config: what was read of it.
    """
    said: set[str] = set()
    for one in config.stand_ins:
        if one.fallback:
            continue
        path, node = _place(reader, root, one, bool(config.rules))
        if path not in said:
            said.add(path)
            reader.problem(node, path, SAYS.format(paged=one.paged))


def _place(
    reader: Reader, root: Mapping[str, Node], one: Stands, by_rules: bool
) -> tuple[str, Node]:
    """Return where in the file it is said that this destination is paged."""
    for part, name in (("teams", one.team), ("services", one.service)):
        if name:
            entry = reader.section(root[part], part, None)[name]
            return f"{part}.{name}.page", _below(entry, "page")
    if by_rules:
        entries = reader.entries(root["rules"], "rules", "rules") or []
        return f"rules[{one.rule}].page", _below(entries[one.rule], "page")
    if "routes" in root and (named := _below(root["routes"], "page")) is not root["routes"]:
        return "routes.page", named
    sink = one.paged.partition(":")[0]
    return f"sinks.{sink}", _below(root["sinks"], sink)


def _below(node: Node, name: str) -> Node:
    """Return the value of this key, the section itself where it has none."""
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if key.value == name), node)
    return node
